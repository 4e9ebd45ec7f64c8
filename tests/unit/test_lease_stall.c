// SPDX-License-Identifier: Apache-2.0
//
// Leases while the process itself stood still, in virtual time: what it has not
// heard in the meantime is nobody's fault.

#include "lease_room.h"

#include <stdio.h>

#include "virtual_time.h"

#define NS_PER_MS UINT64_C(1000000)

static const uint32_t periods_ms[] = {100, 127,  128,  150,  255,   256,
                                      500, 1000, 1023, 1024, 15000, 65536};
#define PERIODS (sizeof periods_ms / sizeof periods_ms[0])

// How long after the end of a stall the entry went out, in milliseconds.
static uint64_t lasted_ms(const struct lease_room *room, uint64_t entry,
                          uint64_t since_ns)
{
    const struct lease_exit *gone = lease_room_exit(room, entry);

    assert_non_null(gone);
    assert_true(gone->at_ns >= since_ns);
    return (gone->at_ns - since_ns) / NS_PER_MS;
}

// Whenever it begins, and however close to the end of the lease.
static void
test_stall_longer_than_the_shortest_lease_takes_nobody_out(void **state)
{
    struct lease_room *room = *state;

    for (size_t i = 0; i < PERIODS; i++) {
        for (unsigned tenth = 0; tenth < 10; tenth++) {
            uint32_t period_ms = periods_ms[i];
            uint64_t entry = lease_room_begin(room, "a", period_ms);
            uint64_t ended_ns;

            lease_room_pass(room, period_ms * tenth / 10);
            lease_room_stall(room, period_ms + 2);
            ended_ns = virtual_time_ns();
            lease_room_pass(room, period_ms - 1);
            if (lease_room_exit(room, entry) != NULL) {
                fail_msg("%u ms stalled after %u0 %% of a lease of %u ms",
                         period_ms + 2, tenth, period_ms);
            }
            lease_room_pass(room, 2 * period_ms);
            assert_true(lasted_ms(room, entry, ended_ns) >= period_ms);
        }
    }
}

static void test_all_leases_get_a_full_period_after_a_stall(void **state)
{
    struct lease_room *room = *state;
    uint64_t entries[PERIODS];
    uint64_t ended_ns;
    char name[16];

    for (size_t i = 0; i < PERIODS; i++) {
        (void)snprintf(name, sizeof name, "c%zu", i);
        entries[i] = lease_room_begin(room, name, periods_ms[i]);
    }
    lease_room_pass(room, 60);
    lease_room_stall(room, 300000);
    assert_int_equal(room->exits_count, 0);
    ended_ns = virtual_time_ns();
    lease_room_pass(room, 300000);
    for (size_t i = 0; i < PERIODS; i++) {
        uint64_t lasted = lasted_ms(room, entries[i], ended_ns);

        assert_true(lasted >= periods_ms[i]);
        assert_true(lasted <= 2 * (uint64_t)periods_ms[i] + 2);
    }
}

// How long a lease lasts that a stall hits in the middle.
static void test_stall_prolongs_by_its_length_or_the_period(void **state)
{
    static const uint32_t stalls_ms[] = {10,  24,   76,    100,   300,
                                         999, 2000, 30000, 100000};
    struct lease_room *room = *state;

    for (size_t i = 0; i < PERIODS * 9; i++) {
        uint64_t period_ms = periods_ms[i % PERIODS];
        uint64_t stall_ms = stalls_ms[i / PERIODS];
        uint64_t begun_ns = virtual_time_ns();
        uint64_t entry = lease_room_begin(room, "a", periods_ms[i % PERIODS]);
        uint64_t due_ms = period_ms;
        uint64_t rest_ms = stall_ms < period_ms ? stall_ms : period_ms;
        uint64_t lasted;

        lease_room_pass(room, period_ms / 2);
        lease_room_stall(room, stall_ms);
        if (due_ms < period_ms / 2 + stall_ms) {
            due_ms = period_ms / 2 + stall_ms;
        }
        lease_room_pass(room, 3 * period_ms);
        lasted = lasted_ms(room, entry, begun_ns);
        // Shorter than the tolerance, it is none.
        if (stall_ms <= STALLS_TOLERANCE_MS) {
            assert_true(lasted >= period_ms);
            assert_true(lasted <= due_ms + 1);
            continue;
        }
        assert_true(lasted >= due_ms + rest_ms);
        assert_true(lasted <= due_ms + rest_ms + STALLS_HEARTBEAT_MS + 2);
    }
}

static void test_lease_begun_after_a_stall_is_not_prolonged(void **state)
{
    struct lease_room *room = *state;
    uint64_t begun_ns;
    uint64_t entry;

    (void)lease_room_begin(room, "a", 100);
    lease_room_stall(room, 500);
    begun_ns = virtual_time_ns();
    entry = lease_room_begin(room, "b", 100);
    lease_room_pass(room, 150);
    assert_true(lasted_ms(room, entry, begun_ns) <= 101);
}

// It is parked once: whoever is dead is out in time.
static void test_hiccups_do_not_keep_anybody(void **state)
{
    struct lease_room *room = *state;
    uint64_t begun_ns = virtual_time_ns();
    uint64_t entry = lease_room_begin(room, "a", 1000);

    for (unsigned i = 0; i < 10; i++) {
        // Somebody else's, which is short, and renewed all the time.
        (void)lease_room_begin(room, "b", 100);
        lease_room_pass(room, 90);
        (void)lease_room_begin(room, "b", 100);
        lease_room_pass(room, 60);
        lease_room_stall(room, 100);
    }
    assert_true(lasted_ms(room, entry, begun_ns) <= 1000 + 100 + 200);
}

// Renewed while the process stood still, heard right after it: nothing is lost.
static void test_renewal_right_after_a_stall_is_in_time(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = lease_room_begin(room, "a", 100);
    uint64_t renewed;

    lease_room_pass(room, 90);
    lease_room_stall(room, 5000);
    renewed = lease_room_begin(room, "a", 100);
    lease_end(&room->leases, entry);
    lease_room_pass(room, 100);
    assert_int_equal(room->exits_count, 0);
    lease_room_pass(room, 1);
    assert_non_null(lease_room_exit(room, renewed));
}

// None is prolonged by the length of another.
static void test_each_lease_rests_for_its_own_period(void **state)
{
    struct lease_room *room = *state;
    uint64_t entries[PERIODS];
    uint64_t ended_ns;
    char name[16];

    for (size_t i = 0; i < PERIODS; i++) {
        (void)snprintf(name, sizeof name, "c%zu", i);
        entries[i] = lease_room_begin(room, name, periods_ms[i]);
    }
    lease_room_stall(room, 70000);
    ended_ns = virtual_time_ns();
    lease_room_pass(room, 70000);
    for (size_t i = 0; i < PERIODS; i++) {
        uint64_t lasted = lasted_ms(room, entries[i], ended_ns);

        assert_true(lasted >= periods_ms[i]);
        assert_true(lasted <= periods_ms[i] + 2);
    }
}

static void test_short_stall_does_not_hide_a_long_one(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = lease_room_begin(room, "a", 10000);
    uint64_t ended_ns;

    lease_room_pass(room, 2000);
    lease_room_stall(room, 3000);
    lease_room_stall(room, 80);
    lease_room_pass(room, 4920);
    ended_ns = virtual_time_ns();
    lease_room_pass(room, 4000);
    assert_true(lasted_ms(room, entry, ended_ns) >= 3000);
}

// The heartbeat of the first is slow.
static void test_short_lease_beside_a_long_one_is_in_time(void **state)
{
    struct lease_room *room = *state;

    (void)lease_room_begin(room, "long", 3600000);
    for (unsigned i = 0; i < 30; i++) {
        uint64_t begun_ns;
        uint64_t entry;

        lease_room_pass(room, 100 * i);
        begun_ns = virtual_time_ns();
        entry = lease_room_begin(room, "short", 100 + i);
        lease_room_pass(room, 200);
        assert_true(lasted_ms(room, entry, begun_ns) <= 101 + i);
    }
}

// What begins right behind a stall must not hide it from the others.
static void test_lease_begun_right_after_a_stall_hides_nothing(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = lease_room_begin(room, "a", 500);
    uint64_t ended_ns;

    lease_room_pass(room, 490);
    virtual_time_set(virtual_time_ns() + 600 * NS_PER_MS);
    uv_update_time(&room->loop);
    ended_ns = virtual_time_ns();
    assert_int_equal(lease_begin(&room->leases, 1000, 100,
                                 (struct electd_name){"x", 1},
                                 (struct electd_name){"b", 1}),
                     ELECTD_OK);
    lease_room_pass(room, 1200);
    assert_true(lasted_ms(room, entry, ended_ns) >= 500);
}

static void test_many_leases_survive_a_stall(void **state)
{
    struct lease_room *room = *state;
    char name[16];

    for (unsigned i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "c%u", i);
        (void)lease_room_begin(room, name, 300 + i % 100);
    }
    lease_room_pass(room, 200);
    lease_room_stall(room, 1000);
    lease_room_pass(room, 299);
    assert_int_equal(room->exits_count, 0);
    lease_room_pass(room, 1000);
    assert_int_equal(room->exits_count, 1000);
}

int main(void)
{
#define LEASE(name)                                                            \
    cmocka_unit_test_setup_teardown(name, lease_room_setup, lease_room_teardown)
    const struct CMUnitTest tests[] = {
        LEASE(test_stall_longer_than_the_shortest_lease_takes_nobody_out),
        LEASE(test_all_leases_get_a_full_period_after_a_stall),
        LEASE(test_stall_prolongs_by_its_length_or_the_period),
        LEASE(test_lease_begun_after_a_stall_is_not_prolonged),
        LEASE(test_hiccups_do_not_keep_anybody),
        LEASE(test_renewal_right_after_a_stall_is_in_time),
        LEASE(test_each_lease_rests_for_its_own_period),
        LEASE(test_short_stall_does_not_hide_a_long_one),
        LEASE(test_short_lease_beside_a_long_one_is_in_time),
        LEASE(test_lease_begun_right_after_a_stall_hides_nothing),
        LEASE(test_many_leases_survive_a_stall),
    };
#undef LEASE

    return cmocka_run_group_tests_name("lease stall", tests, NULL, NULL);
}
