// SPDX-License-Identifier: Apache-2.0
//
// Leases when memory runs out, and what they hold. The room is compiled into
// this test, as failing_alloc.h explains.

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "lease_room.h"

#include "failing_alloc.h"
#include "failing_alloc_on.h"

#include "lease/lease.c"

static enum electd_status begin(struct lease_room *room, uint64_t entry)
{
    return lease_begin(&room->leases, entry, 100, (struct electd_name){"x", 1},
                       (struct electd_name){"a", 1});
}

static void test_lease_without_memory_is_none(void **state)
{
    struct lease_room *room = *state;
    size_t allocations = failing_alloc_count();
    size_t live = failing_alloc_live();

    assert_int_equal(begin(room, 1), ELECTD_OK);
    allocations = failing_alloc_count() - allocations;
    // Of the lease, and of the table that it is the first in.
    assert_true(allocations >= 2);
    lease_end(&room->leases, 1);
    lease_room_turn(room);
    assert_int_equal(failing_alloc_live(), live);
    for (unsigned nth = 1; nth <= allocations; nth++) {
        failing_alloc_arm(nth);
        assert_int_equal(begin(room, nth), ELECTD_NO_MEMORY);
        assert_true(failing_alloc_disarm());
        assert_int_equal(failing_alloc_live(), live);
        assert_null(room->leases.by_entry);
        // Nothing is left that would ever be over.
        lease_room_pass(room, 2000);
        assert_int_equal(room->leases.open_handles, LEASE_TABLE_HANDLES);
    }
}

static void test_memory_goes_with_each_lease(void **state)
{
    struct lease_room *room = *state;
    size_t live = failing_alloc_live();

    // Over, ended, and ended while it is under way.
    (void)lease_room_begin(room, "a", 100);
    lease_room_pass(room, 200);
    assert_int_equal(failing_alloc_live(), live);
    lease_end(&room->leases, lease_room_begin(room, "b", 100));
    lease_room_turn(room);
    assert_int_equal(failing_alloc_live(), live);
}

static void test_memory_goes_with_the_table(void **state)
{
    struct lease_room *room = *state;
    size_t live = failing_alloc_live();

    for (uint64_t entry = 1; entry <= 1000; entry++) {
        assert_int_equal(begin(room, entry), ELECTD_OK);
    }
    lease_room_close_leases(room);
    lease_room_turn(room);
    assert_true(room->is_leases_closed);
    assert_int_equal(failing_alloc_live(), live);
}

int main(void)
{
#define LEASE(name)                                                            \
    cmocka_unit_test_setup_teardown(name, lease_room_setup, lease_room_teardown)
    const struct CMUnitTest tests[] = {
        LEASE(test_lease_without_memory_is_none),
        LEASE(test_memory_goes_with_each_lease),
        LEASE(test_memory_goes_with_the_table),
    };
#undef LEASE

    return cmocka_run_group_tests_name("lease memory", tests, NULL, NULL);
}
