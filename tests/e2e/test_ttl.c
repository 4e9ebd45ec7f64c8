// SPDX-License-Identifier: Apache-2.0
//
// A time to live: Enter with the metadata `electd-ttl-ms`. What is early is a
// fault; how late depends on the machine, and is told as a comment.
//
// That something does not happen is seen by a candidate whose time is over
// later than it would have happened.

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "fixture.h"
#include "patience.h"
#include "support/stopwatch.h"
#include "support/story.h"
#include "support/timed_enter.h"

// Of a lateness, on a machine that does much else.
#define LATE_MS_MAX 10000

static const char *listen_of(const struct fixture *fixture)
{
    return fixture->daemons[0].listen[0];
}

// Time that must pass between two calls.
static void wait_ms(int duration_ms)
{
    poll(NULL, 0, duration_ms);
}

static void check_lasted(const char *what, double lasted_ms, double period_ms)
{
    print_message("# %s: %.1f ms late\n", what, lasted_ms - period_ms);
    assert_true(lasted_ms >= period_ms);
    assert_true(lasted_ms < period_ms + LATE_MS_MAX);
}

static void test_candidate_is_out_after_its_time_and_not_before(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;
    int64_t entered_ns;

    tell(client, "Create a");
    stream = watch(client, "a");
    entered_ns = stopwatch_ns();
    expect_timed_enter(listen_of(*state), "n1", "500", "1 n1 []");
    expect_next(stream, "1 n1 []");
    expect_next(stream, "1 - []");
    check_lasted("500 ms", stopwatch_ms_since(entered_ns), 500);
    expect(client, "GetTerm a", "1 - []");
}

static void test_next_in_line_leads_in_the_next_term(void **state)
{
    struct fixture *fixture = *state;
    struct client *client = fixture_start(fixture, PATIENT);
    struct stream *stream;

    tell(client, "Create a");
    stream = watch(client, "a");
    expect_timed_enter(listen_of(fixture), "n1", "500", "1 n1 []");
    tell(client, "Enter a n2; Enter a n3");
    expect_next(stream, "1 n1 []");
    expect_next(stream, "1 n1 [n2]");
    expect_next(stream, "1 n1 [n2 n3]");
    expect_next(stream, "2 n2 [n3]");
    daemon_await_log(&fixture->daemons[0],
                     "election=a term=2 leader=n2 previous=n1 reason=expired");
}

static void test_waiting_candidate_leaves_the_queue(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;

    tell(client, "Create a; Enter a n1");
    expect_timed_enter(listen_of(*state), "n2", "1000", "1 n1 [n2]");
    tell(client, "Enter a n3");
    stream = watch(client, "a");
    expect_next(stream, "1 n1 [n2 n3]");
    expect_next(stream, "1 n1 [n3]");
}

static void test_renewal_keeps_it_in(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;
    int64_t renewed_ns = 0;

    tell(client, "Create a");
    expect_timed_enter(listen_of(*state), "n1", "1500", "1 n1 []");
    stream = watch(client, "a");
    expect_next(stream, "1 n1 []");
    for (unsigned i = 0; i < 10; i++) {
        wait_ms(300);
        renewed_ns = stopwatch_ns();
        expect_timed_enter(listen_of(*state), "n1", "1500", "1 n1 []");
    }
    assert_null(story_next(stream, 0));
    expect_next(stream, "1 - []");
    check_lasted("1500 ms", stopwatch_ms_since(renewed_ns), 1500);
}

static void test_last_time_decides(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;

    tell(client, "Create a");
    expect_timed_enter(listen_of(*state), "short", "3600000", "1 short []");
    expect_timed_enter(listen_of(*state), "long", "1000", "1 short [long]");
    expect_timed_enter(listen_of(*state), "long", "3600000", "1 short [long]");
    stream = watch(client, "a");
    expect_next(stream, "1 short [long]");
    expect_timed_enter(listen_of(*state), "short", "200", "1 short [long]");
    expect_next(stream, "2 long []");
    expect_timed_enter(listen_of(*state), "later", "1200", "2 long [later]");
    expect_next(stream, "2 long [later]");
    expect_next(stream, "2 long []");
}

static void test_enter_without_a_time_stays(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;

    tell(client, "Create a");
    expect_timed_enter(listen_of(*state), "n1", "1000", "1 n1 []");
    tell(client, "Enter a n1");
    stream = watch(client, "a");
    expect_next(stream, "1 n1 []");
    expect_timed_enter(listen_of(*state), "later", "1200", "1 n1 [later]");
    expect_next(stream, "1 n1 [later]");
    expect_next(stream, "1 n1 []");
}

static void test_candidate_that_left_returns_without_its_time(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;

    tell(client, "Create a");
    expect_timed_enter(listen_of(*state), "n1", "1000", "1 n1 []");
    expect_timed_enter(listen_of(*state), "n2", "1000", "1 n1 [n2]");
    tell(client, "Evict a n1; Withdraw a n2; Enter a n1; Enter a n2");
    stream = watch(client, "a");
    expect_next(stream, "3 n1 [n2]");
    expect_timed_enter(listen_of(*state), "later", "1200", "3 n1 [n2 later]");
    expect_next(stream, "3 n1 [n2 later]");
    expect_next(stream, "3 n1 [n2]");
}

static void test_time_is_kept_for_each_election(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;

    tell(client, "Create a; Create b; Enter b n1");
    stream = watch(client, "a");
    expect_timed_enter(listen_of(*state), "n1", "200", "1 n1 []");
    expect_next(stream, "1 n1 []");
    expect_next(stream, "1 - []");
    expect(client, "GetTerm b", "1 n1 []");
}

static void test_time_out_of_range_is_refused(void **state)
{
    static const char *const values[] = {"99",
                                         "0",
                                         "3600001",
                                         "-1",
                                         "+500",
                                         "1s",
                                         "",
                                         "1e3",
                                         "x",
                                         "500x",
                                         "0x1f4",
                                         "5 00",
                                         "500.",
                                         "1,0",
                                         "nan",
                                         "500;",
                                         "00099",
                                         "5000000000",
                                         "99999999999999999999999"};
    struct client *client = fixture_start(*state, PATIENT);

    tell(client, "Create a");
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char *told = timed_enter(listen_of(*state), "a", "n1", values[i]);

        if (strcmp(told, "INVALID_ARGUMENT: electd-ttl-ms is out of range: it "
                         "takes a whole number of milliseconds from 100 to "
                         "3600000") != 0) {
            fail_msg("a time of '%s': '%s'", values[i], told);
        }
        free(told);
    }
    // Nobody has entered.
    expect(client, "GetTerm a", "0 - []");
}

static void test_time_at_the_ends_of_the_range_is_taken(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *stream;
    int64_t entered_ns;

    tell(client, "Create a");
    stream = watch(client, "a");
    entered_ns = stopwatch_ns();
    expect_timed_enter(listen_of(*state), "n1", "100", "1 n1 []");
    expect_next(stream, "1 n1 []");
    expect_next(stream, "1 - []");
    check_lasted("100 ms", stopwatch_ms_since(entered_ns), 100);
    expect_timed_enter(listen_of(*state), "n1", "3600000", "2 n1 []");
}

static void test_time_does_not_help_a_wrong_enter(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    char *told;

    tell(client, "Create a");
    told = timed_enter(listen_of(*state), "b", "n1", "500");
    assert_string_equal(told, "NOT_FOUND: election 'b' does not exist: call "
                              "Create first");
    free(told);
    expect_timed_enter(listen_of(*state), "", "500",
                       "INVALID_ARGUMENT: candidate is empty: it takes 1 to "
                       "253 bytes");
}

// The clients could not be heard in the meantime.
static void test_daemon_that_was_stopped_gives_a_full_time(void **state)
{
    struct fixture *fixture = *state;
    struct client *client = fixture_start(fixture, PATIENT);
    struct stream *stream;
    int64_t continued_ns;

    tell(client, "Create a");
    expect_timed_enter(listen_of(fixture), "n1", "800", "1 n1 []");
    stream = watch(client, "a");
    expect_next(stream, "1 n1 []");
    daemon_signal(&fixture->daemons[0], SIGSTOP);
    wait_ms(1500);
    continued_ns = stopwatch_ns();
    daemon_signal(&fixture->daemons[0], SIGCONT);
    expect_next(stream, "1 - []");
    check_lasted("800 ms after a stop", stopwatch_ms_since(continued_ns), 800);
}

static void test_daemon_ends_with_leases_in_force(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);

    tell(client, "Create a");
    expect_timed_enter(listen_of(*state), "n1", "3600000", "1 n1 []");
    expect_timed_enter(listen_of(*state), "n2", "100", "1 n1 [n2]");
    fixture_stop(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_candidate_is_out_after_its_time_and_not_before),
        OVER_TCP(test_next_in_line_leads_in_the_next_term),
        OVER_TCP(test_waiting_candidate_leaves_the_queue),
        OVER_TCP(test_renewal_keeps_it_in),
        OVER_TCP(test_last_time_decides),
        OVER_TCP(test_enter_without_a_time_stays),
        OVER_TCP(test_candidate_that_left_returns_without_its_time),
        OVER_TCP(test_time_is_kept_for_each_election),
        OVER_BOTH(test_time_out_of_range_is_refused),
        OVER_TCP(test_time_at_the_ends_of_the_range_is_taken),
        OVER_TCP(test_time_does_not_help_a_wrong_enter),
        OVER_TCP(test_daemon_that_was_stopped_gives_a_full_time),
        OVER_TCP(test_daemon_ends_with_leases_in_force),
    };

    return fixture_run(tests);
}
