// SPDX-License-Identifier: Apache-2.0
//
// What keeps a candidate in, as the core sees it: entries and their numbers,
// Expire of one of them, and who is out after a change. test_rules.c says how
// to read expect().

#include <string.h>

#include "support/test.h"

#include "story.h"

static struct electd_name name_of(const char *name)
{
    return (struct electd_name){name, strlen(name)};
}

// Enters a candidate of "x" for session 1; returns the number of its entry.
static uint64_t enter(struct story *story, const char *candidate,
                      enum electd_lease lease)
{
    const struct electd_command command = {
        .operation = ELECTD_ENTER,
        .election = name_of("x"),
        .candidate = name_of(candidate),
        .session = 1,
        .lease = lease,
    };

    assert_int_equal(story_apply(story, &command), ELECTD_OK);
    assert_int_not_equal(story->outcome.entry, 0);
    return story->outcome.entry;
}

static void expire_in(struct story *story, const char *election,
                      const char *candidate, uint64_t entry)
{
    const struct electd_command command = {
        .operation = ELECTD_EXPIRE,
        .election = name_of(election),
        .candidate = name_of(candidate),
        .entry = entry,
    };

    assert_int_equal(story_apply(story, &command), ELECTD_OK);
}

static void expire(struct story *story, const char *candidate, uint64_t entry)
{
    expire_in(story, "x", candidate, entry);
}

// Who left by the last command: "a#1 c#3", in the order in which they did.
static void expect_departed(const struct story *story, const char *departed)
{
    const struct electd_candidate *candidate = story->outcome.departed;
    static struct text text;

    text_clear(&text);
    for (; candidate != NULL; candidate = electd_candidate_next(candidate)) {
        struct electd_name name = electd_candidate_name(candidate);

        assert_int_equal(strlen(name.bytes), name.size);
        text_add(&text, "%s%s#%llu", text.size > 0 ? " " : "", name.bytes,
                 (unsigned long long)electd_candidate_entry(candidate));
    }
    assert_string_equal(text.bytes, departed);
}

static void expect_previous_leader(const struct story *story,
                                   const char *leader)
{
    struct electd_name name = story->outcome.previous_leader;

    assert_int_equal(name.size, strlen(leader));
    assert_memory_equal(name.size > 0 ? name.bytes : "", leader, name.size);
}

static void test_expire_removes_the_entry_that_it_names(void **state)
{
    struct story *story = *state;
    uint64_t entries[3];

    entries[0] = enter(story, "a", ELECTD_LEASE_TIME);
    entries[1] = enter(story, "b", ELECTD_LEASE_TIME);
    entries[2] = enter(story, "c", ELECTD_LEASE_TIME);
    expire(story, "b", entries[1]);
    expect(story, "1 a [c]", "expired r4 was a");
    expire(story, "c", entries[2]);
    expect(story, "1 a []", "expired r5 was a");
    expire(story, "a", entries[0]);
    expect(story, "1 - []", "expired r6 was a");
}

static void test_leader_that_expires_is_followed_by_the_head(void **state)
{
    struct story *story = *state;
    uint64_t entry = enter(story, "a", ELECTD_LEASE_TIME);

    tell(story, "enter b; enter c");
    expire(story, "a", entry);
    expect(story, "2 b [c]", "expired r4 elected was a");
}

static void test_end_of_a_time_is_expired_and_of_a_stream_not(void **state)
{
    struct story *story = *state;
    uint64_t of_time = enter(story, "a", ELECTD_LEASE_TIME);
    uint64_t of_stream = enter(story, "b", ELECTD_LEASE_STREAM);
    uint64_t of_none = enter(story, "c", ELECTD_LEASE_NONE);

    expire(story, "a", of_time);
    expect(story, "2 b [c]", "expired r4 elected was a");
    expire(story, "b", of_stream);
    expect(story, "3 c []", "disconnected r5 elected was b");
    // Nobody asks for this but who could not begin a lease.
    expire(story, "c", of_none);
    expect(story, "3 - []", "expired r6 was c");
}

static void test_expire_of_an_earlier_entry_does_nothing(void **state)
{
    struct story *story = *state;
    uint64_t first = enter(story, "a", ELECTD_LEASE_TIME);
    uint64_t second = enter(story, "a", ELECTD_LEASE_TIME);

    tell(story, "enter b");
    expire(story, "a", first);
    expect(story, "1 a [b]", "unchanged r2");
    expect_departed(story, "");
    expect_previous_leader(story, "");
    expire(story, "a", second);
    expect(story, "2 b []", "expired r3 elected was a");
    // It is out, and stays so.
    expire(story, "a", second);
    expect(story, "2 b []", "unchanged r3");
}

static void test_expire_after_a_return_does_nothing(void **state)
{
    struct story *story = *state;
    uint64_t first = enter(story, "a", ELECTD_LEASE_STREAM);

    tell(story, "withdraw a; enter a");
    expire(story, "a", first);
    expect(story, "2 a []", "unchanged r3");
}

static void test_expire_of_another_number_does_nothing(void **state)
{
    struct story *story = *state;
    uint64_t a = enter(story, "a", ELECTD_LEASE_TIME);
    uint64_t b = enter(story, "b", ELECTD_LEASE_TIME);

    expire(story, "a", b);
    expire(story, "b", a);
    expire(story, "a", b + 1);
    expire(story, "a", 0);
    expire(story, "a", UINT64_MAX);
    expire(story, "nobody", a);
    expect(story, "1 a [b]", "unchanged r2");
}

static void test_expire_keeps_to_its_election(void **state)
{
    struct story *story = *state;
    uint64_t entry = enter(story, "a", ELECTD_LEASE_TIME);

    tell(story, "y: create; y: enter a");
    expire_in(story, "y", "a", entry);
    expect(story, "1 a []", "unchanged r1");
    expire_in(story, "x", "a", entry);
    expect_in(story, "y", "1 a []");
}

static void test_expire_in_an_unknown_election_is_refused(void **state)
{
    struct story *story = *state;

    tell_refused(story, "z: expire a", ELECTD_NO_ELECTION);
}

static void test_entries_go_up_over_all_elections(void **state)
{
    struct story *story = *state;
    uint64_t last = 0;

    tell(story, "y: create");
    for (unsigned i = 0; i < 20; i++) {
        tell(story, i % 2 == 0 ? "enter a" : "y: enter b");
        assert_true(story->outcome.entry > last);
        last = story->outcome.entry;
        if (i % 5 == 0) {
            tell(story, "withdraw a");
        }
    }
}

static void test_candidate_that_enters_again_replaces_its_entry(void **state)
{
    struct story *story = *state;
    uint64_t first = enter(story, "a", ELECTD_LEASE_TIME);
    uint64_t second;

    assert_int_equal(story->outcome.replaced_entry, 0);
    (void)enter(story, "b", ELECTD_LEASE_TIME);
    assert_int_equal(story->outcome.replaced_entry, 0);
    second = enter(story, "a", ELECTD_LEASE_STREAM);
    assert_int_equal(story->outcome.replaced_entry, first);
    assert_true(second > first);
    // Replaced, but not out.
    expect_departed(story, "");
    (void)enter(story, "a", ELECTD_LEASE_NONE);
    assert_int_equal(story->outcome.replaced_entry, second);
}

static void test_candidate_that_left_replaces_nothing(void **state)
{
    struct story *story = *state;

    (void)enter(story, "a", ELECTD_LEASE_TIME);
    tell(story, "withdraw a");
    (void)enter(story, "a", ELECTD_LEASE_TIME);
    assert_int_equal(story->outcome.replaced_entry, 0);
}

static void test_only_enter_tells_of_entries(void **state)
{
    static const char *const others[] = {
        "create",     "get_term", "anoint b", "promote a",  "demote b",
        "withdraw b", "evict a",  "expire c", "expire any", "close",
    };
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        tell(story, others[i]);
        assert_int_equal(story->outcome.entry, 0);
        assert_int_equal(story->outcome.replaced_entry, 0);
    }
}

static void test_last_lease_decides(void **state)
{
    static const enum electd_lease leases[] = {
        ELECTD_LEASE_NONE, ELECTD_LEASE_TIME, ELECTD_LEASE_STREAM};
    struct story *story = *state;
    uint64_t terms = 0;

    for (size_t i = 0; i < 9; i++) {
        bool is_stream = leases[i % 3] == ELECTD_LEASE_STREAM;
        uint64_t entry;

        (void)enter(story, "a", leases[i / 3]);
        // A stream without an instance leads in a new term.
        terms += 1 + is_stream;
        entry = enter(story, "a", leases[i % 3]);
        expire(story, "a", entry);
        assert_int_equal(story->outcome.reason,
                         is_stream ? ELECTD_DISCONNECTED : ELECTD_EXPIRED);
        assert_int_equal(electd_election_term(story->outcome.election), terms);
    }
}

static void test_withdrawn_and_evicted_depart_with_their_entry(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; enter b; withdraw b");
    expect_departed(story, "b#4");
    tell(story, "evict a");
    expect_departed(story, "a#1");
    expect(story, "2 c []", "evicted r5 elected was a");
}

static void test_expired_depart_with_their_entry(void **state)
{
    struct story *story = *state;
    uint64_t entry;

    (void)enter(story, "a", ELECTD_LEASE_TIME);
    entry = enter(story, "b", ELECTD_LEASE_TIME);
    expire(story, "b", entry);
    expect_departed(story, "b#2");
}

static void test_close_lists_all_who_depart_and_no_others(void **state)
{
    struct story *story = *state;

    tell(story, "enter a@1; enter b@2; enter c@1; enter d@3; enter e@1");
    tell(story, "enter f@2; enter a@1; close @1");
    expect(story, "2 b [d f]", "closed r7 elected was a");
    // Of three, in whatever order, each once.
    expect_departed(story, "a#7 c#3 e#5");
    tell(story, "close @1");
    expect_departed(story, "");
    tell(story, "close @2; close @3");
    expect_departed(story, "d#4");
}

static void test_nobody_departs_when_places_are_changed(void **state)
{
    static const char *const others[] = {
        "enter d",   "create",     "get_term",   "anoint c",
        "promote b", "demote b",   "enter a",    "withdraw nobody",
        "close @9",  "evict gone", "expire none"};
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        tell(story, others[i]);
        expect_departed(story, "");
    }
}

// A sanitizer sees it if they do not live that long.
static void test_departed_live_until_the_next_command(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; enter b; enter c; close");
    expect_departed(story, "a#1 b#2 c#3");
    // Reading is no command.
    expect(story, "1 - []", "closed r4 was a");
    expect_in(story, "x", "1 - []");
    expect_departed(story, "a#1 b#2 c#3");
    expect_previous_leader(story, "a");
    tell(story, "get_term");
    expect_departed(story, "");
    // Those of the last command go with the collection.
    tell(story, "enter a; enter b; close");
    expect_departed(story, "a#4 b#5");
}

static void test_departed_are_released_by_a_refused_command_too(void **state)
{
    struct story *story = *state;

    tell(story, "enter a; withdraw a");
    expect_departed(story, "a#1");
    tell_refused(story, "z: get_term", ELECTD_NO_ELECTION);
    expect_departed(story, "");
}

static void test_previous_leader_is_told_also_when_it_left(void **state)
{
    struct story *story = *state;
    uint64_t entry = enter(story, "a", ELECTD_LEASE_STREAM);

    expect_previous_leader(story, "");
    tell(story, "enter b");
    expect_previous_leader(story, "a");
    tell(story, "get_term");
    expect_previous_leader(story, "");
    expire(story, "a", entry);
    expect_previous_leader(story, "a");
    tell(story, "enter c; close");
    expect_previous_leader(story, "b");
    // Nobody led before this.
    tell(story, "enter d");
    expect_previous_leader(story, "");
}

// A name that ends where the memory of it does.
static void test_previous_leader_may_have_the_longest_name(void **state)
{
    char longest[ELECTD_NAME_SIZE_MAX + 1];
    struct story *story = *state;
    uint64_t entry;

    memset(longest, 'n', ELECTD_NAME_SIZE_MAX);
    longest[ELECTD_NAME_SIZE_MAX] = '\0';
    entry = enter(story, longest, ELECTD_LEASE_TIME);
    expire(story, longest, entry);
    expect_previous_leader(story, longest);
    assert_int_equal(electd_candidate_name(story->outcome.departed).size,
                     ELECTD_NAME_SIZE_MAX);
}

static void test_reasons_have_names(void **state)
{
    (void)state;
    assert_string_equal(electd_reason_name(ELECTD_EXPIRED), "expired");
    assert_string_equal(electd_reason_name(ELECTD_DISCONNECTED),
                        "disconnected");
}

int main(void)
{
#define STORY(name)                                                            \
    cmocka_unit_test_setup_teardown(name, story_setup, story_teardown)
    const struct CMUnitTest tests[] = {
        STORY(test_expire_removes_the_entry_that_it_names),
        STORY(test_leader_that_expires_is_followed_by_the_head),
        STORY(test_end_of_a_time_is_expired_and_of_a_stream_not),
        STORY(test_expire_of_an_earlier_entry_does_nothing),
        STORY(test_expire_after_a_return_does_nothing),
        STORY(test_expire_of_another_number_does_nothing),
        STORY(test_expire_keeps_to_its_election),
        STORY(test_expire_in_an_unknown_election_is_refused),
        STORY(test_entries_go_up_over_all_elections),
        STORY(test_candidate_that_enters_again_replaces_its_entry),
        STORY(test_candidate_that_left_replaces_nothing),
        STORY(test_only_enter_tells_of_entries),
        STORY(test_last_lease_decides),
        STORY(test_withdrawn_and_evicted_depart_with_their_entry),
        STORY(test_expired_depart_with_their_entry),
        STORY(test_close_lists_all_who_depart_and_no_others),
        STORY(test_nobody_departs_when_places_are_changed),
        STORY(test_departed_live_until_the_next_command),
        STORY(test_departed_are_released_by_a_refused_command_too),
        STORY(test_previous_leader_is_told_also_when_it_left),
        STORY(test_previous_leader_may_have_the_longest_name),
        cmocka_unit_test(test_reasons_have_names),
    };
#undef STORY

    return cmocka_run_group_tests_name("leases", tests, NULL, NULL);
}
