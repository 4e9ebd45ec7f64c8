// SPDX-License-Identifier: Apache-2.0
//
// What a session leaves behind when it closes an election, and which session a
// candidate is bound to. test_rules.c says how to read expect().

#include "support/test.h"

#include "story.h"

static void test_close_of_the_leaders_session_elects_the_head(void **state)
{
    struct story *story = *state;

    tell(story, "enter a@1; enter b@2; enter c@3; close @1");
    expect(story, "2 b [c]", "closed r4 elected was a");
}

static void test_close_of_a_waiting_session_keeps_the_leader(void **state)
{
    struct story *story = *state;

    tell(story, "enter a@1; enter b@2; enter c@3; close @2");
    expect(story, "1 a [c]", "closed r4 was a");
}

static void test_close_takes_all_candidates_in_one_change(void **state)
{
    struct story *story = *state;

    tell(story, "enter a@1; enter b@1; enter c@2; enter d@1; enter e@2");
    expect(story, "1 a [b c d e]", "entered r5 was a");
    tell(story, "close @1");
    expect(story, "2 c [e]", "closed r6 elected was a");
}

// No candidate of the session leads in between.
static void test_close_elects_once_though_the_heads_leave_too(void **state)
{
    struct story *story = *state;

    tell(story, "enter a@1; enter b@1; enter c@1; enter d@2; close @1");
    expect(story, "2 d []", "closed r5 elected was a");
}

// The leader need not be the first of its session's candidates.
static void test_close_elects_once_though_the_leader_entered_last(void **state)
{
    struct story *story = *state;

    tell(story, "enter a@1; enter b@2; enter c@1; anoint c; close @1");
    expect(story, "3 b []", "closed r5 elected was c");
}

static void test_close_of_all_waiting_sessions_leaves_the_leader(void **state)
{
    struct story *story = *state;

    tell(story, "enter a@1; enter b@2; enter c@2; enter d@2; close @2");
    expect(story, "1 a []", "closed r5 was a");
    tell(story, "enter b@3");
    expect(story, "1 a [b]", "entered r6 was a");
}

static void test_close_of_everybody_leaves_nobody_in_the_term(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; anoint b; close");
    expect(story, "2 - []", "closed r5 was b");
}

static void test_term_survives_close(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; close; create");
    expect(story, "1 - []", "unchanged r3");
    tell(story, "enter b");
    expect(story, "2 b []", "entered r4 elected");
}

static void
test_close_of_a_session_without_candidates_is_no_change(void **state)
{
    struct story *story = *state;

    tell(story, "close @1");
    expect(story, "0 - []", "unchanged r0");
    tell(story, "enter a@1; enter b@2; close @3");
    expect(story, "1 a [b]", "unchanged r2");
}

static void test_second_close_is_no_change(void **state)
{
    struct story *story = *state;

    tell(story, "enter a@1; enter b@2; close @1; close @1");
    expect(story, "2 b []", "unchanged r3");
}

static void test_close_looks_at_its_own_election_alone(void **state)
{
    struct story *story = *state;

    tell(story, "y: create; enter a; y: enter a; y: enter b; close");
    expect(story, "1 - []", "closed r2 was a");
    expect_in(story, "y", "1 a [b]");
    tell(story, "y: close");
    expect(story, "1 - []", "closed r3 was a");
}

static void test_sessions_of_64_bits_are_told_apart(void **state)
{
    struct story *story = *state;

    tell(story, "enter a@1; enter b@4294967297; enter c@0");
    tell(story, "enter d@18446744073709551615; close @4294967297");
    expect(story, "1 a [c d]", "closed r5 was a");
    tell(story, "close @0");
    expect(story, "1 a [d]", "closed r6 was a");
    tell(story, "close @18446744073709551615; close @1");
    expect(story, "1 - []", "closed r8 was a");
}

static void test_withdrawn_candidate_is_no_longer_bound(void **state)
{
    struct story *story = *state;

    tell(story, "enter a@1; enter b@1; enter c@2; withdraw b; enter b@2");
    tell(story, "close @1");
    expect(story, "2 c [b]", "closed r6 elected was a");
    tell(story, "evict c; evict b; close @2");
    expect(story, "3 - []", "unchanged r8");
}

static void test_reentered_candidate_is_bound_to_the_new_session(void **state)
{
    struct story *story = *state;

    tell(story, "enter a@1; enter b@9; enter a@2; close @1");
    expect(story, "1 a [b]", "unchanged r2");
    tell(story, "close @2");
    expect(story, "2 b []", "closed r3 elected was a");
}

static void
test_reentered_waiting_candidate_is_bound_to_the_new_session(void **state)
{
    struct story *story = *state;

    tell(story, "enter a@1; enter b@1; enter c@1; enter b@2; close @1");
    expect(story, "2 b []", "closed r4 elected was a");
    tell(story, "enter c@1; close @2");
    expect(story, "3 c []", "closed r6 elected was b");
}

static void test_reentry_by_the_same_session_stays_bound_to_it(void **state)
{
    struct story *story = *state;

    tell(story, "enter a@1; enter a@1; enter b@1; enter a@1; close @1");
    expect(story, "1 - []", "closed r3 was a");
}

static void test_reentry_moves_a_candidate_among_others_of_both(void **state)
{
    struct story *story = *state;

    tell(story, "enter a@1; enter b@2; enter c@1; enter d@2; enter a@2");
    tell(story, "close @1");
    expect(story, "1 a [b d]", "closed r5 was a");
    tell(story, "close @2");
    expect(story, "1 - []", "closed r6 was a");
}

static void test_every_entry_has_its_own_number(void **state)
{
    static const char *const entries[] = {
        "enter a@1",    "enter b@1", "enter a@1", "enter a@2",
        "y: enter a@1", "enter c@3", "enter a@1", "y: enter b@1",
    };
    struct story *story = *state;
    uint64_t last = 0;

    tell(story, "y: create");
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        tell(story, entries[i]);
        assert_true(story->outcome.entry > last);
        last = story->outcome.entry;
    }
    tell(story, "evict a; enter a");
    assert_true(story->outcome.entry > last);
}

static void test_only_enter_has_an_entry_number(void **state)
{
    static const char *const commands[] = {
        "create",   "y: create", "get_term",   "promote b", "demote b",
        "anoint b", "evict b",   "withdraw a", "close",
    };
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        tell(story, commands[i]);
        assert_int_equal(story->outcome.entry, 0);
    }
    expect(story, "6 - []", "closed r9 was c");
}

#define SESSION(name)                                                          \
    cmocka_unit_test_setup_teardown(name, story_setup, story_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SESSION(test_close_of_the_leaders_session_elects_the_head),
        SESSION(test_close_of_a_waiting_session_keeps_the_leader),
        SESSION(test_close_takes_all_candidates_in_one_change),
        SESSION(test_close_elects_once_though_the_heads_leave_too),
        SESSION(test_close_elects_once_though_the_leader_entered_last),
        SESSION(test_close_of_all_waiting_sessions_leaves_the_leader),
        SESSION(test_close_of_everybody_leaves_nobody_in_the_term),
        SESSION(test_term_survives_close),
        SESSION(test_close_of_a_session_without_candidates_is_no_change),
        SESSION(test_second_close_is_no_change),
        SESSION(test_close_looks_at_its_own_election_alone),
        SESSION(test_sessions_of_64_bits_are_told_apart),
        SESSION(test_withdrawn_candidate_is_no_longer_bound),
        SESSION(test_reentered_candidate_is_bound_to_the_new_session),
        SESSION(test_reentered_waiting_candidate_is_bound_to_the_new_session),
        SESSION(test_reentry_by_the_same_session_stays_bound_to_it),
        SESSION(test_reentry_moves_a_candidate_among_others_of_both),
        SESSION(test_every_entry_has_its_own_number),
        SESSION(test_only_enter_has_an_entry_number),
    };

    return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
