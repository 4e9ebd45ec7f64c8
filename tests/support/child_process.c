// SPDX-License-Identifier: Apache-2.0
//
// Happy path: two pipes, fork, exec; poll the pipes and waitpid() in turn until
// what is waited for has happened.
//
// Failure modes: the test process has threads, so the child calls nothing but
// async-signal-safe functions between fork and exec, and all it needs is
// prepared before. A child that hangs is killed at the deadline.

#include "support/child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
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

#define CHILD_ENVIRONMENT_MAX 256
// How long a waitpid() that found nothing is left alone.
#define CHILD_TICK_MS 2
#define CHILD_OUTPUT_ROOM 4096
// What is printed beyond is a fault by itself.
#define CHILD_OUTPUT_MAX (16 * 1024 * 1024)
// What a pipe may hold without privileges.
#define CHILD_PIPE_SIZE (1024 * 1024)

// How the child exits that does not become the program.
enum {
    CHILD_NO_DIRECTORY = 99,
    CHILD_NOT_PREPARED = 126,
    CHILD_NOT_RUN = 127,
};

// All that the child needs.
struct child_image {
    const struct child_start *start;
    const char *words[CHILD_WORDS_MAX + 1];
    const char *environment[CHILD_ENVIRONMENT_MAX + 1];
    // What the pointers above point into.
    char *arguments_text;
    char *environment_text;
    // Each to be closed; -1 is none.
    int fds[3];
};

// The text of an output that is not read here.
static char child_nothing[1];

static void child_put(const char **list, size_t max, const char *item)
{
    size_t count = 0;

    while (list[count] != NULL) {
        count++;
    }
    assert_true(count < max);
    list[count] = item;
}

// Appends the words of a text; returns the memory that they are in.
static char *child_put_words(const char **list, size_t max, const char *text)
{
    char *copy = strdup(text != NULL ? text : "");
    char *rest;
    char *word;

    assert_non_null(copy);
    for (word = strtok_r(copy, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        child_put(list, max, word);
    }
    return copy;
}

static bool child_is_left_out(const char *variable, const char *without)
{
    return without != NULL && strncmp(variable, without, strlen(without)) == 0;
}

static void child_image_init(struct child_image *image, const char *name,
                             const struct child_start *start)
{
    memset(image, 0, sizeof *image);
    image->start = start;
    child_put(image->words, CHILD_WORDS_MAX, name);
    for (size_t i = 0; start->words != NULL && start->words[i] != NULL; i++) {
        child_put(image->words, CHILD_WORDS_MAX, start->words[i]);
    }
    image->arguments_text =
        child_put_words(image->words, CHILD_WORDS_MAX, start->arguments);
    for (char **variable = environ; *variable != NULL; variable++) {
        if (!child_is_left_out(*variable, start->without)) {
            child_put(image->environment, CHILD_ENVIRONMENT_MAX, *variable);
        }
    }
    image->environment_text = child_put_words(
        image->environment, CHILD_ENVIRONMENT_MAX, start->environment);
}

static void child_image_close(struct child_image *image)
{
    for (size_t i = 0; i < 3; i++) {
        if (image->fds[i] != -1) {
            close(image->fds[i]);
        }
    }
    free(image->arguments_text);
    free(image->environment_text);
}

// In the child.
static void child_set_limit(int resource, unsigned max)
{
    struct rlimit limit = {max, max};

    if (max > 0) {
        setrlimit((__rlimit_resource_t)resource, &limit);
    }
}

// In the child: signals are as a shell in front leaves them, whatever this
// process was started with, and what its libraries did.
static void child_set_signals(bool are_blocked)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE};
    sigset_t mask;

    sigemptyset(&mask);
    if (are_blocked) {
        sigfillset(&mask);
    }
    sigprocmask(SIG_SETMASK, &mask, NULL);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        signal(numbers[i], SIG_DFL);
    }
}

__attribute__((noreturn)) static void
child_become(const struct child_image *image)
{
    const struct child_start *start = image->start;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    child_set_signals(start->has_blocked_signals);
    for (int fd = 0; fd < 3; fd++) {
        if (image->fds[fd] == -1) {
            close(fd);
        } else {
            dup2(image->fds[fd], fd);
        }
    }
    if (start->directory != NULL && chdir(start->directory) != 0) {
        _exit(CHILD_NO_DIRECTORY);
    }
    child_set_limit(RLIMIT_NOFILE, start->descriptors_max);
    child_set_limit(RLIMIT_FSIZE, start->file_size_max);
    if (start->prepare_cb != NULL && !start->prepare_cb(start->context)) {
        _exit(CHILD_NOT_PREPARED);
    }
    // What this process was itself left with.
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    execve(start->path, (char *const *)(uintptr_t)image->words,
           (char *const *)(uintptr_t)image->environment);
    _exit(CHILD_NOT_RUN);
}

static void child_output_end(struct child_output *output)
{
    if (output->fd > 0) {
        close(output->fd);
        output->fd = 0;
    }
}

static void child_output_dispose(struct child_output *output)
{
    child_output_end(output);
    if (output->text != child_nothing) {
        free(output->text);
    }
}

// Makes the pipe of an output; returns the end that is written to.
static int child_output_open(struct child_output *output)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(ends[0] > 0);
    // Best effort: tests that print much ask for less.
    (void)fcntl(ends[0], F_SETPIPE_SZ, CHILD_PIPE_SIZE);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    *output = (struct child_output){.fd = ends[0], .room = CHILD_OUTPUT_ROOM};
    output->text = calloc(1, output->room);
    assert_non_null(output->text);
    return ends[1];
}

// Returns the child's end, or -1 if there is none.
static int child_output_init(struct child_output *output,
                             enum child_output_kind kind, int instead_fd)
{
    int fd = -1;

    *output = (struct child_output){.text = child_nothing};
    switch (kind) {
    case CHILD_OUTPUT_READ:
        fd = instead_fd == 0 ? child_output_open(output)
                             : fcntl(instead_fd, F_DUPFD_CLOEXEC, 3);
        assert_true(fd != -1);
        break;
    case CHILD_OUTPUT_BROKEN:
        fd = child_output_open(output);
        child_output_end(output);
        break;
    case CHILD_OUTPUT_CLOSED:
        break;
    }
    return fd;
}

void child_spawn(struct child_process *child, const struct child_start *start)
{
    struct child_image image;
    const char *slash = strrchr(start->path, '/');

    *child = (struct child_process){.pid = 0};
    snprintf(child->name, sizeof child->name, "%s",
             slash != NULL ? slash + 1 : start->path);
    child_image_init(&image, child->name, start);
    image.fds[0] = start->in_fd == 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC)
                                     : fcntl(start->in_fd, F_DUPFD_CLOEXEC, 3);
    assert_true(image.fds[0] != -1);
    image.fds[1] =
        child_output_init(&child->out, start->out_kind, start->out_fd);
    image.fds[2] =
        child_output_init(&child->err, start->err_kind, start->err_fd);
    child->pid = fork();
    if (child->pid == 0) {
        child_become(&image);
    }
    assert_true(child->pid > 0);
    child_image_close(&image);
}

static void child_output_read(struct child_output *output)
{
    ssize_t size = 1;

    while (output->fd > 0) {
        if (output->room - output->size < CHILD_OUTPUT_ROOM) {
            output->room *= 2;
            assert_true(output->room <= CHILD_OUTPUT_MAX);
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
        child_output_end(output);
    }
}

void child_read(struct child_process *child)
{
    child_output_read(&child->out);
    child_output_read(&child->err);
}

void child_tick(struct child_process *child)
{
    struct pollfd outputs[] = {
        {.fd = child->out.fd > 0 ? child->out.fd : -1, .events = POLLIN},
        {.fd = child->err.fd > 0 ? child->err.fd : -1, .events = POLLIN},
    };

    poll(outputs, 2, CHILD_TICK_MS);
    child_read(child);
}

bool child_is_alive(struct child_process *child)
{
    if (child->pid > 0 &&
        waitpid(child->pid, &child->wait_status, WNOHANG) == child->pid) {
        child->pid = 0;
    }
    return child->pid > 0;
}

bool child_says(struct child_process *child, const struct child_output *output,
                const char *text)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
    bool is_last = false;

    child_read(child);
    while (strstr(output->text, text) == NULL) {
        if (is_last || stopwatch_now_ms() > deadline_ms) {
            return false;
        }
        // What it wrote before its end is still to be read.
        is_last = !child_is_alive(child);
        child_tick(child);
    }
    return true;
}

static void child_fail(struct child_process *child, const char *what)
{
    bool was_alive = child_is_alive(child);

    child_kill(child);
    fail_msg("%s %s without '%s'; it printed:\n%s\n%s", child->name,
             was_alive ? "goes on" : "has ended", what, child->out.text,
             child->err.text);
}

void child_await(struct child_process *child, const struct child_output *output,
                 const char *text)
{
    if (!child_says(child, output, text)) {
        child_fail(child, text);
    }
}

void child_signal(const struct child_process *child, int number)
{
    assert_true(child->pid > 0);
    assert_int_equal(kill(child->pid, number), 0);
}

bool child_has_ended(struct child_process *child, unsigned deadline_ms)
{
    long long deadline = stopwatch_now_ms() + (long long)deadline_ms;

    while (child_is_alive(child)) {
        if (stopwatch_now_ms() > deadline) {
            return false;
        }
        child_tick(child);
    }
    child_read(child);
    return true;
}

int child_await_exit(struct child_process *child, unsigned deadline_ms)
{
    if (!child_has_ended(child, deadline_ms)) {
        child_fail(child, "an end");
    }
    return child_exit_status(child);
}

int child_exit_status(const struct child_process *child)
{
    if (WIFSIGNALED(child->wait_status)) {
        return 256 + WTERMSIG(child->wait_status);
    }
    return WEXITSTATUS(child->wait_status);
}

void child_kill(struct child_process *child)
{
    if (child->pid > 0) {
        kill(child->pid, SIGKILL);
        waitpid(child->pid, &child->wait_status, 0);
        child->pid = 0;
        child_read(child);
    }
}

void child_dispose(struct child_process *child)
{
    child_kill(child);
    child_output_dispose(&child->out);
    child_output_dispose(&child->err);
    *child = (struct child_process){.pid = 0};
}
