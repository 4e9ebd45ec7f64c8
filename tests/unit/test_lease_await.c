// SPDX-License-Identifier: Apache-2.0
//
// Leases that are awaited, renewed and asked about: what a candidate that must
// confirm itself is kept in by. In virtual time.

#include "lease_room.h"

#include <string.h>

#include "virtual_time.h"

#define NS_PER_MS UINT64_C(1000000)

static struct electd_name name_of(const char *name)
{
    return (struct electd_name){name, strlen(name)};
}

// What the owner of a table was told, and what it does about it.
static struct {
    unsigned count;
    uint64_t entry;
    uint64_t at_ns;
    char election[8];
    char candidate[8];
    void (*then)(struct lease_table *table, uint64_t entry);
} overdue;

static void copy_name(char copy[8], struct electd_name name)
{
    assert_true(name.size < 8);
    memcpy(copy, name.bytes, name.size);
    copy[name.size] = '\0';
}

static void overdue_cb(struct lease_table *table, struct electd_name election,
                       struct electd_name candidate, uint64_t entry)
{
    overdue.count++;
    overdue.entry = entry;
    overdue.at_ns = virtual_time_ns();
    if (overdue.then != NULL) {
        overdue.then(table, entry);
    }
    copy_name(overdue.election, election);
    copy_name(overdue.candidate, candidate);
}

static int setup(void **state)
{
    struct lease_room *room;

    memset(&overdue, 0, sizeof overdue);
    lease_room_setup(state);
    room = *state;
    room->leases.overdue_cb = overdue_cb;
    return 0;
}

// Enters a candidate that is awaited for a time; returns its entry.
static uint64_t await(struct lease_room *room, const char *candidate,
                      uint32_t period_ms)
{
    uint64_t entry = lease_room_enter(room, candidate, ELECTD_LEASE_STREAM);

    assert_int_equal(lease_await(&room->leases, entry, period_ms, name_of("x"),
                                 name_of(candidate)),
                     ELECTD_OK);
    return entry;
}

static void begin_grace(struct lease_table *table, uint64_t entry)
{
    assert_int_equal(lease_begin(table, entry, 200, name_of("x"), name_of("a")),
                     ELECTD_OK);
}

static void await_again(struct lease_table *table, uint64_t entry)
{
    assert_int_equal(lease_await(table, entry, 300, name_of("x"), name_of("a")),
                     ELECTD_OK);
}

static void test_awaited_entry_is_told_and_stays_in(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = await(room, "a", 100);

    lease_room_pass(room, 100);
    assert_int_equal(overdue.count, 0);
    lease_room_pass(room, 5000);
    assert_int_equal(overdue.count, 1);
    assert_int_equal(overdue.entry, entry);
    assert_string_equal(overdue.election, "x");
    assert_string_equal(overdue.candidate, "a");
    assert_int_equal(room->exits_count, 0);
    assert_null(room->leases.by_entry);
}

static void test_grace_begins_when_the_awaited_is_overdue(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = await(room, "a", 100);
    const struct lease_exit *gone;

    overdue.then = begin_grace;
    lease_room_pass(room, 1000);
    assert_int_equal(overdue.count, 1);
    gone = lease_room_exit(room, entry);
    assert_non_null(gone);
    assert_true(gone->at_ns - overdue.at_ns >= 200 * NS_PER_MS);
}

static void test_overdue_may_be_awaited_again(void **state)
{
    struct lease_room *room = *state;

    (void)await(room, "a", 100);
    overdue.then = await_again;
    lease_room_pass(room, 1050);
    // After 101 ms, and every 301 ms from then on.
    assert_int_equal(overdue.count, 4);
    assert_int_equal(room->exits_count, 0);
}

static void test_end_and_renewal_of_what_is_overdue_do_nothing(void **state)
{
    static void (*const calls[])(struct lease_table *,
                                 uint64_t) = {lease_end, lease_renew};
    struct lease_room *room = *state;

    for (unsigned i = 0; i < 2; i++) {
        (void)await(room, "a", 100);
        overdue.then = calls[i];
        lease_room_pass(room, 2000);
        assert_int_equal(overdue.count, i + 1);
        assert_null(room->leases.by_entry);
    }
    assert_int_equal(room->exits_count, 0);
}

static void test_awaited_lease_that_is_ended_tells_nobody(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = await(room, "a", 100);

    lease_room_pass(room, 100);
    lease_end(&room->leases, entry);
    lease_room_pass(room, 1000);
    assert_int_equal(overdue.count, 0);
}

static void test_renewal_gives_a_full_period(void **state)
{
    struct lease_room *room = *state;
    uint64_t awaited = await(room, "a", 100);
    uint64_t begun = lease_room_begin(room, "b", 100);

    for (unsigned i = 0; i < 20; i++) {
        lease_room_pass(room, 90);
        lease_renew(&room->leases, awaited);
        lease_renew(&room->leases, begun);
        // There is none of this entry.
        lease_renew(&room->leases, begun + 1);
    }
    lease_room_pass(room, 100);
    assert_int_equal(overdue.count, 0);
    assert_int_equal(room->exits_count, 0);
    lease_room_pass(room, 1);
    assert_int_equal(overdue.count, 1);
    assert_non_null(lease_room_exit(room, begun));
}

// An entry has one lease, and the last one decides.
static void test_lease_takes_the_place_of_the_one_before(void **state)
{
    struct lease_room *room = *state;
    uint64_t first = await(room, "a", 100);
    uint64_t second = lease_room_begin(room, "b", 100);

    assert_int_equal(
        lease_begin(&room->leases, first, 300, name_of("x"), name_of("a")),
        ELECTD_OK);
    assert_int_equal(
        lease_await(&room->leases, second, 500, name_of("x"), name_of("b")),
        ELECTD_OK);
    lease_room_pass(room, 300);
    assert_int_equal(room->exits_count, 0);
    lease_room_pass(room, 1);
    assert_non_null(lease_room_exit(room, first));
    lease_room_pass(room, 199);
    assert_int_equal(overdue.count, 0);
    lease_room_pass(room, 1);
    assert_int_equal(overdue.count, 1);
    assert_int_equal(overdue.entry, second);
    assert_int_equal(room->exits_count, 1);
}

static void test_what_is_left_goes_down_to_nothing(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = lease_room_begin(room, "a", 100);

    assert_int_equal(lease_left_ms(&room->leases, entry), 100);
    assert_int_equal(lease_left_ms(&room->leases, entry + 1), 0);
    lease_room_pass(room, 40);
    assert_int_equal(lease_left_ms(&room->leases, entry), 60);
    lease_renew(&room->leases, entry);
    assert_int_equal(lease_left_ms(&room->leases, entry), 100);
    lease_room_pass(room, 100);
    assert_int_equal(lease_left_ms(&room->leases, entry), 0);
    lease_room_pass(room, 1);
    assert_int_equal(room->exits_count, 1);
    assert_int_equal(lease_left_ms(&room->leases, entry), 0);
}

// The loop's own time stands still in a turn that takes long.
static void test_what_is_left_counts_a_long_turn(void **state)
{
    struct lease_room *room = *state;
    uint64_t entry = lease_room_begin(room, "a", 100);

    virtual_time_set(virtual_time_ns() + 70 * NS_PER_MS);
    assert_int_equal(lease_left_ms(&room->leases, entry), 30);
    virtual_time_set(virtual_time_ns() + 70 * NS_PER_MS);
    assert_int_equal(lease_left_ms(&room->leases, entry), 0);
}

int main(void)
{
#define LEASE(name)                                                            \
    cmocka_unit_test_setup_teardown(name, setup, lease_room_teardown)
    const struct CMUnitTest tests[] = {
        LEASE(test_awaited_entry_is_told_and_stays_in),
        LEASE(test_grace_begins_when_the_awaited_is_overdue),
        LEASE(test_overdue_may_be_awaited_again),
        LEASE(test_end_and_renewal_of_what_is_overdue_do_nothing),
        LEASE(test_awaited_lease_that_is_ended_tells_nobody),
        LEASE(test_renewal_gives_a_full_period),
        LEASE(test_lease_takes_the_place_of_the_one_before),
        LEASE(test_what_is_left_goes_down_to_nothing),
        LEASE(test_what_is_left_counts_a_long_turn),
    };
#undef LEASE

    return cmocka_run_group_tests_name("lease await", tests, NULL, NULL);
}
