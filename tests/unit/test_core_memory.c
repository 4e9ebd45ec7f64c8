// SPDX-License-Identifier: Apache-2.0
//
// The core without memory: whichever allocation fails, the command says so and
// changes nothing. The core is compiled into this test, as failing_alloc.h
// explains, so that each of its allocations can be made to fail.
//
// The method is the same throughout: fail the first allocation of a command,
// then its second, and so on, and compare all that can be read of the
// collection, and the number of live blocks, with what was there before; until
// the command needs no more allocations and succeeds.

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "story.h"

#include "failing_alloc_on.h"

#include "core/candidates.c"
#include "core/election.c"
#include "core/elections.c"

#define STORY_LARGE 700

static struct text before;
static struct text after;

static void assert_changed_nothing(const struct story *story)
{
    const struct electd_outcome *outcome = &story->outcome;

    assert_int_equal(outcome->reason, ELECTD_UNCHANGED);
    assert_false(outcome->elected);
    assert_int_equal(outcome->entry, 0);
    assert_int_equal(outcome->previous_leader.size, 0);
    text_clear(&after);
    story_dump(story->elections, &after);
    assert_string_equal(after.bytes, before.bytes);
}

// Applies a command with its first, second, ... allocation failing until it
// succeeds. Returns how many of them failed.
static unsigned apply_without_memory(struct story *story,
                                     const struct electd_command *command)
{
    size_t live = failing_alloc_live();
    unsigned nth = 1;

    text_clear(&before);
    story_dump(story->elections, &before);
    for (;;) {
        failing_alloc_arm(nth);
        (void)story_apply(story, command);
        if (!failing_alloc_disarm()) {
            assert_int_equal(story->status, ELECTD_OK);
            return nth - 1;
        }
        assert_int_equal(story->status, ELECTD_NO_MEMORY);
        assert_changed_nothing(story);
        assert_int_equal(failing_alloc_live(), live);
        nth++;
    }
}

static struct electd_name name_of(const char *name)
{
    return (struct electd_name){name, strlen(name)};
}

static struct electd_command enter(const char *election, const char *candidate,
                                   uint64_t session)
{
    return (struct electd_command){
        .operation = ELECTD_ENTER,
        .election = name_of(election),
        .candidate = name_of(candidate),
        .session = session,
    };
}

static unsigned create_without_memory(struct story *story, const char *name,
                                      size_t tags_count)
{
    static char blue[] = "blue";
    static char green[] = "green";
    static char *const tags[] = {blue, green};
    const struct electd_command command = {
        .operation = ELECTD_CREATE,
        .election = name_of(name),
        .tags = tags,
        .tags_count = tags_count,
    };

    return apply_without_memory(story, &command);
}

static unsigned enter_without_memory(struct story *story, const char *candidate,
                                     uint64_t session)
{
    const struct electd_command command = enter("x", candidate, session);

    return apply_without_memory(story, &command);
}

static int memory_setup(void **state)
{
    assert_int_equal(failing_alloc_live(), 0);
    return story_setup(state);
}

// Nothing is left of a collection that is gone.
static int memory_teardown(void **state)
{
    int result = story_teardown(state);

    assert_int_equal(failing_alloc_live(), 0);
    return result;
}

static void test_collection_without_memory_is_none(void **state)
{
    (void)state;
    failing_alloc_arm(1);
    assert_null(electd_elections_create((struct electd_limits){1, 1}));
    assert_true(failing_alloc_disarm());
}

static void test_create_without_memory_makes_no_election(void **state)
{
    struct story *story = *state;

    story_restart(story, (struct electd_limits){9, 9});
    // The election with its tags, the table and its buckets.
    assert_int_equal(create_without_memory(story, "y", 2), 3);
    assert_int_equal(create_without_memory(story, "z", 2), 1);
    assert_int_equal(create_without_memory(story, "a", 0), 1);
    text_clear(&after);
    story_dump(story->elections, &after);
    assert_string_equal(after.bytes, "3 elections\n"
                                     "1 y r0 tags 'blue' 'green': 0 - []\n"
                                     "2 z r0 tags 'blue' 'green': 0 - []\n"
                                     "3 a r0 tags: 0 - []\n");
}

static void test_enter_without_memory_adds_nobody(void **state)
{
    struct story *story = *state;

    // The candidate, the table and its buckets.
    assert_int_equal(enter_without_memory(story, "a", 1), 3);
    expect(story, "1 a []", "entered r1 elected");
    assert_int_equal(enter_without_memory(story, "b", 2), 1);
    assert_int_equal(enter_without_memory(story, "c", 2), 1);
    expect(story, "1 a [b c]", "entered r3 was a");
}

static void test_candidate_that_was_not_added_can_be_named(void **state)
{
    const struct electd_command command = enter("x", "b", 2);
    struct story *story = *state;

    tell(story, "enter a@1");
    failing_alloc_arm(1);
    assert_int_equal(story_apply(story, &command), ELECTD_NO_MEMORY);
    assert_true(failing_alloc_disarm());
    tell(story, "withdraw b; anoint b; promote b; demote b; close @2");
    expect(story, "1 a []", "unchanged r1");
}

static void test_reentry_needs_no_memory(void **state)
{
    struct story *story = *state;

    tell(story, "enter a@1; enter b@3");
    assert_int_equal(enter_without_memory(story, "a", 2), 0);
    assert_int_equal(enter_without_memory(story, "a", 3), 0);
    tell(story, "close @2; close @1");
    expect(story, "1 a [b]", "unchanged r2");
    tell(story, "close @3");
    expect(story, "1 - []", "closed r3 was a");
}

static void test_other_commands_need_no_memory(void **state)
{
    static const char *const commands[] = {
        "create",   "get_term",   "anoint c", "promote a",  "demote b",
        "anoint d", "withdraw d", "evict a",  "evict z",    "enter b@2",
        "close @2", "close @1",   "y: close", "withdraw a",
    };
    struct story *story = *state;

    tell(story, "y: create; y: enter a");
    tell(story, "enter a; enter b; enter c@2; enter d@2; enter e");
    failing_alloc_arm_all();
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        tell(story, commands[i]);
    }
    assert_false(failing_alloc_disarm());
    expect_in(story, "x", "7 - []");
    expect_in(story, "y", "1 - []");
}

// Large enough for both tables to grow, which allocates too.
static void test_tables_that_cannot_grow_refuse_and_stay_whole(void **state)
{
    static char names[STORY_LARGE][8];
    struct story *story = *state;
    unsigned creates = 0;
    unsigned enters = 0;

    for (unsigned i = 0; i < STORY_LARGE; i++) {
        (void)snprintf(names[i], sizeof names[i], "n%u", i);
        creates += create_without_memory(story, names[i], 0) > 1;
    }
    assert_true(creates > 0);
    assert_int_equal(electd_elections_count(story->elections), STORY_LARGE + 1);
    story_restart(story, (struct electd_limits){9, UINT32_MAX});
    tell(story, "create; enter n0@0");
    for (unsigned i = 1; i < STORY_LARGE; i++) {
        enters += enter_without_memory(story, names[i], i) > 1;
    }
    assert_true(enters > 0);

    // All are found still, each by its name and by its session.
    for (unsigned i = 0; i < STORY_LARGE; i++) {
        struct electd_command close = enter("x", names[i], i);

        close.operation = i % 2 == 0 ? ELECTD_CLOSE : ELECTD_EVICT;
        assert_int_equal(story_apply(story, &close), ELECTD_OK);
        assert_int_not_equal(story->outcome.reason, ELECTD_UNCHANGED);
    }
    expect_in(story, "x", "700 - []");
}

static void test_those_who_leave_give_their_memory_back(void **state)
{
    struct story *story = *state;
    size_t live = failing_alloc_live();

    tell(story, "enter a@1; enter b@2; enter a@2; enter c@3; enter d@3");
    assert_true(failing_alloc_live() > live);
    // An outcome speaks of those who left until the next command.
    tell(story, "withdraw a; evict b; close @3; get_term");
    assert_int_equal(failing_alloc_live(), live);
}

static void test_commands_that_change_nothing_keep_nothing(void **state)
{
    struct story *story = *state;
    size_t live;

    tell(story, "enter a@1; enter b@2");
    live = failing_alloc_live();
    tell(story, "create; enter a@1; enter a@3; enter a@1; get_term");
    tell(story, "withdraw c; close @9");
    assert_int_equal(failing_alloc_live(), live);
}

#define MEMORY(name)                                                           \
    cmocka_unit_test_setup_teardown(name, memory_setup, memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collection_without_memory_is_none),
        MEMORY(test_create_without_memory_makes_no_election),
        MEMORY(test_enter_without_memory_adds_nobody),
        MEMORY(test_candidate_that_was_not_added_can_be_named),
        MEMORY(test_reentry_needs_no_memory),
        MEMORY(test_other_commands_need_no_memory),
        MEMORY(test_tables_that_cannot_grow_refuse_and_stay_whole),
        MEMORY(test_those_who_leave_give_their_memory_back),
        MEMORY(test_commands_that_change_nothing_keep_nothing),
    };

    return cmocka_run_group_tests_name("core without memory", tests, NULL,
                                       NULL);
}
