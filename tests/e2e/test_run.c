// SPDX-License-Identifier: Apache-2.0
//
// `electctl run` with real processes. After each way of ending, nothing is left
// of the command's process group.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

#include "contender.h"
#include "support/child_process.h"
#include "support/daemon_process.h"
#include "support/scratch.h"
#include "support/stopwatch.h"

// There is nobody to wait for. Programs end when they are told to, however slow
// the machine is, or are killed soon.
#define FAST "run", "--create", "--kill-after", "30s", "--start-delay", "0", "e"
#define KILLS_SOON                                                             \
    "run", "--create", "--kill-after", "300ms", "--start-delay", "0", "e"
#define SHELL "--", "sh", "-c"
// Says which group it is, and stays.
static const char stays[] =
    "echo $$ >> pids; echo $PPID >> wardens; while :; do sleep 1; done";
// Likewise, and ignores SIGTERM, as does its child.
static const char stays_deaf[] =
    "trap '' TERM; sleep 600 & echo $$ >> pids; echo $PPID >> wardens; "
    "while :; do sleep 1; done";

struct fixture {
    struct daemon daemon;
    struct scratch scratch;
    struct contender a;
    struct contender b;
};

static void fixture_start_daemon(struct fixture *fixture, const char *listen)
{
    char arguments[160];

    snprintf(arguments, sizeof arguments, "--listen %s", listen);
    daemon_spawn(&fixture->daemon,
                 &(struct child_start){.arguments = arguments});
    daemon_await_ready(&fixture->daemon);
    contender_set_endpoint(fixture->daemon.listen[0]);
}

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.scratch = {.path = ""}};
    *state = &fixture;
    scratch_make(&fixture.scratch);
    fixture_start_daemon(&fixture, "127.0.0.1:0");
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    bool is_fine;

    contender_dispose(&fixture->a);
    contender_dispose(&fixture->b);
    is_fine = daemon_dispose(&fixture->daemon);
    scratch_remove(&fixture->scratch);
    return is_fine ? 0 : -1;
}

#define SPAWN(contender, name, in_fd, ...)                                     \
    contender_spawn(contender, &fixture->scratch, name, in_fd,                 \
                    (const char *const[]){__VA_ARGS__, NULL})
#define CALL(...)                                                              \
    contender_call(&fixture->scratch, (const char *const[]){__VA_ARGS__, NULL})

static void expect_exit(struct fixture *fixture, const char *script, int code)
{
    SPAWN(&fixture->a, "a", -1, KILLS_SOON, SHELL, script);
    assert_int_equal(contender_await_exit(&fixture->a), code);
}

// Of the command that was started as the nth.
static pid_t await_group(struct fixture *fixture, unsigned n)
{
    return (pid_t)scratch_await_number(&fixture->scratch, "pids", n);
}

static pid_t await_warden(struct fixture *fixture)
{
    return (pid_t)scratch_await_number(&fixture->scratch, "wardens", 1);
}

static void test_the_exit_code_is_passed_on(void **state)
{
    expect_exit(*state, "exit 0", 0);
    expect_exit(*state, "exit 42", 42);
}

static void test_a_signal_shows_as_128_and_its_number(void **state)
{
    expect_exit(*state, "kill -KILL $$", 128 + SIGKILL);
    expect_exit(*state, "kill -USR1 $$", 128 + SIGUSR1);
}

static void test_a_program_that_cannot_be_run_shows_as_127_or_126(void **state)
{
    struct fixture *fixture = *state;

    SPAWN(&fixture->a, "a", -1, FAST, "--", "no-such-program");
    assert_int_equal(contender_await_exit(&fixture->a), 127);
    assert_non_null(strstr(contender_error(&fixture->a), "no-such-program"));
    SPAWN(&fixture->a, "a", -1, FAST, "--", "/dev/null");
    assert_int_equal(contender_await_exit(&fixture->a), 126);
}

// Before it asks a daemon: this one does not exist.
static void test_a_program_is_looked_for_before_anybody_waits(void **state)
{
    struct fixture *fixture = *state;

    SPAWN(&fixture->a, "a", -1, "run", "--endpoint", "unix:nowhere", "e", "--",
          "./x");
    assert_int_equal(contender_await_exit(&fixture->a), 127);
    assert_string_equal(contender_error(&fixture->a),
                        "electctl: cannot run './x': No such file or "
                        "directory\n");
    SPAWN(&fixture->b, "b", -1, "run", "--endpoint", "unix:nowhere", "e", "--",
          "/dev/null");
    assert_int_equal(contender_await_exit(&fixture->b), 126);
    assert_string_equal(contender_error(&fixture->b),
                        "electctl: cannot run '/dev/null': Permission "
                        "denied\n");
}

static void test_a_name_that_another_process_has_is_said(void **state)
{
    struct fixture *fixture = *state;

    SPAWN(&fixture->a, "a", -1, "run", "--create", "--candidate", "n1",
          "--start-delay", "0", "e", SHELL, stays);
    await_group(fixture, 1);
    SPAWN(&fixture->b, "b", -1, "run", "--candidate", "n1", "e", "--", "true");
    contender_await_error(&fixture->b,
                          "electctl: another process has the name 'n1': give "
                          "another --candidate; trying again for some "
                          "seconds\n");
    assert_int_equal(contender_await_exit(&fixture->b), 1);
    assert_true(contender_is_alive(&fixture->a));
}

static void test_the_environment_tells_who_leads_in_which_term(void **state)
{
    struct fixture *fixture = *state;

    SPAWN(&fixture->a, "a", -1, "run", "--create", "--start-delay", "0",
          "--candidate=n1", "e", SHELL,
          "echo $ELECTD_ELECTION $ELECTD_CANDIDATE $ELECTD_TERM");
    assert_int_equal(contender_await_exit(&fixture->a), 0);
    assert_string_equal(scratch_read(&fixture->scratch, "a.out"), "e n1 1\n");
}

// Which says of which daemon the term is, and of which life of it.
static void test_the_environment_tells_the_life_of_the_daemon(void **state)
{
    struct fixture *fixture = *state;
    const char *life;

    SPAWN(&fixture->a, "a", -1, FAST, SHELL, "echo \" life=$ELECTD_LIFE\"");
    assert_int_equal(contender_await_exit(&fixture->a), 0);
    life = scratch_read(&fixture->scratch, "a.out");
    assert_int_equal(strlen(life), sizeof " life=\n" - 1 + 32);
    // The log has the same as the last word of a line.
    assert_true(daemon_log_has(&fixture->daemon, life));
}

static void test_standard_input_is_the_commands(void **state)
{
    struct fixture *fixture = *state;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "hello\n", 6), 6);
    close(ends[1]);
    SPAWN(&fixture->a, "a", ends[0], FAST, "--", "cat");
    close(ends[0]);
    assert_int_equal(contender_await_exit(&fixture->a), 0);
    assert_string_equal(scratch_read(&fixture->scratch, "a.out"), "hello\n");
}

static void test_signals_are_as_a_program_expects_them(void **state)
{
    struct fixture *fixture = *state;

    SPAWN(&fixture->a, "a", -1, FAST, "--", "grep", "-E", "^Sig(Blk|Ign)",
          "/proc/self/status");
    assert_int_equal(contender_await_exit(&fixture->a), 0);
    assert_string_equal(scratch_read(&fixture->scratch, "a.out"),
                        "SigBlk:\t0000000000000000\n"
                        "SigIgn:\t0000000000000000\n");
}

static void test_no_descriptor_of_electctl_reaches_the_command(void **state)
{
    static const char script[] =
        ": > links; for fd in /proc/$$/fd/*; do case $fd in */[012]) ;; "
        "*) readlink $fd >> links ;; esac; done; "
        "grep -cE 'socket|pipe|anon' links || true";
    struct fixture *fixture = *state;

    SPAWN(&fixture->a, "a", -1, FAST, SHELL, script);
    assert_int_equal(contender_await_exit(&fixture->a), 0);
    // No pipe to grep, which for a moment would be the shell's own.
    assert_string_equal(scratch_read(&fixture->scratch, "a.out"), "0\n");
}

static void test_what_a_command_leaves_behind_is_ended(void **state)
{
    struct fixture *fixture = *state;

    expect_exit(fixture, "echo $$ >> pids; sleep 600 & exit 7", 7);
    group_await_gone(await_group(fixture, 1));
    expect_exit(fixture,
                "echo $$ >> pids; (trap '' TERM; echo x >> deaf; sleep 600; "
                "sleep 600) & until [ -s deaf ]; do sleep 0.01; done; exit 8",
                8);
    group_await_gone(await_group(fixture, 2));
}

static void test_a_group_is_gone_before_the_candidate_is(void **state)
{
    struct fixture *fixture = *state;
    pid_t pgid;

    SPAWN(&fixture->a, "a", -1, KILLS_SOON, SHELL,
          "echo $$ >> pids; (trap '' TERM; sleep 600; sleep 600) & exit 0");
    SPAWN(&fixture->b, "b", -1, "run", "--create", "--start-delay", "0",
          "--kill-after", "300ms", "e", SHELL,
          "kill -0 -$(head -n 1 pids) 2>/dev/null && exit 9; exit 0");
    assert_int_equal(contender_await_exit(&fixture->a), 0);
    pgid = await_group(fixture, 1);
    assert_int_equal(contender_await_exit(&fixture->b), 0);
    group_await_gone(pgid);
}

static void test_signals_end_it_and_nobody_waits_for_the_grace(void **state)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    struct fixture *fixture = *state;
    pid_t pgid;

    for (unsigned i = 0; i < 4; i++) {
        SPAWN(&fixture->a, "a", -1, FAST, SHELL, stays);
        pgid = await_group(fixture, i + 1);
        child_signal(&fixture->a.process, numbers[i]);
        assert_int_equal(contender_await_exit(&fixture->a), 128 + numbers[i]);
        group_await_gone(pgid);
    }
}

static void test_a_command_that_ignores_sigterm_is_killed(void **state)
{
    struct fixture *fixture = *state;
    pid_t pgid;

    SPAWN(&fixture->a, "a", -1, KILLS_SOON, SHELL, stays_deaf);
    pgid = await_group(fixture, 1);
    child_signal(&fixture->a.process, SIGTERM);
    assert_int_equal(contender_await_exit(&fixture->a), 128 + SIGKILL);
    group_await_gone(pgid);
}

static void test_a_command_that_is_stopped_is_ended(void **state)
{
    struct fixture *fixture = *state;
    pid_t pgid;

    SPAWN(&fixture->a, "a", -1, FAST, SHELL, "echo $$ >> pids; exec sleep 600");
    pgid = await_group(fixture, 1);
    kill(-pgid, SIGSTOP);
    process_await_stopped(pgid);
    child_signal(&fixture->a.process, SIGTERM);
    assert_int_equal(contender_await_exit(&fixture->a), 128 + SIGTERM);
    group_await_gone(pgid);
}

static void test_other_signals_are_passed_on(void **state)
{
    static const char script[] =
        "trap 'exit 21' USR1; trap 'exit 22' USR2; echo $$ >> pids; "
        "while :; do sleep 1; done";
    struct fixture *fixture = *state;

    SPAWN(&fixture->a, "a", -1, FAST, SHELL, script);
    await_group(fixture, 1);
    child_signal(&fixture->a.process, SIGUSR2);
    assert_int_equal(contender_await_exit(&fixture->a), 22);
}

static void test_killed_while_running_it_takes_the_group_along(void **state)
{
    struct fixture *fixture = *state;
    pid_t pgid;

    SPAWN(&fixture->a, "a", -1, KILLS_SOON, SHELL, stays_deaf);
    pgid = await_group(fixture, 1);
    child_signal(&fixture->a.process, SIGKILL);
    group_await_gone(pgid);
    assert_int_equal(contender_await_exit(&fixture->a), 256 + SIGKILL);
}

static void test_killed_while_ending_it_takes_the_group_along(void **state)
{
    static const char script[] =
        "trap 'echo x >> ending' TERM; echo $$ >> pids; "
        "while :; do sleep 1; done";
    struct fixture *fixture = *state;
    pid_t pgid;

    SPAWN(&fixture->a, "a", -1, "run", "--create", "--start-delay", "0",
          "--kill-after", "5m", "e", SHELL, script);
    pgid = await_group(fixture, 1);
    child_signal(&fixture->a.process, SIGTERM);
    scratch_await(&fixture->scratch, "ending", "x");
    child_signal(&fixture->a.process, SIGKILL);
    group_await_gone(pgid);
    assert_int_equal(contender_await_exit(&fixture->a), 256 + SIGKILL);
}

// Method: kills it a little later each time; its own end is all there is to
// see of a group that may not have begun.
static void test_killed_while_starting_it_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    char text[512];

    for (unsigned i = 0; i < 40; i++) {
        SPAWN(&fixture->a, "a", -1, "run", "--create", "--candidate", "a",
              "--start-delay", "0", "--kill-after", "300ms", "e", SHELL, stays);
        usleep(500 * i);
        child_signal(&fixture->a.process, SIGKILL);
        assert_int_equal(contender_await_exit(&fixture->a), 256 + SIGKILL);
    }
    snprintf(text, sizeof text, "%s", scratch_read(&fixture->scratch, "pids"));
    for (char *rest = text, *line = strsep(&rest, "\n"); line != NULL;
         line = strsep(&rest, "\n")) {
        if (line[0] != '\0') {
            group_await_gone((pid_t)strtol(line, NULL, 10));
        }
    }
}

static void test_killed_while_waiting_it_never_starts(void **state)
{
    struct fixture *fixture = *state;

    SPAWN(&fixture->a, "a", -1, FAST, SHELL, stays);
    await_group(fixture, 1);
    SPAWN(&fixture->b, "b", -1, FAST, SHELL, "echo x >> b-ran");
    contender_await_error(&fixture->b, "waiting");
    child_signal(&fixture->b.process, SIGKILL);
    assert_int_equal(contender_await_exit(&fixture->b), 256 + SIGKILL);
    child_signal(&fixture->a.process, SIGTERM);
    contender_await_exit(&fixture->a);
    group_await_gone(await_group(fixture, 1));
    assert_string_equal(scratch_read(&fixture->scratch, "b-ran"), "");
}

static void test_stopped_its_group_is_ended(void **state)
{
    struct fixture *fixture = *state;
    pid_t pgid;

    SPAWN(&fixture->a, "a", -1, KILLS_SOON, SHELL, stays_deaf);
    pgid = await_group(fixture, 1);
    child_signal(&fixture->a.process, SIGSTOP);
    group_await_gone(pgid);
    child_signal(&fixture->a.process, SIGCONT);
    assert_int_equal(contender_await_exit(&fixture->a), 5);
}

static void test_without_its_warden_it_ends_the_group_and_fails(void **state)
{
    static const int numbers[] = {SIGKILL, SIGSTOP};
    struct fixture *fixture = *state;
    pid_t pgid;
    pid_t warden;

    for (unsigned i = 0; i < 2; i++) {
        SPAWN(&fixture->a, "a", -1, KILLS_SOON, SHELL, stays_deaf);
        pgid = await_group(fixture, i + 1);
        warden =
            (pid_t)scratch_await_number(&fixture->scratch, "wardens", i + 1);
        kill(warden, numbers[i]);
        assert_int_equal(contender_await_exit(&fixture->a), 1);
        group_await_gone(pgid);
    }
}

static pid_t await_child(pid_t pid)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
    char path[64];
    char text[64];
    long child = 0;

    snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)pid,
             (long)pid);
    while (child == 0) {
        FILE *file = fopen(path, "r");

        assert_true(stopwatch_now_ms() < deadline_ms);
        if (file == NULL) {
            // The kernel does not list them.
            skip();
        }
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
        child = strtol(text, NULL, 10);
    }
    return (pid_t)child;
}

static void test_a_warden_that_is_stopped_while_it_waits_is_killed(void **state)
{
    struct fixture *fixture = *state;
    pid_t warden;

    SPAWN(&fixture->a, "a", -1, FAST, SHELL, stays);
    await_group(fixture, 1);
    SPAWN(&fixture->b, "b", -1, FAST, SHELL, stays);
    contender_await_error(&fixture->b, "waiting");
    warden = await_child(fixture->b.process.pid);
    kill(warden, SIGSTOP);
    process_await_stopped(warden);
    child_signal(&fixture->b.process, SIGTERM);
    assert_int_equal(contender_await_exit(&fixture->b), 128 + SIGTERM);
}

static void test_signals_that_are_not_kill_leave_the_warden_alone(void **state)
{
    struct fixture *fixture = *state;
    pid_t pgid;

    SPAWN(&fixture->a, "a", -1, FAST, SHELL, stays);
    pgid = await_group(fixture, 1);
    for (int number = 1; number < SIGSYS; number++) {
        if (number != SIGKILL && number != SIGSTOP) {
            kill(await_warden(fixture), number);
        }
    }
    child_signal(&fixture->a.process, SIGTERM);
    assert_int_equal(contender_await_exit(&fixture->a), 128 + SIGTERM);
    group_await_gone(pgid);
}

static void test_an_anointed_other_ends_it_with_5(void **state)
{
    struct fixture *fixture = *state;
    pid_t pgid;

    SPAWN(&fixture->a, "a", -1, FAST, SHELL, stays);
    pgid = await_group(fixture, 1);
    SPAWN(&fixture->b, "b", -1, "run", "--candidate", "b", "e", "--", "true");
    contender_await_error(&fixture->b, "waiting");
    assert_int_equal(CALL("anoint", "e", "b"), 0);
    assert_int_equal(contender_await_exit(&fixture->a), 5);
    group_await_gone(pgid);
}

static void test_an_eviction_ends_it_with_5(void **state)
{
    struct fixture *fixture = *state;
    pid_t pgid;

    SPAWN(&fixture->a, "a", -1, "run", "--create", "--candidate", "a",
          "--start-delay", "0", "e", SHELL, stays);
    pgid = await_group(fixture, 1);
    assert_int_equal(CALL("evict", "e", "a"), 0);
    assert_int_equal(contender_await_exit(&fixture->a), 5);
    group_await_gone(pgid);
}

static void test_with_retry_an_evicted_one_runs_again(void **state)
{
    struct fixture *fixture = *state;
    pid_t pgid;

    SPAWN(&fixture->a, "a", -1, "run", "--create", "--candidate", "a",
          "--start-delay", "0", "--retry", "e", SHELL, stays);
    pgid = await_group(fixture, 1);
    assert_int_equal(CALL("evict", "e", "a"), 0);
    group_await_gone(pgid);
    pgid = await_group(fixture, 2);
    child_signal(&fixture->a.process, SIGTERM);
    assert_int_equal(contender_await_exit(&fixture->a), 128 + SIGTERM);
    group_await_gone(pgid);
}

static void test_a_daemon_that_is_killed_ends_it_with_5(void **state)
{
    struct fixture *fixture = *state;
    pid_t pgid;

    SPAWN(&fixture->a, "a", -1, FAST, SHELL, stays);
    pgid = await_group(fixture, 1);
    daemon_signal(&fixture->daemon, SIGKILL);
    assert_int_equal(contender_await_exit(&fixture->a), 5);
    group_await_gone(pgid);
    assert_int_equal(daemon_await_exit(&fixture->daemon, STOPWATCH_DEADLINE_MS),
                     256 + SIGKILL);
}

static void test_a_daemon_that_is_stopped_ends_it_with_5(void **state)
{
    struct fixture *fixture = *state;
    pid_t pgid;

    SPAWN(&fixture->a, "a", -1, FAST, SHELL, stays);
    pgid = await_group(fixture, 1);
    daemon_signal(&fixture->daemon, SIGSTOP);
    group_await_gone(pgid);
    assert_int_equal(contender_await_exit(&fixture->a), 5);
    daemon_signal(&fixture->daemon, SIGCONT);
    // It goes on, and can be told to end.
    assert_int_equal(CALL("term", "e"), 0);
}

static void test_with_retry_it_comes_back_to_a_new_daemon(void **state)
{
    struct fixture *fixture = *state;
    char listen[128];
    pid_t pgid;

    SPAWN(&fixture->a, "a", -1, "run", "--create", "--start-delay", "0",
          "--kill-after", "300ms", "--retry", "e", SHELL, stays);
    pgid = await_group(fixture, 1);
    snprintf(listen, sizeof listen, "%s", fixture->daemon.listen[0]);
    daemon_signal(&fixture->daemon, SIGKILL);
    daemon_await_exit(&fixture->daemon, STOPWATCH_DEADLINE_MS);
    daemon_dispose(&fixture->daemon);
    group_await_gone(pgid);
    fixture_start_daemon(fixture, listen);
    pgid = await_group(fixture, 2);
    child_signal(&fixture->a.process, SIGTERM);
    assert_int_equal(contender_await_exit(&fixture->a), 128 + SIGTERM);
    group_await_gone(pgid);
}

// The second one has seen all that happened, so that it need not wait.
static void test_the_next_one_starts_when_the_first_has_left(void **state)
{
    struct fixture *fixture = *state;
    pid_t pgid;

    SPAWN(&fixture->a, "a", -1, "run", "--create", "--start-delay", "0", "e",
          SHELL, stays);
    pgid = await_group(fixture, 1);
    SPAWN(&fixture->b, "b", -1, FAST, SHELL, stays);
    contender_await_error(&fixture->b, "waiting");
    child_signal(&fixture->a.process, SIGTERM);
    assert_int_equal(contender_await_exit(&fixture->a), 128 + SIGTERM);
    group_await_gone(pgid);
    pgid = await_group(fixture, 2);
    child_signal(&fixture->b.process, SIGINT);
    assert_int_equal(contender_await_exit(&fixture->b), 128 + SIGINT);
    group_await_gone(pgid);
}

static void test_whoever_does_not_wait_says_who_leads(void **state)
{
    static const char *const waits[] = {"--no-wait", "--wait=100ms"};
    static const char *const lines[] = {
        "electctl: not started: 'plain one' leads (term 1)\n",
        "electctl: not started: after 100ms 'plain one' leads (term 1). If it "
        "was entered by a plain Enter, and what it stood for has ended, evict "
        "it: electctl evict e 'plain one'\n"};
    struct fixture *fixture = *state;

    assert_int_equal(CALL("create", "e"), 0);
    assert_int_equal(CALL("enter", "e", "plain one"), 0);
    for (unsigned i = 0; i < 2; i++) {
        SPAWN(&fixture->a, "a", -1, "run", waits[i], "e", "--", "true");
        assert_int_equal(contender_await_exit(&fixture->a), 6);
        scratch_await(&fixture->scratch, "a.err", lines[i]);
    }
    // Nothing is left of it in the queue.
    assert_int_equal(CALL("evict", "e", "plain one"), 0);
    assert_int_equal(
        CALL("run", "--no-wait", "--start-delay", "0", "e", "--", "true"), 0);
}

static void test_whoever_does_not_wait_says_that_nobody_answers(void **state)
{
    struct fixture *fixture = *state;

    daemon_signal(&fixture->daemon, SIGSTOP);
    assert_int_equal(
        CALL("run", "--no-wait", "--timeout", "300ms", "e", "--", "true"), 4);
    daemon_signal(&fixture->daemon, SIGCONT);
    daemon_signal(&fixture->daemon, SIGKILL);
    daemon_await_exit(&fixture->daemon, STOPWATCH_DEADLINE_MS);
    daemon_dispose(&fixture->daemon);
    assert_int_equal(CALL("run", "--no-wait", "e", "--", "true"), 4);
    assert_int_equal(CALL("run", "--wait", "300ms", "e", "--", "true"), 4);
}

static void test_a_success_is_held_until_somebody_else_leads(void **state)
{
    struct fixture *fixture = *state;

    SPAWN(&fixture->a, "a", -1, "run", "--create", "--start-delay", "0",
          "--candidate", "a", "--hold", "5m", "e", SHELL, "echo 1 >> done");
    scratch_await(&fixture->scratch, "done", "1");
    contender_await_error(&fixture->a,
                          "electctl: starting (term 1)\n"
                          "electctl: the program has succeeded; holding the "
                          "leadership for 5m\n");
    assert_int_equal(CALL("run", "--no-wait", "e", "--", "true"), 6);
    assert_int_equal(CALL("evict", "e", "a"), 0);
    assert_int_equal(contender_await_exit(&fixture->a), 0);
    SPAWN(&fixture->b, "b", -1, "run", "--start-delay", "0", "--hold", "5m",
          "e", SHELL, "exit 3");
    assert_int_equal(contender_await_exit(&fixture->b), 3);
}

static void test_what_is_wrong_with_the_command_line_is_said(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(CALL("run"), 2);
    assert_int_equal(CALL("run", "e"), 2);
    assert_int_equal(CALL("run", "e", "--"), 2);
    assert_int_equal(CALL("run", "--", "true"), 2);
    assert_int_equal(CALL("run", "e", "f", "--", "true"), 2);
    assert_int_equal(CALL("run", "--no-such", "e", "--", "true"), 2);
    assert_int_equal(CALL("run", "--grace", "11m", "e", "--", "true"), 2);
    assert_int_equal(CALL("run", "--kill-after", "10m", "e", "--", "true"), 2);
    assert_int_equal(CALL("run", "--help"), 0);
    assert_int_equal(CALL("run", "e", "--", "true"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_the_exit_code_is_passed_on),
        TEST(test_a_signal_shows_as_128_and_its_number),
        TEST(test_a_program_that_cannot_be_run_shows_as_127_or_126),
        TEST(test_a_program_is_looked_for_before_anybody_waits),
        TEST(test_a_name_that_another_process_has_is_said),
        TEST(test_the_environment_tells_who_leads_in_which_term),
        TEST(test_the_environment_tells_the_life_of_the_daemon),
        TEST(test_standard_input_is_the_commands),
        TEST(test_signals_are_as_a_program_expects_them),
        TEST(test_no_descriptor_of_electctl_reaches_the_command),
        TEST(test_what_a_command_leaves_behind_is_ended),
        TEST(test_a_group_is_gone_before_the_candidate_is),
        TEST(test_signals_end_it_and_nobody_waits_for_the_grace),
        TEST(test_a_command_that_ignores_sigterm_is_killed),
        TEST(test_a_command_that_is_stopped_is_ended),
        TEST(test_other_signals_are_passed_on),
        TEST(test_killed_while_running_it_takes_the_group_along),
        TEST(test_killed_while_ending_it_takes_the_group_along),
        TEST(test_killed_while_starting_it_leaves_nothing),
        TEST(test_killed_while_waiting_it_never_starts),
        TEST(test_stopped_its_group_is_ended),
        TEST(test_without_its_warden_it_ends_the_group_and_fails),
        TEST(test_a_warden_that_is_stopped_while_it_waits_is_killed),
        TEST(test_signals_that_are_not_kill_leave_the_warden_alone),
        TEST(test_an_anointed_other_ends_it_with_5),
        TEST(test_an_eviction_ends_it_with_5),
        TEST(test_with_retry_an_evicted_one_runs_again),
        TEST(test_a_daemon_that_is_killed_ends_it_with_5),
        TEST(test_a_daemon_that_is_stopped_ends_it_with_5),
        TEST(test_with_retry_it_comes_back_to_a_new_daemon),
        TEST(test_the_next_one_starts_when_the_first_has_left),
        TEST(test_whoever_does_not_wait_says_who_leads),
        TEST(test_whoever_does_not_wait_says_that_nobody_answers),
        TEST(test_a_success_is_held_until_somebody_else_leads),
        TEST(test_what_is_wrong_with_the_command_line_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
