// SPDX-License-Identifier: Apache-2.0
//
// A leader that has gone without a word: its process is stopped, or its
// connection is cut. HTTP/2 keepalive finds it. How long that takes is told as
// a comment; the bounds here are those of a machine that does much else.

#include <linux/filter.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/test.h"

#include "fixture.h"
#include "patience.h"
#include "raw_http2.h"
#include "silent_proxy.h"
#include "support/campaigner.h"
#include "support/candidacy.h"
#include "support/child_process.h"
#include "support/raw_socket.h"
#include "support/stopwatch.h"
#include "support/story.h"

#define KEEPALIVE "--keepalive-time 200ms --keepalive-timeout 200ms"
#define NOTICED_MS_MAX (200 + 200 + 200 + 5000)

static const char *listen_of(const struct fixture *fixture)
{
    return fixture->daemons[0].listen[0];
}

static void check_noticed(const char *what, int64_t gone_ns)
{
    double noticed_ms = stopwatch_ms_since(gone_ns);

    print_message("# %s: the next leads after %.1f ms\n", what, noticed_ms);
    assert_true(noticed_ms < NOTICED_MS_MAX);
}

// A process of its own leads; returns the stream of the next.
static struct stream *lead(struct fixture *fixture, struct client *client,
                           struct child_process *leader)
{
    struct campaigner campaigner = {
        .listen = listen_of(fixture),
        .election = "a",
        .candidate = "n1",
    };
    struct stream *next;

    tell(client, "Create a");
    assert_true(campaigner_spawn(leader, &campaigner));
    // This client has not answered any ping in the meantime.
    next = campaign(fixture_connect(fixture), candidacy_of("a", "n2", NULL));
    expect_news(next, "CURRENT 1 n1 [n2] r2");
    return next;
}

static void test_process_that_is_stopped_is_replaced(void **state)
{
    struct client *client = fixture_start(*state, KEEPALIVE);
    int64_t stopped_ns;
    struct stream *next;
    struct child_process leader;

    next = lead(*state, client, &leader);
    stopped_ns = stopwatch_ns();
    child_signal(&leader, SIGSTOP);
    expect_news(next, "DISCONNECTED 2 n2 [] r3 was n1");
    check_noticed("stopped", stopped_ns);
    child_dispose(&leader);
}

// It hears of it when it goes on, and is out.
static void test_process_that_goes_on_too_late_leads_no_more(void **state)
{
    struct client *client = fixture_start(*state, KEEPALIVE);
    long long deadline_ms;
    struct stream *next;
    struct child_process leader;

    next = lead(*state, client, &leader);
    child_signal(&leader, SIGSTOP);
    expect_news(next, "DISCONNECTED 2 n2 [] r3 was n1");
    child_signal(&leader, SIGCONT);
    // Waits for the one, and answers pings for the other.
    deadline_ms = stopwatch_now_ms() + CLIENT_DEADLINE_MS;
    while (!child_has_ended(&leader, 0)) {
        assert_null(candidacy_next(next, 10));
        assert_true(stopwatch_now_ms() < deadline_ms);
    }
    child_dispose(&leader);
    assert_null(candidacy_next(next, 100));
    expect(fixture_connect(*state), "GetTerm a", "2 n2 []");
}

static void test_process_that_is_idle_is_left_alone(void **state)
{
    struct client *client = fixture_start(*state, KEEPALIVE);
    struct stream *next;
    struct child_process leader;

    next = lead(*state, client, &leader);
    // Keepalive asks it a few times, and it answers; so does this one.
    assert_null(candidacy_next(next, 3000));
    child_dispose(&leader);
    expect_news(next, "DISCONNECTED 2 n2 [] r3 was n1");
}

static void test_connection_that_falls_silent_is_replaced(void **state)
{
    struct client *client = fixture_start(*state, KEEPALIVE);
    struct silent_proxy proxy;
    struct client *leading;
    struct stream *stream;
    struct stream *next;
    int64_t silent_ns;

    tell(client, "Create a");
    silent_proxy_init(&proxy, listen_of(*state));
    leading = fixture_connect_to(*state, proxy.listen);
    stream = campaign(leading, candidacy_of("a", "n1", NULL));
    expect_news(stream, "CURRENT 1 n1 [] r1");
    next = campaign(client, candidacy_of("a", "n2", NULL));
    expect_news(next, "CURRENT 1 n1 [n2] r2");
    expect_news(stream, "ENTERED 1 n1 [n2] r2 was n1");
    silent_ns = stopwatch_ns();
    silent_proxy_fall_silent(&proxy);
    expect_news(next, "DISCONNECTED 2 n2 [] r3 was n1");
    check_noticed("silent", silent_ns);
    silent_proxy_close(&proxy);
}

static void test_grace_begins_when_the_silence_is_noticed(void **state)
{
    struct client *client = fixture_start(*state, KEEPALIVE);
    struct candidacy patient = {
        .election = "a", .candidate = "n1", .grace_ms = 500};
    struct silent_proxy proxy;
    struct client *leading;
    struct stream *next;
    int64_t silent_ns;

    tell(client, "Create a");
    silent_proxy_init(&proxy, listen_of(*state));
    leading = fixture_connect_to(*state, proxy.listen);
    expect_news(campaign(leading, patient), "CURRENT 1 n1 [] r1");
    next = campaign(client, candidacy_of("a", "n2", NULL));
    expect_news(next, "CURRENT 1 n1 [n2] r2");
    silent_ns = stopwatch_ns();
    silent_proxy_fall_silent(&proxy);
    expect_news(next, "DISCONNECTED 2 n2 [] r3 was n1");
    assert_true(stopwatch_ms_since(silent_ns) >= 500);
    check_noticed("silent, with a grace of 500 ms", silent_ns);
    silent_proxy_close(&proxy);
}

#define PINGS 25
#define PING_INTERVAL_MS 100
#define PAUSE_MS 60

// A ping every 100 ms, or less often where the answers are late: as gRPC's
// clients do it, none comes right behind the answer to the one before. (http2
// does not answer the daemon's own pings.)
static void ping_for_a_while(struct http2 *http2)
{
    for (unsigned i = 0; i < PINGS; i++) {
        int64_t sent_ns = stopwatch_ns();
        double left_ms;

        assert_true(http2_ping(http2, CLIENT_DEADLINE_MS));
        left_ms = PING_INTERVAL_MS - stopwatch_ms_since(sent_ns);
        poll(NULL, 0, left_ms > PAUSE_MS ? (int)left_ms : PAUSE_MS);
    }
    assert_int_equal(http2->pongs, PINGS);
}

static void test_client_that_pings_often_is_not_disconnected(void **state)
{
    static const uint8_t request[] = {0x0a, 3, 0x0a, 1, 'a', 0x12, 2, 'n', '1'};
    struct client *client = fixture_start(*state, PATIENT);
    struct http2 http2 = {.fd = -1};
    struct stream *watching;

    tell(client, "Create a");
    watching = watch(client, "a");
    assert_true(http2_connect(&http2, listen_of(*state)));
    http2_put_message(&http2, http2_put_call(&http2, CANDIDACY_PATH), request,
                      sizeof request);
    assert_true(http2_flush(&http2));
    expect_next(watching, "1 n1 []");
    ping_for_a_while(&http2);
    expect(client, "GetTerm a", "1 n1 []");
    http2_close(&http2);
    expect_next(watching, "1 - []");
}

static void test_client_that_pings_without_a_call_is_not_either(void **state)
{
    struct http2 http2 = {.fd = -1};

    (void)fixture_start(*state, PATIENT);
    assert_true(http2_connect(&http2, listen_of(*state)));
    ping_for_a_while(&http2);
    http2_close(&http2);
}

#define FLOOD 100000
#define FLOOD_GROWTH_MAX_KIB (16 * 1024)

// Nobody is disconnected for pings; their answers must not pile up either.
static void test_client_that_reads_no_answer_to_its_pings(void **state)
{
    static const uint8_t ping[17] = {[2] = 8, [3] = 6};
    struct client *client = fixture_start(*state, PATIENT);
    const struct daemon *daemon = &((struct fixture *)*state)->daemons[0];
    struct http2 http2 = {.fd = -1};
    size_t before;

    tell(client, "Create a");
    assert_true(http2_connect(&http2, listen_of(*state)));
    before = daemon_rss_kib(daemon);
    for (unsigned i = 0; i < FLOOD; i++) {
        if (send(http2.fd, ping, sizeof ping, MSG_NOSIGNAL) < 0) {
            // Nobody reads them any more.
            break;
        }
    }
    expect(client, "GetTerm a", "0 - []");
    assert_true(FIXTURE_IS_SANITIZED ||
                daemon_rss_kib(daemon) < before + FLOOD_GROWTH_MAX_KIB);
    http2_close(&http2);
}

// From now on the socket hears nothing, and its kernel answers nothing: as if
// the host had gone.
static void fall_dead(int fd)
{
    struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {.len = 1, .filter = &drop};

    assert_int_equal(
        setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program),
        0);
}

static void await_descriptors(const struct daemon *daemon, unsigned count)
{
    long long deadline_ms = stopwatch_now_ms() + CLIENT_DEADLINE_MS;

    while (daemon_descriptors(daemon) != count) {
        assert_true(stopwatch_now_ms() < deadline_ms);
        poll(NULL, 0, 10);
    }
}

// It has no call open, so that nothing but TCP asks for it.
static void test_idle_peer_whose_host_is_gone_is_cut_off(void **state)
{
    struct client *client = fixture_start(*state, KEEPALIVE);
    const struct daemon *daemon = &((struct fixture *)*state)->daemons[0];
    struct http2 http2 = {.fd = -1};
    unsigned before;
    int64_t dead_ns;

    tell(client, "Create a");
    before = daemon_descriptors(daemon);
    assert_true(http2_connect(&http2, listen_of(*state)));
    assert_true(http2_ping(&http2, CLIENT_DEADLINE_MS));
    await_descriptors(daemon, before + 1);
    dead_ns = stopwatch_ns();
    fall_dead(http2.fd);
    await_descriptors(daemon, before);
    print_message("# cut off after %.0f ms\n", stopwatch_ms_since(dead_ns));
    http2_close(&http2);
}

// Its kernel lives, though it reads nothing: no answer to a ping from here.
static void test_idle_peer_that_does_not_read_is_left_alone(void **state)
{
    struct client *client = fixture_start(*state, KEEPALIVE);
    const struct daemon *daemon = &((struct fixture *)*state)->daemons[0];
    struct http2 http2 = {.fd = -1};
    unsigned before;

    tell(client, "Create a");
    before = daemon_descriptors(daemon);
    assert_true(http2_connect(&http2, listen_of(*state)));
    assert_true(http2_ping(&http2, CLIENT_DEADLINE_MS));
    await_descriptors(daemon, before + 1);
    poll(NULL, 0, 3000);
    assert_true(http2_ping(&http2, CLIENT_DEADLINE_MS));
    http2_close(&http2);
}

static void check_refused(const char *arguments, const char *error)
{
    struct child_start start = {.arguments = arguments};
    struct daemon daemon;

    daemon_spawn(&daemon, &start);
    assert_int_equal(daemon_await_exit(&daemon, STOPWATCH_DEADLINE_MS), 2);
    if (strstr(daemon.process.err.text, error) == NULL) {
        fail_msg("'%s' without '%s'", daemon.process.err.text, error);
    }
    assert_true(daemon_dispose(&daemon));
}

static void test_keepalive_out_of_range_is_refused(void **state)
{
    (void)state;
    check_refused("--keepalive-time=99ms",
                  "electd: --keepalive-time: '99ms' is not a duration from "
                  "100ms to 1h");
    check_refused("--keepalive-timeout=99ms",
                  "electd: --keepalive-timeout: '99ms' is not a duration from "
                  "100ms to 1h");
    check_refused("--keepalive-time=3601s", "is not a duration from 100ms");
    check_refused("--keepalive-timeout=0", "--keepalive-timeout");
    check_refused("--keepalive-time=2", "--keepalive-time");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_process_that_is_stopped_is_replaced),
        OVER_TCP(test_process_that_goes_on_too_late_leads_no_more),
        OVER_BOTH(test_process_that_is_idle_is_left_alone),
        OVER_TCP(test_connection_that_falls_silent_is_replaced),
        OVER_TCP(test_grace_begins_when_the_silence_is_noticed),
        OVER_BOTH(test_client_that_pings_often_is_not_disconnected),
        OVER_TCP(test_client_that_pings_without_a_call_is_not_either),
        OVER_BOTH(test_client_that_reads_no_answer_to_its_pings),
        OVER_TCP(test_idle_peer_whose_host_is_gone_is_cut_off),
        OVER_BOTH(test_idle_peer_that_does_not_read_is_left_alone),
        cmocka_unit_test(test_keepalive_out_of_range_is_refused),
    };

    if (campaigner_is_asked_for(argc, argv)) {
        return campaigner_main(argc, argv);
    }
    return fixture_run(tests);
}
