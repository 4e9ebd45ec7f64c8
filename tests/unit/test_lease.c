// SPDX-License-Identifier: Apache-2.0
//
// When a candidate's time is over: on a real loop, in virtual time but for the
// last two tests. A lease of P milliseconds is over in [P, P + 1]: the loop's
// clock counts whole milliseconds.

#include "lease_room.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "virtual_time.h"

#define NS_PER_MS UINT64_C(1000000)

static void test_lease_is_over_after_its_period_and_not_before(void **state)
{
    static const uint32_t periods_ms[] = {100,  101,  127,   128,    500,
                                          1000, 1001, 15000, 3600000};
    struct lease_room *room = *state;

    for (size_t i = 0; i < sizeof periods_ms / sizeof periods_ms[0]; i++) {
        uint64_t entry = lease_room_begin(room, "a", periods_ms[i]);

        lease_room_pass(room, periods_ms[i]);
        assert_null(lease_room_exit(room, entry));
        lease_room_pass(room, 1);
        assert_non_null(lease_room_exit(room, entry));
        assert_int_equal(lease_room_exit(room, entry)->reason, ELECTD_EXPIRED);
    }
}

// The clock is finer than the loop's: whatever the rest of the millisecond in
// which a lease begins, it lasts.
static void test_lease_is_never_early_by_a_part_of_a_millisecond(void **state)
{
    struct lease_room *room = *state;

    for (unsigned phase = 0; phase < 20; phase++) {
        uint64_t begun_ns = virtual_time_ns() + phase * NS_PER_MS / 20;
        uint64_t entry;
        uint64_t lasted_ns;

        virtual_time_set(begun_ns);
        entry = lease_room_begin(room, "a", 100);
        while (lease_room_exit(room, entry) == NULL) {
            virtual_time_set(virtual_time_ns() + NS_PER_MS / 40);
            lease_room_turn(room);
        }
        lasted_ns = lease_room_exit(room, entry)->at_ns - begun_ns;
        assert_true(lasted_ns >= 100 * NS_PER_MS);
        assert_true(lasted_ns <= 101 * NS_PER_MS);
    }
}

// The loop's own time stands still in a turn that takes long.
static void begin_in_a_long_turn(struct lease_room *room)
{
    virtual_time_set(virtual_time_ns() + 40 * NS_PER_MS);
    assert_int_equal(lease_begin(&room->leases, 1000, 100,
                                 (struct electd_name){"x", 1},
                                 (struct electd_name){"a", 1}),
                     ELECTD_OK);
}

static void test_lease_begun_late_in_a_turn_is_not_early(void **state)
{
    struct lease_room *room = *state;

    lease_room_ask(room, ELECTD_GET_TERM, "");
    lease_room_hook(room, begin_in_a_long_turn);
    lease_room_turn(room);
    lease_room_pass(room, 100);
    assert_non_null(room->leases.by_entry);
    lease_room_pass(room, 1);
    assert_null(room->leases.by_entry);
}

static void test_lease_that_is_ended_has_no_effect(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = lease_room_begin(room, "a", 100);

    lease_room_pass(room, 100);
    lease_end(&room->leases, entry);
    lease_room_pass(room, 5000);
    assert_int_equal(room->exits_count, 0);
    // Nor has another end of it, or that of none.
    lease_end(&room->leases, entry);
    lease_end(&room->leases, 0);
    lease_end(&room->leases, entry + 1);
}

static void test_loop_sleeps_when_no_lease_is_in_force(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = lease_room_begin(room, "a", 100);

    assert_true(uv_loop_alive(&room->loop));
    (void)lease_room_begin(room, "b", 200);
    lease_end(&room->leases, entry);
    lease_room_pass(room, 3000);
    assert_int_equal(room->exits_count, 1);
    assert_false(uv_loop_alive(&room->loop));
}

static void end_the_first(struct lease_room *room)
{
    lease_end(&room->leases, 1);
}

static void test_end_while_the_expiry_is_under_way_changes_nothing(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = lease_room_begin(room, "a", 100);

    assert_int_equal(entry, 1);
    lease_room_hook(room, end_the_first);
    lease_room_pass(room, 101);
    assert_non_null(lease_room_exit(room, entry));
    lease_room_pass(room, 1000);
    assert_int_equal(room->exits_count, 1);
}

static void withdraw_behind_the_expiry(struct lease_room *room)
{
    lease_room_ask(room, ELECTD_WITHDRAW, "a");
    lease_room_ask(room, ELECTD_ENTER, "a");
}

static void test_return_behind_an_expiry_is_a_new_entry(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = lease_room_begin(room, "a", 100);

    lease_room_hook(room, withdraw_behind_the_expiry);
    lease_room_pass(room, 1000);
    assert_int_equal(room->exits_count, 1);
    assert_int_equal(room->exits[0].entry, entry);
    assert_int_equal(room->exits[0].reason, ELECTD_EXPIRED);
}

// The renewal was submitted first, and so the expiry finds another entry.
static void test_renewal_in_front_of_the_expiry_keeps_it_in(void **state)
{
    struct lease_room *room = *state;

    (void)lease_room_begin(room, "a", 100);
    lease_room_pass(room, 100);
    lease_room_ask(room, ELECTD_ENTER, "a");
    lease_room_pass(room, 1000);
    assert_int_equal(room->exits_count, 0);
    assert_null(room->leases.by_entry);
}

static void test_renewed_lease_is_over_after_the_last_period(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = lease_room_begin(room, "a", 100);

    for (unsigned i = 0; i < 50; i++) {
        uint64_t renewed;

        lease_room_pass(room, 90);
        renewed = lease_room_begin(room, "a", 100 + i);
        lease_end(&room->leases, entry);
        entry = renewed;
    }
    lease_room_pass(room, 149);
    assert_int_equal(room->exits_count, 0);
    lease_room_pass(room, 1);
    assert_int_equal(room->exits_count, 1);
    assert_int_equal(room->exits[0].entry, entry);
}

// Whoever forgets to end the first lease does no harm.
static void test_lease_of_an_earlier_entry_removes_no_later_one(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry;

    (void)lease_room_begin(room, "a", 100);
    lease_room_pass(room, 50);
    entry = lease_room_begin(room, "a", 500);
    lease_room_pass(room, 500);
    assert_int_equal(room->exits_count, 0);
    lease_room_pass(room, 1);
    assert_int_equal(room->exits_count, 1);
    assert_int_equal(room->exits[0].entry, entry);
}

#define MANY 10000

static void test_many_leases_are_over_in_the_order_of_their_time(void **state)
{
    static uint64_t due_ns[MANY + 1];
    struct lease_room *room = *state;
    uint32_t number = 1;
    char name[16];

    for (unsigned i = 0; i < MANY; i++) {
        uint32_t period_ms;
        uint64_t entry;

        number = number * 1664525 + 1013904223;
        period_ms = 2000 + number / 65536 % 5000;
        (void)snprintf(name, sizeof name, "c%u", i);
        entry = lease_room_begin(room, name, period_ms);
        assert_int_equal(entry, i + 1);
        due_ns[entry] = virtual_time_ns() + period_ms * NS_PER_MS;
        if (i % 10 == 9) {
            lease_room_pass(room, 1);
        }
    }
    assert_int_equal(room->exits_count, 0);
    lease_room_pass(room, 10000);
    assert_int_equal(room->exits_count, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        const struct lease_exit *gone = &room->exits[i];

        assert_true(gone->at_ns >= due_ns[gone->entry]);
        assert_true(gone->at_ns <= due_ns[gone->entry] + NS_PER_MS);
        assert_true(i == 0 ||
                    due_ns[gone->entry] >= due_ns[room->exits[i - 1].entry]);
    }
}

static void test_close_ends_what_is_in_force_without_effect(void **state)
{
    struct lease_room *room = *state;
    char name[16];

    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "c%u", i);
        (void)lease_room_begin(room, name, 100 + i);
    }
    lease_room_pass(room, 150);
    assert_int_equal(room->exits_count, 50);
    lease_room_close_leases(room);
    lease_room_pass(room, 1000);
    assert_true(room->is_leases_closed);
    assert_int_equal(room->exits_count, 50);
}

static void close_leases(struct lease_room *room)
{
    lease_room_close_leases(room);
}

static void test_close_waits_for_an_expiry_that_is_under_way(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = lease_room_begin(room, "a", 100);

    (void)lease_room_begin(room, "b", 101);
    lease_room_hook(room, close_leases);
    lease_room_pass(room, 101);
    assert_non_null(lease_room_exit(room, entry));
    lease_room_turn(room);
    assert_true(room->is_leases_closed);
    lease_room_pass(room, 1000);
    assert_int_equal(room->exits_count, 1);
}

static void test_table_without_leases_closes(void **state)
{
    struct lease_room *room = *state;

    assert_false(uv_loop_alive(&room->loop));
    lease_room_close_leases(room);
    lease_room_turn(room);
    assert_true(room->is_leases_closed);
}

// Late by a busy machine, early never.
static void test_in_real_time_a_lease_is_not_early(void **state)
{
    struct lease_room *room = *state;
    uint64_t begun_ns = uv_hrtime();
    uint64_t entry = lease_room_begin(room, "a", 100);

    while (room->exits_count == 0) {
        (void)uv_run(&room->loop, UV_RUN_ONCE);
        assert_true(uv_hrtime() - begun_ns < 30000 * NS_PER_MS);
    }
    assert_true(lease_room_exit(room, entry)->at_ns - begun_ns >=
                100 * NS_PER_MS);
}

static void test_in_real_time_a_stall_gives_a_full_period_more(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = lease_room_begin(room, "a", 100);
    uint64_t stall_ended_ns;

    (void)usleep(150000);
    stall_ended_ns = uv_hrtime();
    while (room->exits_count == 0) {
        (void)uv_run(&room->loop, UV_RUN_ONCE);
        assert_true(uv_hrtime() - stall_ended_ns < 30000 * NS_PER_MS);
    }
    assert_true(lease_room_exit(room, entry)->at_ns - stall_ended_ns >=
                100 * NS_PER_MS);
}

int main(void)
{
#define LEASE(name)                                                            \
    cmocka_unit_test_setup_teardown(name, lease_room_setup, lease_room_teardown)
#define LEASE_REAL(name)                                                       \
    cmocka_unit_test_setup_teardown(name, lease_room_setup_real,               \
                                    lease_room_teardown)
    const struct CMUnitTest tests[] = {
        LEASE(test_lease_is_over_after_its_period_and_not_before),
        LEASE(test_lease_is_never_early_by_a_part_of_a_millisecond),
        LEASE(test_lease_begun_late_in_a_turn_is_not_early),
        LEASE(test_lease_that_is_ended_has_no_effect),
        LEASE(test_loop_sleeps_when_no_lease_is_in_force),
        LEASE(test_end_while_the_expiry_is_under_way_changes_nothing),
        LEASE(test_return_behind_an_expiry_is_a_new_entry),
        LEASE(test_renewal_in_front_of_the_expiry_keeps_it_in),
        LEASE(test_renewed_lease_is_over_after_the_last_period),
        LEASE(test_lease_of_an_earlier_entry_removes_no_later_one),
        LEASE(test_many_leases_are_over_in_the_order_of_their_time),
        LEASE(test_close_ends_what_is_in_force_without_effect),
        LEASE(test_close_waits_for_an_expiry_that_is_under_way),
        LEASE(test_table_without_leases_closes),
        LEASE_REAL(test_in_real_time_a_lease_is_not_early),
        LEASE_REAL(test_in_real_time_a_stall_gives_a_full_period_more),
    };
#undef LEASE
#undef LEASE_REAL

    return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
