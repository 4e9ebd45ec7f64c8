// SPDX-License-Identifier: Apache-2.0
//
// A daemon that runs out of file descriptors: it refuses connections, serves
// those that it has, and keeps its elections. What takes a descriptor and says
// nothing loses it soon.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

#include "fixture.h"
#include "support/child_process.h"
#include "support/raw_socket.h"
#include "support/stopwatch.h"
#include "support/story.h"

// An idle daemon has 17 itself.
#define DESCRIPTORS_TOO_FEW 20
#define DESCRIPTORS_MAX 128
#define SILENT 200
#define DEADLINE_MS 60000

static void start(struct fixture *fixture)
{
    char arguments[160];

    snprintf(arguments, sizeof arguments, "--drain-timeout=1s --listen=%s%s",
             fixture->is_unix ? "unix:" : "127.0.0.1:0",
             fixture->is_unix ? fixture_path(fixture, "socket") : "");
    daemon_spawn(&fixture->daemons[0],
                 &(struct child_start){.arguments = arguments,
                                       .descriptors_max = DESCRIPTORS_MAX});
    daemon_await_ready(&fixture->daemons[0]);
}

// It serves a new client.
static bool serves(struct fixture *fixture)
{
    struct client *client = fixture_connect(fixture);
    struct client_reply reply;
    uint8_t buffer[STORY_REQUEST_SIZE_MAX];
    struct client_bytes request = story_request(
        buffer, (struct client_bytes){"a", 1}, (struct client_bytes){NULL, 0});
    bool is_served;

    client_call(client, STORY_PATH("GetTerm"), request, 500, &reply);
    is_served = reply.code == GRPC_STATUS_OK;
    client_reply_clear(&reply);
    fixture_disconnect(fixture, client);
    return is_served;
}

static void connect_silently(const struct fixture *fixture, int fds[SILENT])
{
    for (unsigned i = 0; i < SILENT; i++) {
        fds[i] = raw_connect(fixture->daemons[0].listen[0]);
        assert_int_not_equal(fds[i], -1);
    }
}

static void close_all(const int fds[SILENT])
{
    for (unsigned i = 0; i < SILENT; i++) {
        close(fds[i]);
    }
}

static void await_service(struct fixture *fixture)
{
    long long deadline_ms = stopwatch_now_ms() + DEADLINE_MS;

    while (!serves(fixture)) {
        assert_true(daemon_is_alive(&fixture->daemons[0]));
        assert_true(stopwatch_now_ms() < deadline_ms);
    }
}

static void test_connections_beyond_the_descriptors_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    int fds[SILENT];
    struct client *client;

    start(fixture);
    client = fixture_connect(fixture);
    tell(client, "Create a; Enter a n1");
    connect_silently(fixture, fds);
    // The others are not there for those that have one.
    expect(client, "GetTerm a", "1 n1 []");
    tell(client, "Enter a n2");
    assert_true(daemon_descriptors(daemon) < DESCRIPTORS_MAX);
    daemon_await_log(daemon, "refusing connections");
    close_all(fds);
    await_service(fixture);
    expect(fixture_connect(fixture), "GetTerm a", "1 n1 [n2]");
}

static void test_silent_connections_make_room_in_the_end(void **state)
{
    struct fixture *fixture = *state;
    int fds[SILENT];

    start(fixture);
    tell(fixture_connect(fixture), "Create a; Enter a n1");
    connect_silently(fixture, fds);
    await_service(fixture);
    for (unsigned i = 0; i < SILENT; i++) {
        assert_true(raw_await_close(fds[i], DEADLINE_MS));
    }
    expect(fixture_connect(fixture), "GetTerm a", "1 n1 []");
    close_all(fds);
}

// It must not claim to be ready, and turn everybody away.
static void test_too_few_descriptors_are_told_at_the_start(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];

    daemon_spawn(daemon,
                 &(struct child_start){.arguments = "--listen=127.0.0.1:0",
                                       .descriptors_max = DESCRIPTORS_TOO_FEW});
    daemon_await_log(daemon, "too few file descriptors");
    assert_int_equal(daemon_await_exit(daemon, DEADLINE_MS), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_connections_beyond_the_descriptors_are_refused),
        OVER_BOTH(test_silent_connections_make_room_in_the_end),
        OVER_TCP(test_too_few_descriptors_are_told_at_the_start),
    };

    return fixture_run(tests);
}
