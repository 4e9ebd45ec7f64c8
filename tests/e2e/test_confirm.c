// SPDX-License-Identifier: Apache-2.0
//
// Whoever leads must know by its own clock when to stop: what Confirm promises,
// to whom, and what a successor is told of it. candidacy.h says how to read
// expect_confirm() and expect_news().

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "clock_jump.h"
#include "fixture.h"
#include "patience.h"
#include "support/candidacy.h"
#include "support/stopwatch.h"
#include "support/story.h"

#define OVERDUE(ms)                                                            \
    "DEADLINE_EXCEEDED: no Confirm arrived within " ms                         \
    " ms (confirm_within): campaign again"

// For whom the daemon knows what it has promised: longer than any grace.
#define KNOWS_AFTER_S 601

static struct stream *campaign_for(struct client *client, const char *candidate,
                                   const char *instance, int32_t grace_ms)
{
    struct candidacy candidacy = candidacy_of("a", candidate, instance);

    candidacy.grace_ms = grace_ms;
    return campaign(client, candidacy);
}

static struct stream *campaign_to_confirm(struct client *client,
                                          const char *candidate,
                                          int32_t grace_ms,
                                          int32_t confirm_within_ms)
{
    struct candidacy candidacy = candidacy_of("a", candidate, "i");

    candidacy.grace_ms = grace_ms;
    candidacy.confirm_within_ms = confirm_within_ms;
    return campaign(client, candidacy);
}

static void test_only_who_leads_is_confirmed(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *streams[2];

    tell(client, "Create a");
    expect_confirm(client, "n1", "i", 0, "does not lead in term 0: 0 ms");
    streams[0] = campaign_for(client, "n1", "i", 10000);
    expect_leads(streams[0], "CURRENT 1 n1 [] r1");
    streams[1] = campaign_for(client, "n2", "j", 10000);
    expect_follows(streams[1], "CURRENT 1 n1 [n2] r2");
    expect_leads(streams[0], "ENTERED 1 n1 [n2] r2 was n1");
    // A fifth is kept back.
    expect_confirm(client, "n1", "i", 1, "leads in term 1: 8000 ms");
    expect_confirm(client, "n1", "i", 0, "does not lead in term 1: 0 ms");
    expect_confirm(client, "n1", "i", 2, "does not lead in term 1: 0 ms");
    expect_confirm(client, "n1", "j", 1, "does not lead in term 1: 0 ms");
    expect_confirm(client, "n1", "ii", 1, "does not lead in term 1: 0 ms");
    expect_confirm(client, "n2", "j", 1, "does not lead in term 1: 0 ms");
    expect_confirm(client, "n3", "i", 1, "does not lead in term 1: 0 ms");
    tell(client, "Anoint a n2");
    expect_confirm(client, "n1", "i", 1, "does not lead in term 2: 0 ms");
    expect_confirm(client, "n1", "i", 2, "does not lead in term 2: 0 ms");
    expect_confirm(client, "n2", "j", 2, "leads in term 2: 8000 ms");
}

static void test_what_is_asked_wrongly_is_refused(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);

    expect_confirm(client, "n1", "i", 1,
                   "NOT_FOUND: election 'a' does not exist: call Create first");
    tell(client, "Create a");
    expect_confirm(
        client, "", "i", 1,
        "INVALID_ARGUMENT: candidate is empty: it takes 1 to 253 bytes");
    expect_confirm(
        client, "n1", "", 1,
        "INVALID_ARGUMENT: instance is empty: it takes 1 to 253 bytes");
    expect_raw(client, CONFIRM_PATH, (struct client_bytes){"", 0},
               "INVALID_ARGUMENT: id is missing");
}

static void test_without_a_grace_nothing_is_promised(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);

    tell(client, "Create a");
    expect_leads(campaign_for(client, "n1", "i", 0), "CURRENT 1 n1 [] r1");
    expect_confirm(client, "n1", "i", 1, "leads in term 1: 0 ms");
    // Nor to who has no instance.
    expect_follows(campaign_for(client, "n2", NULL, 10000),
                   "CURRENT 1 n1 [n2] r2");
    tell(client, "Anoint a n2");
    expect_confirm(client, "n2", "i", 2, "does not lead in term 2: 0 ms");
}

// It is not extended by asking.
static void test_within_the_grace_its_rest_is_promised(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    int64_t before_ms = 4000;
    struct stream *stream;

    tell(client, "Create a");
    stream = campaign_for(client, "n1", "i", 5000);
    expect_leads(stream, "CURRENT 1 n1 [] r1");
    expect_confirm(client, "n1", "i", 1, "leads in term 1: 4000 ms");
    stream_release(stream);
    while (before_ms > 1000) {
        int64_t valid_ms = confirmed_ms(client, "n1", "i", 1);

        assert_true(valid_ms <= before_ms);
        before_ms = valid_ms;
    }
    do {
        stream = campaign_for(client, "n1", "i", 20000);
    } while (confirmed_ms(client, "n1", "i", 1) != 16000);
}

// What was promised holds: the successor is told after it, by any clock.
static void test_successor_is_told_when_what_was_promised_is_over(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;
    struct stream *next;

    tell(client, "Create a");
    stream = campaign_for(client, "n1", "i", 1500);
    expect_leads(stream, "CURRENT 1 n1 [] r1");
    next = campaign_for(client, "n2", "j", 0);
    expect_follows(next, "CURRENT 1 n1 [n2] r2");
    for (unsigned i = 0; i < 3; i++) {
        int64_t sent_ns = stopwatch_ns();
        int64_t valid_ms = confirmed_ms(client, "n1", "i", 1);

        if (i == 0) {
            stream_release(stream);
            continue;
        }
        assert_true(valid_ms > 0);
        assert_true(stopwatch_ms_since(sent_ns) < 1500);
        if (i == 2) {
            expect_leads(next, "DISCONNECTED 2 n2 [] r3 was n1");
            assert_true(stopwatch_ms_since(sent_ns) > (double)valid_ms);
        }
    }
}

static void test_who_does_not_confirm_loses_its_stream(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    int64_t begun_ns;
    double lasted_ms;
    struct stream *stream;
    struct stream *next;

    tell(client, "Create a");
    begun_ns = stopwatch_ns();
    stream = campaign_to_confirm(client, "n1", 700, 500);
    expect_leads(stream, "CURRENT 1 n1 [] r1");
    next = campaign_for(client, "n2", "j", 0);
    expect_follows(next, "CURRENT 1 n1 [n2] r2");
    expect_leads(stream, "ENTERED 1 n1 [n2] r2 was n1");
    expect_news(stream, OVERDUE("500"));
    lasted_ms = stopwatch_ms_since(begun_ns);
    assert_true(lasted_ms >= 500);
    // Its grace follows.
    expect_leads(next, "DISCONNECTED 2 n2 [] r3 was n1");
    assert_true(stopwatch_ms_since(begun_ns) >= 1200);
}

static void test_who_waits_and_does_not_confirm_leaves(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;
    struct stream *next;

    tell(client, "Create a");
    next = campaign_for(client, "n2", "j", 0);
    expect_leads(next, "CURRENT 1 n2 [] r1");
    // Without a grace it leaves at once.
    stream = campaign_to_confirm(client, "n1", 0, 300);
    expect_follows(stream, "CURRENT 1 n2 [n1] r2");
    expect_leads(next, "ENTERED 1 n2 [n1] r2 was n2");
    expect_news(stream, OVERDUE("300"));
    expect_leads(next, "DISCONNECTED 1 n2 [] r3 was n2");
    stream = campaign_to_confirm(client, "n1", 0, 60000);
    expect_follows(stream, "CURRENT 1 n2 [n1] r4");
}

static void test_who_confirms_stays(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    int64_t begun_ns = stopwatch_ns();
    struct stream *streams[2];

    tell(client, "Create a");
    streams[0] = campaign_to_confirm(client, "n1", 0, 2000);
    expect_leads(streams[0], "CURRENT 1 n1 [] r1");
    streams[1] = campaign_to_confirm(client, "n2", 0, 2000);
    expect_follows(streams[1], "CURRENT 1 n1 [n2] r2");
    expect_leads(streams[0], "ENTERED 1 n1 [n2] r2 was n1");
    while (stopwatch_ms_since(begun_ns) < 5000) {
        // Whatever the term that is asked about.
        expect_confirm(client, "n1", "i", 7, "does not lead in term 1: 0 ms");
        expect_confirm(client, "n2", "i", 1, "does not lead in term 1: 0 ms");
    }
    expect_no_news(streams[0]);
    expect_no_news(streams[1]);
    // Others confirm nothing for it.
    while (stopwatch_ms_since(begun_ns) < 9000) {
        free(confirm(client, "n1", "j", 1));
        free(confirm(client, "n2", "i", 1));
    }
    expect_news(streams[0], OVERDUE("2000"));
    expect_leads(streams[1], "DISCONNECTED 2 n2 [] r3 was n1");
}

static void test_confirm_within_is_checked(void **state)
{
    static const int32_t bad_ms[] = {-1, 1, 99, 600001};
    struct client *client = fixture_start(*state, PATIENT);
    struct candidacy candidacy = candidacy_of("a", "n1", NULL);

    tell(client, "Create a");
    for (size_t i = 0; i < sizeof bad_ms / sizeof bad_ms[0]; i++) {
        expect_news(campaign_to_confirm(client, "n1", 0, bad_ms[i]),
                    "INVALID_ARGUMENT: confirm_within is out of range: it "
                    "takes 0, or 0.1 to 600 seconds");
    }
    candidacy.confirm_within_ms = 1000;
    expect_news(campaign(client, candidacy),
                "INVALID_ARGUMENT: instance is empty: confirm_within needs "
                "one");
    expect(client, "GetTerm a", "0 - []");
    expect_leads(campaign_to_confirm(client, "n1", 0, 600000),
                 "CURRENT 1 n1 [] r1");
}

// Its own name leads by the change, and it does not: it must not hear it.
static void test_stream_that_was_replaced_ends_before_the_change(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct client *other = fixture_connect(*state);
    struct stream *stream;
    struct stream *next;

    tell(client, "Create a");
    stream = campaign_for(client, "n1", "i", 60000);
    expect_leads(stream, "CURRENT 1 n1 [] r1");
    next = campaign_for(client, "n2", "j", 60000);
    expect_follows(next, "CURRENT 1 n1 [n2] r2");
    expect_leads(stream, "ENTERED 1 n1 [n2] r2 was n1");
    tell(other, "Enter a n1");
    expect_news(stream, "ABORTED: the candidate entered again, by a call of "
                        "Enter");
    expect_follows(next, "REPLACED 2 n1 [n2] r3 was n1");
    expect_confirm(client, "n1", "i", 1, "does not lead in term 2: 0 ms");
    expect_confirm(client, "n1", "i", 2, "does not lead in term 2: 0 ms");
}

// At the limit, whoever comes back must not be refused.
static void test_take_over_needs_no_further_place(void **state)
{
    struct client *client = fixture_start(*state, PATIENT " --max-watchers=2");
    struct client *other = fixture_connect(*state);
    struct stream *streams[2];

    tell(client, "Create a");
    streams[0] = campaign_for(client, "n1", "i", 60000);
    expect_leads(streams[0], "CURRENT 1 n1 [] r1");
    streams[1] = campaign_for(client, "n2", "j", 0);
    expect_follows(streams[1], "CURRENT 1 n1 [n2] r2");
    expect_leads(streams[0], "ENTERED 1 n1 [n2] r2 was n1");
    expect_news(campaign_for(client, "n3", "k", 0),
                "RESOURCE_EXHAUSTED: the limit of 2 watchers (--max-watchers) "
                "is reached");
    for (unsigned i = 0; i < 5; i++) {
        struct stream *stream = campaign_for(other, "n1", "i", 60000);

        expect_leads(stream, "CURRENT 1 n1 [n2] r2");
        expect_news(streams[0], "ABORTED: taken over by a newer stream");
        streams[0] = stream;
    }
    expect_news(campaign_for(client, "n3", "k", 0),
                "RESOURCE_EXHAUSTED: the limit of 2 watchers (--max-watchers) "
                "is reached");
    // The place is free again when the last stream is over.
    stream_release(streams[1]);
    expect_leads(streams[0], "DISCONNECTED 1 n1 [] r3 was n1");
    expect_follows(campaign_for(client, "n3", "k", 0), "CURRENT 1 n1 [n3] r4");
}

// It may have been another life that promised.
static void test_young_daemon_does_not_know_what_was_promised(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;

    tell(client, "Create a");
    stream = campaign_for(client, "n1", "i", 10000);
    assert_int_equal(candidacy_earlier_ms(stream), -1);
    tell(client, "Enter a n2; Withdraw a n2");
    assert_int_equal(candidacy_earlier_ms(stream), -1);
    assert_int_equal(candidacy_earlier_ms(stream), -1);
}

static void
test_successor_is_told_how_long_earlier_leaders_may_act(void **state)
{
    struct client *client;
    struct stream *streams[2];
    int64_t earlier_ms;

    if (FIXTURE_IS_SANITIZED) {
        skip();
    }
    client = clock_jump_start(*state, PATIENT);
    clock_jump_to(*state, KNOWS_AFTER_S);
    tell(client, "Create a");
    streams[0] = campaign_for(client, "n1", "i", 60000);
    assert_int_equal(candidacy_earlier_ms(streams[0]), 0);
    streams[1] = campaign_for(client, "n2", "j", 60000);
    expect_follows(streams[1], "CURRENT 1 n1 [n2] r2");
    // Its own may not keep it waiting.
    expect_confirm(client, "n1", "i", 1, "leads in term 1: 48000 ms");
    assert_int_equal(candidacy_earlier_ms(streams[0]), 0);
    tell(client, "Anoint a n2");
    earlier_ms = candidacy_earlier_ms(streams[1]);
    assert_true(earlier_ms > 30000);
    assert_true(earlier_ms <= 60001);
    expect_follows(streams[0], "ANOINTED 2 n2 [n1] r3 was n1");
    // And back: the second has confirmed nothing.
    tell(client, "Anoint a n1");
    assert_int_equal(candidacy_earlier_ms(streams[0]), 0);
    expect_follows(streams[1], "ANOINTED 3 n1 [n2] r4 was n2");
    tell(client, "Anoint a n2");
    assert_true(candidacy_earlier_ms(streams[1]) > 20000);
}

// `run` leaves so: its program is gone.
static void test_promise_is_given_up_by_a_shorter_grace(void **state)
{
    struct client *client;
    struct stream *streams[2];
    struct stream *leaving;

    if (FIXTURE_IS_SANITIZED) {
        skip();
    }
    client = clock_jump_start(*state, PATIENT);
    clock_jump_to(*state, KNOWS_AFTER_S);
    tell(client, "Create a");
    streams[0] = campaign_for(client, "n1", "i", 60000);
    expect_leads(streams[0], "CURRENT 1 n1 [] r1");
    streams[1] = campaign_for(client, "n2", "j", 60000);
    expect_follows(streams[1], "CURRENT 1 n1 [n2] r2");
    expect_confirm(client, "n1", "i", 1, "leads in term 1: 48000 ms");
    tell(client, "Anoint a n2");
    assert_true(candidacy_earlier_ms(streams[1]) > 20000);
    // Another instance cannot.
    tell(client, "Withdraw a n1");
    assert_true(candidacy_earlier_ms(streams[1]) > 20000);
    leaving = campaign_for(client, "n1", "k", 0);
    expect_follows(leaving, "CURRENT 2 n2 [n1] r5");
    assert_true(candidacy_earlier_ms(streams[1]) > 20000);
    stream_release(leaving);
    assert_true(candidacy_earlier_ms(streams[1]) > 20000);
    leaving = campaign_for(client, "n1", "i", 0);
    expect_follows(leaving, "CURRENT 2 n2 [n1] r7");
    // That it entered is told just before.
    assert_true(candidacy_earlier_ms(streams[1]) > 20000);
    stream_release(leaving);
    assert_int_equal(candidacy_earlier_ms(streams[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_only_who_leads_is_confirmed),
        OVER_TCP(test_what_is_asked_wrongly_is_refused),
        OVER_TCP(test_without_a_grace_nothing_is_promised),
        OVER_TCP(test_within_the_grace_its_rest_is_promised),
        OVER_TCP(test_successor_is_told_when_what_was_promised_is_over),
        OVER_TCP(test_who_does_not_confirm_loses_its_stream),
        OVER_TCP(test_who_waits_and_does_not_confirm_leaves),
        OVER_TCP(test_who_confirms_stays),
        OVER_TCP(test_confirm_within_is_checked),
        OVER_TCP(test_stream_that_was_replaced_ends_before_the_change),
        OVER_TCP(test_take_over_needs_no_further_place),
        OVER_TCP(test_young_daemon_does_not_know_what_was_promised),
        OVER_TCP(test_successor_is_told_how_long_earlier_leaders_may_act),
        OVER_TCP(test_promise_is_given_up_by_a_shorter_grace),
    };

    return fixture_run(tests);
}
