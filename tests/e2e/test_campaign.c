// SPDX-License-Identifier: Apache-2.0
//
// What a Campaign tells while it is open, and what it refuses. candidacy.h says
// how to read expect_news().

#include <signal.h>
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

static struct stream *campaign_in_a(struct client *client,
                                    const char *candidate)
{
    return campaign(client, candidacy_of("a", candidate, NULL));
}

static void test_first_answer_is_the_current_term(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *streams[2];

    tell(client, "Create a");
    streams[0] = campaign_in_a(client, "n1");
    expect_news(streams[0], "CURRENT 1 n1 [] r1");
    streams[1] = campaign_in_a(client, "n2");
    expect_news(streams[1], "CURRENT 1 n1 [n2] r2");
    expect_news(streams[0], "ENTERED 1 n1 [n2] r2 was n1");
    expect(client, "GetTerm a", "1 n1 [n2]");
    expect_no_news(streams[0]);
    expect_no_news(streams[1]);
}

static void test_every_change_is_told_with_its_reason(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct client *other = fixture_connect(*state);
    struct stream *stream;
    struct stream *rival;

    tell(client, "Create a");
    stream = campaign_in_a(client, "n1");
    expect_news(stream, "CURRENT 1 n1 [] r1");
    tell(other, "Enter a n2; Enter a n3; Promote a n3; Demote a n3");
    expect_news(stream, "ENTERED 1 n1 [n2] r2 was n1");
    expect_news(stream, "ENTERED 1 n1 [n2 n3] r3 was n1");
    expect_news(stream, "PROMOTED 1 n1 [n3 n2] r4 was n1");
    expect_news(stream, "DEMOTED 1 n1 [n2 n3] r5 was n1");
    tell(other, "Anoint a n3; Withdraw a n3; Evict a n2");
    expect_news(stream, "ANOINTED 2 n3 [n1 n2] r6 was n1");
    expect_news(stream, "WITHDRAWN 3 n1 [n2] r7 was n3");
    expect_news(stream, "EVICTED 3 n1 [] r8 was n1");
    tell(other, "Enter a n4; Close a");
    expect_news(stream, "ENTERED 3 n1 [n4] r9 was n1");
    expect_news(stream, "CLOSED 3 n1 [] r10 was n1");
    expect_timed_enter(((struct fixture *)*state)->daemons[0].listen[0], "n5",
                       "100", "3 n1 [n5]");
    expect_news(stream, "ENTERED 3 n1 [n5] r11 was n1");
    expect_news(stream, "EXPIRED 3 n1 [] r12 was n1");
    rival = campaign_in_a(other, "n6");
    expect_news(rival, "CURRENT 3 n1 [n6] r13");
    stream_release(rival);
    expect_news(stream, "ENTERED 3 n1 [n6] r13 was n1");
    expect_news(stream, "DISCONNECTED 3 n1 [] r14 was n1");
}

static void test_what_is_no_change_is_not_told(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;

    tell(client, "Create a; Create b; Enter a n1");
    stream = campaign_in_a(client, "n2");
    expect_news(stream, "CURRENT 1 n1 [n2] r2");
    tell(client, "Create a; Enter a n1; GetTerm a; Promote a n1; Enter b n1");
    tell(client, "Evict a nobody; Demote a n2; Enter a n3");
    expect_news(stream, "ENTERED 1 n1 [n2 n3] r3 was n1");
}

#define STEPS 300
#define STREAMS 8

// One call of six candidates and six methods, as the number says; the
// campaigning ones are not taken out.
static void make_line(char line[64], unsigned number)
{
    static const char *const methods[] = {"Enter",   "Withdraw", "Anoint",
                                          "Promote", "Demote",   "Evict"};
    unsigned method = number / 8 % 6;
    bool takes_out = method == 1 || method == 5;

    (void)snprintf(line, 64, "%s a %s%u", methods[method],
                   takes_out || method == 0 || number % 3 == 0 ? "n" : "c",
                   number % 6);
}

// Streams of two connections, and one that starts late.
static void test_all_streams_hear_the_same_without_a_gap(void **state)
{
    static struct candidacy_news news[STREAMS][2];
    struct client *client = fixture_start(*state, PATIENT);
    struct client *other = fixture_connect(*state);
    struct stream *streams[STREAMS];
    uint64_t last_revision;
    uint32_t number = 1;
    char line[64];

    tell(client, "Create a");
    for (unsigned i = 0; i < STREAMS; i++) {
        (void)snprintf(line, sizeof line, "c%u", i);
        streams[i] = campaign_in_a(i % 2 == 0 ? client : other, line);
        candidacy_read(streams[i], &news[i][0]);
        assert_string_equal(news[i][0].reason, "CURRENT");
        assert_string_equal(news[i][0].previous_leader, "");
        assert_int_equal(news[i][0].revision, i + 1);
    }
    for (unsigned i = 0; i < STEPS; i++) {
        number = number * 1664525 + 1013904223;
        make_line(line, number / 65536);
        tell(client, line);
    }
    tell(client, "Enter a last");
    last_revision = 0;
    for (unsigned i = 0; i < STREAMS; i++) {
        unsigned now = 0;

        do {
            candidacy_read(streams[i], &news[i][1 - now]);
            candidacy_check(&news[i][now], &news[i][1 - now]);
            now = 1 - now;
        } while (news[i][now].queue_count == 0 ||
                 strcmp(news[i][now].queue[news[i][now].queue_count - 1],
                        "last") != 0);
        last_revision = i == 0 ? news[i][now].revision : last_revision;
        assert_int_equal(news[i][now].revision, last_revision);
        assert_true(last_revision > STEPS / 4);
    }
}

static void expect_refusal(struct client *client, struct candidacy candidacy,
                           const char *reply)
{
    struct stream *stream = campaign(client, candidacy);

    expect_news(stream, reply);
    stream_release(stream);
}

static void test_grace_out_of_range_is_refused(void **state)
{
    static const struct {
        int64_t grace_s;
        int32_t grace_ns;
    } graces[] = {{-1, 0},         {0, -1},
                  {-1, -1},        {1, -1},
                  {-1, 999999999}, {600, 1},
                  {600, 1000000},  {601, 0},
                  {0, 1000000000}, {0, INT32_MAX},
                  {0, INT32_MIN},  {INT64_MAX, 0},
                  {INT64_MIN, 0},  {INT64_MAX, INT32_MAX},
                  {1, 1000000000}, {599, 1000000000}};
    struct client *client = fixture_start(*state, PATIENT);

    tell(client, "Create a");
    for (size_t i = 0; i < sizeof graces / sizeof graces[0]; i++) {
        expect_refusal(client,
                       (struct candidacy){.election = "a",
                                          .candidate = "n1",
                                          .grace_s = graces[i].grace_s,
                                          .grace_ns = graces[i].grace_ns},
                       "INVALID_ARGUMENT: grace is out of range: it takes 0 "
                       "to 600 seconds");
    }
    expect(client, "GetTerm a", "0 - []");
}

static void test_grace_at_the_ends_of_the_range_is_taken(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);

    tell(client, "Create a");
    expect_news(campaign(client, (struct candidacy){.election = "a",
                                                    .candidate = "n1",
                                                    .grace_s = 600}),
                "CURRENT 1 n1 [] r1");
    expect_news(campaign(client, (struct candidacy){.election = "a",
                                                    .candidate = "n2",
                                                    .grace_ns = 1}),
                "CURRENT 1 n1 [n2] r2");
    expect_news(campaign(client, (struct candidacy){.election = "a",
                                                    .candidate = "n3",
                                                    .grace_s = 599,
                                                    .grace_ns = 999999999}),
                "CURRENT 1 n1 [n2 n3] r3");
}

static void test_wrong_names_are_refused(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    char long_name[255];

    memset(long_name, 'x', 254);
    long_name[254] = '\0';
    tell(client, "Create a");
    expect_refusal(client, candidacy_of(NULL, "n1", NULL),
                   "INVALID_ARGUMENT: id is missing");
    expect_refusal(client, candidacy_of("", "n1", NULL),
                   "INVALID_ARGUMENT: id.name is empty: it takes 1 to 253 "
                   "bytes");
    expect_refusal(client, candidacy_of("a", "", NULL),
                   "INVALID_ARGUMENT: candidate is empty: it takes 1 to 253 "
                   "bytes");
    expect_refusal(client, candidacy_of(long_name, "n1", NULL),
                   "INVALID_ARGUMENT: id.name has 254 bytes: it takes 1 to "
                   "253");
    expect_refusal(client, candidacy_of("a", long_name, NULL),
                   "INVALID_ARGUMENT: candidate has 254 bytes: it takes 1 to "
                   "253");
    expect_refusal(client, candidacy_of("a", "n1", long_name),
                   "INVALID_ARGUMENT: instance has 254 bytes: it takes 1 to "
                   "253");
    expect_refusal(client, candidacy_of("a", "n\t1", NULL),
                   "INVALID_ARGUMENT: candidate holds a control character (at "
                   "byte 1)");
    expect_refusal(client, candidacy_of("a", "n1", "i\x7f"),
                   "INVALID_ARGUMENT: instance holds a control character (at "
                   "byte 1)");
    expect(client, "GetTerm a", "0 - []");
}

static void test_longest_names_are_taken(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    char name[254];
    char line[600];

    memset(name, 'x', 253);
    name[253] = '\0';
    (void)snprintf(line, sizeof line, "Create %s", name);
    tell(client, line);
    (void)snprintf(line, sizeof line, "CURRENT 1 %s [] r1", name);
    expect_news(campaign(client, candidacy_of(name, name, name)), line);
}

static void test_unknown_election_is_not_found(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);

    expect_refusal(client, candidacy_of("x", "n1", NULL),
                   "NOT_FOUND: election 'x' does not exist: call Create "
                   "first");
    // Nothing is left of it.
    tell(client, "Create x");
    expect(client, "GetTerm x", "0 - []");
    expect_news(campaign(client, candidacy_of("x", "n1", NULL)),
                "CURRENT 1 n1 [] r1");
}

static void test_candidate_too_many_is_refused(void **state)
{
    struct client *client =
        fixture_start(*state, PATIENT " --max-candidates=2");
    struct stream *stream;

    tell(client, "Create a; Enter a n1");
    stream = campaign_in_a(client, "n2");
    expect_news(stream, "CURRENT 1 n1 [n2] r2");
    expect_refusal(client, candidacy_of("a", "n3", NULL),
                   "RESOURCE_EXHAUSTED: the limit of 2 candidates in an "
                   "election (--max-candidates) is reached");
    expect_no_news(stream);
    tell(client, "Withdraw a n1");
    expect_news(campaign_in_a(client, "n3"), "CURRENT 2 n2 [n3] r4");
}

static void test_stream_too_many_is_refused(void **state)
{
    struct client *client = fixture_start(*state, PATIENT " --max-watchers=2");
    struct stream *streams[2];

    tell(client, "Create a");
    streams[0] = campaign_in_a(client, "n1");
    expect_news(streams[0], "CURRENT 1 n1 [] r1");
    streams[1] = campaign_in_a(client, "n2");
    expect_news(streams[1], "CURRENT 1 n1 [n2] r2");
    expect_refusal(client, candidacy_of("a", "n3", NULL),
                   "RESOURCE_EXHAUSTED: the limit of 2 watchers "
                   "(--max-watchers) is reached");
    // It is not left in without a stream.
    expect(client, "GetTerm a", "1 n1 [n2]");
    // One that is in already is not taken out for it, even for a moment.
    tell(client, "Create b; Enter b n1; Enter b n2");
    expect_refusal(client, candidacy_of("b", "n1", NULL),
                   "RESOURCE_EXHAUSTED: the limit of 2 watchers "
                   "(--max-watchers) is reached");
    expect(client, "GetTerm b", "1 n1 [n2]");
}

// The limits are counted back.
static void test_streams_that_ended_make_room(void **state)
{
    struct client *client =
        fixture_start(*state, PATIENT
                      " --max-watchers=1 --max-candidates=1 --max-elections=1");
    struct stream *stream;
    char news[64];

    tell(client, "Create a");
    for (unsigned i = 1; i <= 20; i++) {
        stream = campaign_in_a(client, "n1");
        (void)snprintf(news, sizeof news, "CURRENT %u n1 [] r%u", i, 2 * i - 1);
        expect_news(stream, news);
        tell(client, "Evict a n1");
        (void)snprintf(news, sizeof news, "EVICTED %u - [] r%u was n1", i,
                       2 * i);
        expect_news(stream, news);
        expect_news(stream, "ABORTED: the candidate was evicted by a call of "
                            "Evict");
        stream_release(stream);
    }
}

static void test_shutdown_ends_streams_with_unavailable(void **state)
{
    struct fixture *fixture = *state;
    struct client *client = fixture_start(fixture, PATIENT);
    struct stream *streams[2];

    tell(client, "Create a");
    streams[0] = campaign_in_a(client, "n1");
    expect_news(streams[0], "CURRENT 1 n1 [] r1");
    streams[1] = campaign(
        client,
        (struct candidacy){.election = "a", .candidate = "n2", .grace_s = 600});
    expect_news(streams[1], "CURRENT 1 n1 [n2] r2");
    expect_news(streams[0], "ENTERED 1 n1 [n2] r2 was n1");
    daemon_signal(&fixture->daemons[0], SIGTERM);
    // And with nothing before it: nobody has left.
    expect_news(streams[0], "UNAVAILABLE: shutting down");
    expect_news(streams[1], "UNAVAILABLE: shutting down");
    fixture_disconnect(fixture, client);
    assert_int_equal(
        daemon_await_exit(&fixture->daemons[0], STOPWATCH_DEADLINE_MS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_first_answer_is_the_current_term),
        OVER_BOTH(test_every_change_is_told_with_its_reason),
        OVER_TCP(test_what_is_no_change_is_not_told),
        OVER_TCP(test_all_streams_hear_the_same_without_a_gap),
        OVER_TCP(test_grace_out_of_range_is_refused),
        OVER_TCP(test_grace_at_the_ends_of_the_range_is_taken),
        OVER_TCP(test_wrong_names_are_refused),
        OVER_TCP(test_longest_names_are_taken),
        OVER_TCP(test_unknown_election_is_not_found),
        OVER_TCP(test_candidate_too_many_is_refused),
        OVER_TCP(test_stream_too_many_is_refused),
        OVER_TCP(test_streams_that_ended_make_room),
        OVER_BOTH(test_shutdown_ends_streams_with_unavailable),
    };

    return fixture_run(tests);
}
