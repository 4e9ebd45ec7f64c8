// SPDX-License-Identifier: Apache-2.0
//
// The warden's own side, as a process, with the test in electctl's place: what
// it says, and what becomes of the group. Times are given to it, so that a
// machine that was suspended is a word with an old time.

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

#include "ctl/boot_clock.h"
#include "ctl/run/times.h"
#include "ctl/run/warden_process.h"
#include "ctl/run/warden_wire.h"

#define DEADLINE_MS 30000
// Long enough to never pass here.
#define LONG_MS 600000

struct fixture {
    int socket_fd;
    pid_t pid;
    pid_t pgid;
};

static void begin(struct fixture *fixture, const char *script,
                  uint64_t kill_after_ms)
{
    const char *arguments[] = {"sh", "-c", script, NULL};
    const struct warden_options options = {
        .command = {.arguments = (char **)(uintptr_t)arguments,
                    .election = "e",
                    .candidate = "n1"},
        .kill_after_ms = kill_after_ms,
    };
    int ends[2];

    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    *fixture = (struct fixture){.socket_fd = ends[0]};
    fixture->pid = fork();
    if (fixture->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        _exit(warden_process_run(&options, ends[1]));
    }
    assert_true(fixture->pid > 0);
    close(ends[1]);
}

static void say(const struct fixture *fixture, enum warden_word word,
                int number, uint64_t time_ms)
{
    struct warden_message message = {
        .word = word, .number = number, .term = 7, .time_ms = time_ms};

    assert_true(warden_message_send(fixture->socket_fd, &message));
}

// The command may run for that long.
static void say_start(const struct fixture *fixture, uint64_t allowed_ms)
{
    say(fixture, WARDEN_START, 0, boot_clock_ms() + allowed_ms);
}

static struct warden_message hear(const struct fixture *fixture)
{
    struct pollfd in = {.fd = fixture->socket_fd, .events = POLLIN};
    struct warden_message message;

    assert_int_equal(poll(&in, 1, DEADLINE_MS), 1);
    assert_int_equal(warden_message_receive(fixture->socket_fd, &message),
                     WARDEN_NEWS_MESSAGE);
    return message;
}

// The answer to a beat may come before or after.
static int expect_but_alive(const struct fixture *fixture,
                            enum warden_word word)
{
    struct warden_message message = hear(fixture);

    if (message.word == WARDEN_ALIVE) {
        message = hear(fixture);
    }
    assert_int_equal(message.word, word);
    return message.number;
}

static int expect(struct fixture *fixture, enum warden_word word)
{
    struct warden_message message = hear(fixture);

    assert_int_equal(message.word, word);
    if (word == WARDEN_STARTED) {
        fixture->pgid = (pid_t)message.number;
    }
    return message.number;
}

static void expect_end(struct fixture *fixture, int exit_code)
{
    assert_int_equal(expect(fixture, WARDEN_ENDED), exit_code);
    expect(fixture, WARDEN_SWEPT);
    expect(fixture, WARDEN_GONE);
    assert_int_equal(kill(-fixture->pgid, 0), -1);
    assert_int_equal(errno, ESRCH);
}

// It ends when nobody holds the other end, and not before the group.
static void finish(struct fixture *fixture)
{
    int status;

    close(fixture->socket_fd);
    assert_int_equal(waitpid(fixture->pid, &status, 0), fixture->pid);
    assert_int_equal(status, 0);
    if (fixture->pgid > 0) {
        assert_int_equal(kill(-fixture->pgid, 0), -1);
        assert_int_equal(errno, ESRCH);
    }
}

static void test_it_tells_each_step_of_a_command(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, "exit $ELECTD_TERM", LONG_MS);
    say_start(&fixture, 2 * LONG_MS);
    expect(&fixture, WARDEN_STARTED);
    expect_end(&fixture, 7);
    finish(&fixture);
}

static void test_it_starts_one_command_after_another(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, "kill -KILL $$", LONG_MS);
    for (int i = 0; i < 3; i++) {
        say_start(&fixture, 2 * LONG_MS);
        expect(&fixture, WARDEN_STARTED);
        expect_end(&fixture, 128 + SIGKILL);
    }
    finish(&fixture);
}

static void test_without_a_command_it_just_ends(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, "exit 0", LONG_MS);
    say(&fixture, WARDEN_BEAT, 0, boot_clock_ms());
    expect(&fixture, WARDEN_ALIVE);
    finish(&fixture);
}

// Its end is its tracer's to see, who does not look.
static void test_a_command_that_died_traced_has_ended(void **state)
{
    struct fixture fixture;
    siginfo_t info;

    (void)state;
    begin(&fixture, "exec sleep 600", LONG_MS);
    say_start(&fixture, 2 * LONG_MS);
    expect(&fixture, WARDEN_STARTED);
    if (ptrace(PTRACE_SEIZE, fixture.pgid, NULL, NULL) != 0) {
        finish(&fixture);
        skip();
    }
    kill(fixture.pgid, SIGKILL);
    assert_int_equal(
        waitid(P_PID, (id_t)fixture.pgid, &info, WEXITED | WNOWAIT), 0);
    say(&fixture, WARDEN_BEAT, 0, boot_clock_ms());
    assert_int_equal(expect_but_alive(&fixture, WARDEN_ENDED), 1);
    expect_but_alive(&fixture, WARDEN_SWEPT);
    expect_but_alive(&fixture, WARDEN_GONE);
    // The number is taken until the tracer has looked.
    assert_int_equal(waitpid(fixture.pgid, NULL, 0), fixture.pgid);
    fixture.pgid = 0;
    finish(&fixture);
}

static void test_a_start_that_leaves_no_time_to_end_is_not_made(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, "exit 0", 1000);
    say_start(&fixture, 1000 + RUN_TIMES_KILL_MS);
    expect(&fixture, WARDEN_OVERDUE);
    expect(&fixture, WARDEN_GONE);
    say(&fixture, WARDEN_START, 0, 1);
    expect(&fixture, WARDEN_OVERDUE);
    expect(&fixture, WARDEN_GONE);
    finish(&fixture);
}

static void test_a_command_ends_before_it_may_run_no_longer(void **state)
{
    struct fixture fixture;
    uint64_t until_ms = boot_clock_ms() + 3000;

    (void)state;
    begin(&fixture, "while :; do sleep 600; done", 2000);
    say(&fixture, WARDEN_START, 0, until_ms);
    expect(&fixture, WARDEN_STARTED);
    expect(&fixture, WARDEN_OVERDUE);
    assert_true(boot_clock_ms() + 2000 + RUN_TIMES_KILL_MS >= until_ms);
    expect_end(&fixture, 128 + SIGTERM);
    finish(&fixture);
}

static void test_who_ignores_that_is_killed_in_time(void **state)
{
    struct fixture fixture;
    uint64_t until_ms = boot_clock_ms() + 1500;

    (void)state;
    begin(&fixture, "trap '' TERM; while :; do sleep 600; done", 300);
    say(&fixture, WARDEN_START, 0, until_ms);
    expect(&fixture, WARDEN_STARTED);
    expect(&fixture, WARDEN_OVERDUE);
    expect_end(&fixture, 128 + SIGKILL);
    assert_true(boot_clock_ms() + RUN_TIMES_KILL_MS >= until_ms);
    finish(&fixture);
}

static void test_a_later_time_lets_it_run_longer(void **state)
{
    struct fixture fixture;
    uint64_t until_ms = boot_clock_ms() + 1000;

    (void)state;
    begin(&fixture, "while :; do sleep 600; done", 100);
    say(&fixture, WARDEN_START, 0, until_ms);
    expect(&fixture, WARDEN_STARTED);
    say(&fixture, WARDEN_EXTEND, 0, until_ms + 500);
    // It was sent before that one, and was on the way for longer.
    say(&fixture, WARDEN_EXTEND, 0, until_ms + 100);
    expect(&fixture, WARDEN_OVERDUE);
    assert_true(boot_clock_ms() + 100 + RUN_TIMES_KILL_MS >= until_ms + 500);
    // Too late.
    say(&fixture, WARDEN_EXTEND, 0, until_ms + LONG_MS);
    expect_end(&fixture, 128 + SIGTERM);
    finish(&fixture);
}

// As when electctl is stopped right after it was told to end.
static void test_an_end_is_never_later_than_it_must(void **state)
{
    struct fixture fixture;
    uint64_t until_ms = boot_clock_ms() + 2000;

    (void)state;
    begin(&fixture, "trap '' TERM; while :; do sleep 600; done", 300);
    say(&fixture, WARDEN_START, 0, until_ms);
    expect(&fixture, WARDEN_STARTED);
    say(&fixture, WARDEN_END, SIGCONT, boot_clock_ms() + LONG_MS);
    expect_end(&fixture, 128 + SIGKILL);
    finish(&fixture);
}

static void test_an_end_whose_time_is_up_kills_at_once(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, "trap '' TERM; while :; do sleep 600; done", LONG_MS);
    say_start(&fixture, 2 * LONG_MS);
    expect(&fixture, WARDEN_STARTED);
    // SIGCONT does nothing to it, whether it has come to its trap or not.
    say(&fixture, WARDEN_END, SIGCONT, boot_clock_ms() + LONG_MS);
    say(&fixture, WARDEN_END, SIGCONT, boot_clock_ms() - 1);
    expect_end(&fixture, 128 + SIGKILL);
    finish(&fixture);
}

static void test_electctls_end_kills_at_once(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, "trap '' TERM; sleep 600 & while :; do sleep 600; done",
          LONG_MS);
    say_start(&fixture, 2 * LONG_MS);
    expect(&fixture, WARDEN_STARTED);
    finish(&fixture);
}

static void test_electctls_end_right_after_the_start_kills_too(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, "trap '' TERM; while :; do sleep 600; done", LONG_MS);
    say_start(&fixture, 2 * LONG_MS);
    finish(&fixture);
}

static void test_a_group_outlives_its_command_by_kill_after_only(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture,
          "(trap '' TERM; while :; do sleep 600; done) & sleep 0.3; exit 3",
          200);
    say_start(&fixture, 2 * LONG_MS);
    expect(&fixture, WARDEN_STARTED);
    expect_end(&fixture, 3);
    finish(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_tells_each_step_of_a_command),
        cmocka_unit_test(test_it_starts_one_command_after_another),
        cmocka_unit_test(test_without_a_command_it_just_ends),
        cmocka_unit_test(test_a_command_that_died_traced_has_ended),
        cmocka_unit_test(test_a_start_that_leaves_no_time_to_end_is_not_made),
        cmocka_unit_test(test_a_command_ends_before_it_may_run_no_longer),
        cmocka_unit_test(test_who_ignores_that_is_killed_in_time),
        cmocka_unit_test(test_a_later_time_lets_it_run_longer),
        cmocka_unit_test(test_an_end_is_never_later_than_it_must),
        cmocka_unit_test(test_an_end_whose_time_is_up_kills_at_once),
        cmocka_unit_test(test_electctls_end_kills_at_once),
        cmocka_unit_test(test_electctls_end_right_after_the_start_kills_too),
        cmocka_unit_test(test_a_group_outlives_its_command_by_kill_after_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
