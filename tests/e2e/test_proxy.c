// SPDX-License-Identifier: Apache-2.0
//
// The proxy that other tests put between a client and the daemon: calls of
// every shape get through it, by C-core on both sides, and it does what it is
// told. What it hides is told here, too: a link that is frozen behind it looks
// well to both ends.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

#include "fixture.h"
#include "proxy_process.h"
#include "support/candidacy.h"
#include "support/stopwatch.h"
#include "support/story.h"
#include "support/timed_enter.h"

// The next ping is sent when the one before was answered. A proxy that is slow
// is not to be lost.
#define KEEPALIVE "--keepalive-time 100ms --keepalive-timeout 20s"
#define REFLECTION "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
// Of a call that is not to be answered.
#define SHORT_MS 300

// Starts a daemon, with a proxy of one door in front; returns a client that
// goes by the daemon's own address.
static struct client *start(struct fixture *fixture,
                            struct proxy_process *proxy, bool is_pooled)
{
    struct client *direct = fixture_start(fixture, KEEPALIVE);
    struct proxy_start start = {
        .target = fixture->daemons[0].listen[0],
        .is_pooled = is_pooled,
    };
    char listen[128];

    if (fixture->is_unix) {
        snprintf(listen, sizeof listen, "unix:%s",
                 fixture_path(fixture, "proxy.sock"));
        start.listen[0] = listen;
    }
    proxy_spawn(proxy, &start);
    return direct;
}

static void end(struct fixture *fixture, struct proxy_process *proxy)
{
    fixture_disconnect_all(fixture);
    assert_true(proxy_dispose(proxy));
    if (fixture->is_unix) {
        assert_int_equal(remove(fixture_path(fixture, "proxy.sock")), 0);
    }
}

static struct client *connect_by(struct fixture *fixture,
                                 const struct proxy_process *proxy)
{
    return fixture_connect_to(fixture, proxy->doors[0]);
}

static void freeze_both(struct proxy_process *proxy)
{
    proxy_freeze(proxy, 0, PROXY_REQUESTS);
    proxy_freeze(proxy, 0, PROXY_ANSWERS);
}

static void thaw_both(struct proxy_process *proxy)
{
    proxy_thaw(proxy, 0, PROXY_REQUESTS);
    proxy_thaw(proxy, 0, PROXY_ANSWERS);
}

static grpc_status_code call_for(struct client *client, const char *method,
                                 unsigned deadline_ms)
{
    static const uint8_t request[] = {0x0a, 3, 0x0a, 1, 'a', 0x12, 1, 'x'};
    struct client_reply reply;
    grpc_status_code code;

    client_call(client, method, (struct client_bytes){request, sizeof request},
                deadline_ms, &reply);
    code = reply.code;
    client_reply_clear(&reply);
    return code;
}

// Asks for the services, twice, and then says that this was all.
static void check_bidirectional(struct client *client)
{
    static const uint8_t list[] = {0x3a, 0};
    struct stream *stream = stream_start(
        client, REFLECTION, (struct client_bytes){NULL, 0}, CLIENT_DEADLINE_MS);
    struct client_reply reply;

    assert_true(stream_await_open(stream, CLIENT_DEADLINE_MS));
    for (unsigned i = 0; i < 2; i++) {
        assert_true(
            stream_send(stream, (struct client_bytes){list, sizeof list}));
        assert_int_equal(stream_next(stream, CLIENT_DEADLINE_MS, &reply),
                         STREAM_MESSAGE);
        client_reply_clear(&reply);
    }
    assert_true(stream_half_close(stream));
    assert_int_equal(stream_next(stream, CLIENT_DEADLINE_MS, &reply),
                     STREAM_ENDED);
    assert_int_equal(reply.code, GRPC_STATUS_OK);
    client_reply_clear(&reply);
    stream_release(stream);
}

static void check_calls(struct fixture *fixture, bool is_pooled)
{
    struct proxy_process proxy;
    struct client *client;
    struct stream *watching;
    struct stream *leading;
    struct stream *waiting;

    (void)start(fixture, &proxy, is_pooled);
    client = connect_by(fixture, &proxy);
    expect(client, "GetTerm a",
           "NOT_FOUND: election 'a' does not exist: call Create first");
    tell(client, "Create a");
    watching = watch(client, "a");
    leading = campaign(client, candidacy_of("a", "n1", NULL));
    expect_news(leading, "CURRENT 1 n1 [] r1");
    expect_next(watching, "1 n1 []");
    waiting =
        campaign(connect_by(fixture, &proxy), candidacy_of("a", "n2", NULL));
    expect_news(waiting, "CURRENT 1 n1 [n2] r2");
    expect_news(leading, "ENTERED 1 n1 [n2] r2 was n1");
    expect_next(watching, "1 n1 [n2]");
    // The daemon ends one; the client ends the other.
    tell(client, "Evict a n1");
    expect_news(leading, "EVICTED 2 n2 [] r3 was n1");
    expect_news(leading,
                "ABORTED: the candidate was evicted by a call of Evict");
    expect_next(watching, "2 n2 []");
    stream_release(waiting);
    expect_next(watching, "2 - []");
    expect_timed_enter(proxy.doors[0], "n3", "100", "3 n3 []");
    expect_next(watching, "3 n3 []");
    expect_next(watching, "3 - []");
    check_bidirectional(client);
    end(fixture, &proxy);
}

static void test_calls_of_every_shape_get_through(void **state)
{
    check_calls(*state, false);
}

static void test_calls_of_every_shape_get_through_a_pool(void **state)
{
    check_calls(*state, true);
}

#define MANY 500
#define LONG_NAME 200

// More than any window, of a stream or of a connection, takes at once.
static void test_big_answers_get_through(void **state)
{
    char name[LONG_NAME + 1] = "";
    char text[LONG_NAME + 32];
    struct proxy_process proxy;
    struct client *direct = start(*state, &proxy, false);
    struct client *client = connect_by(*state, &proxy);
    struct stream *watching;
    char *first;
    char *second;

    memset(name, 'n', LONG_NAME);
    tell(direct, "Create a");
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "Enter a %s%03u", name, i);
        tell(direct, text);
    }
    watching = watch(client, "a");
    first = story_next(watching, CLIENT_DEADLINE_MS);
    second = story_call(client, "GetTerm a");
    assert_non_null(first);
    assert_string_equal(first, second);
    assert_true(strlen(first) > (size_t)MANY * LONG_NAME);
    free(first);
    free(second);
    end(*state, &proxy);
}

static void await_daemon_pings(struct proxy_process *proxy, unsigned more)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
    struct proxy_state now;
    unsigned until;

    proxy_state(proxy, &now);
    until = now.daemon_pings + more;
    while (now.daemon_pings < until) {
        assert_true(stopwatch_now_ms() < deadline_ms);
        usleep(10000);
        proxy_state(proxy, &now);
    }
}

// What keepalive is good for, and what not.
static void test_frozen_link_looks_well_to_both_ends(void **state)
{
    struct proxy_process proxy;
    struct client *direct;
    struct client *client;
    struct stream *leading;

    (void)start(*state, &proxy, false);
    client = connect_by(*state, &proxy);
    tell(client, "Create a");
    leading = campaign(client, candidacy_of("a", "n1", NULL));
    expect_news(leading, "CURRENT 1 n1 [] r1");
    freeze_both(&proxy);
    await_daemon_pings(&proxy, 5);
    direct = fixture_connect(*state);
    expect(direct, "GetTerm a", "1 n1 []");
    tell(direct, "Enter a n2; Anoint a n2");
    expect_no_news(leading);
    thaw_both(&proxy);
    expect_news(leading, "ENTERED 1 n1 [n2] r2 was n1");
    expect_news(leading, "ANOINTED 2 n2 [n1] r3 was n1");
    end(*state, &proxy);
}

static void test_frozen_requests_do_not_reach_the_daemon(void **state)
{
    struct proxy_process proxy;
    struct client *direct = start(*state, &proxy, false);
    struct client *client = connect_by(*state, &proxy);
    struct stream *leading;

    tell(client, "Create a");
    leading = campaign(client, candidacy_of("a", "n1", NULL));
    expect_news(leading, "CURRENT 1 n1 [] r1");
    proxy_freeze(&proxy, 0, PROXY_REQUESTS);
    assert_int_equal(call_for(client, STORY_PATH("Enter"), SHORT_MS),
                     GRPC_STATUS_DEADLINE_EXCEEDED);
    expect(direct, "GetTerm a", "1 n1 []");
    // Answers go on.
    tell(direct, "Enter a n2");
    expect_news(leading, "ENTERED 1 n1 [n2] r2 was n1");
    // That it cancels waits, too.
    stream_release(leading);
    assert_int_equal(call_for(client, STORY_PATH("Enter"), SHORT_MS),
                     GRPC_STATUS_DEADLINE_EXCEEDED);
    expect(direct, "GetTerm a", "1 n1 [n2]");
    leading = watch(direct, "a");
    expect_next(leading, "1 n1 [n2]");
    proxy_thaw(&proxy, 0, PROXY_REQUESTS);
    // What was given up before it got through has not come about.
    expect_next(leading, "2 n2 []");
    expect(client, "GetTerm a", "2 n2 []");
    end(*state, &proxy);
}

static void test_frozen_answers_are_to_calls_that_were_done(void **state)
{
    struct proxy_process proxy;
    struct client *direct = start(*state, &proxy, false);
    struct client *client = connect_by(*state, &proxy);

    tell(client, "Create a");
    proxy_freeze(&proxy, 0, PROXY_ANSWERS);
    assert_int_equal(call_for(client, STORY_PATH("Enter"), SHORT_MS),
                     GRPC_STATUS_DEADLINE_EXCEEDED);
    expect(direct, "GetTerm a", "1 x []");
    proxy_thaw(&proxy, 0, PROXY_ANSWERS);
    expect(client, "GetTerm a", "1 x []");
    end(*state, &proxy);
}

static void test_answers_are_as_late_as_they_were_told_to_be(void **state)
{
    struct proxy_process proxy;
    struct client *client;
    int64_t called_ns;

    (void)start(*state, &proxy, false);
    client = connect_by(*state, &proxy);
    tell(client, "Create a");
    proxy_delay(&proxy, 0, PROXY_REQUESTS, 100);
    proxy_delay(&proxy, 0, PROXY_ANSWERS, 100);
    called_ns = stopwatch_ns();
    tell(client, "Create a");
    assert_true(stopwatch_ms_since(called_ns) >= 198);
    end(*state, &proxy);
}

// The stream's end, which must not be OK.
static void expect_lost(struct stream *stream)
{
    struct client_reply reply;

    assert_int_equal(stream_next(stream, CLIENT_DEADLINE_MS, &reply),
                     STREAM_ENDED);
    assert_int_not_equal(reply.code, GRPC_STATUS_OK);
    client_reply_clear(&reply);
}

static void check_cut(struct fixture *fixture, bool is_pooled,
                      void (*cut)(struct proxy_process *, unsigned))
{
    struct proxy_process proxy;
    struct client *direct = start(fixture, &proxy, is_pooled);
    struct client *client = connect_by(fixture, &proxy);
    struct stream *leading;
    struct stream *watching;

    tell(direct, "Create a");
    watching = watch(direct, "a");
    leading = campaign(client, candidacy_of("a", "n1", NULL));
    expect_news(leading, "CURRENT 1 n1 [] r1");
    expect_next(watching, "1 n1 []");
    cut(&proxy, 0);
    expect_lost(leading);
    expect_next(watching, "1 - []");
    // It takes up new ones.
    leading =
        campaign(connect_by(fixture, &proxy), candidacy_of("a", "n1", NULL));
    expect_news(leading, "CURRENT 2 n1 [] r3");
    end(fixture, &proxy);
}

static void test_cut_from_the_client_is_told_to_the_daemon(void **state)
{
    check_cut(*state, false, proxy_cut_clients);
}

static void test_cut_from_a_client_is_told_by_a_pool(void **state)
{
    check_cut(*state, true, proxy_cut_clients);
}

static void test_cut_from_the_daemon_is_told_to_the_client(void **state)
{
    check_cut(*state, false, proxy_cut_daemon);
}

static void test_cut_of_a_pool_is_told_to_the_client(void **state)
{
    check_cut(*state, true, proxy_cut_daemon);
}

static void test_cut_behind_a_frozen_link_is_told_later(void **state)
{
    struct proxy_process proxy;
    struct client *direct = start(*state, &proxy, false);
    struct client *client = connect_by(*state, &proxy);
    struct stream *leading;
    struct stream *watching;

    tell(direct, "Create a");
    leading = campaign(client, candidacy_of("a", "n1", NULL));
    expect_news(leading, "CURRENT 1 n1 [] r1");
    freeze_both(&proxy);
    proxy_cut_clients(&proxy, 0);
    expect_lost(leading);
    await_daemon_pings(&proxy, 3);
    // A client that was not waited on has answered no pings.
    watching = watch(fixture_connect(*state), "a");
    expect_next(watching, "1 n1 []");
    thaw_both(&proxy);
    expect_next(watching, "1 - []");
    end(*state, &proxy);
}

static void test_daemon_that_is_away_is_unavailable(void **state)
{
    struct proxy_process proxy;
    struct client *client;
    struct stream *watching;

    (void)start(*state, &proxy, false);
    client = connect_by(*state, &proxy);
    tell(client, "Create a");
    watching = watch(client, "a");
    daemon_signal(&((struct fixture *)*state)->daemons[0], SIGTERM);
    expect_lost(watching);
    assert_int_equal(daemon_await_exit(&((struct fixture *)*state)->daemons[0],
                                       STOPWATCH_DEADLINE_MS),
                     0);
    assert_int_equal(
        call_for(client, STORY_PATH("GetTerm"), CLIENT_DEADLINE_MS),
        GRPC_STATUS_UNAVAILABLE);
    end(*state, &proxy);
}

// A session is a connection of the daemon: behind a pool it is the proxy's.
static void test_clients_of_a_pool_share_a_connection(void **state)
{
    struct proxy_process proxy;
    struct client *direct = start(*state, &proxy, true);
    struct client *clients[2] = {connect_by(*state, &proxy),
                                 connect_by(*state, &proxy)};
    struct proxy_state now;

    tell(clients[0], "Create a; Enter a n1");
    tell(clients[1], "Enter a n2");
    proxy_state(&proxy, &now);
    assert_int_equal(now.clients, 2);
    assert_int_equal(now.daemons, 1);
    expect(direct, "GetTerm a", "1 n1 [n2]");
    tell(clients[1], "Close a");
    expect(direct, "GetTerm a", "1 - []");
    end(*state, &proxy);
}

static void test_client_that_is_sent_away_comes_back(void **state)
{
    struct proxy_process proxy;
    struct client *client;
    struct stream *watching;
    struct proxy_state now;
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;

    (void)start(*state, &proxy, false);
    client = connect_by(*state, &proxy);
    tell(client, "Create a");
    watching = watch(client, "a");
    proxy_go_away(&proxy, 0);
    // Which it may not have heard of yet.
    do {
        tell(client, "Create a");
        proxy_state(&proxy, &now);
        assert_true(stopwatch_now_ms() < deadline_ms);
    } while (now.clients < 2);
    tell(client, "Enter a n1");
    expect_next(watching, "1 n1 []");
    end(*state, &proxy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_calls_of_every_shape_get_through),
        OVER_BOTH(test_calls_of_every_shape_get_through_a_pool),
        OVER_TCP(test_big_answers_get_through),
        OVER_BOTH(test_frozen_link_looks_well_to_both_ends),
        OVER_TCP(test_frozen_requests_do_not_reach_the_daemon),
        OVER_TCP(test_frozen_answers_are_to_calls_that_were_done),
        OVER_TCP(test_answers_are_as_late_as_they_were_told_to_be),
        OVER_TCP(test_cut_from_the_client_is_told_to_the_daemon),
        OVER_TCP(test_cut_from_a_client_is_told_by_a_pool),
        OVER_TCP(test_cut_from_the_daemon_is_told_to_the_client),
        OVER_TCP(test_cut_of_a_pool_is_told_to_the_client),
        OVER_TCP(test_cut_behind_a_frozen_link_is_told_later),
        OVER_TCP(test_daemon_that_is_away_is_unavailable),
        OVER_TCP(test_clients_of_a_pool_share_a_connection),
        OVER_TCP(test_client_that_is_sent_away_comes_back),
    };

    return fixture_run(tests);
}
