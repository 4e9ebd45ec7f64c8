// SPDX-License-Identifier: Apache-2.0
//
// Leases that are due wait until what has arrived is read: the test is the
// transport, and says when it has read all. In virtual time.

#include "lease_room.h"

#include <stdio.h>
#include <string.h>

#include "virtual_time.h"

#define NS_PER_MS UINT64_C(1000000)
// How long a lease waits for a pass that does not end.
#define UNREAD_TICKS (LEASE_PASS_MS_MAX / READ_PASS_TICK_MS_MAX)
#define UNREAD_MS_MIN ((uint64_t)READ_PASS_TICK_MS * (UNREAD_TICKS - 1))
#define UNREAD_MS_MAX ((uint64_t)LEASE_PASS_MS_MAX)

static int setup(void **state)
{
    (void)lease_room_setup(state);
    lease_room_read_by_hand(*state);
    return 0;
}

static void pass_is_over(struct lease_room *room)
{
    lease_table_pass_over(&room->leases);
    // What was submitted is done.
    lease_room_turn(room);
}

// A renewal is read: the same candidate has another entry, and another lease.
static uint64_t renew(struct lease_room *room, const char *candidate,
                      uint64_t entry, uint32_t period_ms)
{
    uint64_t renewed = lease_room_begin(room, candidate, period_ms);

    lease_end(&room->leases, entry);
    return renewed;
}

static void test_lease_is_over_when_all_was_read(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = lease_room_begin(room, "a", 100);

    lease_room_pass(room, 100);
    assert_int_equal(room->passes, 0);
    lease_room_pass(room, 1);
    assert_int_equal(room->passes, 1);
    assert_null(lease_room_exit(room, entry));
    assert_int_equal(lease_left_ms(&room->leases, entry), 0);
    lease_room_pass(room, 20);
    assert_null(lease_room_exit(room, entry));
    pass_is_over(room);
    assert_non_null(lease_room_exit(room, entry));
    // Nothing waits, and so nothing is read for it.
    lease_room_pass(room, 1000);
    assert_int_equal(room->passes, 1);
    assert_false(uv_loop_alive(&room->loop));
}

static void test_renewal_that_is_read_wins(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = lease_room_begin(room, "a", 100);
    uint64_t other = lease_room_begin(room, "b", 100);

    for (unsigned i = 0; i < 10; i++) {
        lease_room_pass(room, 110);
        entry = renew(room, "a", entry, 100);
        lease_renew(&room->leases, other);
        assert_int_equal(lease_left_ms(&room->leases, other), 100);
        pass_is_over(room);
        assert_int_equal(room->exits_count, 0);
    }
    lease_room_pass(room, 101);
    // The second was due when the pass for the first had begun.
    pass_is_over(room);
    pass_is_over(room);
    assert_int_equal(room->exits_count, 2);
}

// It may be that what was read before is not done with it.
static void test_lease_due_during_a_pass_waits_for_the_next(void **state)
{
    struct lease_room *room = *state;
    uint64_t first = lease_room_begin(room, "a", 100);
    uint64_t second = lease_room_begin(room, "b", 110);

    lease_room_pass(room, 111);
    assert_int_equal(room->passes, 1);
    pass_is_over(room);
    assert_non_null(lease_room_exit(room, first));
    assert_null(lease_room_exit(room, second));
    assert_int_equal(room->passes, 2);
    pass_is_over(room);
    assert_non_null(lease_room_exit(room, second));
}

static void test_traffic_that_never_pauses_keeps_nobody(void **state)
{
    struct lease_room *room = *state;
    uint64_t due_ns[40];
    uint64_t entries[40];
    char name[16];

    for (unsigned i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof name, "c%u", i);
        entries[i] = lease_room_begin(room, name, 100 + i);
        due_ns[i] = virtual_time_ns() + (100 + i) * NS_PER_MS;
        lease_room_pass(room, i % 3);
    }
    lease_room_pass(room, 500);
    // It has not ended to this day.
    assert_int_equal(room->passes, 1);
    for (unsigned i = 0; i < 40; i++) {
        const struct lease_exit *gone = lease_room_exit(room, entries[i]);
        uint64_t waited_ms;

        assert_non_null(gone);
        waited_ms = (gone->at_ns - due_ns[i]) / NS_PER_MS;
        assert_true(waited_ms >= UNREAD_MS_MIN);
        assert_true(waited_ms <= UNREAD_MS_MAX);
    }
    pass_is_over(room);
    assert_int_equal(room->passes, 1);
}

// Its timers fire before anything is read.
static void test_stall_during_a_pass_does_not_end_it(void **state)
{
    static const uint64_t stalls_ms[] = {20, 60, 100, 1000, 100000};
    struct lease_room *room = *state;
    uint64_t entry = lease_room_begin(room, "a", 500);

    for (unsigned i = 0; i < 5; i++) {
        lease_room_pass(room, 501);
        assert_int_equal(room->passes, i + 1);
        for (unsigned stalls = 0; stalls < UNREAD_TICKS - 1; stalls++) {
            lease_room_stall(room, stalls_ms[i]);
            assert_int_equal(room->exits_count, 0);
        }
        entry = renew(room, "a", entry, 500);
        pass_is_over(room);
    }
    // Nobody reads for it: so many stalls, and no more.
    lease_room_pass(room, 501);
    for (unsigned stalls = 0; stalls < UNREAD_TICKS; stalls++) {
        lease_room_stall(room, 1000);
    }
    lease_room_turn(room);
    assert_int_equal(room->exits_count, 1);
}

// How long a lease lasts that is due in a stall, when the pass does not end.
static void test_no_lease_waits_longer_than_the_stall_and_100_ms(void **state)
{
    static const uint32_t periods_ms[] = {100, 120, 300, 1000, 15000};
    static const uint32_t stalls_ms[] = {120, 200, 500, 2000, 10000};
    struct lease_room *room = *state;

    for (unsigned i = 0; i < 25 * 7; i++) {
        uint32_t period_ms = periods_ms[i % 5];
        uint64_t stall_ms = stalls_ms[i / 5 % 5];
        uint64_t rest_ms = stall_ms < period_ms ? stall_ms : period_ms;
        uint64_t entry = lease_room_begin(room, "a", period_ms);
        uint64_t found_ns;
        uint64_t waited_ms;

        // Anywhere in a heartbeat.
        lease_room_pass(room, period_ms - 1 - i / 25 * 8);
        lease_room_stall(room, stall_ms);
        found_ns = virtual_time_ns();
        lease_room_pass(room, 20000);
        assert_non_null(lease_room_exit(room, entry));
        waited_ms =
            (lease_room_exit(room, entry)->at_ns - found_ns) / NS_PER_MS;
        assert_true(waited_ms >= rest_ms);
        assert_true(waited_ms <= stall_ms + LEASE_PASS_MS_MAX);
        // Nobody says so, but for the next row.
        pass_is_over(room);
    }
}

// The pass comes last: what arrives in a rest is read as well, however the loop
// stands still meanwhile.
static void test_stall_during_a_rest_is_followed_by_a_pass(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = lease_room_begin(room, "a", 1000);

    lease_room_pass(room, 500);
    lease_room_stall(room, 300);
    lease_room_pass(room, 300);
    assert_int_equal(room->passes, 0);
    lease_room_stall(room, 5000);
    assert_int_equal(room->passes, 1);
    assert_int_equal(room->exits_count, 0);
    (void)renew(room, "a", entry, 1000);
    pass_is_over(room);
    lease_room_pass(room, 900);
    assert_int_equal(room->exits_count, 0);
}

#define MANY 10000

static void test_one_pass_serves_all_that_are_due_before_it(void **state)
{
    struct lease_room *room = *state;
    char name[16];

    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "c%u", i);
        (void)lease_room_begin(room, name, 1000);
    }
    lease_room_pass(room, 1001);
    // The first of them began one.
    assert_int_equal(room->passes, 1);
    pass_is_over(room);
    assert_int_equal(room->exits_count, 1);
    assert_int_equal(room->passes, 2);
    pass_is_over(room);
    assert_int_equal(room->exits_count, MANY);
    assert_int_equal(room->passes, 2);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(room->exits[i].entry, i + 1);
    }
}

static void test_lease_that_is_ended_while_it_waits_has_no_effect(void **state)
{
    struct lease_room *room = *state;
    uint64_t first = lease_room_begin(room, "a", 100);
    uint64_t second = lease_room_begin(room, "b", 105);
    uint64_t resting = lease_room_begin(room, "c", 200);

    lease_room_pass(room, 106);
    lease_end(&room->leases, first);
    lease_end(&room->leases, second);
    pass_is_over(room);
    lease_room_stall(room, 150);
    lease_end(&room->leases, resting);
    lease_room_pass(room, 5000);
    pass_is_over(room);
    assert_int_equal(room->exits_count, 0);
    assert_null(room->leases.by_entry);
}

static void test_table_closes_with_leases_that_wait(void **state)
{
    struct lease_room *room = *state;

    (void)lease_room_begin(room, "running", 10000);
    (void)lease_room_begin(room, "resting", 500);
    lease_room_stall(room, 600);
    (void)lease_room_begin(room, "unread", 100);
    lease_room_pass(room, 101);
    (void)lease_room_begin(room, "next", 10);
    lease_room_pass(room, 11);
    assert_int_equal(room->passes, 1);
    lease_room_close_leases(room);
    pass_is_over(room);
    assert_true(room->is_leases_closed);
    assert_int_equal(room->passes, 1);
    assert_int_equal(room->exits_count, 0);
}

static uint64_t ended_by_overdue;
static unsigned overdue_count;

static void end_another_cb(struct lease_table *table,
                           struct electd_name election,
                           struct electd_name candidate, uint64_t entry)
{
    overdue_count++;
    lease_end(table, ended_by_overdue);
    assert_int_equal(lease_begin(table, entry, 300, election, candidate),
                     ELECTD_OK);
}

// Both wait for the same pass.
static void test_overdue_may_end_another_that_waits(void **state)
{
    struct lease_room *room = *state;
    uint64_t entries[4];
    char name[] = "a";

    overdue_count = 0;
    room->leases.overdue_cb = end_another_cb;
    for (unsigned i = 0; i < 4; i++) {
        name[0] = (char)('a' + i);
        entries[i] = lease_room_enter(room, name, ELECTD_LEASE_STREAM);
        assert_int_equal(lease_await(&room->leases, entries[i], 100,
                                     (struct electd_name){"x", 1},
                                     (struct electd_name){name, 1}),
                         ELECTD_OK);
    }
    ended_by_overdue = entries[2];
    lease_room_pass(room, 101);
    pass_is_over(room);
    assert_int_equal(overdue_count, 1);
    pass_is_over(room);
    // Of the second and the fourth, and not of the third.
    assert_int_equal(overdue_count, 3);
    lease_room_pass(room, 301);
    pass_is_over(room);
    pass_is_over(room);
    assert_int_equal(room->exits_count, 3);
    assert_null(lease_room_exit(room, entries[2]));
}

static void test_pass_that_nobody_began_does_nothing(void **state)
{
    struct lease_room *room = *state;

    pass_is_over(room);
    (void)lease_room_begin(room, "a", 100);
    pass_is_over(room);
    lease_room_pass(room, 100);
    pass_is_over(room);
    assert_int_equal(room->exits_count, 0);
}

int main(void)
{
#define LEASE(name)                                                            \
    cmocka_unit_test_setup_teardown(name, setup, lease_room_teardown)
    const struct CMUnitTest tests[] = {
        LEASE(test_lease_is_over_when_all_was_read),
        LEASE(test_renewal_that_is_read_wins),
        LEASE(test_lease_due_during_a_pass_waits_for_the_next),
        LEASE(test_traffic_that_never_pauses_keeps_nobody),
        LEASE(test_stall_during_a_pass_does_not_end_it),
        LEASE(test_no_lease_waits_longer_than_the_stall_and_100_ms),
        LEASE(test_stall_during_a_rest_is_followed_by_a_pass),
        LEASE(test_one_pass_serves_all_that_are_due_before_it),
        LEASE(test_lease_that_is_ended_while_it_waits_has_no_effect),
        LEASE(test_table_closes_with_leases_that_wait),
        LEASE(test_overdue_may_end_another_that_waits),
        LEASE(test_pass_that_nobody_began_does_nothing),
    };
#undef LEASE

    return cmocka_run_group_tests_name("lease pass", tests, NULL, NULL);
}
