// SPDX-License-Identifier: Apache-2.0
//
// `electctl run` in a terminal: what is typed is the program's, and in the
// background the shell's.

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "support/test.h"

#include "contender.h"
#include "support/child_process.h"
#include "support/daemon_process.h"
#include "support/scratch.h"
#include "support/stopwatch.h"

// The shell's part: $0 runs in the background.
#define SHELL_HEAD "set -m; "
#define RUN_HEAD                                                               \
    "\"$ELECTCTL_BIN\" run --create --kill-after 30s --start-delay 0 "
// Says what there is to read at its start, and again when it is told to.
#define READER                                                                 \
    "sh -c 'read x; echo \"first $? $x\" >> read; "                            \
    "until [ -e again ]; do sleep 0.01; done; "                                \
    "read x; echo \"then $? $x\" >> read'"

struct fixture {
    struct daemon daemon;
    struct scratch scratch;
    // What leads the terminal's session: a shell, or electctl itself.
    struct child_process shell;
    struct contender other;
    int terminal;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.terminal = -1};
    *state = &fixture;
    scratch_make(&fixture.scratch);
    daemon_spawn(&fixture.daemon,
                 &(struct child_start){.arguments = "--listen 127.0.0.1:0"});
    daemon_await_ready(&fixture.daemon);
    setenv("ELECTD_ENDPOINT", fixture.daemon.listen[0], 1);
    contender_set_endpoint(fixture.daemon.listen[0]);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    bool is_fine;

    unsetenv("ELECTD_ENDPOINT");
    if (fixture->terminal != -1) {
        // Whatever has it for its terminal is hung up.
        close(fixture->terminal);
    }
    child_dispose(&fixture->shell);
    contender_dispose(&fixture->other);
    is_fine = daemon_dispose(&fixture->daemon);
    scratch_remove(&fixture->scratch);
    return is_fine ? 0 : -1;
}

// In the child: its standard input becomes the terminal of a new session.
static bool take_terminal_cb(void *context)
{
    (void)context;
    return setsid() != -1 && ioctl(STDIN_FILENO, TIOCSCTTY, 0) == 0;
}

static void start_in_terminal(struct fixture *fixture, const char *path,
                              const char *const *words)
{
    int slave;

    assert_int_equal(openpty(&fixture->terminal, &slave, NULL, NULL, NULL), 0);
    child_dispose(&fixture->shell);
    child_spawn(&fixture->shell,
                &(struct child_start){.path = path,
                                      .words = words,
                                      .directory = fixture->scratch.path,
                                      .in_fd = slave,
                                      .out_fd = slave,
                                      .err_fd = slave,
                                      .prepare_cb = take_terminal_cb});
    close(slave);
}

static void start_shell(struct fixture *fixture, const char *script)
{
    const char *const words[] = {"bash", "-c", script, NULL};

    start_in_terminal(fixture, "/usr/bin/env", words);
}

static void type(const struct fixture *fixture, const char *text)
{
    assert_int_equal(write(fixture->terminal, text, strlen(text)),
                     strlen(text));
}

// The shell is no longer in front: `fg` has begun.
static void await_another_in_front(const struct fixture *fixture)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
    pid_t front = fixture->shell.pid;

    while (front == fixture->shell.pid) {
        assert_true(stopwatch_now_ms() < deadline_ms);
        usleep(2000);
        assert_int_equal(ioctl(fixture->terminal, TIOCGPGRP, &front), 0);
    }
}

static void tell_again(const struct fixture *fixture)
{
    char path[96];
    int fd;

    snprintf(path, sizeof path, "%s/again", fixture->scratch.path);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd != -1);
    close(fd);
}

static void expect_shell_exit(struct fixture *fixture, int code)
{
    assert_int_equal(child_await_exit(&fixture->shell, STOPWATCH_DEADLINE_MS),
                     code);
}

// What is typed reaches the program, and so does Ctrl-C, by the terminal.
static void test_in_a_terminal_the_program_is_in_front(void **state)
{
    static const char *const words[] = {
        "run",
        "--create",
        "--kill-after",
        "30s",
        "--start-delay",
        "0",
        "e",
        "--",
        "sh",
        "-c",
        "echo $$ >> pids; read x; echo got $x >> read; exec sleep 600",
        NULL,
    };
    struct fixture *fixture = *state;
    pid_t group;

    start_in_terminal(fixture, getenv("ELECTCTL_BIN"), words);
    group = (pid_t)scratch_await_number(&fixture->scratch, "pids", 1);
    type(fixture, "hello\n");
    scratch_await(&fixture->scratch, "read", "got hello");
    type(fixture, "\003");
    expect_shell_exit(fixture, 128 + SIGINT);
    group_await_gone(group);
}

static void test_in_the_background_it_reads_nothing(void **state)
{
    struct fixture *fixture = *state;

    start_shell(fixture, SHELL_HEAD RUN_HEAD
                "e -- " READER " & read y; echo \"$y\" >> shell; fg");
    // The shell's, even if the program reads first.
    scratch_await(&fixture->scratch, "read", "first 1 \n");
    type(fixture, "hello\n");
    scratch_await(&fixture->scratch, "shell", "hello\n");
    await_another_in_front(fixture);
    type(fixture, "more\n");
    tell_again(fixture);
    scratch_await(&fixture->scratch, "read", "then 1 \n");
    expect_shell_exit(fixture, 0);
}

// It was started in front, and stopped by Ctrl-Z while it waited.
static void test_moved_to_the_background_it_reads_nothing(void **state)
{
    static const char *const arguments[] = {
        "run",
        "--create",
        "--candidate",
        "a",
        "--start-delay",
        "0",
        "e",
        "--",
        "sh",
        "-c",
        "echo x >> leads; exec sleep 600",
        NULL,
    };
    struct fixture *fixture = *state;

    contender_spawn(&fixture->other, &fixture->scratch, "a", -1, arguments);
    scratch_await(&fixture->scratch, "leads", "x");
    start_shell(fixture, SHELL_HEAD RUN_HEAD
                "e -- " READER " 2> err; bg; echo bg >> shell; wait");
    scratch_await(&fixture->scratch, "err", "waiting");
    type(fixture, "\032");
    scratch_await(&fixture->scratch, "shell", "bg\n");
    child_signal(&fixture->other.process, SIGTERM);
    scratch_await(&fixture->scratch, "read", "first 1 \n");
    tell_again(fixture);
    scratch_await(&fixture->scratch, "read", "then 1 \n");
    expect_shell_exit(fixture, 0);
}

static void test_a_file_or_pipe_is_read_in_the_background_too(void **state)
{
    static const char *const inputs[] = {
        SHELL_HEAD "echo one > in; " RUN_HEAD "e -- " READER " < in & wait",
        SHELL_HEAD "echo one | " RUN_HEAD "e -- " READER " & wait",
    };
    struct fixture *fixture = *state;

    tell_again(fixture);
    for (unsigned i = 0; i < 2; i++) {
        start_shell(fixture, inputs[i]);
        expect_shell_exit(fixture, 0);
        assert_string_equal(scratch_read(&fixture->scratch, "read"),
                            i == 0 ? "first 0 one\nthen 1 \n"
                                   : "first 0 one\nthen 1 \n"
                                     "first 0 one\nthen 1 \n");
        close(fixture->terminal);
        fixture->terminal = -1;
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_in_a_terminal_the_program_is_in_front),
        TEST(test_in_the_background_it_reads_nothing),
        TEST(test_moved_to_the_background_it_reads_nothing),
        TEST(test_a_file_or_pipe_is_read_in_the_background_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
