// SPDX-License-Identifier: Apache-2.0
//
// A shutdown in the middle of everything: whoever is being served gets an
// answer or UNAVAILABLE, nobody is left hanging, and nobody can hold it up for
// longer than the drain time.

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

#include "crowd.h"
#include "fixture.h"
#include "support/raw_socket.h"
#include "support/stopwatch.h"
#include "support/story.h"

#define CALLERS 6
#define WATCHERS 6
// What each of them has done before the shutdown.
#define WARM_UP 50
// Of calls that are not to hang: longer than the drain time.
#define HANG_MS 15000

#define DRAIN_MS 2000
// What a busy machine may take on top.
#define SLACK_MS (FIXTURE_IS_SANITIZED ? 8000 : 3000)

// One client on a thread of its own, until the daemon is gone.
struct user {
    pthread_t thread;
    struct client *client;
    unsigned index;
    bool is_persistent;
    // Answers, or messages.
    atomic_uint served;
    // Calls that were told of the shutdown.
    unsigned refused;
    // How it ended.
    grpc_status_code code;
    char text[256];
};

static void user_end(struct user *user, const struct client_reply *reply)
{
    user->code = reply->code;
    snprintf(user->text, sizeof user->text, "%.200s", reply->text);
}

// Calls until a call fails, or, persistently, until the daemon no longer says
// that it shuts down, but is gone.
static void *call_until_the_end(void *argument)
{
    static const char *const paths[] = {
        STORY_PATH("Enter"),
        STORY_PATH("GetTerm"),
        STORY_PATH("Withdraw"),
    };
    struct user *user = argument;
    uint8_t buffer[STORY_REQUEST_SIZE_MAX];
    char name[16];
    int size = snprintf(name, sizeof name, "n%u", user->index);
    struct client_bytes request =
        story_request(buffer, (struct client_bytes){"a", 1},
                      (struct client_bytes){name, (size_t)size});
    struct client_reply reply;
    bool is_served;
    bool is_refused;

    do {
        client_call(user->client, paths[user->served % 3], request, HANG_MS,
                    &reply);
        is_served = reply.code == GRPC_STATUS_OK;
        is_refused = strcmp(reply.text, "shutting down") == 0;
        user->served += is_served;
        user->refused += is_refused;
        user_end(user, &reply);
        client_reply_clear(&reply);
    } while (is_served || (is_refused && user->is_persistent));
    return NULL;
}

// Reads a Watch until it ends.
static void *watch_until_the_end(void *argument)
{
    struct user *user = argument;
    uint8_t buffer[STORY_REQUEST_SIZE_MAX];
    struct client_bytes request = story_request(
        buffer, (struct client_bytes){"a", 1}, (struct client_bytes){NULL, 0});
    struct stream *stream = stream_start(user->client, STORY_PATH("Watch"),
                                         request, 10 * CLIENT_DEADLINE_MS);
    struct client_reply reply;
    enum stream_news news;

    do {
        news = stream_next(stream, HANG_MS, &reply);
        user->served += news == STREAM_MESSAGE;
        if (news == STREAM_ENDED) {
            user_end(user, &reply);
        } else if (news == STREAM_SILENT) {
            user->code = GRPC_STATUS_DEADLINE_EXCEEDED;
        }
        client_reply_clear(&reply);
    } while (news == STREAM_MESSAGE);
    return NULL;
}

static void user_start(struct user *user, struct fixture *fixture,
                       unsigned index, void *(*work)(void *))
{
    // A call over a connection that was made in the very moment in which the
    // daemon goes may end in another way, which gRPC leaves no means to avoid.
    user->is_persistent = index % 2 == 0;
    user->client = user->is_persistent ? fixture_connect_once(fixture)
                                       : fixture_connect(fixture);
    user->index = index;
    assert_int_equal(pthread_create(&user->thread, NULL, work, user), 0);
}

static void await_served(const struct user *users, unsigned count)
{
    long long deadline_ms = stopwatch_now_ms() + CLIENT_DEADLINE_MS;

    for (unsigned i = 0; i < count; i++) {
        while (users[i].served < WARM_UP) {
            assert_true(stopwatch_now_ms() < deadline_ms);
            usleep(1000);
        }
    }
}

static void expect_unavailable(const struct user *user, const char *who)
{
    if (user->code != GRPC_STATUS_UNAVAILABLE) {
        fail_msg("%s %u ended with %s: %s", who, user->index,
                 client_code_name(user->code), user->text);
    }
}

// The daemon was told to stop at that time, and must have ended well by now.
static void expect_exit(struct daemon *daemon, long long since_ms,
                        unsigned drain_ms)
{
    long long left_ms = since_ms + drain_ms + SLACK_MS - stopwatch_now_ms();

    assert_int_equal(
        daemon_await_exit(daemon, left_ms > 0 ? (unsigned)left_ms : 0), 0);
    // Nobody had to be left behind.
    assert_false(daemon_log_has(daemon, "drain_incomplete"));
}

static void test_shutdown_under_load_leaves_nobody_hanging(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    static struct user users[CALLERS + WATCHERS];
    struct client *client = fixture_start(fixture, NULL);
    unsigned refused = 0;
    long long since_ms;

    memset(users, 0, sizeof users);
    tell(client, "Create a; Enter a n");
    for (unsigned i = 0; i < CALLERS + WATCHERS; i++) {
        user_start(&users[i], fixture, i,
                   i < CALLERS ? call_until_the_end : watch_until_the_end);
    }
    await_served(users, CALLERS + WATCHERS);
    since_ms = stopwatch_now_ms();
    daemon_signal(daemon, SIGTERM);
    for (unsigned i = 0; i < CALLERS + WATCHERS; i++) {
        pthread_join(users[i].thread, NULL);
    }
    for (unsigned i = 0; i < CALLERS + WATCHERS; i++) {
        expect_unavailable(&users[i], i < CALLERS ? "caller" : "watcher");
        refused += users[i].refused;
    }
    // There is time to say so before the connections go.
    assert_true(refused > 0);
    expect_exit(daemon, since_ms, 5000);
    assert_false(daemon_log_has(daemon, "level=error"));
}

// Starts a daemon with a stream that holds its shutdown up, and begins that.
static struct stream *begin_stalled(struct fixture *fixture,
                                    const char *arguments)
{
    struct client *client = fixture_start(fixture, arguments);
    struct stream *stream;
    struct crowd crowd;

    crowd_init(&crowd, client);
    stream = watch(client, "crowd");
    crowd_change(&crowd);
    return stream;
}

static void begin_shutdown(struct daemon *daemon)
{
    daemon_signal(daemon, SIGTERM);
    daemon_await_log(daemon, "event=stopping");
}

static void test_stalled_reader_holds_it_for_the_drain_time_alone(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    long long since_ms;

    begin_stalled(fixture, "--drain-timeout=2s");
    since_ms = stopwatch_now_ms();
    daemon_signal(daemon, SIGTERM);
    expect_exit(daemon, since_ms, DRAIN_MS);
    // It was given the time that it might have needed.
    assert_true(stopwatch_now_ms() - since_ms > DRAIN_MS / 2);
}

static void test_reader_that_reads_again_gets_the_last_state(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    struct stream *stream = begin_stalled(fixture, "--drain-timeout=1m");
    long long since_ms = stopwatch_now_ms();

    begin_shutdown(daemon);
    assert_int_equal(crowd_next(stream, CLIENT_DEADLINE_MS), 1);
    assert_int_equal(crowd_next(stream, CLIENT_DEADLINE_MS), 2);
    expect_end(stream, "UNAVAILABLE: shutting down");
    fixture_disconnect_all(fixture);
    // And nothing keeps it any longer.
    expect_exit(daemon, since_ms, 0);
}

static void test_drain_time_of_0_waits_for_nobody(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    long long since_ms;

    begin_stalled(fixture, "--drain-timeout=0s");
    since_ms = stopwatch_now_ms();
    daemon_signal(daemon, SIGTERM);
    expect_exit(daemon, since_ms, 0);
}

#define CONNECTIONS 20

static void test_new_calls_are_unavailable_while_it_drains(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    struct stream *stalled = begin_stalled(fixture, "--drain-timeout=1m");
    struct client *clients[CONNECTIONS];
    struct client *client = fixture->clients[0];

    for (unsigned i = 0; i < CONNECTIONS; i++) {
        clients[i] = fixture_connect(fixture);
        tell(clients[i], "GetTerm crowd");
    }
    begin_shutdown(daemon);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        // Its connection was there before, and is told only now.
        expect_part(clients[i], "Enter crowd n2", "UNAVAILABLE: ");
        expect_part(clients[i], "Watch crowd", "UNAVAILABLE: ");
        expect_part(fixture_connect(fixture), "Enter crowd n2",
                    "UNAVAILABLE: ");
    }
    // Also by the connection that holds it up.
    expect_part(client, "Enter crowd n2", "UNAVAILABLE: ");
    assert_true(daemon_is_alive(daemon));
    assert_int_equal(crowd_next(stalled, CLIENT_DEADLINE_MS), 1);
    assert_int_equal(crowd_next(stalled, CLIENT_DEADLINE_MS), 2);
    expect_end(stalled, "UNAVAILABLE: shutting down");
    fixture_disconnect_all(fixture);
    expect_exit(daemon, stopwatch_now_ms(), 0);
}

static void test_idle_connections_do_not_hold_it_up(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    struct client *client = fixture_start(fixture, "--drain-timeout=1m");
    int connections[CONNECTIONS];
    long long since_ms;

    tell(client, "Create a");
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        // Clients that nobody waits on, and so do not hear that it stops.
        tell(fixture_connect(fixture), "Enter a n1");
        connections[i] = raw_connect(daemon->listen[0]);
        assert_int_not_equal(connections[i], -1);
        // Some say nothing, the others the first half of a greeting.
        if (i % 2 == 0) {
            assert_true(raw_send(connections[i], "PRI * HTTP/2", 12));
        }
    }
    since_ms = stopwatch_now_ms();
    daemon_signal(daemon, SIGTERM);
    expect_exit(daemon, since_ms, 0);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        close(connections[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_shutdown_under_load_leaves_nobody_hanging),
        OVER_BOTH(test_stalled_reader_holds_it_for_the_drain_time_alone),
        OVER_BOTH(test_reader_that_reads_again_gets_the_last_state),
        OVER_TCP(test_drain_time_of_0_waits_for_nobody),
        OVER_BOTH(test_new_calls_are_unavailable_while_it_drains),
        OVER_BOTH(test_idle_connections_do_not_hold_it_up),
    };

    return fixture_run(tests);
}
