// SPDX-License-Identifier: Apache-2.0
//
// What signals do to electd and electctl, however these were started, and
// whatever reads their output.

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/test.h"

#include "ctl_process.h"
#include "fixture.h"
#include "support/child_process.h"
#include "support/raw_socket.h"
#include "support/stopwatch.h"
#include "support/story.h"

// Of a log file: some lines.
#define FILE_SIZE_MAX 2000
#define ROUNDS 100

static const char *endpoint(const struct fixture *fixture)
{
    return fixture->daemons[0].listen[0];
}

static void test_signals_that_are_not_its_own_end_nothing(void **state)
{
    static const int numbers[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGXFSZ};
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    struct client *client = fixture_start(fixture, NULL);

    tell(client, "Create a");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        daemon_signal(daemon, numbers[i]);
        tell(client, "Enter a n; Withdraw a n");
    }
    daemon_await_log(daemon, " level=info event=signal_ignored signal=SIGHUP "
                             "hint=\"");
    expect(client, "GetTerm a", "4 - []");
    fixture_stop(fixture);
    assert_int_equal(daemon_log_count(daemon, "event=signal_ignored"), 1);
}

static void test_log_file_that_may_not_grow_stops_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct child_start start = {.file_size_max = FILE_SIZE_MAX};
    const char *path = fixture_path(fixture, "log");
    struct client *client;
    char arguments[160];
    const char *listen;
    struct stat file;

    snprintf(arguments, sizeof arguments, "--listen=unix:%s",
             fixture_path(fixture, "socket"));
    listen = strstr(arguments, "unix:");
    start.arguments = arguments;
    start.err_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(start.err_fd != -1);
    daemon_spawn(&fixture->daemons[0], &start);
    assert_true(raw_await_listener(listen, STOPWATCH_DEADLINE_MS));
    client = fixture_connect_to(fixture, listen);
    tell(client, "Create a");
    for (unsigned i = 0; i < ROUNDS; i++) {
        tell(client, "Enter a n; Withdraw a n");
    }
    expect(client, "GetTerm a", "100 - []");
    fixture_stop(fixture);
    assert_int_equal(fstat(start.err_fd, &file), 0);
    assert_int_equal(file.st_size, FILE_SIZE_MAX);
    close(start.err_fd);
    assert_int_equal(unlink(path), 0);
}

static void test_daemon_hears_signals_that_were_blocked(void **state)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        daemon_spawn(daemon,
                     &(struct child_start){.arguments = "--listen=127.0.0.1:0",
                                           .has_blocked_signals = true});
        daemon_await_ready(daemon);
        daemon_signal(daemon, SIGHUP);
        daemon_await_log(daemon, "event=signal_ignored signal=SIGHUP ");
        daemon_signal(daemon, numbers[i]);
        assert_int_equal(daemon_await_exit(daemon, STOPWATCH_DEADLINE_MS), 0);
        daemon_dispose(daemon);
    }
}

static void spawn_blocked(struct fixture *fixture, struct child_process *ctl,
                          const char *words)
{
    ctl_spawn(
        ctl, endpoint(fixture),
        &(struct child_start){.arguments = words, .has_blocked_signals = true});
}

static void test_electctl_hears_signals_that_were_blocked(void **state)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    static struct child_process ctl;
    struct fixture *fixture = *state;
    struct client *client = fixture_start(fixture, NULL);

    tell(client, "Create a; Enter a n; Withdraw a n");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        spawn_blocked(fixture, &ctl, "watch a");
        child_await(&ctl, &ctl.out, "leader -");
        child_signal(&ctl, numbers[i]);
        assert_int_equal(ctl_await_exit(&ctl), 0);
        spawn_blocked(fixture, &ctl, "campaign --candidate n1 a");
        child_await(&ctl, &ctl.out, "leader n1");
        child_signal(&ctl, numbers[i]);
        assert_int_equal(ctl_await_exit(&ctl), 0);
        expect_part(client, "GetTerm a", " - []");
    }
}

// Its program finds none of them blocked, and is told to end.
static void test_run_hears_signals_that_were_blocked(void **state)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    static struct child_process ctl;
    struct fixture *fixture = *state;
    struct client *client = fixture_start(fixture, NULL);

    tell(client, "Create a");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        spawn_blocked(fixture, &ctl,
                      "run --start-delay 0s --candidate n1 a -- "
                      "tail -n +1 -f /proc/self/status");
        child_await(&ctl, &ctl.out, "SigBlk:\t0000000000000000\n");
        child_signal(&ctl, numbers[i]);
        assert_int_equal(ctl_await_exit(&ctl), 128 + numbers[i]);
        expect_part(client, "GetTerm a", " - []");
    }
}

// A pipe that takes no byte more, as that of a reader that stalls.
static void fill(int ends[2])
{
    char bytes[4096];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    memset(bytes, '\n', sizeof bytes);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    while (write(ends[1], bytes, sizeof bytes) > 0) {
    }
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
}

static void await_term(struct client *client, const char *election,
                       const char *part)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
    bool is_there = false;
    char call[64];

    snprintf(call, sizeof call, "GetTerm %s", election);
    while (!is_there) {
        char *reply = story_call(client, call);

        is_there = strstr(reply, part) != NULL;
        free(reply);
        assert_true(stopwatch_now_ms() < deadline_ms);
    }
}

static int pipe_size(int reader)
{
    int size = 0;

    assert_int_equal(ioctl(reader, FIONREAD, &size), 0);
    return size;
}

static void test_unread_output_does_not_keep_watch_from_its_end(void **state)
{
    static char page[PIPE_BUF];
    static struct child_process ctl;
    struct fixture *fixture = *state;
    struct client *client = fixture_start(fixture, NULL);
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
    int ends[2];
    int full;

    fill(ends);
    full = pipe_size(ends[0]);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(read(ends[0], page, sizeof page), sizeof page);
    }
    tell(client, "Create a");
    ctl_spawn(&ctl, endpoint(fixture),
              &(struct child_start){.arguments = "watch a", .out_fd = ends[1]});
    // The rest of a page may be too small for a line.
    while (pipe_size(ends[0]) < full - 2 * PIPE_BUF) {
        assert_true(stopwatch_now_ms() < deadline_ms);
        tell(client, "Enter a n; Withdraw a n");
    }
    // More than there is room for.
    for (unsigned i = 0; i < 2 * ROUNDS; i++) {
        tell(client, "Enter a n; Withdraw a n");
    }
    child_signal(&ctl, SIGTERM);
    assert_int_equal(ctl_await_exit(&ctl), 0);
    close(ends[0]);
    close(ends[1]);
}

// Starts a campaign whose output has room for no more than its first line, and
// waits for that.
static void spawn_campaign(struct fixture *fixture, struct child_process *ctl,
                           int ends[2])
{
    static char page[PIPE_BUF];
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
    int size;

    fill(ends);
    assert_int_equal(read(ends[0], page, sizeof page), sizeof page);
    size = pipe_size(ends[0]);
    ctl_spawn(ctl, endpoint(fixture),
              &(struct child_start){.arguments =
                                        "campaign --candidate n1 --grace 5m a",
                                    .out_fd = ends[1]});
    while (pipe_size(ends[0]) == size) {
        assert_true(stopwatch_now_ms() < deadline_ms);
        usleep(1000);
    }
}

static void test_unread_output_does_not_keep_campaign_from_its_end(void **state)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    static struct child_process ctl;
    struct fixture *fixture = *state;
    struct client *client = fixture_start(fixture, NULL);
    int ends[2];

    tell(client, "Create a");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        spawn_campaign(fixture, &ctl, ends);
        // More than there is room for.
        for (unsigned j = 0; j < ROUNDS; j++) {
            tell(client, "Enter a n2; Withdraw a n2");
        }
        child_signal(&ctl, numbers[i]);
        assert_int_equal(ctl_await_exit(&ctl), 0);
        expect_part(client, "GetTerm a", " - []");
        close(ends[0]);
        close(ends[1]);
    }
}

// Nor is anything lost, or the leader taken for dead, while it is not read.
static void test_output_that_is_read_late_is_complete(void **state)
{
    static char text[1 << 20];
    static struct child_process ctl;
    struct fixture *fixture = *state;
    struct client *client = fixture_start(
        fixture, "--keepalive-time=500ms --keepalive-timeout=500ms");
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
    size_t size = 0;
    int ends[2];

    fill(ends);
    tell(client, "Create a");
    ctl_spawn(&ctl, endpoint(fixture),
              &(struct child_start){.arguments = "campaign --candidate n1 a",
                                    .out_fd = ends[1]});
    await_term(client, "a", "1 n1 [");
    for (unsigned i = 0; i < ROUNDS; i++) {
        tell(client, "Enter a n2; Withdraw a n2");
    }
    // Three times what a silent client is given.
    while (stopwatch_now_ms() < deadline_ms - STOPWATCH_DEADLINE_MS + 3000) {
        expect(client, "GetTerm a", "1 n1 []");
        usleep(50000);
    }
    tell(client, "Evict a n1");
    close(ends[1]);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    while (true) {
        ssize_t count = read(ends[0], text + size, sizeof text - 1 - size);

        size += count > 0 ? (size_t)count : 0;
        if (count == 0) {
            break;
        }
        assert_true(stopwatch_now_ms() < deadline_ms);
        usleep(count < 0 ? 1000 : 0);
    }
    text[size] = '\0';
    assert_non_null(strstr(text, "reason evicted"));
    assert_int_equal(ctl_await_exit(&ctl), 1);
    assert_non_null(strstr(ctl.err.text, "electctl: ABORTED: "));
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_signals_that_are_not_its_own_end_nothing),
        OVER_UNIX(test_log_file_that_may_not_grow_stops_nothing),
        OVER_TCP(test_daemon_hears_signals_that_were_blocked),
        OVER_UNIX(test_electctl_hears_signals_that_were_blocked),
        OVER_UNIX(test_run_hears_signals_that_were_blocked),
        OVER_UNIX(test_unread_output_does_not_keep_watch_from_its_end),
        OVER_BOTH(test_unread_output_does_not_keep_campaign_from_its_end),
        OVER_TCP(test_output_that_is_read_late_is_complete),
    };

    return fixture_run(tests);
}
