// SPDX-License-Identifier: Apache-2.0
//
// What Confirm has promised: whom it keeps waiting, and for how long.

#include <stdio.h>
#include <string.h>

#include "support/test.h"

#include "services/promises.h"

// The daemon began at 0, and knows of all promises from here on.
#define KNOWN (PROMISE_MS_MAX + 1)

static struct electd_name name_of(const char *name)
{
    return (struct electd_name){name, strlen(name)};
}

static struct promise_holder holder_of(const char *candidate,
                                       const char *instance)
{
    return (struct promise_holder){name_of(candidate), name_of(instance)};
}

static int promises_setup(void **state)
{
    static struct promises promises;

    promises_init(&promises, 0);
    *state = &promises;
    return 0;
}

static int promises_teardown(void **state)
{
    struct promises *promises = *state;

    promises_close(promises);
    assert_null(promises->by_election);
    return 0;
}

static void note(struct promises *promises, uint64_t election,
                 struct promise_holder holder, uint64_t until_ms,
                 uint64_t now_ms)
{
    assert_true(promises_note(promises, election, holder, until_ms, now_ms));
}

static uint64_t left(struct promises *promises, uint64_t election,
                     struct promise_holder holder, uint64_t now_ms)
{
    uint64_t left_ms;

    assert_true(promises_left_ms(promises, election, holder, now_ms, &left_ms));
    return left_ms;
}

static void test_nothing_was_promised_at_first(void **state)
{
    assert_int_equal(left(*state, 1, holder_of("a", "i"), KNOWN), 0);
}

static void test_promise_keeps_others_waiting(void **state)
{
    struct promises *promises = *state;

    note(promises, 1, holder_of("a", "i"), KNOWN + 500, KNOWN);
    assert_int_equal(left(promises, 1, holder_of("b", "j"), KNOWN), 500);
    assert_int_equal(left(promises, 1, holder_of("b", "j"), KNOWN + 499), 1);
    // Another process under the same name, or with the same instance.
    assert_int_equal(left(promises, 1, holder_of("a", "j"), KNOWN), 500);
    assert_int_equal(left(promises, 1, holder_of("b", "i"), KNOWN), 500);
    assert_int_equal(left(promises, 1, holder_of("a", ""), KNOWN), 500);
    assert_int_equal(left(promises, 1, holder_of("ai", ""), KNOWN), 500);
}

static void test_own_promise_keeps_nobody_waiting(void **state)
{
    struct promises *promises = *state;

    note(promises, 1, holder_of("a", "i"), KNOWN + 500, KNOWN);
    assert_int_equal(left(promises, 1, holder_of("a", "i"), KNOWN), 0);
    note(promises, 1, holder_of("b", "j"), KNOWN + 300, KNOWN);
    assert_int_equal(left(promises, 1, holder_of("a", "i"), KNOWN), 300);
}

static void test_promise_is_over_in_time(void **state)
{
    struct promises *promises = *state;

    note(promises, 1, holder_of("a", "i"), KNOWN + 500, KNOWN);
    assert_int_equal(left(promises, 1, holder_of("b", "j"), KNOWN + 500), 0);
    assert_null(promises->by_election);
}

static void test_promise_is_extended_and_never_shortened(void **state)
{
    struct promises *promises = *state;

    note(promises, 1, holder_of("a", "i"), KNOWN + 500, KNOWN);
    note(promises, 1, holder_of("a", "i"), KNOWN + 900, KNOWN);
    note(promises, 1, holder_of("a", "i"), KNOWN + 700, KNOWN);
    assert_int_equal(left(promises, 1, holder_of("b", "j"), KNOWN), 900);
}

static void test_holder_gives_its_own_promise_up(void **state)
{
    struct promises *promises = *state;

    note(promises, 1, holder_of("a", "i"), KNOWN + 900, KNOWN);
    note(promises, 1, holder_of("b", "j"), KNOWN + 500, KNOWN);
    promises_limit(promises, 1, holder_of("a", "j"), KNOWN);
    promises_limit(promises, 2, holder_of("a", "i"), KNOWN);
    promises_limit(promises, 1, holder_of("a", "i"), KNOWN + 2000);
    assert_int_equal(left(promises, 1, holder_of("c", "k"), KNOWN), 900);
    promises_limit(promises, 1, holder_of("a", "i"), KNOWN);
    assert_int_equal(left(promises, 1, holder_of("c", "k"), KNOWN), 500);
}

static void test_promises_of_elections_are_apart(void **state)
{
    struct promises *promises = *state;

    note(promises, 1, holder_of("a", "i"), KNOWN + 500, KNOWN);
    assert_int_equal(left(promises, 2, holder_of("b", "j"), KNOWN), 0);
}

static void test_of_many_holders_none_is_forgotten_early(void **state)
{
    struct promises *promises = *state;
    char instance[16];

    // The first promise is the longest.
    note(promises, 1, holder_of("a", "i"), KNOWN + 9000, KNOWN);
    for (unsigned i = 0; i < 10 * PROMISES_HOLDERS_MAX; i++) {
        (void)snprintf(instance, sizeof instance, "%u", i);
        note(promises, 1, holder_of("a", instance), KNOWN + 1000 + i, KNOWN);
        assert_int_equal(left(promises, 1, holder_of("b", "j"), KNOWN), 9000);
    }
    // By then nobody can give it up.
    promises_limit(promises, 1, holder_of("a", "i"), KNOWN);
    assert_int_equal(left(promises, 1, holder_of("b", "j"), KNOWN), 9000);
    assert_int_equal(left(promises, 1, holder_of("a", "i"), KNOWN), 9000);
    assert_int_equal(left(promises, 1, holder_of("b", "j"), KNOWN + 9000), 0);
    assert_null(promises->by_election);
}

// Elections that nobody asks about again take no memory for good.
static void test_what_is_over_goes_as_others_are_noted(void **state)
{
    struct promises *promises = *state;

    for (uint64_t election = 1; election <= 1000; election++) {
        note(promises, election, holder_of("a", "i"), KNOWN + 10, KNOWN);
    }
    for (unsigned i = 0; i < 1001; i++) {
        note(promises, 5000, holder_of("a", "i"), KNOWN + 100, KNOWN + 50);
    }
    promises_limit(promises, 5000, holder_of("a", "i"), 0);
    assert_int_equal(left(promises, 5000, holder_of("b", "j"), KNOWN), 0);
    assert_null(promises->by_election);
}

// A life before this one may have promised what is the most.
static void test_young_daemon_does_not_know(void **state)
{
    struct promises *promises = *state;
    uint64_t left_ms;

    assert_false(promises_left_ms(promises, 1, holder_of("a", "i"),
                                  PROMISE_MS_MAX, &left_ms));
    assert_true(promises_left_ms(promises, 1, holder_of("a", "i"),
                                 PROMISE_MS_MAX + 1, &left_ms));
}

int main(void)
{
#define TEST(test)                                                             \
    cmocka_unit_test_setup_teardown(test, promises_setup, promises_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_was_promised_at_first),
        TEST(test_promise_keeps_others_waiting),
        TEST(test_own_promise_keeps_nobody_waiting),
        TEST(test_promise_is_over_in_time),
        TEST(test_promise_is_extended_and_never_shortened),
        TEST(test_holder_gives_its_own_promise_up),
        TEST(test_promises_of_elections_are_apart),
        TEST(test_of_many_holders_none_is_forgotten_early),
        TEST(test_what_is_over_goes_as_others_are_noted),
        TEST(test_young_daemon_does_not_know),
    };
#undef TEST

    return cmocka_run_group_tests_name("promises", tests, NULL, NULL);
}
