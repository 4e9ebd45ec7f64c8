// SPDX-License-Identifier: Apache-2.0
//
// Encoded terms: what they say, and how long they are shared.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "atomix/runtime/election/v1/election.pb-c.h"
#include "story.h"

#include "failing_alloc_on.h"

#include "base/payload.c"
#include "services/term.c"

typedef Atomix__Runtime__Election__V1__Term term_message;

// Any response that holds a term: they differ in nothing but their names.
typedef Atomix__Runtime__Election__V1__GetTermResponse term_response;

struct fixture {
    struct story *story;
    struct term_cache cache;
};

static int setup(void **state)
{
    struct fixture *fixture = (calloc)(1, sizeof *fixture);
    void *story = NULL;

    assert_non_null(fixture);
    assert_int_equal(failing_alloc_live(), 0);
    assert_true(term_cache_init(&fixture->cache));
    story_setup(&story);
    fixture->story = story;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *story = fixture->story;

    term_cache_close(&fixture->cache);
    story_teardown(&story);
    (free)(fixture);
    // Nobody holds a payload, and the slots are gone.
    return failing_alloc_live() == 0 ? 0 : -1;
}

static struct payload *get(struct fixture *fixture, const char *election)
{
    return term_cache_get(&fixture->cache,
                          story_find(fixture->story, election));
}

// The payload holds that term and nothing else: "term leader [queue]".
static void expect_term(const struct payload *payload, const char *expected)
{
    static struct text text;
    term_response *response;
    const char *space = "";

    assert_non_null(payload);
    response = atomix__runtime__election__v1__get_term_response__unpack(
        NULL, payload->size, payload->bytes);
    assert_non_null(response);
    assert_int_equal(response->base.n_unknown_fields, 0);
    assert_non_null(response->term);
    text_clear(&text);
    text_add(&text, "%llu %s [", (unsigned long long)response->term->term,
             response->term->leader[0] != '\0' ? response->term->leader : "-");
    for (size_t i = 0; i < response->term->n_candidates; i++) {
        text_add(&text, "%s%s", space, response->term->candidates[i]);
        space = " ";
    }
    text_add(&text, "]");
    assert_string_equal(text.bytes, expected);
    atomix__runtime__election__v1__get_term_response__free_unpacked(response,
                                                                    NULL);
}

static void test_term_has_the_bytes_that_the_protocol_says(void **state)
{
    static const uint8_t expected[] = {
        0x0a, 0x10,                // term
        0x08, 0x02,                // term: 2
        0x12, 0x02, 'b', '2',      // leader
        0x1a, 0x01, 'a',           // candidates
        0x1a, 0x05, 'c', 'c', 'c', //
        0xc3, 0xa4,                //
    };
    const struct payload *payload;

    tell(((struct fixture *)*state)->story,
         "enter a; enter b2; anoint b2; enter ccc\xc3\xa4");
    payload = get(*state, "x");
    assert_non_null(payload);
    assert_int_equal(payload->size, sizeof expected);
    assert_memory_equal(payload->bytes, expected, sizeof expected);
}

// Packs the term as the only field of a message of that type.
static void expect_packed_as(const struct payload *payload,
                             const ProtobufCMessageDescriptor *type,
                             term_message *term)
{
    term_response response;
    uint8_t bytes[256];
    size_t size;

    assert_int_equal(type->sizeof_message, sizeof response);
    protobuf_c_message_init(type, &response);
    response.term = term;
    size = protobuf_c_message_get_packed_size(&response.base);
    assert_true(size <= sizeof bytes);
    protobuf_c_message_pack(&response.base, bytes);
    assert_int_equal(payload->size, size);
    assert_memory_equal(payload->bytes, bytes, size);
}

static void test_term_is_every_response_that_holds_one(void **state)
{
    static const ProtobufCMessageDescriptor *const types[] = {
        &atomix__runtime__election__v1__enter_response__descriptor,
        &atomix__runtime__election__v1__withdraw_response__descriptor,
        &atomix__runtime__election__v1__anoint_response__descriptor,
        &atomix__runtime__election__v1__promote_response__descriptor,
        &atomix__runtime__election__v1__demote_response__descriptor,
        &atomix__runtime__election__v1__evict_response__descriptor,
        &atomix__runtime__election__v1__get_term_response__descriptor,
        &atomix__runtime__election__v1__watch_response__descriptor,
    };
    char leader[] = "b";
    char first[] = "a";
    char second[] = "c";
    char *queue[] = {first, second};
    term_message term = ATOMIX__RUNTIME__ELECTION__V1__TERM__INIT;

    term.term = 2;
    term.leader = leader;
    term.candidates = queue;
    term.n_candidates = 2;
    tell(((struct fixture *)*state)->story,
         "enter a; enter b; enter c; promote b");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        expect_packed_as(get(*state, "x"), types[i], &term);
    }
}

static void test_term_before_the_first_leader_is_there_and_empty(void **state)
{
    const struct payload *payload = get(*state, "x");

    // term {}: a client must not find it missing.
    assert_non_null(payload);
    assert_int_equal(payload->size, 2);
    assert_memory_equal(payload->bytes, "\x0a\x00", 2);
}

static void test_term_without_a_leader_keeps_its_number(void **state)
{
    tell(((struct fixture *)*state)->story, "enter a; withdraw a");
    expect_term(get(*state, "x"), "1 - []");
}

static void test_same_revision_is_encoded_once(void **state)
{
    struct fixture *fixture = *state;
    struct payload *payload;
    size_t allocations;

    tell(fixture->story, "enter a; enter b");
    payload = get(fixture, "x");
    allocations = failing_alloc_count();
    assert_ptr_equal(get(fixture, "x"), payload);
    // Neither of these is a change.
    tell(fixture->story, "enter b; withdraw z; promote a; demote b; get_term");
    tell(fixture->story, "create; close @9; y: create; y: enter c");
    assert_ptr_equal(get(fixture, "x"), payload);
    assert_int_equal(failing_alloc_count(), allocations);
}

static void test_each_change_is_encoded_anew(void **state)
{
    static const struct {
        const char *command;
        const char *term;
    } steps[] = {
        {"enter a", "1 a []"},           {"enter b", "1 a [b]"},
        {"enter c", "1 a [b c]"},        {"demote b", "1 a [c b]"},
        {"promote b", "1 a [b c]"},      {"promote b", "2 b [a c]"},
        {"anoint c", "3 c [b a]"},       {"evict a", "3 c [b]"},
        {"withdraw c", "4 b []"},        {"close @1", "4 - []"},
        {"enter longer", "5 longer []"},
    };
    struct fixture *fixture = *state;
    struct payload *before = NULL;

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct payload *payload;

        tell(fixture->story, steps[i].command);
        payload = get(fixture, "x");
        expect_term(payload, steps[i].term);
        assert_ptr_not_equal(payload, before);
        payload_unref(before);
        before = payload_ref(payload);
    }
    payload_unref(before);
}

static void test_payload_that_somebody_holds_outlives_its_slot(void **state)
{
    struct fixture *fixture = *state;
    struct payload *held;

    tell(fixture->story, "enter a");
    held = payload_ref(get(fixture, "x"));
    tell(fixture->story, "enter b");
    expect_term(get(fixture, "x"), "1 a [b]");
    expect_term(held, "1 a []");
    assert_int_equal(atomic_load(&held->references), 1);
    payload_unref(held);
}

// Creates elections "e2", "e3" and so on, behind "x", until there are so many.
static void create_elections(struct fixture *fixture, unsigned count)
{
    struct electd_command command = {.operation = ELECTD_CREATE};
    char name[16];

    for (unsigned i = 2; i <= count; i++) {
        int size = snprintf(name, sizeof name, "e%u", i);

        assert_true(size > 0);
        command.election = (struct electd_name){name, (size_t)size};
        assert_int_equal(story_apply(fixture->story, &command), ELECTD_OK);
    }
}

static void test_elections_that_share_a_slot_are_told_apart(void **state)
{
    struct fixture *fixture = *state;
    const char *other = "e4097";

    create_elections(fixture, TERM_CACHE_SLOTS + 1);
    assert_int_equal(electd_election_number(story_find(fixture->story, "x")) +
                         4096,
                     electd_election_number(story_find(fixture->story, other)));
    // Both at the same revision.
    tell(fixture->story, "enter a; e4097: enter b");
    for (int i = 0; i < 3; i++) {
        expect_term(get(fixture, "x"), "1 a []");
        expect_term(get(fixture, other), "1 b []");
    }
    tell(fixture->story, "enter c");
    expect_term(get(fixture, other), "1 b []");
    expect_term(get(fixture, "x"), "1 a [c]");
}

static void test_elections_in_other_slots_do_not_disturb(void **state)
{
    struct fixture *fixture = *state;
    struct payload *payload;

    create_elections(fixture, TERM_CACHE_SLOTS);
    tell(fixture->story, "enter a; e2: enter b; e4096: enter c");
    payload = get(fixture, "x");
    expect_term(get(fixture, "e2"), "1 b []");
    expect_term(get(fixture, "e4096"), "1 c []");
    assert_ptr_equal(get(fixture, "x"), payload);
    expect_term(payload, "1 a []");
}

static void drop(struct fixture *fixture, const char *election)
{
    term_cache_drop(&fixture->cache, story_find(fixture->story, election));
}

static void test_encoding_goes_with_the_change_that_it_lacks(void **state)
{
    struct fixture *fixture = *state;
    size_t live = failing_alloc_live();

    drop(fixture, "x");
    for (unsigned i = 0; i < 3; i++) {
        tell(fixture->story, "enter a; enter b");
        expect_term(get(fixture, "x"), i == 0   ? "1 a [b]"
                                       : i == 1 ? "2 a [b]"
                                                : "3 a [b]");
        assert_int_equal(failing_alloc_live(), live + 1);
        tell(fixture->story, "withdraw b; withdraw a");
        drop(fixture, "x");
        assert_int_equal(failing_alloc_live(), live);
    }
    expect_term(get(fixture, "x"), "3 - []");
}

static void test_change_drops_nothing_of_other_elections(void **state)
{
    struct fixture *fixture = *state;
    struct payload *payload;

    // The last one has the slot of "x".
    create_elections(fixture, TERM_CACHE_SLOTS + 1);
    tell(fixture->story, "e4097: enter a");
    payload = get(fixture, "e4097");
    tell(fixture->story, "enter a");
    drop(fixture, "x");
    drop(fixture, "e2");
    assert_ptr_equal(get(fixture, "e4097"), payload);
}

static void test_queue_of_any_size_is_encoded_whole(void **state)
{
    static struct text expected;
    struct fixture *fixture = *state;
    char command[32];

    tell(fixture->story, "enter first");
    text_clear(&expected);
    text_add(&expected, "1 first [");
    for (unsigned i = 1; i <= 3 * TERM_QUEUE_ON_STACK; i++) {
        snprintf(command, sizeof command, "enter c%u", i);
        tell(fixture->story, command);
        text_add(&expected, "%sc%u", i > 1 ? " " : "", i);
        text_add(&expected, "]");
        expect_term(get(fixture, "x"), expected.bytes);
        expected.size--;
    }
}

static void test_queue_of_the_longest_names_is_encoded_whole(void **state)
{
    static struct text expected;
    struct fixture *fixture = *state;
    char command[16 + ELECTD_NAME_SIZE_MAX];

    text_clear(&expected);
    text_add(&expected, "1 ");
    for (int i = 0; i < 200; i++) {
        snprintf(command, sizeof command, "enter %0*d", ELECTD_NAME_SIZE_MAX,
                 i);
        tell(fixture->story, command);
        text_add(&expected, "%s%0*d", i > 1 ? " " : "", ELECTD_NAME_SIZE_MAX,
                 i);
        if (i == 0) {
            text_add(&expected, " [");
        }
    }
    text_add(&expected, "]");
    expect_term(get(fixture, "x"), expected.bytes);
}

static void test_want_of_memory_is_told_and_forgotten(void **state)
{
    struct fixture *fixture = *state;
    char command[32];

    for (unsigned i = 0; i <= TERM_QUEUE_ON_STACK + 1; i++) {
        snprintf(command, sizeof command, "enter c%u", i);
        tell(fixture->story, command);
    }
    // The queue's pointers, then the payload.
    for (unsigned nth = 1; nth <= 2; nth++) {
        failing_alloc_arm(nth);
        assert_null(get(fixture, "x"));
        assert_true(failing_alloc_disarm());
        // Only the slots are left.
        assert_int_equal(failing_alloc_live(), 1);
    }
    assert_int_equal(get(fixture, "x")->bytes[0], 0x0a);
    assert_ptr_equal(get(fixture, "x"), get(fixture, "x"));
}

static void test_cache_without_memory_is_none(void **state)
{
    struct term_cache cache;

    (void)state;
    failing_alloc_arm(1);
    assert_false(term_cache_init(&cache));
    assert_true(failing_alloc_disarm());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_term_has_the_bytes_that_the_protocol_says),
        TEST(test_term_is_every_response_that_holds_one),
        TEST(test_term_before_the_first_leader_is_there_and_empty),
        TEST(test_term_without_a_leader_keeps_its_number),
        TEST(test_same_revision_is_encoded_once),
        TEST(test_each_change_is_encoded_anew),
        TEST(test_payload_that_somebody_holds_outlives_its_slot),
        TEST(test_elections_that_share_a_slot_are_told_apart),
        TEST(test_elections_in_other_slots_do_not_disturb),
        TEST(test_encoding_goes_with_the_change_that_it_lacks),
        TEST(test_change_drops_nothing_of_other_elections),
        TEST(test_queue_of_any_size_is_encoded_whole),
        TEST(test_queue_of_the_longest_names_is_encoded_whole),
        TEST(test_want_of_memory_is_told_and_forgotten),
        TEST(test_cache_without_memory_is_none),
    };

    return cmocka_run_group_tests_name("term", tests, NULL, NULL);
}
