// SPDX-License-Identifier: Apache-2.0
//
// `electctl run` in the background of a terminal: what is typed is the shell's.

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
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
    pid_t shell;
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
    if (fixture->shell > 0) {
        kill(fixture->shell, SIGKILL);
        waitpid(fixture->shell, NULL, 0);
    }
    is_fine = daemon_dispose(&fixture->daemon);
    scratch_remove(&fixture->scratch);
    return is_fine ? 0 : -1;
}

static void start_shell(struct fixture *fixture, const char *script)
{
    fixture->shell = forkpty(&fixture->terminal, NULL, NULL, NULL);
    if (fixture->shell == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (chdir(fixture->scratch.path) == 0) {
            execlp("bash", "bash", "-c", script, (char *)NULL);
        }
        _exit(99);
    }
    assert_true(fixture->shell > 0);
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
    pid_t front = fixture->shell;

    while (front == fixture->shell) {
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
    int status;

    assert_int_equal(waitpid(fixture->shell, &status, 0), fixture->shell);
    fixture->shell = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
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
        TEST(test_in_the_background_it_reads_nothing),
        TEST(test_a_file_or_pipe_is_read_in_the_background_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
