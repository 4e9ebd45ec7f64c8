// SPDX-License-Identifier: Apache-2.0
//
// A daemon that stands still for a while: it is stopped and continued, as it
// would be by a debugger, a laptop's lid, or a machine with too much to do.
// Nobody who renews in time is removed for it, and whoever does not is removed
// all the same.

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "fixture.h"
#include "patience.h"
#include "renewers.h"
#include "support/stopwatch.h"
#include "support/story.h"
#include "support/timed_enter.h"

static const char *listen_of(const struct fixture *fixture)
{
    return fixture->daemons[0].listen[0];
}

// Time that must pass.
static void wait_ms(int duration_ms)
{
    poll(NULL, 0, duration_ms);
}

static void stall(struct fixture *fixture, int duration_ms)
{
    daemon_signal(&fixture->daemons[0], SIGSTOP);
    wait_ms(duration_ms);
    daemon_signal(&fixture->daemons[0], SIGCONT);
}

// How many candidates a term has: all its words but the number of the term.
static unsigned count_candidates(const char *term)
{
    unsigned count = 0;

    for (; *term != '\0'; term++) {
        count += *term == ' ';
    }
    return count;
}

// Since the watch told of `count` candidates, nothing has changed but that
// another one came, who enters here.
static void check_nobody_left(struct client *client, struct stream *stream,
                              unsigned count)
{
    char *told;
    size_t size;

    tell(client, "Enter a last");
    told = story_next(stream, CLIENT_DEADLINE_MS);
    assert_non_null(told);
    size = strlen(told);
    if (size < 6 || strcmp(told + size - 6, " last]") != 0 ||
        strncmp(told, "1 ", 2) != 0 || count_candidates(told) != count + 1) {
        fail_msg("somebody was removed: '%s'", told);
    }
    free(told);
}

// One row: so many renew every 1.4 s for 3 s each, and the daemon stands still.
struct crowd_row {
    unsigned count;
    bool is_apart;
    int stalled_ms;
};

static void check_crowd(struct fixture *fixture, const struct crowd_row *row)
{
    struct client *client = fixture_start(fixture, PATIENT);
    struct renewers_plan plan = {
        .listen = listen_of(fixture),
        .election = "a",
        .count = row->count,
        .is_apart = row->is_apart,
        .ttl_ms = "3000",
        .pause_ms = 1400,
    };
    struct renewers *renewers;
    struct stream *stream;
    uint64_t answers;
    char *told;

    tell(client, "Create a");
    renewers = renewers_start(&plan);
    stream = watch(client, "a");
    told = story_next(stream, CLIENT_DEADLINE_MS);
    assert_int_equal(count_candidates(told), row->count);
    free(told);
    stall(fixture, row->stalled_ms);
    answers = renewers_answers(renewers);
    // Two rounds more: a lease that was over would be gone by then.
    while (renewers_answers(renewers) < answers + 3 * (uint64_t)row->count) {
        wait_ms(10);
    }
    assert_true(renewers_stop(renewers));
    check_nobody_left(client, stream, row->count);
}

static void test_nobody_who_renews_is_removed_by_a_stall(void **state)
{
    check_crowd(*state, &(struct crowd_row){60, false, 2000});
}

static void test_nobody_is_removed_by_a_stall_longer_than_a_lease(void **state)
{
    check_crowd(*state, &(struct crowd_row){60, false, 5000});
}

static void test_nobody_with_a_connection_is_removed_by_a_stall(void **state)
{
    check_crowd(*state, &(struct crowd_row){60, true, 2000});
}

static void test_stall_of_ten_seconds_removes_nobody(void **state)
{
    check_crowd(*state, &(struct crowd_row){200, true, 10000});
}

// It is due after a second, and the loop was absent for a fifth of that.
static void test_short_lease_elsewhere_does_not_keep_a_dead_leader(void **state)
{
    struct fixture *fixture = *state;
    struct client *client = fixture_start(fixture, PATIENT);
    struct renewers_plan plan = {
        .listen = listen_of(fixture),
        .election = "b",
        .count = 1,
        .ttl_ms = "100",
        .pause_ms = 20,
    };
    struct renewers *renewers;
    struct stream *stream;
    int64_t entered_ns;
    char *told;

    tell(client, "Create a; Create b");
    renewers = renewers_start(&plan);
    entered_ns = stopwatch_ns();
    expect_timed_enter(listen_of(fixture), "n1", "1000", "1 n1 []");
    stream = watch(client, "a");
    expect_next(stream, "1 n1 []");
    for (told = NULL; told == NULL; told = story_next(stream, 400)) {
        assert_true(stopwatch_ms_since(entered_ns) < 6000);
        stall(fixture, 100);
    }
    assert_string_equal(told, "1 - []");
    free(told);
    print_message("# over after %.0f ms\n", stopwatch_ms_since(entered_ns));
    assert_true(stopwatch_ms_since(entered_ns) >= 1000);
    assert_true(renewers_stop(renewers));
}

// Calls without a pause: there is always something to read.
static void test_traffic_that_never_pauses_keeps_nobody(void **state)
{
    struct fixture *fixture = *state;
    struct client *client = fixture_start(fixture, PATIENT);
    struct renewers_plan plan = {
        .listen = listen_of(fixture),
        .election = "b",
        .count = 32,
        .ttl_ms = "30000",
    };
    struct renewers *renewers;
    struct stream *stream;
    int64_t entered_ns;

    tell(client, "Create a; Create b");
    stream = watch(client, "a");
    renewers = renewers_start(&plan);
    for (unsigned i = 1; i <= 3; i++) {
        char term[16];

        (void)snprintf(term, sizeof term, "%u n1 []", i);
        entered_ns = stopwatch_ns();
        expect_timed_enter(listen_of(fixture), "n1", "500", term);
        expect_next(stream, term);
        (void)snprintf(term, sizeof term, "%u - []", i);
        expect_next(stream, term);
        print_message("# over after %.0f ms\n", stopwatch_ms_since(entered_ns));
        assert_true(stopwatch_ms_since(entered_ns) >= 500);
        assert_true(stopwatch_ms_since(entered_ns) < 10000);
    }
    assert_true(renewers_stop(renewers));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_nobody_who_renews_is_removed_by_a_stall),
        OVER_TCP(test_nobody_is_removed_by_a_stall_longer_than_a_lease),
        OVER_TCP(test_nobody_with_a_connection_is_removed_by_a_stall),
        OVER_TCP(test_stall_of_ten_seconds_removes_nobody),
        OVER_TCP(test_short_lease_elsewhere_does_not_keep_a_dead_leader),
        OVER_TCP(test_traffic_that_never_pauses_keeps_nobody),
    };

    return fixture_run(tests);
}
