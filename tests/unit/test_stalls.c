// SPDX-License-Identifier: Apache-2.0
//
// Which silences of a loop are stalls, and which of them concerns whom.

#include "support/test.h"

#include "lease/stalls.h"

#define STALL_MS_MIN (STALLS_HEARTBEAT_MS + STALLS_TOLERANCE_MS + 1)

// At the moment in which the loop has caught up.
static uint64_t longest(const struct stalls *stalls, uint64_t since_ms)
{
    return stalls_longest_ms(stalls, since_ms, stalls->caught_up_ms);
}

static void test_loop_that_turns_has_no_stalls(void **state)
{
    struct stalls stalls = {0};

    (void)state;
    stalls_begin(&stalls, 1000000);
    for (uint64_t now_ms = 1000000; now_ms < 1010000; now_ms += 75) {
        stalls_look(&stalls, now_ms);
        assert_int_equal(longest(&stalls, 0), 0);
        assert_int_equal(stalls_longest_ms(&stalls, 0, now_ms + 75), 0);
    }
}

static void test_silence_is_a_stall_until_it_ended(void **state)
{
    struct stalls stalls = {0};

    (void)state;
    stalls_begin(&stalls, 1000);
    stalls_look(&stalls, 1000 + STALL_MS_MIN);
    assert_int_equal(longest(&stalls, 0), STALL_MS_MIN);
    assert_int_equal(longest(&stalls, 1000), STALL_MS_MIN);
    // The part of it that came after that.
    assert_int_equal(longest(&stalls, 1000 + STALL_MS_MIN - 1), 1);
    assert_int_equal(longest(&stalls, 1000 + STALL_MS_MIN), 0);
}

// The loop is busy still, and what has arrived waits.
static void test_stall_counts_before_it_is_over(void **state)
{
    struct stalls stalls = {0};

    (void)state;
    stalls_begin(&stalls, 1000);
    stalls_look(&stalls, 1000);
    assert_int_equal(stalls_longest_ms(&stalls, 0, 999 + STALL_MS_MIN), 0);
    assert_int_equal(stalls_longest_ms(&stalls, 0, 3000), 2000);
    assert_int_equal(stalls_longest_ms(&stalls, 2500, 3000), 500);
    stalls_look(&stalls, 4000);
    assert_int_equal(longest(&stalls, 0), 3000);
    assert_int_equal(stalls_longest_ms(&stalls, 0, 9000), 5000);
}

static void test_time_before_the_heartbeat_is_not_looked_at(void **state)
{
    struct stalls stalls = {0};

    (void)state;
    stalls_begin(&stalls, 1000);
    stalls_begin(&stalls, 100000);
    stalls_look(&stalls, 100010);
    assert_int_equal(longest(&stalls, 0), 0);
}

static void test_shorter_stall_does_not_hide_a_longer_one(void **state)
{
    struct stalls stalls = {0};

    (void)state;
    stalls_begin(&stalls, 0);
    stalls_look(&stalls, 10000);
    stalls_look(&stalls, 10100);
    stalls_look(&stalls, 10300);
    assert_int_equal(longest(&stalls, 0), 10000);
    assert_int_equal(longest(&stalls, 9000), 1000);
    assert_int_equal(longest(&stalls, 10000), 200);
    assert_int_equal(longest(&stalls, 10299), 1);
    assert_int_equal(longest(&stalls, 10300), 0);
    // Whom the one of 10 s concerns, the one of 20 s does as well.
    stalls_look(&stalls, 30300);
    assert_int_equal(stalls.count, 1);
    assert_int_equal(longest(&stalls, 0), 20000);
}

// Each a little shorter than the one before.
static void test_too_many_stalls_lose_the_shortest(void **state)
{
    struct stalls stalls = {0};
    uint64_t now_ms = 0;

    (void)state;
    stalls_begin(&stalls, 0);
    for (uint64_t length_ms = 1000; length_ms > 900; length_ms--) {
        now_ms += length_ms;
        stalls_look(&stalls, now_ms);
        assert_true(stalls.count <= STALLS_MAX);
        assert_int_equal(longest(&stalls, 0), 1000);
        assert_int_equal(longest(&stalls, now_ms - length_ms), length_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loop_that_turns_has_no_stalls),
        cmocka_unit_test(test_silence_is_a_stall_until_it_ended),
        cmocka_unit_test(test_stall_counts_before_it_is_over),
        cmocka_unit_test(test_time_before_the_heartbeat_is_not_looked_at),
        cmocka_unit_test(test_shorter_stall_does_not_hide_a_longer_one),
        cmocka_unit_test(test_too_many_stalls_lose_the_shortest),
    };

    return cmocka_run_group_tests_name("stalls", tests, NULL, NULL);
}
