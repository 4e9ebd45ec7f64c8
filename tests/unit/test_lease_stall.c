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

// Short of what could be meant: a quarter of the shortest lease.
static void test_short_stall_changes_nothing(void **state)
{
    struct lease_room *room = *state;

    for (size_t i = 0; i < PERIODS; i++) {
        for (unsigned tenth = 0; tenth < 10; tenth++) {
            uint32_t period_ms = periods_ms[i];
            uint64_t begun_ns = virtual_time_ns();
            uint64_t entry = lease_room_begin(room, "a", period_ms);
            uint64_t lasted;

            lease_room_pass(room, period_ms * tenth / 10);
            lease_room_stall(room, period_ms / 4);
            lease_room_pass(room, period_ms);
            lasted = lasted_ms(room, entry, begun_ns);
            assert_true(lasted >= period_ms);
            // Due in the stall, it is over right behind it.
            assert_true(lasted <= period_ms + period_ms / 4 + 1);
        }
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

static void test_every_stall_counts_anew(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = lease_room_begin(room, "a", 100);

    for (unsigned i = 0; i < 20; i++) {
        lease_room_pass(room, 30);
        lease_room_stall(room, 400);
    }
    assert_int_equal(room->exits_count, 0);
    lease_room_pass(room, 202);
    assert_non_null(lease_room_exit(room, entry));
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

// A lease that is no longer in force does not say what a stall is.
static void test_shortest_lease_in_force_decides(void **state)
{
    struct lease_room *room = *state;
    uint64_t begun_ns = virtual_time_ns();
    uint64_t entry = lease_room_begin(room, "a", 20000);

    lease_end(&room->leases, lease_room_begin(room, "b", 100));
    (void)lease_room_begin(room, "c", 200);
    lease_room_pass(room, 1000);
    assert_int_equal(room->exits_count, 1);
    lease_room_stall(room, 3000);
    lease_room_pass(room, 20000);
    assert_true(lasted_ms(room, entry, begun_ns) <= 20001);
}

// A grace may be as short as that.
static void test_lease_of_a_few_milliseconds_is_no_measure(void **state)
{
    struct lease_room *room = *state;
    uint64_t begun_ns = virtual_time_ns();
    uint64_t entry = lease_room_begin(room, "a", 500);

    for (unsigned i = 0; i < 20; i++) {
        (void)lease_room_begin(room, "b", 1 + i);
        lease_room_stall(room, 25);
    }
    assert_int_equal(room->exits_count, 20);
    lease_room_pass(room, 10);
    assert_true(lasted_ms(room, entry, begun_ns) <= 501);
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
        LEASE(test_short_stall_changes_nothing),
        LEASE(test_lease_begun_after_a_stall_is_not_prolonged),
        LEASE(test_every_stall_counts_anew),
        LEASE(test_renewal_right_after_a_stall_is_in_time),
        LEASE(test_shortest_lease_in_force_decides),
        LEASE(test_lease_of_a_few_milliseconds_is_no_measure),
        LEASE(test_short_lease_beside_a_long_one_is_in_time),
        LEASE(test_lease_begun_right_after_a_stall_hides_nothing),
        LEASE(test_many_leases_survive_a_stall),
    };
#undef LEASE

    return cmocka_run_group_tests_name("lease stall", tests, NULL, NULL);
}
