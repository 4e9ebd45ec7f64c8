// SPDX-License-Identifier: Apache-2.0
//
// Peers that do not mean it: calls that are reset at once, by the thousands and
// at every moment of their lives, and connections that speak nonsense. After
// it the daemon serves as before, watches nothing, and has its memory back.
//
// ELECTD_TEST_RESETS=N resets N calls instead of 20,000.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/test.h"

#include "fixture.h"
#include "raw_http2.h"
#include "support/raw_socket.h"
#include "support/stopwatch.h"
#include "support/story.h"

#define RESETS 20000
#define WARM_UP 2000
#define RSS_GROWTH_MAX_KIB (10 * 1024)
#define WATCHERS_MAX 20
#define DEADLINE_MS 30000
#define MEMORY_DEADLINE_MS 5000
// Calls at a time of gRPC's own client.
#define BATCH 50

static unsigned count_resets(void)
{
    const char *text = getenv("ELECTD_TEST_RESETS");

    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : RESETS;
}

static const char *const paths[] = {
    STORY_PATH("GetTerm"),
    STORY_PATH("Watch"),
    STORY_PATH("Enter"),
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/nobody.Knows/This",
};

#define PATHS (sizeof paths / sizeof paths[0])

static const struct client_bytes of_a = {"\x0a\x03\x0a\x01"
                                         "a\x12\x01n",
                                         8};

// Calls by frames: each is reset before its message, behind it in the same
// packet, or a little later.
static void reset_frames(const struct daemon *daemon, unsigned count)
{
    static struct http2 http2;
    uint32_t streams[PATHS];

    assert_true(http2_connect(&http2, daemon->listen[0]));
    for (unsigned i = 0; i < count; i++) {
        uint32_t stream = http2_put_call(&http2, paths[i % PATHS]);
        uint32_t *earlier = &streams[i % PATHS];

        switch (i / PATHS % 4) {
        case 0:
            http2_put_reset(&http2, stream);
            break;
        case 1:
            http2_put_message(&http2, stream, of_a.bytes, of_a.size);
            http2_put_reset(&http2, stream);
            break;
        case 2:
            http2_put_message(&http2, stream, of_a.bytes, of_a.size);
            *earlier = stream;
            break;
        default:
            http2_put_message(&http2, stream, of_a.bytes, of_a.size);
            http2_put_reset(&http2, *earlier);
            http2_put_reset(&http2, stream);
            break;
        }
        if (i % 97 == 0 || !http2_has_room(&http2)) {
            assert_true(http2_flush(&http2));
        }
        if (i % 1000 == 999) {
            assert_true(http2_ping(&http2, DEADLINE_MS));
        }
    }
    assert_true(http2_ping(&http2, DEADLINE_MS));
    http2_close(&http2);
}

// Calls by gRPC's own client, which cancels them at once or after the first
// news of them.
static void reset_calls(const struct daemon *daemon, unsigned count)
{
    struct client *client = client_connect(daemon->listen[0]);
    struct stream *streams[BATCH];
    struct client_reply reply;

    for (unsigned i = 0; i < count; i += BATCH) {
        for (unsigned j = 0; j < BATCH; j++) {
            streams[j] = stream_start(client, paths[j % PATHS], of_a,
                                      CLIENT_DEADLINE_MS);
            if (j % 3 == 0) {
                stream_cancel(streams[j]);
            }
        }
        // Makes progress, as far as it goes by itself.
        for (unsigned j = 0; j < BATCH; j++) {
            if (j % 3 == 1) {
                stream_await_open(streams[j], CLIENT_DEADLINE_MS);
                stream_next(streams[j], 0, &reply);
                client_reply_clear(&reply);
            }
            stream_release(streams[j]);
        }
    }
    client_close(client);
}

// All places for watchers are free, of elections and of health.
static void expect_no_watcher(struct fixture *fixture)
{
    struct client *client = fixture_connect(fixture);
    long long deadline_ms = stopwatch_now_ms() + DEADLINE_MS;
    struct stream *streams[WATCHERS_MAX];
    unsigned admitted;
    char *told;

    do {
        assert_true(stopwatch_now_ms() < deadline_ms);
        admitted = 0;
        for (unsigned i = 0; i < WATCHERS_MAX; i++) {
            streams[i] = watch(client, "a");
            told = story_next(streams[i], CLIENT_DEADLINE_MS);
            assert_non_null(told);
            admitted += told[0] == '1';
            free(told);
        }
        if (admitted == WATCHERS_MAX) {
            expect_part(client, "Watch a", "RESOURCE_EXHAUSTED: the limit of");
        }
        for (unsigned i = 0; i < WATCHERS_MAX; i++) {
            stream_release(streams[i]);
        }
    } while (admitted < WATCHERS_MAX);
    fixture_disconnect(fixture, client);
}

// The daemon gives memory back a moment after a burst.
static void expect_memory_back(const struct daemon *daemon, size_t max_kib)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    long long deadline_ms = stopwatch_now_ms() + MEMORY_DEADLINE_MS;

    while (daemon_rss_kib(daemon) > max_kib &&
           stopwatch_now_ms() < deadline_ms) {
        nanosleep(&pause, NULL);
    }
    assert_in_range(daemon_rss_kib(daemon), 0, max_kib);
}

static void test_resets_cost_neither_memory_nor_watchers(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    struct client *client =
        fixture_start(fixture, "--max-watchers=20 --log-level=info");
    unsigned resets = count_resets();
    size_t warm_kib;

    tell(client, "Create a; Enter a n");
    reset_frames(daemon, WARM_UP / 2);
    reset_calls(daemon, WARM_UP / 2);
    expect_no_watcher(fixture);
    warm_kib = daemon_rss_kib(daemon);
    reset_frames(daemon, resets / 2);
    reset_calls(daemon, resets / 2);
    expect_no_watcher(fixture);
    if (!FIXTURE_IS_SANITIZED) {
        expect_memory_back(daemon, warm_kib + RSS_GROWTH_MAX_KIB);
    }
    expect(client, "GetTerm a", "1 n []");
    expect(fixture_connect(fixture), "Enter a n2", "1 n [n2]");
}

// As many connections are open as there were.
static void expect_descriptors(const struct daemon *daemon, unsigned count)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    long long deadline_ms = stopwatch_now_ms() + DEADLINE_MS;

    while (daemon_descriptors(daemon) > count &&
           stopwatch_now_ms() < deadline_ms) {
        nanosleep(&pause, NULL);
    }
    assert_int_equal(daemon_descriptors(daemon), count);
}

#define STRANGERS 500

static void test_connections_without_a_byte_cost_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    struct client *client = fixture_start(fixture, NULL);
    unsigned descriptors;
    int connection;

    tell(client, "Create a; Enter a n");
    descriptors = daemon_descriptors(daemon);
    for (unsigned i = 0; i < STRANGERS; i++) {
        connection = raw_connect(daemon->listen[0]);
        assert_int_not_equal(connection, -1);
        close(connection);
    }
    expect_descriptors(daemon, descriptors);
    expect(client, "GetTerm a", "1 n []");
    expect(fixture_connect(fixture), "GetTerm a", "1 n []");
}

static void test_nonsense_ends_its_own_connection_alone(void **state)
{
    static const struct client_bytes nonsense[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27},
        {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
         33},
        // A settings frame that belongs to a stream.
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\x01", 33},
    };
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    struct client *client = fixture_start(fixture, NULL);
    unsigned descriptors;
    int connection;

    tell(client, "Create a; Enter a n");
    descriptors = daemon_descriptors(daemon);
    for (unsigned i = 0; i < 100; i++) {
        const struct client_bytes *bytes = &nonsense[i % 4];

        connection = raw_connect(daemon->listen[0]);
        assert_int_not_equal(connection, -1);
        raw_send(connection, bytes->bytes, bytes->size);
        assert_true(raw_await_close(connection, DEADLINE_MS));
        close(connection);
    }
    expect_descriptors(daemon, descriptors);
    expect(client, "GetTerm a", "1 n []");
}

// Random bytes, behind a proper greeting or not.
static void test_noise_does_not_end_the_daemon(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    struct client *client = fixture_start(fixture, NULL);
    uint8_t noise[4096];
    uint32_t number = 1;
    struct http2 http2;
    int connection;

    tell(client, "Create a; Enter a n");
    for (unsigned i = 0; i < 200; i++) {
        for (size_t j = 0; j < sizeof noise; j++) {
            number = number * 1664525 + 1013904223;
            noise[j] = (uint8_t)(number >> 24);
        }
        assert_true(http2_connect(&http2, daemon->listen[0]));
        connection = i % 2 == 0 ? http2.fd : raw_connect(daemon->listen[0]);
        raw_send(connection, noise, sizeof noise);
        if (connection != http2.fd) {
            close(connection);
        }
        http2_close(&http2);
    }
    expect(client, "GetTerm a", "1 n []");
}

// The frames of a call, cut off after every byte.
static void test_half_a_frame_is_no_call(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    struct client *client = fixture_start(fixture, NULL);
    static struct http2 http2;
    size_t size;

    tell(client, "Create a; Enter a n1");
    for (size_t cut = 0;; cut++) {
        assert_true(http2_connect(&http2, daemon->listen[0]));
        http2_put_message(&http2, http2_put_call(&http2, paths[2]), of_a.bytes,
                          of_a.size);
        size = http2.size;
        if (cut >= size) {
            break;
        }
        http2.size = cut;
        http2_flush(&http2);
        http2_close(&http2);
    }
    assert_in_range(size, 100, 500);
    // The whole of it is one.
    expect(client, "GetTerm a", "1 n1 []");
    assert_true(http2_ping(&http2, DEADLINE_MS));
    http2_close(&http2);
    expect_part(client, "Withdraw a n1", "2 n []");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_resets_cost_neither_memory_nor_watchers),
        OVER_BOTH(test_connections_without_a_byte_cost_nothing),
        OVER_BOTH(test_nonsense_ends_its_own_connection_alone),
        OVER_BOTH(test_noise_does_not_end_the_daemon),
        OVER_BOTH(test_half_a_frame_is_no_call),
    };

    return fixture_run(tests);
}
