// SPDX-License-Identifier: Apache-2.0
//
// The calls of LeaderElection and LeaderElections over the wire. What each does
// to an election in all its cases is the core's affair, and tested there; here
// each acts once, and every error is seen as a client sees it.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "fixture.h"
#include "support/story.h"

#define NAME_SIZE_MAX 253
#define REQUEST_SIZE_MAX (16 * 1024)

static const char *const calls_of_a_candidate[] = {
    "Enter", "Withdraw", "Anoint", "Promote", "Demote", "Evict",
};
static const char *const calls_of_an_election[] = {"Create", "Close", "GetTerm",
                                                   "Watch"};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void test_all_calls_tell_the_story_of_an_election(void **state)
{
    struct client *client = fixture_start(*state, NULL);

    expect(client, "Create a", "OK");
    expect(client, "GetTerm a", "0 - []");
    expect(client, "Enter a n1", "1 n1 []");
    expect(client, "Enter a n2", "1 n1 [n2]");
    expect(client, "Enter a n3", "1 n1 [n2 n3]");
    expect(client, "Enter a n2", "1 n1 [n2 n3]");
    expect(client, "Promote a n3", "1 n1 [n3 n2]");
    expect(client, "Demote a n3", "1 n1 [n2 n3]");
    expect(client, "Anoint a n3", "2 n3 [n1 n2]");
    expect(client, "Promote a n1", "3 n1 [n3 n2]");
    expect(client, "Demote a n1", "4 n3 [n1 n2]");
    expect(client, "Withdraw a n3", "5 n1 [n2]");
    expect(client, "Evict a n2", "5 n1 []");
    expect(client, "GetTerm a", "5 n1 []");
    expect(client, "Close a", "OK");
    expect(client, "GetTerm a", "5 - []");
    expect(client, "Enter a n4", "6 n4 []");
}

static void test_what_cannot_act_answers_with_the_current_term(void **state)
{
    struct client *client = fixture_start(*state, NULL);

    tell(client, "Create a; Enter a n1");
    expect(client, "Withdraw a nobody", "1 n1 []");
    expect(client, "Anoint a nobody", "1 n1 []");
    expect(client, "Promote a n1", "1 n1 []");
    expect(client, "Demote a n1", "1 n1 []");
    expect(client, "Evict a nobody", "1 n1 []");
    expect(client, "Close a", "OK");
    expect(client, "Close a", "OK");
}

static void test_create_and_close_answer_under_both_services(void **state)
{
    struct client *client = fixture_start(*state, NULL);

    expect(client, "LeaderElections/Create a", "OK");
    expect(client, "Enter a n1", "1 n1 []");
    // The second Create, by whatever name, changes nothing.
    expect(client, "Create a", "OK");
    expect(client, "LeaderElections/Create a", "OK");
    expect(client, "GetTerm a", "1 n1 []");
    expect(client, "LeaderElections/Close a", "OK");
    expect(client, "GetTerm a", "1 - []");
    expect(client, "LeaderElections/GetTerm a",
           "UNIMPLEMENTED: method '/atomix.runtime.election.v1."
           "LeaderElections/GetTerm' does not exist");
}

static void test_elections_do_not_know_of_each_other(void **state)
{
    struct client *client = fixture_start(*state, NULL);

    tell(client, "Create a; Create b; Enter a n1; Enter b n2; Enter b n1");
    expect(client, "GetTerm a", "1 n1 []");
    expect(client, "GetTerm b", "1 n2 [n1]");
    tell(client, "Close a");
    expect(client, "GetTerm b", "1 n2 [n1]");
}

static void test_unknown_election_is_not_found_by_any_call(void **state)
{
    static const char reply[] =
        "NOT_FOUND: election 'x' does not exist: call Create first";
    struct client *client = fixture_start(*state, NULL);

    tell(client, "Create y");
    expect(client, "Enter x n1", reply);
    expect(client, "Withdraw x n1", reply);
    expect(client, "Anoint x n1", reply);
    expect(client, "Promote x n1", reply);
    expect(client, "Demote x n1", reply);
    expect(client, "Evict x n1", reply);
    expect(client, "GetTerm x", reply);
    expect(client, "Watch x", reply);
    expect(client, "Close x", reply);
    expect(client, "LeaderElections/Close x", reply);
    tell(client, "Create x");
    expect(client, "GetTerm x", "0 - []");
}

// Calls a method of any names; NULL bytes leave a field out.
static void expect_names(struct client *client, const char *method,
                         struct client_bytes election,
                         struct client_bytes candidate, const char *reply)
{
    uint8_t buffer[STORY_REQUEST_SIZE_MAX];
    char path[128];

    snprintf(path, sizeof path, STORY_PATH("%s"), method);
    expect_raw(client, path, story_request(buffer, election, candidate), reply);
}

static const struct client_bytes left_out = {NULL, 0};
static const struct client_bytes plain = {"a", 1};

static void test_missing_id_is_refused_by_every_call(void **state)
{
    static const char reply[] = "INVALID_ARGUMENT: id is missing";
    struct client *client = fixture_start(*state, NULL);

    for (size_t i = 0; i < COUNT(calls_of_an_election); i++) {
        expect_names(client, calls_of_an_election[i], left_out, left_out,
                     reply);
    }
    for (size_t i = 0; i < COUNT(calls_of_a_candidate); i++) {
        expect_names(client, calls_of_a_candidate[i], left_out, plain, reply);
    }
    expect_raw(client, "/atomix.runtime.election.v1.LeaderElections/Create",
               (struct client_bytes){"", 0}, reply);
    expect_raw(client, "/atomix.runtime.election.v1.LeaderElections/Close",
               (struct client_bytes){"", 0}, reply);
}

// A name that breaks a rule, and what is said of it behind the field's name.
struct bad_name {
    struct client_bytes name;
    const char *rule;
};

static char long_name[NAME_SIZE_MAX + 1];

#define BYTES(literal)                                                         \
    {                                                                          \
        literal, sizeof(literal) - 1                                           \
    }

static const struct bad_name bad_names[] = {
    {BYTES(""), "is empty: it takes 1 to 253 bytes"},
    {{long_name, NAME_SIZE_MAX + 1}, "has 254 bytes: it takes 1 to 253"},
    {BYTES("ab\xff"), "is not UTF-8 (at byte 2)"},
    // Cut short, too long for what it encodes, and half a surrogate pair.
    {BYTES("\xc3"), "is not UTF-8 (at byte 0)"},
    {BYTES("a\xc0\xaf"), "is not UTF-8 (at byte 1)"},
    {BYTES("\xed\xa0\x80"), "is not UTF-8 (at byte 0)"},
    {BYTES("lead\0er"), "holds a control character (at byte 4)"},
    {BYTES("\0"), "holds a control character (at byte 0)"},
    {BYTES("a\n"), "holds a control character (at byte 1)"},
    {BYTES("a\x1f"), "holds a control character (at byte 1)"},
    {BYTES("\x7f"), "holds a control character (at byte 0)"},
    // U+0085, of the second set of control characters.
    {BYTES("a\xc2\x85"), "holds a control character (at byte 1)"},
};

static void test_every_rule_of_names_holds_for_elections(void **state)
{
    struct client *client = fixture_start(*state, NULL);
    char reply[128];

    memset(long_name, 'x', sizeof long_name);
    for (size_t i = 0; i < COUNT(bad_names); i++) {
        snprintf(reply, sizeof reply, "INVALID_ARGUMENT: id.name %s",
                 bad_names[i].rule);
        for (size_t j = 0; j < COUNT(calls_of_an_election); j++) {
            expect_names(client, calls_of_an_election[j], bad_names[i].name,
                         left_out, reply);
        }
        for (size_t j = 0; j < COUNT(calls_of_a_candidate); j++) {
            expect_names(client, calls_of_a_candidate[j], bad_names[i].name,
                         plain, reply);
        }
    }
}

static void test_every_rule_of_names_holds_for_candidates(void **state)
{
    struct client *client = fixture_start(*state, NULL);
    char reply[128];

    memset(long_name, 'x', sizeof long_name);
    tell(client, "Create a");
    for (size_t i = 0; i < COUNT(bad_names); i++) {
        snprintf(reply, sizeof reply, "INVALID_ARGUMENT: candidate %s",
                 bad_names[i].rule);
        for (size_t j = 0; j < COUNT(calls_of_a_candidate); j++) {
            expect_names(client, calls_of_a_candidate[j], plain,
                         bad_names[i].name, reply);
        }
    }
    for (size_t j = 0; j < COUNT(calls_of_a_candidate); j++) {
        expect_names(client, calls_of_a_candidate[j], plain, left_out,
                     "INVALID_ARGUMENT: candidate is empty: it takes 1 to 253 "
                     "bytes");
    }
    // Nothing of all that got in.
    expect(client, "GetTerm a", "0 - []");
}

static void test_tags_that_are_not_text_are_refused(void **state)
{
    static const char request[] = "\x0a\x03\x0a\x01"
                                  "a\x12\x02\xff\xff";
    struct client *client = fixture_start(*state, NULL);

    expect_raw(client, STORY_PATH("Create"),
               (struct client_bytes){request, sizeof request - 1},
               "INVALID_ARGUMENT: tags is not UTF-8 (at byte 0)");
    expect_part(client, "GetTerm a", "NOT_FOUND");
}

static void test_names_of_253_bytes_and_of_any_script_are_taken(void **state)
{
    struct client *client = fixture_start(*state, NULL);
    char line[2 * NAME_SIZE_MAX + 32];
    char reply[NAME_SIZE_MAX + 32];

    memset(long_name, 'x', sizeof long_name);
    snprintf(line, sizeof line, "Create %.253s", long_name);
    expect(client, line, "OK");
    snprintf(line, sizeof line, "Enter %.253s %.253s", long_name, long_name);
    snprintf(reply, sizeof reply, "1 %.253s []", long_name);
    expect(client, line, reply);
    // U+00A0, the first that is none of the control characters, is in it.
    tell(client, "Create вы\u00a0бор");
    expect(client, "Enter вы\u00a0бор 候補", "1 候補 []");
    expect(client, "GetTerm нет",
           "NOT_FOUND: election 'нет' does not exist: call Create first");
}

static void test_message_that_does_not_parse_is_internal(void **state)
{
    static const struct client_bytes broken[] = {
        // A size beyond the end, inside the id too; a group; half a number.
        BYTES("\x0a\x05\x0a\x01"),
        BYTES("\x0a\x03\x0a\x09x"),
        BYTES("\x0b\x0c"),
        BYTES("\x80"),
        // The id as a number; field 0.
        BYTES("\x08\x01"),
        BYTES("\x02\x01x"),
    };
    struct client *client = fixture_start(*state, NULL);

    for (size_t i = 0; i < COUNT(broken); i++) {
        expect_raw(client, STORY_PATH("GetTerm"), broken[i],
                   "INTERNAL: the request does not parse as "
                   "atomix.runtime.election.v1.GetTermRequest");
        expect_raw(client, STORY_PATH("Watch"), broken[i],
                   "INTERNAL: the request does not parse as "
                   "atomix.runtime.election.v1.WatchRequest");
    }
    tell(client, "Create a");
}

static void test_fields_that_are_unknown_are_ignored(void **state)
{
    // Field 9, a number, and field 15, some bytes.
    static const char request[] = "\x48\x07\x0a\x03\x0a\x01"
                                  "a\x7a\x02\xff\xfe";
    struct client *client = fixture_start(*state, NULL);

    tell(client, "Create a; Enter a n1");
    expect_raw(client, STORY_PATH("GetTerm"),
               (struct client_bytes){request, sizeof request - 1}, "1 n1 []");
}

static void test_unknown_methods_and_services_are_unimplemented(void **state)
{
    static const char *const paths[] = {
        STORY_PATH("Depose"),
        STORY_PATH(""),
        "/atomix.runtime.election.v2.LeaderElection/Enter",
        "/nobody.Knows/This",
        "/",
    };
    struct client *client = fixture_start(*state, NULL);
    char reply[160];

    for (size_t i = 0; i < COUNT(paths); i++) {
        snprintf(reply, sizeof reply,
                 "UNIMPLEMENTED: method '%s' does not exist", paths[i]);
        // Twice: what is armed for these is armed again.
        expect_raw(client, paths[i], plain, reply);
        expect_raw(client, paths[i], (struct client_bytes){"", 0}, reply);
    }
    tell(client, "Create a");
}

static void test_request_above_16_kib_is_refused(void **state)
{
    // A field that is unknown takes up the room.
    static uint8_t request[REQUEST_SIZE_MAX + 1] = "\x0a\x03\x0a\x01"
                                                   "a\x7a";
    struct client *client = fixture_start(*state, NULL);
    struct client_bytes too_large = {request, 0};
    size_t rest = REQUEST_SIZE_MAX - 8;
    char *told;

    tell(client, "Create a; Enter a n1");
    request[6] = (uint8_t)(0x80 | (rest & 0x7f));
    request[7] = (uint8_t)(rest >> 7);
    expect_raw(client, STORY_PATH("GetTerm"),
               (struct client_bytes){request, REQUEST_SIZE_MAX}, "1 n1 []");
    // The words are gRPC's own.
    too_large.size = REQUEST_SIZE_MAX + 1;
    told = story_call_raw(client, STORY_PATH("GetTerm"), too_large);
    assert_memory_equal(told, "RESOURCE_EXHAUSTED: ", 20);
    expect_text_part(told, "16384");
    expect_text_part(story_call_raw(client, STORY_PATH("Watch"), too_large),
                     "RESOURCE_EXHAUSTED: ");
    expect(client, "GetTerm a", "1 n1 []");
}

static void test_limit_of_elections_is_kept_and_named(void **state)
{
    static const char reply[] = "RESOURCE_EXHAUSTED: the limit of 2 elections "
                                "(--max-elections) is reached";
    struct client *client = fixture_start(*state, "--max-elections=2");

    tell(client, "Create a; Create b");
    expect(client, "Create c", reply);
    expect(client, "LeaderElections/Create c", reply);
    // Those that are there are not one more.
    tell(client, "Create a; Create b");
    expect_part(client, "GetTerm c", "NOT_FOUND");
}

static void test_limit_of_candidates_is_kept_and_named(void **state)
{
    struct client *client = fixture_start(*state, "--max-candidates=2");

    tell(client, "Create a; Create b; Enter a n1; Enter a n2");
    expect(client, "Enter a n3",
           "RESOURCE_EXHAUSTED: the limit of 2 candidates in an election "
           "(--max-candidates) is reached");
    expect(client, "GetTerm a", "1 n1 [n2]");
    expect(client, "Enter a n2", "1 n1 [n2]");
    // Of each election, and only as long as they are in it.
    expect(client, "Enter b n3", "1 n3 []");
    tell(client, "Withdraw a n1");
    expect(client, "Enter a n3", "2 n2 [n3]");
}

static void test_limit_of_watchers_is_kept_and_named(void **state)
{
    static const char reply[] = "RESOURCE_EXHAUSTED: the limit of 2 watchers "
                                "(--max-watchers) is reached";
    struct client *client = fixture_start(*state, "--max-watchers=2");
    struct client *other = fixture_connect(*state);

    tell(client, "Create a; Create b; Enter a n1");
    expect_next(watch(client, "a"), "1 n1 []");
    watch(other, "b");
    expect(client, "Watch a", reply);
    expect(other, "Watch b", reply);
    // Everything else goes on.
    expect(other, "Enter b n2", "1 n2 []");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_all_calls_tell_the_story_of_an_election),
        OVER_TCP(test_what_cannot_act_answers_with_the_current_term),
        OVER_BOTH(test_create_and_close_answer_under_both_services),
        OVER_TCP(test_elections_do_not_know_of_each_other),
        OVER_TCP(test_unknown_election_is_not_found_by_any_call),
        OVER_TCP(test_missing_id_is_refused_by_every_call),
        OVER_TCP(test_every_rule_of_names_holds_for_elections),
        OVER_TCP(test_every_rule_of_names_holds_for_candidates),
        OVER_TCP(test_tags_that_are_not_text_are_refused),
        OVER_BOTH(test_names_of_253_bytes_and_of_any_script_are_taken),
        OVER_TCP(test_message_that_does_not_parse_is_internal),
        OVER_TCP(test_fields_that_are_unknown_are_ignored),
        OVER_TCP(test_unknown_methods_and_services_are_unimplemented),
        OVER_BOTH(test_request_above_16_kib_is_refused),
        OVER_TCP(test_limit_of_elections_is_kept_and_named),
        OVER_TCP(test_limit_of_candidates_is_kept_and_named),
        OVER_TCP(test_limit_of_watchers_is_kept_and_named),
    };

    return fixture_run(tests);
}
