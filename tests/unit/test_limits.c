// SPDX-License-Identifier: Apache-2.0
//
// What a collection of elections refuses, which names it takes, and what it
// keeps of them. test_rules.c says how to read expect().

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

#include "story.h"

static void test_one_more_election_than_the_limit_is_refused(void **state)
{
    struct story *story = *state;

    story_restart(story, (struct electd_limits){2, 9});
    tell(story, "x: create; y: create");
    tell_refused(story, "z: create", ELECTD_ELECTIONS_MAX);
    assert_null(story->outcome.election);
    assert_int_equal(electd_elections_count(story->elections), 2);
    tell_refused(story, "z: enter a", ELECTD_NO_ELECTION);
}

static void test_known_election_is_created_again_at_the_limit(void **state)
{
    struct story *story = *state;

    story_restart(story, (struct electd_limits){1, 9});
    tell(story, "x: create; x: enter a; x: create");
    expect(story, "1 a []", "unchanged r1");
}

static void test_one_more_candidate_than_the_limit_is_refused(void **state)
{
    struct story *story = *state;

    story_restart(story, (struct electd_limits){9, 3});
    tell(story, "create; enter a; enter b; enter c");
    tell_refused(story, "enter d", ELECTD_CANDIDATES_MAX);
    expect(story, "1 a [b c]", "unchanged r3");
    tell(story, "withdraw d; close @2");
    expect(story, "1 a [b c]", "unchanged r3");
}

static void test_limit_of_one_candidate_allows_a_leader(void **state)
{
    struct story *story = *state;

    story_restart(story, (struct electd_limits){9, 1});
    tell(story, "create; enter a");
    tell_refused(story, "enter b", ELECTD_CANDIDATES_MAX);
    tell(story, "evict a; enter b");
    expect(story, "2 b []", "entered r3 elected");
}

static void test_candidate_enters_again_at_the_limit(void **state)
{
    struct story *story = *state;

    story_restart(story, (struct electd_limits){9, 2});
    tell(story, "create; enter a@1; enter b@1; enter b@2; enter a@2");
    expect(story, "1 a [b]", "unchanged r2");
    assert_true(story->outcome.entry != 0);
}

static void test_candidate_that_leaves_makes_room(void **state)
{
    struct story *story = *state;

    story_restart(story, (struct electd_limits){9, 2});
    tell(story, "create; enter a; enter b; anoint b; withdraw b; enter c");
    expect(story, "3 a [c]", "entered r5 was a");
    tell_refused(story, "enter b", ELECTD_CANDIDATES_MAX);
    tell(story, "close; enter d; enter e");
    expect(story, "4 d [e]", "entered r8 was d");
}

static void test_candidates_are_counted_in_each_election(void **state)
{
    struct story *story = *state;

    story_restart(story, (struct electd_limits){9, 2});
    tell(story, "x: create; y: create; x: enter a; x: enter b; y: enter c");
    tell(story, "y: enter d");
    expect(story, "1 c [d]", "entered r2 was c");
}

static void test_no_call_but_create_knows_an_unknown_election(void **state)
{
    static const char *const commands[] = {
        "y: close",     "y: enter a",  "y: withdraw a", "y: anoint a",
        "y: promote a", "y: demote a", "y: evict a",    "y: get_term",
    };
    struct story *story = *state;

    tell(story, "enter a; enter b");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        tell_refused(story, commands[i], ELECTD_NO_ELECTION);
        assert_null(story->outcome.election);
    }
    expect_in(story, "x", "1 a [b]");
    assert_int_equal(electd_elections_count(story->elections), 1);
}

static void test_elections_are_listed_in_the_order_of_creation(void **state)
{
    struct story *story = *state;
    static struct text text;

    tell(story, "b: create; z: create; a: create; b: create; z: enter c");
    text_clear(&text);
    story_dump(story->elections, &text);
    assert_string_equal(text.bytes, "4 elections\n"
                                    "1 x r0 tags: 0 - []\n"
                                    "2 b r0 tags: 0 - []\n"
                                    "3 z r1 tags: 1 c []\n"
                                    "4 a r0 tags: 0 - []\n");
}

static void create_with_tags(struct story *story, const char *name,
                             char *const *tags, size_t count)
{
    const struct electd_command command = {
        .operation = ELECTD_CREATE,
        .election = {name, strlen(name)},
        .tags = tags,
        .tags_count = count,
    };

    assert_int_equal(story_apply(story, &command), ELECTD_OK);
}

static void test_tags_of_the_first_create_stay(void **state)
{
    char words[][6] = {"blue", "", "green", "red"};
    char *const first[] = {words[0], words[1], words[2]};
    char *const second[] = {words[3]};
    struct story *story = *state;
    static struct text text;

    create_with_tags(story, "y", first, 3);
    create_with_tags(story, "y", second, 1);
    create_with_tags(story, "x", second, 1);
    create_with_tags(story, "z", second, 1);
    text_clear(&text);
    story_dump(story->elections, &text);
    assert_string_equal(text.bytes, "3 elections\n"
                                    "1 x r0 tags: 0 - []\n"
                                    "2 y r0 tags 'blue' '' 'green': 0 - []\n"
                                    "3 z r0 tags 'red': 0 - []\n");
}

// Makes a name of that size that differs from others in its last byte alone.
static struct electd_name long_name(char *bytes, size_t size, char last)
{
    memset(bytes, 'n', size);
    bytes[size - 1] = last;
    return (struct electd_name){bytes, size};
}

// Of sizes, two names each, in two elections each.
static void test_names_of_all_sizes_are_kept_whole(void **state)
{
    char bytes[3][ELECTD_NAME_SIZE_MAX];
    struct story *story = *state;
    struct electd_command command = {.session = 1};
    const struct electd_election *election;
    struct electd_name got;

    for (size_t size = 1; size <= ELECTD_NAME_SIZE_MAX; size++) {
        command.operation = ELECTD_CREATE;
        command.election = long_name(bytes[0], size, 'e');
        assert_int_equal(story_apply(story, &command), ELECTD_OK);
        command.operation = ELECTD_ENTER;
        command.candidate = long_name(bytes[1], size, 'a');
        assert_int_equal(story_apply(story, &command), ELECTD_OK);
        command.candidate = long_name(bytes[2], size, 'b');
        assert_int_equal(story_apply(story, &command), ELECTD_OK);

        election = story->outcome.election;
        assert_int_equal(electd_elections_count(story->elections), size + 1);
        got = electd_election_name(election);
        assert_int_equal(got.size, size);
        assert_int_equal(strlen(got.bytes), size);
        assert_memory_equal(got.bytes, bytes[0], size);
        got = electd_election_leader(election);
        assert_int_equal(got.size, size);
        assert_int_equal(strlen(got.bytes), size);
        assert_memory_equal(got.bytes, bytes[1], size);
        assert_int_equal(electd_election_queue_count(election), 1);
        got = electd_candidate_name(electd_election_queue_first(election));
        assert_int_equal(got.size, size);
        assert_int_equal(strlen(got.bytes), size);
        assert_memory_equal(got.bytes, bytes[2], size);

        command.operation = ELECTD_DEMOTE;
        command.candidate = long_name(bytes[1], size, 'a');
        assert_int_equal(story_apply(story, &command), ELECTD_OK);
        assert_int_equal(story->outcome.reason, ELECTD_DEMOTED);
        assert_int_equal(story->outcome.previous_leader.size, size);
        assert_int_equal(strlen(story->outcome.previous_leader.bytes), size);
        assert_memory_equal(story->outcome.previous_leader.bytes, bytes[1],
                            size);
    }
}

// Applies a command in a process of its own and returns how that ended.
static int fate_of(struct story *story, const struct electd_command *command)
{
    const struct rlimit no_core = {0, 0};
    pid_t pid = fork();
    int fate;

    assert_true(pid >= 0);
    if (pid == 0) {
        // What the assertion says is of no interest.
        (void)close(STDERR_FILENO);
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)story_apply(story, command);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &fate, 0), pid);
    return fate;
}

static void test_name_of_a_wrong_size_ends_the_process(void **state)
{
    static const size_t wrong[] = {0, ELECTD_NAME_SIZE_MAX + 1, 256, 257};
    struct story *story = *state;
    struct electd_command command = {.operation = ELECTD_ENTER};
    char bytes[512];
    int fate;

    memset(bytes, 'n', sizeof bytes);
    command.election = (struct electd_name){"x", 1};
    command.candidate = (struct electd_name){bytes, 1};
    assert_int_equal(fate_of(story, &command), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        command.election = (struct electd_name){"x", 1};
        command.candidate = (struct electd_name){bytes, wrong[i]};
        fate = fate_of(story, &command);
        assert_true(WIFSIGNALED(fate) && WTERMSIG(fate) == SIGABRT);
        command.election = command.candidate;
        command.candidate = (struct electd_name){bytes, 1};
        fate = fate_of(story, &command);
        assert_true(WIFSIGNALED(fate) && WTERMSIG(fate) == SIGABRT);
    }
}

static void test_destroying_no_collection_is_allowed(void **state)
{
    (void)state;
    electd_elections_destroy(NULL);
}

static void test_statuses_have_names_and_texts(void **state)
{
    (void)state;
    assert_int_equal(ELECTD_OK, 0);
    assert_string_equal(electd_status_name(ELECTD_OK), "OK");
    assert_string_equal(electd_status_name(ELECTD_NO_MEMORY), "NO_MEMORY");
    assert_string_equal(electd_status_name(ELECTD_WATCHERS_MAX),
                        "WATCHERS_MAX");
    assert_string_equal(electd_status_name(ELECTD_UNAVAILABLE), "UNAVAILABLE");
    assert_string_equal(electd_status_text(ELECTD_OK), "success");
    assert_string_equal(electd_status_text(ELECTD_NO_ELECTION),
                        "the election does not exist");
    assert_string_equal(electd_status_name((enum electd_status)1), "UNKNOWN");
    assert_string_equal(electd_status_text((enum electd_status)1),
                        "unknown status");
#define STATUS_IS_NEGATIVE_OR_OK(name, value, text)                            \
    assert_true(ELECTD_##name < 0 || ELECTD_##name == ELECTD_OK);              \
    assert_string_equal(electd_status_name(ELECTD_##name), #name);             \
    assert_string_equal(electd_status_text(ELECTD_##name), text);
    ELECTD_STATUS_MAP(STATUS_IS_NEGATIVE_OR_OK)
#undef STATUS_IS_NEGATIVE_OR_OK
}

static void test_reasons_have_names(void **state)
{
    (void)state;
    assert_string_equal(electd_reason_name(ELECTD_UNCHANGED), "unchanged");
    assert_string_equal(electd_reason_name(ELECTD_ENTERED), "entered");
    assert_string_equal(electd_reason_name(ELECTD_WITHDRAWN), "withdrawn");
    assert_string_equal(electd_reason_name(ELECTD_EVICTED), "evicted");
    assert_string_equal(electd_reason_name(ELECTD_ANOINTED), "anointed");
    assert_string_equal(electd_reason_name(ELECTD_PROMOTED), "promoted");
    assert_string_equal(electd_reason_name(ELECTD_DEMOTED), "demoted");
    assert_string_equal(electd_reason_name(ELECTD_CLOSED), "closed");
    assert_string_equal(electd_reason_name((enum electd_reason)99), "unknown");
}

#define LIMIT(name)                                                            \
    cmocka_unit_test_setup_teardown(name, story_setup, story_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIMIT(test_one_more_election_than_the_limit_is_refused),
        LIMIT(test_known_election_is_created_again_at_the_limit),
        LIMIT(test_one_more_candidate_than_the_limit_is_refused),
        LIMIT(test_limit_of_one_candidate_allows_a_leader),
        LIMIT(test_candidate_enters_again_at_the_limit),
        LIMIT(test_candidate_that_leaves_makes_room),
        LIMIT(test_candidates_are_counted_in_each_election),
        LIMIT(test_no_call_but_create_knows_an_unknown_election),
        LIMIT(test_elections_are_listed_in_the_order_of_creation),
        LIMIT(test_tags_of_the_first_create_stay),
        LIMIT(test_names_of_all_sizes_are_kept_whole),
        LIMIT(test_name_of_a_wrong_size_ends_the_process),
        cmocka_unit_test(test_destroying_no_collection_is_allowed),
        cmocka_unit_test(test_statuses_have_names_and_texts),
        cmocka_unit_test(test_reasons_have_names),
    };

    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
