// SPDX-License-Identifier: Apache-2.0
//
// How a Campaign ends, and what becomes of its candidate: at once, after a
// grace, or not at all, since another one has taken over. candidacy.h says how
// to read expect_news().

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "fixture.h"
#include "patience.h"
#include "support/candidacy.h"
#include "support/stopwatch.h"
#include "support/story.h"
#include "support/timed_enter.h"

#define TAKEN_OVER "ABORTED: taken over by a newer stream"
#define TAKEN                                                                  \
    "ALREADY_EXISTS: the candidate campaigns already, as another instance"

// Of an end or a return, on a machine that does much else.
#define LATE_MS_MAX 10000

static const char *listen_of(const struct fixture *fixture)
{
    return fixture->daemons[0].listen[0];
}

static struct stream *campaign_for(struct client *client, const char *candidate,
                                   const char *instance, int32_t grace_ms)
{
    return campaign(client, (struct candidacy){.election = "a",
                                               .candidate = candidate,
                                               .instance = instance,
                                               .grace_ms = grace_ms});
}

static struct stream *campaign_in_a(struct client *client,
                                    const char *candidate)
{
    return campaign_for(client, candidate, NULL, 0);
}

// Waits until what is watched would have changed, had anything been left to
// happen within the time: a candidate comes and goes. Who is in it otherwise
// stays in it.
static void expect_to_stay(struct fixture *fixture, struct client *client,
                           const char *ttl_ms, const char *term)
{
    struct stream *stream = watch(client, "a");
    char *entered;

    expect_next(stream, term);
    entered = timed_enter(listen_of(fixture), "a", "passer-by", ttl_ms);
    expect_next(stream, entered);
    free(entered);
    expect_next(stream, term);
    stream_release(stream);
}

static void test_candidate_of_a_cancelled_stream_is_out_at_once(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *next;
    int64_t ended_ns;

    tell(client, "Create a");
    for (unsigned i = 0; i < 2; i++) {
        struct stream *stream = campaign_in_a(client, "n1");

        free(candidacy_next(stream, CLIENT_DEADLINE_MS));
        next = campaign_in_a(client, "n2");
        free(candidacy_next(next, CLIENT_DEADLINE_MS));
        ended_ns = stopwatch_ns();
        stream_release(stream);
        expect_news(next, i == 0 ? "DISCONNECTED 2 n2 [] r3 was n1"
                                 : "DISCONNECTED 4 n2 [] r7 was n1");
        print_message("# the next leads after %.1f ms\n",
                      stopwatch_ms_since(ended_ns));
        tell(client, "Withdraw a n2");
    }
}

static void test_candidates_of_a_closed_connection_are_out(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct client *leaving = fixture_connect(*state);
    static struct candidacy_news news[2];
    struct stream *stream;

    tell(client, "Create a");
    expect_news(campaign_in_a(leaving, "n1"), "CURRENT 1 n1 [] r1");
    expect_news(campaign_in_a(leaving, "n2"), "CURRENT 1 n1 [n2] r2");
    stream = campaign_in_a(client, "n3");
    candidacy_read(stream, &news[0]);
    assert_int_equal(news[0].revision, 3);
    fixture_disconnect(*state, leaving);
    // Whichever of them is noticed first.
    for (unsigned i = 0; i < 2; i++) {
        candidacy_read(stream, &news[1]);
        candidacy_check(&news[0], &news[1]);
        assert_string_equal(news[1].reason, "DISCONNECTED");
        news[0] = news[1];
    }
    assert_string_equal(news[1].leader, "n3");
    assert_int_equal(news[1].queue_count, 0);
}

static void test_candidate_is_out_when_the_deadline_of_its_call_is(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    uint8_t buffer[STORY_REQUEST_SIZE_MAX];
    struct stream *watching;
    struct stream *stream;

    tell(client, "Create a");
    watching = watch(client, "a");
    // The first fields are those of Enter.
    stream = stream_start(client, CANDIDACY_PATH,
                          story_request(buffer, (struct client_bytes){"a", 1},
                                        (struct client_bytes){"n1", 2}),
                          1500);
    expect_news(stream, "CURRENT 1 n1 [] r1");
    expect_news(stream, "DEADLINE_EXCEEDED: Deadline Exceeded");
    expect_next(watching, "1 n1 []");
    expect_next(watching, "1 - []");
}

static void test_candidate_stays_for_the_grace_and_no_longer(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;
    struct stream *next;
    int64_t ended_ns;
    double lasted_ms;

    tell(client, "Create a");
    stream = campaign_for(client, "n1", NULL, 700);
    expect_news(stream, "CURRENT 1 n1 [] r1");
    next = campaign_in_a(client, "n2");
    expect_news(next, "CURRENT 1 n1 [n2] r2");
    ended_ns = stopwatch_ns();
    stream_release(stream);
    expect_news(next, "DISCONNECTED 2 n2 [] r3 was n1");
    lasted_ms = stopwatch_ms_since(ended_ns);
    print_message("# a grace of 700 ms: %.1f ms late\n", lasted_ms - 700);
    assert_true(lasted_ms >= 700);
    assert_true(lasted_ms < 700 + LATE_MS_MAX);
}

// False, and the stream is released, if the candidate still had one.
static bool expect_news_or_taken(struct stream *stream, const char *news)
{
    char *told = candidacy_next(stream, CLIENT_DEADLINE_MS);
    bool is_taken;

    assert_non_null(told);
    is_taken = strcmp(told, TAKEN) == 0;
    if (is_taken) {
        stream_release(stream);
    } else {
        assert_string_equal(told, news);
    }
    free(told);
    return !is_taken;
}

// Campaigns again when the end of its stream was noticed, which it need not
// have been at once.
static struct stream *campaign_again(struct client *client, int32_t grace_ms)
{
    struct stream *stream;

    do {
        stream = campaign_for(client, "n1", "i", grace_ms);
    } while (!expect_news_or_taken(stream, "CURRENT 1 n1 [n2] r2"));
    return stream;
}

static void test_return_of_the_instance_keeps_place_and_term(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct client *other = fixture_connect(*state);
    struct stream *stream;
    struct stream *next;

    tell(client, "Create a");
    stream = campaign_for(client, "n1", "i", 2000);
    expect_news(stream, "CURRENT 1 n1 [] r1");
    next = campaign_in_a(client, "n2");
    expect_news(next, "CURRENT 1 n1 [n2] r2");
    stream_release(stream);
    stream = campaign_again(other, 0);
    // The grace of the first stream is over in the meantime.
    expect_to_stay(*state, client, "2500", "1 n1 [n2]");
    expect_news(next, "ENTERED 1 n1 [n2 passer-by] r3 was n1");
    expect_news(next, "EXPIRED 1 n1 [n2] r4 was n1");
    // The last stream decides: this one has no grace.
    stream_release(stream);
    expect_news(next, "DISCONNECTED 2 n2 [] r5 was n1");
}

// What was cut off may act still, with its own term.
static void test_return_of_another_instance_begins_a_term(void **state)
{
    static const char *const instances[] = {"j", NULL};
    struct client *client = fixture_start(*state, PATIENT);
    struct client *other = fixture_connect(*state);
    struct stream *watching;
    struct stream *stream;

    tell(client, "Create a");
    stream = campaign_for(client, "n1", "i", 60000);
    expect_news(stream, "CURRENT 1 n1 [] r1");
    tell(client, "Enter a n2");
    watching = watch(other, "a");
    expect_next(watching, "1 n1 [n2]");
    for (unsigned i = 0; i < 2; i++) {
        char told[] = "N n1 [n2]";
        char news[] = "CURRENT N n1 [n2] rM";

        told[0] = news[8] = (char)('2' + i);
        news[19] = (char)('3' + i);
        stream_release(stream);
        do {
            stream = campaign_for(client, "n1", instances[i], 60000);
        } while (!expect_news_or_taken(stream, news));
        expect_next(watching, told);
    }
}

static void test_withdrawal_within_the_grace_is_the_end_of_it(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;

    tell(client, "Create a");
    stream = campaign_for(client, "n1", NULL, 1000);
    expect_news(stream, "CURRENT 1 n1 [] r1");
    stream_release(stream);
    tell(client, "Withdraw a n1; Enter a n1");
    expect_to_stay(*state, client, "1500", "2 n1 []");
}

static void test_second_stream_of_a_candidate_is_refused(void **state)
{
    static const char *const instances[][2] = {
        {NULL, NULL}, {"i", NULL}, {NULL, "i"}, {"i", "j"}, {"i", "I"}};
    struct client *client = fixture_start(*state, PATIENT);
    struct client *other = fixture_connect(*state);

    tell(client, "Create a; Create b");
    for (unsigned i = 0; i < 5; i++) {
        char name[] = {'n', (char)('0' + i), '\0'};
        struct stream *stream = campaign_for(client, name, instances[i][0], 0);
        struct stream *second;

        free(candidacy_next(stream, CLIENT_DEADLINE_MS));
        second = campaign_for(other, name, instances[i][1], 0);
        expect_news(second, TAKEN);
        second = campaign_for(client, name, instances[i][1], 0);
        expect_news(second, TAKEN);
        // It has no effect on the first.
        expect_no_news(stream);
    }
    expect(client, "GetTerm a", "1 n0 [n1 n2 n3 n4]");
    // Elsewhere it is another candidate.
    expect_news(campaign(other, candidacy_of("b", "n0", NULL)),
                "CURRENT 1 n0 [] r1");
}

static void test_same_instance_takes_over(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct client *other = fixture_connect(*state);
    struct stream *watching;
    struct stream *streams[2];
    struct stream *next;

    tell(client, "Create a");
    streams[0] = campaign_for(client, "n1", "i", 0);
    expect_news(streams[0], "CURRENT 1 n1 [] r1");
    next = campaign_in_a(client, "n2");
    expect_news(next, "CURRENT 1 n1 [n2] r2");
    expect_news(streams[0], "ENTERED 1 n1 [n2] r2 was n1");
    watching = watch(client, "a");
    expect_next(watching, "1 n1 [n2]");
    streams[1] = campaign_for(other, "n1", "i", 0);
    expect_news(streams[1], "CURRENT 1 n1 [n2] r2");
    expect_news(streams[0], TAKEN_OVER);
    stream_release(streams[0]);
    tell(other, "Enter a n3");
    // Nothing was told before this.
    expect_next(watching, "1 n1 [n2 n3]");
    expect_news(next, "ENTERED 1 n1 [n2 n3] r3 was n1");
    expect_news(streams[1], "ENTERED 1 n1 [n2 n3] r3 was n1");
    stream_release(streams[1]);
    expect_news(next, "DISCONNECTED 2 n2 [n3] r4 was n1");
}

#define RIVALS 40

// Started without waiting, by two connections: one is left, and nobody has seen
// the candidate go.
static void test_of_many_streams_of_one_instance_one_is_left(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct client *others[] = {fixture_connect(*state),
                               fixture_connect(*state)};
    struct stream *streams[RIVALS];
    struct stream *watching;
    unsigned left = 0;

    tell(client, "Create a; Enter a n2");
    watching = watch(client, "a");
    expect_next(watching, "1 n2 []");
    for (unsigned i = 0; i < RIVALS; i++) {
        streams[i] = campaign_for(others[i % 2], "n1", "i", 0);
    }
    for (unsigned i = 0; i < RIVALS; i++) {
        expect_news(streams[i], "CURRENT 1 n2 [n1] r2");
    }
    // All have entered; all but the last to do so were told.
    tell(client, "Enter a n3");
    for (unsigned i = 0; i < RIVALS; i++) {
        char *told = candidacy_next(streams[i], CLIENT_DEADLINE_MS);

        assert_non_null(told);
        if (strcmp(told, TAKEN_OVER) != 0) {
            assert_string_equal(told, "ENTERED 1 n2 [n1 n3] r3 was n2");
            left++;
        }
        free(told);
        stream_release(streams[i]);
    }
    assert_int_equal(left, 1);
    expect_next(watching, "1 n2 [n1]");
    expect_next(watching, "1 n2 [n1 n3]");
    expect_next(watching, "1 n2 [n3]");
}

static void test_stream_of_who_is_taken_out_ends_behind_the_change(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct client *other = fixture_connect(*state);
    struct stream *streams[4];

    tell(client, "Create a");
    streams[0] = campaign_in_a(client, "n0");
    expect_news(streams[0], "CURRENT 1 n0 [] r1");
    streams[1] = campaign_for(client, "n1", "i", 600000);
    expect_news(streams[1], "CURRENT 1 n0 [n1] r2");
    streams[2] = campaign_in_a(client, "n2");
    expect_news(streams[2], "CURRENT 1 n0 [n1 n2] r3");
    streams[3] = campaign_in_a(other, "n3");
    expect_news(streams[3], "CURRENT 1 n0 [n1 n2 n3] r4");
    tell(other, "Withdraw a n0; Evict a n1");
    tell(client, "Close a");
    expect_news(streams[0], "ENTERED 1 n0 [n1] r2 was n0");
    expect_news(streams[0], "ENTERED 1 n0 [n1 n2] r3 was n0");
    expect_news(streams[0], "ENTERED 1 n0 [n1 n2 n3] r4 was n0");
    expect_news(streams[0], "WITHDRAWN 2 n1 [n2 n3] r5 was n0");
    expect_news(streams[0], "ABORTED: the candidate was withdrawn by a call "
                            "of Withdraw");
    expect_news(streams[1], "ENTERED 1 n0 [n1 n2] r3 was n0");
    expect_news(streams[1], "ENTERED 1 n0 [n1 n2 n3] r4 was n0");
    expect_news(streams[1], "WITHDRAWN 2 n1 [n2 n3] r5 was n0");
    expect_news(streams[1], "EVICTED 3 n2 [n3] r6 was n1");
    expect_news(streams[1], "ABORTED: the candidate was evicted by a call of "
                            "Evict");
    expect_news(streams[2], "ENTERED 1 n0 [n1 n2 n3] r4 was n0");
    expect_news(streams[2], "WITHDRAWN 2 n1 [n2 n3] r5 was n0");
    expect_news(streams[2], "EVICTED 3 n2 [n3] r6 was n1");
    expect_news(streams[2], "CLOSED 4 n3 [] r7 was n2");
    expect_news(streams[2], "ABORTED: the candidate's session closed the "
                            "election");
    expect_news(streams[3], "WITHDRAWN 2 n1 [n2 n3] r5 was n0");
    expect_news(streams[3], "EVICTED 3 n2 [n3] r6 was n1");
    expect_news(streams[3], "CLOSED 4 n3 [] r7 was n2");
    // What ended takes nobody out who has come back since.
    tell(other, "Enter a n0; Enter a n1; Enter a n2");
    for (unsigned i = 0; i < 3; i++) {
        stream_release(streams[i]);
    }
    expect_to_stay(*state, other, "100", "4 n3 [n0 n1 n2]");
}

static void test_enter_makes_an_end_of_the_stream(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;

    tell(client, "Create a");
    stream = campaign_in_a(client, "n1");
    expect_news(stream, "CURRENT 1 n1 [] r1");
    tell(client, "Enter a n1");
    expect_news(stream, "ABORTED: the candidate entered again, by a call of "
                        "Enter");
    stream_release(stream);
    expect_to_stay(*state, client, "200", "1 n1 []");
}

static void test_enter_for_a_time_takes_the_place_of_the_stream(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;
    struct stream *next;

    tell(client, "Create a");
    stream = campaign_in_a(client, "n1");
    expect_news(stream, "CURRENT 1 n1 [] r1");
    next = campaign_in_a(client, "n2");
    expect_news(next, "CURRENT 1 n1 [n2] r2");
    // By another session: it may be another process.
    expect_timed_enter(listen_of(*state), "n1", "300", "2 n1 [n2]");
    expect_news(stream, "ENTERED 1 n1 [n2] r2 was n1");
    expect_news(next, "REPLACED 2 n1 [n2] r3 was n1");
    expect_news(next, "EXPIRED 3 n2 [] r4 was n1");
}

static void test_campaign_takes_the_place_of_a_time(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;

    tell(client, "Create a");
    expect_timed_enter(listen_of(*state), "n1", "1000", "1 n1 []");
    stream = campaign_in_a(client, "n1");
    expect_news(stream, "CURRENT 2 n1 [] r2");
    expect_to_stay(*state, client, "1300", "2 n1 []");
}

static void test_moves_do_not_end_a_stream(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;
    struct stream *next;

    tell(client, "Create a; Enter a n2");
    stream = campaign_in_a(client, "n1");
    expect_news(stream, "CURRENT 1 n2 [n1] r2");
    tell(client, "Promote a n1; Demote a n1; Anoint a n1");
    expect_news(stream, "PROMOTED 2 n1 [n2] r3 was n2");
    expect_news(stream, "DEMOTED 3 n2 [n1] r4 was n1");
    expect_news(stream, "ANOINTED 4 n1 [n2] r5 was n2");
    next = watch(client, "a");
    expect_next(next, "4 n1 [n2]");
    stream_release(stream);
    expect_next(next, "5 n2 []");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_candidate_of_a_cancelled_stream_is_out_at_once),
        OVER_BOTH(test_candidates_of_a_closed_connection_are_out),
        OVER_TCP(test_candidate_is_out_when_the_deadline_of_its_call_is),
        OVER_TCP(test_candidate_stays_for_the_grace_and_no_longer),
        OVER_TCP(test_return_of_the_instance_keeps_place_and_term),
        OVER_TCP(test_return_of_another_instance_begins_a_term),
        OVER_TCP(test_withdrawal_within_the_grace_is_the_end_of_it),
        OVER_TCP(test_second_stream_of_a_candidate_is_refused),
        OVER_BOTH(test_same_instance_takes_over),
        OVER_TCP(test_of_many_streams_of_one_instance_one_is_left),
        OVER_TCP(test_stream_of_who_is_taken_out_ends_behind_the_change),
        OVER_TCP(test_enter_makes_an_end_of_the_stream),
        OVER_TCP(test_enter_for_a_time_takes_the_place_of_the_stream),
        OVER_TCP(test_campaign_takes_the_place_of_a_time),
        OVER_TCP(test_moves_do_not_end_a_stream),
    };

    return fixture_run(tests);
}
