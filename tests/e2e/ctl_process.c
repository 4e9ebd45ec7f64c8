// SPDX-License-Identifier: Apache-2.0

#include "ctl_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

#include "support/daemon_process.h"
#include "support/stopwatch.h"

#define CTL_ENVIRONMENT_MAX 256
// How long a waitpid() that found nothing is left alone.
#define CTL_TICK_MS 2

// All that the child needs: it calls async-signal-safe functions only.
struct ctl_child {
    const char *path;
    char *words[CTL_WORDS_MAX + 2];
    char *environment[CTL_ENVIRONMENT_MAX + 2];
    char words_text[512];
    char endpoint_text[256];
    int null_fd;
    int out_fd;
    int err_fd;
    bool has_blocked_signals;
};

static void ctl_child_init(struct ctl_child *child,
                           const struct ctl_start *start)
{
    static char name[] = "electctl";
    size_t count = 0;
    char *rest;

    *child = (struct ctl_child){.path = getenv("ELECTCTL_BIN")};
    if (child->path == NULL) {
        fail_msg("ELECTCTL_BIN is not set: it names the electctl to test");
    }
    for (char **variable = environ; *variable != NULL; variable++) {
        if (strncmp(*variable, "ELECTD_", 7) != 0) {
            assert_true(count < CTL_ENVIRONMENT_MAX);
            child->environment[count++] = *variable;
        }
    }
    if (start->endpoint != NULL) {
        snprintf(child->endpoint_text, sizeof child->endpoint_text,
                 "ELECTD_ENDPOINT=%s", start->endpoint);
        child->environment[count] = child->endpoint_text;
    }
    count = 0;
    child->words[count++] = name;
    snprintf(child->words_text, sizeof child->words_text, "%s", start->words);
    for (char *word = strtok_r(child->words_text, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        assert_true(count <= CTL_WORDS_MAX);
        child->words[count++] = word;
    }
}

// In the child.
__attribute__((noreturn)) static void
ctl_child_run(const struct ctl_child *child)
{
    sigset_t mask;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&mask);
    if (child->has_blocked_signals) {
        sigfillset(&mask);
    }
    sigprocmask(SIG_SETMASK, &mask, NULL);
    signal(SIGPIPE, SIG_DFL);
    // A shell that runs the test in the background has them ignored.
    signal(SIGHUP, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
    dup2(child->null_fd, STDIN_FILENO);
    dup2(child->out_fd, STDOUT_FILENO);
    dup2(child->err_fd, STDERR_FILENO);
    execve(child->path, child->words, child->environment);
    _exit(127);
}

// Makes the pipe of an output; returns the end that is written to.
static int ctl_output_init(struct ctl_output *output)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    output->fd = ends[0];
    output->size = 0;
    output->text[0] = '\0';
    return ends[1];
}

static void ctl_output_end(struct ctl_output *output)
{
    if (output->fd != -1) {
        close(output->fd);
        output->fd = -1;
    }
}

// Reads what there is.
static void ctl_output_read(struct ctl_output *output)
{
    ssize_t size = 1;

    while (output->fd != -1 && size > 0) {
        assert_true(output->size + 1 < sizeof output->text);
        size = read(output->fd, output->text + output->size,
                    sizeof output->text - output->size - 1);
        if (size > 0) {
            output->size += (size_t)size;
            output->text[output->size] = '\0';
        } else if (size == 0) {
            ctl_output_end(output);
        } else {
            assert_int_equal(errno, EAGAIN);
        }
    }
}

void ctl_spawn(struct ctl *ctl, const struct ctl_start *start)
{
    struct ctl_child child;

    ctl_child_init(&child, start);
    child.null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(child.null_fd != -1);
    child.out_fd = ctl_output_init(&ctl->out);
    child.err_fd = ctl_output_init(&ctl->err);
    if (start->is_out_broken) {
        ctl_output_end(&ctl->out);
    } else if (start->out_fd != 0) {
        ctl_output_end(&ctl->out);
        close(child.out_fd);
        child.out_fd = fcntl(start->out_fd, F_DUPFD_CLOEXEC, 0);
        assert_true(child.out_fd != -1);
    }
    child.has_blocked_signals = start->has_blocked_signals;
    ctl->pid = fork();
    if (ctl->pid == 0) {
        ctl_child_run(&child);
    }
    assert_true(ctl->pid > 0);
    close(child.null_fd);
    close(child.out_fd);
    close(child.err_fd);
}

static bool ctl_is_alive(struct ctl *ctl)
{
    if (ctl->pid > 0 &&
        waitpid(ctl->pid, &ctl->wait_status, WNOHANG) == ctl->pid) {
        ctl->pid = 0;
    }
    return ctl->pid > 0;
}

// Waits a tick, or less if there is output.
static void ctl_tick(struct ctl *ctl)
{
    struct pollfd outputs[] = {
        {.fd = ctl->out.fd, .events = POLLIN},
        {.fd = ctl->err.fd, .events = POLLIN},
    };

    poll(outputs, 2, CTL_TICK_MS);
    ctl_output_read(&ctl->out);
    ctl_output_read(&ctl->err);
}

__attribute__((noreturn)) static void ctl_fail(const struct ctl *ctl,
                                               const char *what)
{
    if (ctl->pid > 0) {
        kill(ctl->pid, SIGKILL);
        waitpid(ctl->pid, NULL, 0);
    }
    fail_msg("electctl: no '%s'; it printed:\n%s\n%s", what, ctl->out.text,
             ctl->err.text);
    abort();
}

void ctl_await(struct ctl *ctl, const struct ctl_output *output,
               const char *text)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
    bool is_last = false;

    while (strstr(output->text, text) == NULL) {
        if (is_last || stopwatch_now_ms() > deadline_ms) {
            ctl_fail(ctl, text);
        }
        // What it wrote before its end is still to be read.
        is_last = !ctl_is_alive(ctl);
        ctl_tick(ctl);
    }
}

void ctl_signal(const struct ctl *ctl, int number)
{
    assert_true(ctl->pid > 0);
    assert_int_equal(kill(ctl->pid, number), 0);
}

int ctl_await_exit(struct ctl *ctl)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;

    while (ctl_is_alive(ctl)) {
        if (stopwatch_now_ms() > deadline_ms) {
            ctl_fail(ctl, "end");
        }
        ctl_tick(ctl);
    }
    ctl_output_read(&ctl->out);
    ctl_output_read(&ctl->err);
    ctl_output_end(&ctl->out);
    ctl_output_end(&ctl->err);
    if (WIFSIGNALED(ctl->wait_status)) {
        return 256 + WTERMSIG(ctl->wait_status);
    }
    return WEXITSTATUS(ctl->wait_status);
}

int ctl_run(struct ctl *ctl, const char *endpoint, const char *words)
{
    ctl_spawn(ctl, &(struct ctl_start){.endpoint = endpoint, .words = words});
    return ctl_await_exit(ctl);
}
