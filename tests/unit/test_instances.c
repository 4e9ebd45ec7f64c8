// SPDX-License-Identifier: Apache-2.0
//
// Who enters again, as the core sees it: no term is ever held by two instances.
// test_rules.c says how to read expect(), story.h how to read a story.

#include <string.h>

#include "support/test.h"

#include "story.h"

static void test_same_instance_keeps_place_and_term(void **state)
{
    struct story *story = *state;

    tell(story, "enter a/i; enter b; enter a/i@2");
    expect(story, "1 a [b]", "unchanged r2");
    assert_int_not_equal(story->outcome.replaced_entry, 0);
}

static void test_other_instance_leads_in_a_new_term(void **state)
{
    struct story *story = *state;

    tell(story, "enter a/i; enter b; enter a/j");
    expect(story, "2 a [b]", "replaced r3 elected was a");
    assert_int_not_equal(story->outcome.replaced_entry, 0);
    assert_int_not_equal(story->outcome.entry, story->outcome.replaced_entry);
    assert_null(story->outcome.departed);
}

static void test_empty_instance_is_equal_to_no_other(void **state)
{
    struct story *story = *state;

    tell(story, "enter a/; enter a/");
    expect(story, "2 a []", "replaced r2 elected was a");
    tell(story, "enter a/i; enter a/");
    expect(story, "4 a []", "replaced r4 elected was a");
}

static void
test_instance_that_was_replaced_does_not_get_its_term_back(void **state)
{
    struct story *story = *state;

    tell(story, "enter a/i; enter a/j; enter a/i");
    expect(story, "3 a []", "replaced r3 elected was a");
}

// The prefix of an instance, and one that is longer, are others.
static void test_instances_are_compared_whole(void **state)
{
    struct story *story = *state;

    tell(story, "enter a/ii; enter a/i");
    expect(story, "2 a []", "replaced r2 elected was a");
    tell(story, "enter a/ii");
    expect(story, "3 a []", "replaced r3 elected was a");
}

static void test_campaign_replaces_a_leader_without_a_stream(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter a/i");
    expect(story, "2 a []", "replaced r2 elected was a");
    tell(story, "y: create; y: enter a~; y: enter a/i");
    expect(story, "2 a []", "replaced r2 elected was a");
}

static void
test_enter_without_streams_keeps_the_term_from_any_session(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter a@2; enter a~@3; enter a~@4; enter a@5");
    expect(story, "1 a []", "unchanged r1");
}

static void test_enter_of_the_streams_session_keeps_the_term(void **state)
{
    struct story *story = *state;

    tell(story, "enter a/i@2; enter a@2");
    expect(story, "1 a []", "unchanged r1");
    tell(story, "y: create; y: enter a/i@2; y: enter a~@2");
    expect(story, "1 a []", "unchanged r1");
}

static void test_enter_of_another_session_replaces_a_stream(void **state)
{
    struct story *story = *state;

    tell(story, "enter a/i@2; enter a@3");
    expect(story, "2 a []", "replaced r2 elected was a");
    tell(story, "y: create; y: enter a/i@2; y: enter a~@3");
    expect(story, "2 a []", "replaced r2 elected was a");
}

// The lease is a plain one by then, and says nothing of an instance.
static void test_enter_takes_the_instance_away(void **state)
{
    struct story *story = *state;

    tell(story, "enter a/i; enter a; enter a/i");
    expect(story, "2 a []", "replaced r2 elected was a");
}

static void test_who_waits_keeps_its_place_whatever_enters(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b/i; enter c; enter b/j; enter b/; enter b@9");
    expect(story, "1 a [b c]", "unchanged r3");
}

static void test_candidate_tells_its_instance_and_lease(void **state)
{
    struct story *story = *state;
    const struct electd_candidate *leader;

    tell(story, "enter a/i");
    leader = electd_election_leading(story->outcome.election);
    assert_string_equal(electd_candidate_instance(leader).bytes, "i");
    assert_int_equal(electd_candidate_instance(leader).size, 1);
    assert_int_equal(electd_candidate_lease(leader), ELECTD_LEASE_STREAM);
    tell(story, "enter a");
    leader = electd_election_leading(story->outcome.election);
    assert_string_equal(electd_candidate_instance(leader).bytes, "");
    assert_int_equal(electd_candidate_instance(leader).size, 0);
    tell(story, "withdraw a");
    assert_null(electd_election_leading(story->outcome.election));
}

int main(void)
{
#define TEST(test)                                                             \
    cmocka_unit_test_setup_teardown(test, story_setup, story_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_same_instance_keeps_place_and_term),
        TEST(test_other_instance_leads_in_a_new_term),
        TEST(test_empty_instance_is_equal_to_no_other),
        TEST(test_instance_that_was_replaced_does_not_get_its_term_back),
        TEST(test_instances_are_compared_whole),
        TEST(test_campaign_replaces_a_leader_without_a_stream),
        TEST(test_enter_without_streams_keeps_the_term_from_any_session),
        TEST(test_enter_of_the_streams_session_keeps_the_term),
        TEST(test_enter_of_another_session_replaces_a_stream),
        TEST(test_enter_takes_the_instance_away),
        TEST(test_who_waits_keeps_its_place_whatever_enters),
        TEST(test_candidate_tells_its_instance_and_lease),
    };
#undef TEST

    return cmocka_run_group_tests_name("instances", tests, NULL, NULL);
}
