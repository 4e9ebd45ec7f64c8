// SPDX-License-Identifier: Apache-2.0
//
// The rules of an election, call by call. docs/semantics.md has them in words.
//
// expect(story, "2 b [c]", "withdrawn r4 elected was a") reads: in term 2, b
// leads and c waits; the candidate was withdrawn, which made revision 4 and a
// new leader after a.

#include "support/test.h"

#include "story.h"

static void test_new_election_has_no_leader_in_term_0(void **state)
{
    struct story *story = *state;

    expect(story, "0 - []", "unchanged r0");
    tell(story, "get_term");
    expect(story, "0 - []", "unchanged r0");
}

static void test_second_create_changes_nothing(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; create");
    expect(story, "1 a [b]", "unchanged r2");
    assert_int_equal(electd_elections_count(story->elections), 1);
}

static void test_first_candidate_leads(void **state)
{
    struct story *story = *state;

    tell(story, "enter a");
    expect(story, "1 a []", "entered r1 elected");
}

static void test_second_candidate_queues_behind_the_leader(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b");
    expect(story, "1 a [b]", "entered r2 was a");
}

static void test_third_candidate_queues_last(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c");
    expect(story, "1 a [b c]", "entered r3 was a");
}

static void test_leader_that_enters_again_changes_nothing(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter a");
    expect(story, "1 a [b]", "unchanged r2");
}

static void
test_waiting_candidate_that_enters_again_keeps_its_place(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; enter b@2");
    expect(story, "1 a [b c]", "unchanged r3");
}

static void test_candidate_that_left_enters_again_last(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; withdraw b; enter b");
    expect(story, "1 a [c b]", "entered r5 was a");
}

static void test_leader_that_withdraws_is_followed_by_the_head(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; withdraw a");
    expect(story, "2 b [c]", "withdrawn r4 elected was a");
}

static void
test_sole_leader_that_withdraws_leaves_nobody_in_its_term(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; withdraw a");
    expect(story, "1 - []", "withdrawn r2 was a");
}

static void test_first_candidate_after_nobody_leads_the_next_term(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; withdraw a; enter b");
    expect(story, "2 b []", "entered r3 elected");
    tell(story, "withdraw b; enter b");
    expect(story, "3 b []", "entered r5 elected");
}

static void test_head_that_withdraws_leaves_the_queue(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; withdraw b");
    expect(story, "1 a [c]", "withdrawn r4 was a");
}

static void test_middle_that_withdraws_leaves_the_queue(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; enter d; withdraw c");
    expect(story, "1 a [b d]", "withdrawn r5 was a");
    tell(story, "enter e; withdraw a; withdraw b; withdraw d");
    expect(story, "4 e []", "withdrawn r9 elected was d");
}

static void test_last_that_withdraws_leaves_the_queue(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; withdraw c; enter d");
    expect(story, "1 a [b d]", "entered r5 was a");
}

static void test_unknown_candidate_withdraws_nothing(void **state)
{
    struct story *story = *state;

    tell(story, "withdraw a");
    expect(story, "0 - []", "unchanged r0");
    tell(story, "enter a; enter b; withdraw c");
    expect(story, "1 a [b]", "unchanged r2");
}

static void test_any_session_withdraws_any_candidate(void **state)
{
    struct story *story = *state;

    tell(story, "enter a@1; enter b@1; withdraw b@2");
    expect(story, "1 a []", "withdrawn r3 was a");
    tell(story, "withdraw a@3");
    expect(story, "1 - []", "withdrawn r4 was a");
}

static void test_evict_does_as_withdraw_does(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; enter d; evict c@9");
    expect(story, "1 a [b d]", "evicted r5 was a");
    tell(story, "evict a@9");
    expect(story, "2 b [d]", "evicted r6 elected was a");
    tell(story, "evict a");
    expect(story, "2 b [d]", "unchanged r6");
    tell(story, "evict d; evict b");
    expect(story, "2 - []", "evicted r8 was b");
}

static void test_anointed_head_leads_before_the_old_leader(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; anoint b");
    expect(story, "2 b [a c]", "anointed r4 elected was a");
}

static void
test_anointed_last_leads_and_the_others_keep_their_order(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; enter d; anoint d");
    expect(story, "2 d [a b c]", "anointed r5 elected was a");
    tell(story, "anoint b");
    expect(story, "3 b [d a c]", "anointed r6 elected was d");
    tell(story, "enter e; withdraw b");
    expect(story, "4 d [a c e]", "withdrawn r8 elected was b");
}

static void test_sole_waiting_candidate_can_be_anointed(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; anoint b; anoint a; enter c");
    expect(story, "3 a [b c]", "entered r5 was a");
}

static void test_anointed_leader_stays_in_its_term(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; anoint a");
    expect(story, "1 a []", "unchanged r1");
    tell(story, "enter b; anoint a");
    expect(story, "1 a [b]", "unchanged r2");
}

static void test_unknown_candidate_is_not_anointed(void **state)
{
    struct story *story = *state;

    tell(story, "anoint a");
    expect(story, "0 - []", "unchanged r0");
    tell(story, "enter a; enter b; anoint c");
    expect(story, "1 a [b]", "unchanged r2");
}

static void test_promoted_head_changes_places_with_the_leader(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; promote b");
    expect(story, "2 b [a c]", "promoted r4 elected was a");
}

static void
test_promoted_candidate_changes_places_with_the_one_before(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; enter d; promote d");
    expect(story, "1 a [b d c]", "promoted r5 was a");
    tell(story, "promote d");
    expect(story, "1 a [d b c]", "promoted r6 was a");
    tell(story, "promote d");
    expect(story, "2 d [a b c]", "promoted r7 elected was a");
    tell(story, "enter e; promote b");
    expect(story, "2 d [b a c e]", "promoted r9 was d");
}

static void test_promoted_last_of_two_becomes_the_head(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; promote c; enter d");
    expect(story, "1 a [c b d]", "entered r5 was a");
}

static void test_promoted_leader_stays_in_its_term(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; promote a");
    expect(story, "1 a []", "unchanged r1");
    tell(story, "enter b; promote a");
    expect(story, "1 a [b]", "unchanged r2");
}

static void test_unknown_candidate_is_not_promoted(void **state)
{
    struct story *story = *state;

    tell(story, "promote a");
    expect(story, "0 - []", "unchanged r0");
    tell(story, "enter a; enter b; promote c");
    expect(story, "1 a [b]", "unchanged r2");
}

static void test_demoted_leader_changes_places_with_the_head(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; demote a");
    expect(story, "2 b [a c]", "demoted r4 elected was a");
}

static void
test_demoted_candidate_changes_places_with_the_one_behind(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; enter d; demote b");
    expect(story, "1 a [c b d]", "demoted r5 was a");
    tell(story, "demote b");
    expect(story, "1 a [c d b]", "demoted r6 was a");
    tell(story, "enter e");
    expect(story, "1 a [c d b e]", "entered r7 was a");
}

static void test_sole_leader_is_not_demoted(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; demote a");
    expect(story, "1 a []", "unchanged r1");
}

static void test_last_candidate_is_not_demoted(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; demote b");
    expect(story, "1 a [b]", "unchanged r2");
    tell(story, "enter c; demote c");
    expect(story, "1 a [b c]", "unchanged r3");
}

static void test_unknown_candidate_is_not_demoted(void **state)
{
    struct story *story = *state;

    tell(story, "demote a");
    expect(story, "0 - []", "unchanged r0");
    tell(story, "enter a; enter b; demote c");
    expect(story, "1 a [b]", "unchanged r2");
}

// A leader was once in the queue and left its links there: it must not matter.
static void test_leader_that_came_from_the_queue_is_as_any_other(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; enter d; anoint c; demote c");
    expect(story, "3 a [c b d]", "demoted r6 elected was c");
    tell(story, "anoint b; evict c; evict d; evict a; demote b");
    expect(story, "4 b []", "unchanged r10");
}

static void test_get_term_reads_and_changes_nothing(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; get_term; get_term");
    expect(story, "1 a [b]", "unchanged r2");
}

static void test_candidates_of_one_name_in_two_elections_are_two(void **state)
{
    struct story *story = *state;

    tell(story, "y: create; enter a; enter b; y: enter b; y: enter a");
    expect(story, "1 b [a]", "entered r2 was b");
    tell(story, "y: withdraw b; y: enter b; x: demote a");
    expect(story, "2 b [a]", "demoted r3 elected was a");
    expect_in(story, "y", "2 a [b]");
    tell(story, "x: evict b");
    expect_in(story, "x", "3 a []");
    expect_in(story, "y", "2 a [b]");
}

#define RULE(name)                                                             \
    cmocka_unit_test_setup_teardown(name, story_setup, story_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(test_new_election_has_no_leader_in_term_0),
        RULE(test_second_create_changes_nothing),
        RULE(test_first_candidate_leads),
        RULE(test_second_candidate_queues_behind_the_leader),
        RULE(test_third_candidate_queues_last),
        RULE(test_leader_that_enters_again_changes_nothing),
        RULE(test_waiting_candidate_that_enters_again_keeps_its_place),
        RULE(test_candidate_that_left_enters_again_last),
        RULE(test_leader_that_withdraws_is_followed_by_the_head),
        RULE(test_sole_leader_that_withdraws_leaves_nobody_in_its_term),
        RULE(test_first_candidate_after_nobody_leads_the_next_term),
        RULE(test_head_that_withdraws_leaves_the_queue),
        RULE(test_middle_that_withdraws_leaves_the_queue),
        RULE(test_last_that_withdraws_leaves_the_queue),
        RULE(test_unknown_candidate_withdraws_nothing),
        RULE(test_any_session_withdraws_any_candidate),
        RULE(test_evict_does_as_withdraw_does),
        RULE(test_anointed_head_leads_before_the_old_leader),
        RULE(test_anointed_last_leads_and_the_others_keep_their_order),
        RULE(test_sole_waiting_candidate_can_be_anointed),
        RULE(test_anointed_leader_stays_in_its_term),
        RULE(test_unknown_candidate_is_not_anointed),
        RULE(test_promoted_head_changes_places_with_the_leader),
        RULE(test_promoted_candidate_changes_places_with_the_one_before),
        RULE(test_promoted_last_of_two_becomes_the_head),
        RULE(test_promoted_leader_stays_in_its_term),
        RULE(test_unknown_candidate_is_not_promoted),
        RULE(test_demoted_leader_changes_places_with_the_head),
        RULE(test_demoted_candidate_changes_places_with_the_one_behind),
        RULE(test_sole_leader_is_not_demoted),
        RULE(test_last_candidate_is_not_demoted),
        RULE(test_unknown_candidate_is_not_demoted),
        RULE(test_leader_that_came_from_the_queue_is_as_any_other),
        RULE(test_get_term_reads_and_changes_nothing),
        RULE(test_candidates_of_one_name_in_two_elections_are_two),
    };

    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
