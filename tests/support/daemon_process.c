// SPDX-License-Identifier: Apache-2.0
//
// Happy path: two pipes, fork, exec; poll the pipes and waitpid() in turn until
// what is waited for has happened.
//
// Failure modes: the test process has threads, so the child calls nothing but
// async-signal-safe functions between fork and exec, and all it needs is
// prepared before. A child that hangs is killed at the deadline.

#include "support/daemon_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

#include "support/stopwatch.h"

#define DAEMON_ENVIRONMENT_MAX 256
// How long a waitpid() that found nothing is left alone.
#define DAEMON_TICK_MS 2
// A log that grows beyond is a fault by itself.
#define DAEMON_OUTPUT_MAX (16 * 1024 * 1024)
// What a pipe may hold without privileges.
#define DAEMON_PIPE_SIZE (1024 * 1024)

// All that the child needs.
struct daemon_child {
    const char *path;
    char *arguments[DAEMON_ARGUMENTS_MAX + 2];
    char *environment[DAEMON_ENVIRONMENT_MAX + 1];
    // What the pointers above point into.
    char *arguments_text;
    char *environment_text;
    int null_fd;
    int out_fd;
    int log_fd;
    const struct daemon_start *start;
};

static void daemon_put(char **list, size_t size, char *item)
{
    size_t count = 0;

    while (list[count] != NULL) {
        count++;
    }
    assert_true(count + 1 < size);
    list[count] = item;
}

// Appends the words of a text; returns the memory that they are in.
static char *daemon_put_words(char **list, size_t size, const char *text)
{
    char *copy = strdup(text != NULL ? text : "");
    char *rest;
    char *word;

    assert_non_null(copy);
    for (word = strtok_r(copy, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        daemon_put(list, size, word);
    }
    return copy;
}

static void daemon_child_init(struct daemon_child *child,
                              const struct daemon_start *start)
{
    static char name[] = "electd";

    *child = (struct daemon_child){.path = getenv("ELECTD_BIN")};
    if (child->path == NULL) {
        fail_msg("ELECTD_BIN is not set: it names the daemon to test");
    }
    daemon_put(child->arguments, DAEMON_ARGUMENTS_MAX + 2, name);
    child->arguments_text = daemon_put_words(
        child->arguments, DAEMON_ARGUMENTS_MAX + 2, start->arguments);
    for (char **variable = environ; *variable != NULL; variable++) {
        if (strncmp(*variable, "ELECTD_", 7) != 0) {
            daemon_put(child->environment, DAEMON_ENVIRONMENT_MAX + 1,
                       *variable);
        }
    }
    child->environment_text = daemon_put_words(
        child->environment, DAEMON_ENVIRONMENT_MAX + 1, start->environment);
    child->start = start;
}

// In the child.
static void daemon_child_set_limit(int resource, unsigned max)
{
    struct rlimit limit = {max, max};

    if (max > 0) {
        setrlimit((__rlimit_resource_t)resource, &limit);
    }
}

static void daemon_child_set_mask(bool has_blocked_signals)
{
    sigset_t mask;

    sigemptyset(&mask);
    if (has_blocked_signals) {
        sigfillset(&mask);
    }
    sigprocmask(SIG_SETMASK, &mask, NULL);
}

__attribute__((noreturn)) static void
daemon_child_run(const struct daemon_child *child)
{
    const struct daemon_start *start = child->start;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    daemon_child_set_mask(start->has_blocked_signals);
    signal(SIGPIPE, SIG_DFL);
    dup2(child->null_fd, STDIN_FILENO);
    dup2(child->out_fd, STDOUT_FILENO);
    if (child->log_fd == -1) {
        close(STDERR_FILENO);
    } else {
        dup2(child->log_fd, STDERR_FILENO);
    }
    daemon_child_set_limit(RLIMIT_NOFILE, start->descriptors_max);
    daemon_child_set_limit(RLIMIT_FSIZE, start->file_size_max);
    if (start->prepare_cb != NULL && !start->prepare_cb(start->context)) {
        _exit(126);
    }
    execve(child->path, child->arguments, child->environment);
    _exit(127);
}

// Makes the pipe of an output; returns the end that is written to.
static int daemon_output_init(struct daemon_output *output)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    // Best effort: tests that log much ask for less.
    (void)fcntl(ends[0], F_SETPIPE_SZ, DAEMON_PIPE_SIZE);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    *output = (struct daemon_output){.fd = ends[0], .room = 4096};
    output->text = calloc(1, output->room);
    assert_non_null(output->text);
    return ends[1];
}

static void daemon_output_end(struct daemon_output *output)
{
    if (output->fd != -1) {
        close(output->fd);
        output->fd = -1;
    }
}

void daemon_spawn(struct daemon *daemon, const struct daemon_start *start)
{
    struct daemon_child child;

    *daemon = (struct daemon){.pid = 0};
    daemon_child_init(&child, start);
    child.null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(child.null_fd != -1);
    child.out_fd = daemon_output_init(&daemon->out);
    child.log_fd = daemon_output_init(&daemon->log);
    if (start->stderr_kind == DAEMON_STDERR_CLOSED) {
        close(child.log_fd);
        child.log_fd = -1;
    } else if (start->stderr_kind == DAEMON_STDERR_BROKEN) {
        daemon_output_end(&daemon->log);
    } else if (start->stderr_fd != 0) {
        daemon_output_end(&daemon->log);
        close(child.log_fd);
        child.log_fd = fcntl(start->stderr_fd, F_DUPFD_CLOEXEC, 0);
        assert_true(child.log_fd != -1);
    }
    daemon->pid = fork();
    if (daemon->pid == 0) {
        daemon_child_run(&child);
    }
    assert_true(daemon->pid > 0);
    close(child.null_fd);
    close(child.out_fd);
    if (child.log_fd != -1) {
        close(child.log_fd);
    }
    free(child.arguments_text);
    free(child.environment_text);
}

// Reads what there is.
static void daemon_output_read(struct daemon_output *output)
{
    ssize_t size = 1;

    while (output->fd != -1) {
        if (output->room - output->size < 4096) {
            output->room *= 2;
            assert_true(output->room <= DAEMON_OUTPUT_MAX);
            output->text = realloc(output->text, output->room);
            assert_non_null(output->text);
        }
        size = read(output->fd, output->text + output->size,
                    output->room - output->size - 1);
        if (size > 0) {
            output->size += (size_t)size;
            output->text[output->size] = '\0';
        } else if (size == 0 || errno != EINTR) {
            break;
        }
    }
    if (size == 0) {
        daemon_output_end(output);
    }
}

// Waits a tick, or less if there is output.
static void daemon_tick(struct daemon *daemon)
{
    struct pollfd outputs[] = {
        {.fd = daemon->out.fd, .events = POLLIN},
        {.fd = daemon->log.fd, .events = POLLIN},
    };

    poll(outputs, 2, DAEMON_TICK_MS);
    daemon_output_read(&daemon->out);
    daemon_output_read(&daemon->log);
}

bool daemon_is_alive(struct daemon *daemon)
{
    if (daemon->pid > 0 &&
        waitpid(daemon->pid, &daemon->wait_status, WNOHANG) == daemon->pid) {
        daemon->pid = 0;
    }
    return daemon->pid > 0;
}

bool daemon_log_has(struct daemon *daemon, const char *text)
{
    daemon_output_read(&daemon->log);
    return strstr(daemon->log.text, text) != NULL;
}

unsigned daemon_log_count(const struct daemon *daemon, const char *text)
{
    const char *at = daemon->log.text;
    unsigned count = 0;

    while ((at = strstr(at, text)) != NULL) {
        at += strlen(text);
        count++;
    }
    return count;
}

void daemon_await_log(struct daemon *daemon, const char *text)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;

    while (!daemon_log_has(daemon, text)) {
        if (!daemon_is_alive(daemon)) {
            daemon_tick(daemon);
            if (!daemon_log_has(daemon, text)) {
                fail_msg("electd ended (wait status %d) without '%s'; its "
                         "log:\n%s",
                         daemon->wait_status, text, daemon->log.text);
            }
            return;
        }
        if (stopwatch_now_ms() > deadline_ms) {
            fail_msg("no '%s' in the log:\n%s", text, daemon->log.text);
        }
        daemon_tick(daemon);
    }
}

static void daemon_take_listen(struct daemon *daemon, const char *line,
                               const char *end)
{
    static const char key[] = " listen=";
    const char *value = strstr(line, key);
    size_t size;

    while (value != NULL && value < end) {
        value += sizeof key - 1;
        value += *value == '"' ? 1 : 0;
        size = strcspn(value, " \"\n");
        assert_true(daemon->listen_count < DAEMON_LISTEN_MAX);
        assert_true(size < sizeof daemon->listen[0]);
        memcpy(daemon->listen[daemon->listen_count], value, size);
        daemon->listen[daemon->listen_count][size] = '\0';
        daemon->listen_count++;
        value = strstr(value, key);
    }
}

void daemon_await_ready(struct daemon *daemon)
{
    const char *ready;
    const char *end;

    daemon_await_log(daemon, " event=ready ");
    ready = strstr(daemon->log.text, " event=ready ");
    while ((end = strchr(ready, '\n')) == NULL) {
        // The rest of the line is under way.
        daemon_await_log(daemon, "\n");
        ready = strstr(daemon->log.text, " event=ready ");
    }
    daemon->listen_count = 0;
    daemon_take_listen(daemon, ready, end);
    assert_true(daemon->listen_count > 0);
}

void daemon_signal(struct daemon *daemon, int number)
{
    assert_true(daemon->pid > 0);
    assert_int_equal(kill(daemon->pid, number), 0);
}

// Waits for the end of the process and of its output; false at the deadline.
static bool daemon_reap(struct daemon *daemon, unsigned deadline_ms)
{
    long long deadline = stopwatch_now_ms() + (long long)deadline_ms;

    while (daemon_is_alive(daemon)) {
        if (stopwatch_now_ms() > deadline) {
            return false;
        }
        daemon_tick(daemon);
    }
    daemon_output_read(&daemon->out);
    daemon_output_read(&daemon->log);
    return true;
}

static int daemon_exit_status(const struct daemon *daemon)
{
    if (WIFSIGNALED(daemon->wait_status)) {
        return 256 + WTERMSIG(daemon->wait_status);
    }
    return WEXITSTATUS(daemon->wait_status);
}

static void daemon_kill(struct daemon *daemon)
{
    kill(daemon->pid, SIGKILL);
    waitpid(daemon->pid, &daemon->wait_status, 0);
    daemon->pid = 0;
    daemon_output_read(&daemon->log);
}

int daemon_await_exit(struct daemon *daemon, unsigned deadline_ms)
{
    if (!daemon_reap(daemon, deadline_ms)) {
        daemon_kill(daemon);
        fail_msg("electd did not end within %u ms; its log:\n%s", deadline_ms,
                 daemon->log.text);
    }
    daemon->is_told = true;
    return daemon_exit_status(daemon);
}

bool daemon_dispose(struct daemon *daemon)
{
    bool is_fine = true;
    bool was_alive;

    if (daemon->log.text == NULL) {
        return true;
    }
    was_alive = daemon_is_alive(daemon);
    if (was_alive) {
        kill(daemon->pid, SIGTERM);
        if (!daemon_reap(daemon, STOPWATCH_DEADLINE_MS)) {
            daemon_kill(daemon);
        }
    }
    daemon_output_read(&daemon->log);
    if (!daemon->is_told) {
        is_fine = was_alive && daemon_exit_status(daemon) == 0;
    }
    if (!is_fine) {
        print_error("electd ended %s with %d; its log:\n%s\n",
                    was_alive ? "at SIGTERM" : "by itself",
                    daemon_exit_status(daemon), daemon->log.text);
    }
    daemon_output_end(&daemon->out);
    daemon_output_end(&daemon->log);
    free(daemon->out.text);
    free(daemon->log.text);
    *daemon = (struct daemon){.pid = 0};
    return is_fine;
}

size_t daemon_rss_kib(const struct daemon *daemon)
{
    char path[64];
    char line[256];
    size_t rss_kib = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/status", (int)daemon->pid);
    file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            rss_kib = (size_t)strtoul(line + 6, NULL, 10);
        }
    }
    (void)fclose(file);
    assert_true(rss_kib > 0);
    return rss_kib;
}

unsigned daemon_descriptors(const struct daemon *daemon)
{
    char path[64];
    unsigned count = 0;
    DIR *directory;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)daemon->pid);
    directory = opendir(path);
    while (directory != NULL && readdir(directory) != NULL) {
        count++;
    }
    if (directory != NULL) {
        closedir(directory);
    }
    // Without "." and "..".
    return count > 2 ? count - 2 : 0;
}
