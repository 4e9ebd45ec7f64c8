// SPDX-License-Identifier: Apache-2.0
//
// Many elections, and many candidates in one. Nothing is timed: an operation
// that walked through all of them would show in the test's own patience. What
// is counted instead is how far the hash tables are from ideal, so the core is
// compiled into this test (see failing_alloc.h), which can look into them.

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "failing_alloc_on.h"

#include "core/candidates.c"
#include "core/election.c"
#include "core/elections.c"

#define MANY_ELECTIONS 100000
#define MANY_CANDIDATES 10000
#define MANY_SESSIONS 100
#define MANY_MOVES 20000

static struct electd_elections *elections;
static struct electd_outcome outcome;

static int growth_setup(void **state)
{
    const struct electd_limits limits = {MANY_ELECTIONS, MANY_CANDIDATES};

    (void)state;
    elections = electd_elections_create(limits);
    return elections != NULL ? 0 : -1;
}

static int growth_teardown(void **state)
{
    (void)state;
    electd_elections_destroy(elections);
    assert_int_equal(failing_alloc_live(), 0);
    return 0;
}

// Applies an operation to the election and the candidate of these numbers.
static void apply(enum electd_operation operation, unsigned election,
                  unsigned candidate, uint64_t session)
{
    char names[2][32];
    struct electd_command command = {
        .operation = operation,
        .session = session,
    };

    (void)snprintf(names[0], sizeof names[0], "election-%u", election);
    (void)snprintf(names[1], sizeof names[1], "pod-%u.svc", candidate);
    command.election = (struct electd_name){names[0], strlen(names[0])};
    command.candidate = (struct electd_name){names[1], strlen(names[1])};
    assert_int_equal(electd_apply(elections, &command, &outcome), ELECTD_OK);
}

// No chain of the table is long: it takes a few steps to find anything.
static void assert_spread(const UT_hash_table *table, unsigned items)
{
    assert_int_equal(table->num_items, items);
    assert_false(table->noexpand);
    for (unsigned i = 0; i < table->num_buckets; i++) {
        assert_true(table->buckets[i].count <= 3 * HASH_BKT_CAPACITY_THRESH);
    }
}

static void test_100000_elections_of_one_candidate(void **state)
{
    const struct electd_election *election;
    unsigned number = 0;

    (void)state;
    for (unsigned i = 0; i < MANY_ELECTIONS; i++) {
        apply(ELECTD_CREATE, i, 0, 0);
        apply(ELECTD_ENTER, i, 7, i % MANY_SESSIONS);
    }
    assert_int_equal(electd_elections_count(elections), MANY_ELECTIONS);
    assert_spread(elections->by_name->hh.tbl, MANY_ELECTIONS);
    assert_spread(elections->candidates.by_name->hh.tbl, MANY_ELECTIONS);
    for (election = electd_elections_first(elections); election != NULL;
         election = electd_election_next(election)) {
        number++;
        assert_int_equal(electd_election_number(election), number);
        assert_int_equal(electd_election_term(election), 1);
    }
    assert_int_equal(number, MANY_ELECTIONS);
    for (unsigned i = 0; i < MANY_ELECTIONS; i++) {
        apply(ELECTD_CLOSE, i, 0, i % MANY_SESSIONS);
        assert_int_equal(outcome.reason, ELECTD_CLOSED);
    }
    assert_null(elections->candidates.by_name);
}

static void test_10000_candidates_in_one_election(void **state)
{
    const struct electd_election *election;

    (void)state;
    apply(ELECTD_CREATE, 0, 0, 0);
    for (unsigned i = 0; i < MANY_CANDIDATES; i++) {
        apply(ELECTD_ENTER, 0, i, i % MANY_SESSIONS);
    }
    election = outcome.election;
    assert_int_equal(electd_election_queue_count(election),
                     MANY_CANDIDATES - 1);
    assert_spread(elections->candidates.by_name->hh.tbl, MANY_CANDIDATES);
    for (unsigned i = 1; i < MANY_CANDIDATES; i++) {
        apply(ELECTD_ANOINT, 0, i, 0);
        apply(ELECTD_DEMOTE, 0, i, 0);
        assert_true(outcome.elected);
    }
    assert_int_equal(electd_election_term(election), 2 * MANY_CANDIDATES - 1);
    // Half of them one by one, the other half by sessions.
    for (unsigned i = 0; i < MANY_CANDIDATES; i += 2) {
        apply(ELECTD_WITHDRAW, 0, i, 0);
    }
    for (unsigned i = 1; i < MANY_SESSIONS; i += 2) {
        apply(ELECTD_CLOSE, 0, 0, i);
        assert_int_equal(outcome.reason, ELECTD_CLOSED);
    }
    assert_int_equal(electd_election_queue_count(election), 0);
    assert_int_equal(electd_election_leader(election).size, 0);
    assert_null(elections->candidates.by_name);
}

// Far moves in a queue take no more steps than near ones: none of them walks.
static void test_places_change_at_the_end_of_a_long_queue(void **state)
{
    const struct electd_election *election;
    const unsigned last = MANY_CANDIDATES - 1;

    (void)state;
    apply(ELECTD_CREATE, 0, 0, 0);
    for (unsigned i = 0; i < MANY_CANDIDATES; i++) {
        apply(ELECTD_ENTER, 0, i, 0);
    }
    election = outcome.election;
    for (unsigned i = 0; i < MANY_MOVES; i++) {
        apply(ELECTD_PROMOTE, 0, last, 0);
        assert_int_equal(outcome.reason, ELECTD_PROMOTED);
        apply(ELECTD_DEMOTE, 0, last, 0);
        assert_int_equal(outcome.reason, ELECTD_DEMOTED);
    }
    assert_int_equal(electd_election_term(election), 1);
    assert_int_equal(electd_election_revision(election),
                     MANY_CANDIDATES + 2 * MANY_MOVES);
}

#define GROWTH(name)                                                           \
    cmocka_unit_test_setup_teardown(name, growth_setup, growth_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GROWTH(test_100000_elections_of_one_candidate),
        GROWTH(test_10000_candidates_in_one_election),
        GROWTH(test_places_change_at_the_end_of_a_long_queue),
    };

    return cmocka_run_group_tests_name("growth", tests, NULL, NULL);
}
