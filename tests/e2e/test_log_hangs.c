// SPDX-License-Identifier: Apache-2.0
//
// A log that nobody reads, or that does not come back from a write: elections
// go on, what is lost is counted, and the daemon ends in time.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "support/test.h"

#include "crowd.h"
#include "fixture.h"
#include "held_writes.h"
#include "support/child_process.h"
#include "support/raw_socket.h"
#include "support/stopwatch.h"
#include "support/story.h"

// Two changes each, and twice what the daemon has room for with names as long
// as LONG_NAME.
#define ROUNDS 500
#define ROUNDS_TOO_MANY 900
#define LONG_NAME_SIZE 250
// What a call may take while the log hangs, on a busy machine.
#define CALL_MS 5000
// The end of a daemon that has nobody to wait for but its log.
#define END_MS 10000

// A terminal: what the daemon writes to, and what nobody reads.
struct terminal {
    int master;
    int slave;
};

static void terminal_open(struct terminal *terminal)
{
    char name[64];

    terminal->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal->master != -1);
    assert_int_equal(grantpt(terminal->master), 0);
    assert_int_equal(unlockpt(terminal->master), 0);
    assert_int_equal(ptsname_r(terminal->master, name, sizeof name), 0);
    terminal->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal->slave != -1);
}

static void terminal_close(struct terminal *terminal)
{
    close(terminal->slave);
    close(terminal->master);
}

// Reads until the text has come, and drops the rest.
static void terminal_await(struct terminal *terminal, const char *text)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
    static char bytes[1 << 20];
    size_t size = 0;

    bytes[0] = '\0';
    while (strstr(bytes, text) == NULL) {
        struct pollfd input = {.fd = terminal->master, .events = POLLIN};
        ssize_t count = 0;

        assert_true(stopwatch_now_ms() < deadline_ms);
        assert_true(size < sizeof bytes - 1);
        if (poll(&input, 1, 100) == 1) {
            count =
                read(terminal->master, bytes + size, sizeof bytes - 1 - size);
        }
        assert_true(count >= 0);
        size += (size_t)count;
        bytes[size] = '\0';
    }
}

static struct client *start(struct fixture *fixture, struct child_start *start)
{
    static char arguments[160];
    const char *listen;

    snprintf(arguments, sizeof arguments, "--drain-timeout=2s --listen=unix:%s",
             fixture_path(fixture, "socket"));
    listen = strstr(arguments, "unix:");
    start->arguments = arguments;
    daemon_spawn(&fixture->daemons[0], start);
    assert_true(raw_await_listener(listen, STOPWATCH_DEADLINE_MS));
    return fixture_connect_to(fixture, listen);
}

// Each round is two changes of the leader; a call that waits for the log fails.
static void change(struct client *client, const char *election, unsigned rounds)
{
    char call[3 * LONG_NAME_SIZE];

    for (unsigned i = 0; i < rounds; i++) {
        snprintf(call, sizeof call, "Enter %s n; Withdraw %s n", election,
                 election);
        tell(client, call);
    }
}

static void expect_end_in_time(struct fixture *fixture)
{
    fixture_disconnect_all(fixture);
    daemon_signal(&fixture->daemons[0], SIGTERM);
    assert_int_equal(daemon_await_exit(&fixture->daemons[0], END_MS), 0);
}

// Starts on a terminal that is not read, and goes on as if nothing were.
static void serve_terminal(struct fixture *fixture, struct terminal *terminal)
{
    struct child_start how = {.err_fd = terminal->slave};
    struct client *client = start(fixture, &how);
    long long since_ms;

    tell(client, "Create a");
    change(client, "a", ROUNDS);
    since_ms = stopwatch_now_ms();
    expect(client, "GetTerm a", "500 - []");
    assert_true(stopwatch_now_ms() - since_ms < CALL_MS);
}

static void test_terminal_that_nobody_reads_stops_nothing(void **state)
{
    struct terminal terminal;

    terminal_open(&terminal);
    serve_terminal(*state, &terminal);
    expect_end_in_time(*state);
    terminal_close(&terminal);
}

static void test_stopped_terminal_goes_on_where_it_was(void **state)
{
    struct terminal terminal;

    terminal_open(&terminal);
    // As Ctrl-S does.
    assert_int_equal(tcflow(terminal.slave, TCOOFF), 0);
    serve_terminal(*state, &terminal);
    assert_int_equal(tcflow(terminal.slave, TCOON), 0);
    terminal_await(&terminal, " term=500 previous=n reason=withdrawn");
    expect_end_in_time(*state);
    terminal_close(&terminal);
}

// Who shares the terminal finds it as it was.
static void test_terminal_stays_blocking_for_others(void **state)
{
    struct terminal terminal;

    terminal_open(&terminal);
    serve_terminal(*state, &terminal);
    assert_int_equal(fcntl(terminal.slave, F_GETFL) & O_NONBLOCK, 0);
    expect_end_in_time(*state);
    terminal_close(&terminal);
}

static struct client *start_held(struct fixture *fixture,
                                 struct held_writes *writes)
{
    struct child_start how = {
        .prepare_cb = held_writes_prepare_cb,
        .context = writes,
    };
    struct client *client;

    if (!held_writes_is_possible()) {
        skip();
    }
    held_writes_init(writes);
    client = start(fixture, &how);
    tell(client, "Create a");
    daemon_await_log(&fixture->daemons[0], "event=ready");
    held_writes_hold(writes);
    return client;
}

static void test_log_that_hangs_stops_nothing_and_loses_nothing(void **state)
{
    static struct held_writes writes;
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    struct client *client = start_held(fixture, &writes);
    const char *at;
    char text[64];

    change(client, "a", ROUNDS);
    expect(client, "GetTerm a", "500 - []");
    held_writes_await(&writes);
    assert_false(daemon_log_has(daemon, "leader_changed"));
    held_writes_release(&writes);
    daemon_await_log(daemon, " term=500 previous=n reason=withdrawn\n");
    at = daemon->process.err.text;
    for (unsigned term = 1; term <= ROUNDS; term++) {
        snprintf(text, sizeof text, " term=%u leader=n reason=entered\n", term);
        at = strstr(at, text);
        assert_non_null(at);
    }
    assert_int_equal(daemon_log_count(daemon, "\n"), 1 + 2 * ROUNDS);
    expect_end_in_time(fixture);
    held_writes_close(&writes);
}

static void test_lines_that_a_hanging_log_loses_are_counted(void **state)
{
    static const char key[] = "level=warn event=log_lines_dropped count=";
    static struct held_writes writes;
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    struct client *client = start_held(fixture, &writes);
    char name[LONG_NAME_SIZE + 1];
    char call[LONG_NAME_SIZE + 16];
    unsigned long dropped;

    memset(name, 'e', LONG_NAME_SIZE);
    name[LONG_NAME_SIZE] = '\0';
    snprintf(call, sizeof call, "Create %s", name);
    tell(client, call);
    change(client, name, ROUNDS_TOO_MANY);
    held_writes_release(&writes);
    // Nothing else has to happen for it.
    daemon_await_log(daemon, key);
    daemon_await_log(daemon, "\n");
    tell(client, "Enter a n");
    daemon_await_log(daemon, " election=a term=1 leader=n reason=entered\n");
    dropped = strtoul(strstr(daemon->process.err.text, key) + sizeof key - 1,
                      NULL, 10);
    assert_int_equal(daemon_log_count(daemon, key), 1);
    assert_int_equal(daemon_log_count(daemon, "event=leader_changed") + dropped,
                     2 * ROUNDS_TOO_MANY + 1);
    expect_end_in_time(fixture);
    held_writes_close(&writes);
}

static void test_log_that_hangs_does_not_hold_up_the_end(void **state)
{
    static struct held_writes writes;
    struct fixture *fixture = *state;
    struct client *client = start_held(fixture, &writes);

    change(client, "a", 1);
    held_writes_await(&writes);
    expect_end_in_time(fixture);
    held_writes_close(&writes);
}

// The log cannot say that it does.
static void await_stopping(struct client *client)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
    bool is_stopping = false;

    while (!is_stopping) {
        char *reply = story_call(client, "GetTerm a");

        is_stopping = strncmp(reply, "UNAVAILABLE: ", 13) == 0;
        free(reply);
        assert_true(stopwatch_now_ms() < deadline_ms);
    }
}

// Nor the end by a second signal, when a stalled stream delays the first one's.
static void test_log_that_hangs_does_not_hold_up_a_hasty_end(void **state)
{
    static struct held_writes writes;
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    struct client *client = start_held(fixture, &writes);
    struct crowd crowd;

    crowd_init(&crowd, client);
    watch(client, "crowd");
    held_writes_await(&writes);
    daemon_signal(daemon, SIGTERM);
    await_stopping(client);
    daemon_signal(daemon, SIGTERM);
    assert_int_equal(daemon_await_exit(daemon, END_MS), 128 + SIGTERM);
    held_writes_close(&writes);
}

// Nor the end by the drain time, after which it gives up.
static void test_log_that_hangs_does_not_hold_up_a_late_end(void **state)
{
    static struct held_writes writes;
    struct fixture *fixture = *state;
    struct client *client = start_held(fixture, &writes);
    struct crowd crowd;

    crowd_init(&crowd, client);
    watch(client, "crowd");
    held_writes_await(&writes);
    daemon_signal(&fixture->daemons[0], SIGTERM);
    assert_int_equal(daemon_await_exit(&fixture->daemons[0], END_MS), 0);
    held_writes_close(&writes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_UNIX(test_terminal_that_nobody_reads_stops_nothing),
        OVER_UNIX(test_stopped_terminal_goes_on_where_it_was),
        OVER_UNIX(test_terminal_stays_blocking_for_others),
        OVER_UNIX(test_log_that_hangs_stops_nothing_and_loses_nothing),
        OVER_UNIX(test_lines_that_a_hanging_log_loses_are_counted),
        OVER_UNIX(test_log_that_hangs_does_not_hold_up_the_end),
        OVER_UNIX(test_log_that_hangs_does_not_hold_up_a_hasty_end),
        OVER_UNIX(test_log_that_hangs_does_not_hold_up_a_late_end),
    };

    return fixture_run(tests);
}
