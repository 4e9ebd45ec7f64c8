// SPDX-License-Identifier: Apache-2.0
//
// A daemon that runs out of file descriptors. gRPC may stop to accept for good
// then, while its socket stays bound and clients hang: the daemon must either
// serve again once there are free ones, or say so and end. What it must never
// do is stay, deaf.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "fixture.h"
#include "raw_socket.h"
#include "story.h"

#define DESCRIPTORS_MAX 64
#define CONNECTIONS (2 * DESCRIPTORS_MAX)
#define DEADLINE_MS 20000

static void start(struct fixture *fixture)
{
    char arguments[160];

    snprintf(arguments, sizeof arguments, "--drain-timeout=1s --listen=%s%s",
             fixture->is_unix ? "unix:" : "127.0.0.1:0",
             fixture->is_unix ? fixture_path(fixture, "socket") : "");
    daemon_spawn(&fixture->daemons[0],
                 &(struct daemon_start){.arguments = arguments,
                                        .descriptors_max = DESCRIPTORS_MAX});
    daemon_await_ready(&fixture->daemons[0]);
}

// Takes all descriptors that the daemon has; returns how many connections.
static unsigned exhaust(struct daemon *daemon, int *connections)
{
    long long deadline_ms = daemon_now_ms() + DEADLINE_MS;
    unsigned count = 0;

    while (daemon_is_alive(daemon) &&
           daemon_descriptors(daemon) < DESCRIPTORS_MAX) {
        assert_true(daemon_now_ms() < deadline_ms);
        if (count < CONNECTIONS) {
            connections[count] = raw_connect(daemon->listen[0]);
            count += connections[count] != -1;
        }
        usleep(1000);
    }
    // And one that it has no descriptor for.
    connections[count] = raw_connect(daemon->listen[0]);
    return count + (connections[count] != -1);
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

static void test_daemon_without_descriptors_recovers_or_ends(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    long long deadline_ms = daemon_now_ms() + DEADLINE_MS;
    int connections[CONNECTIONS + 1];
    struct client *client;
    unsigned count;

    start(fixture);
    client = fixture_connect(fixture);
    tell(client, "Create a; Enter a n1");
    fixture_disconnect(fixture, client);
    assert_true(serves(fixture));
    count = exhaust(daemon, connections);
    assert_in_range(count, 10, DESCRIPTORS_MAX);
    for (unsigned i = 0; i < count; i++) {
        close(connections[i]);
    }
    while (daemon_is_alive(daemon) && !serves(fixture)) {
        assert_true(daemon_now_ms() < deadline_ms);
    }
    if (!daemon_is_alive(daemon)) {
        assert_int_equal(daemon_await_exit(daemon, DEADLINE_MS), 1);
        assert_int_equal(
            daemon_log_count(daemon, " level=error event=listener_lost "), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_daemon_without_descriptors_recovers_or_ends),
    };

    return fixture_run(tests);
}
