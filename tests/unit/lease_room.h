// SPDX-License-Identifier: Apache-2.0
//
// A table of leases with a memory store on a loop, and a record of who went
// out. Time is virtual (virtual_time.h) unless a test asks for the real one.

#ifndef TESTS_LEASE_ROOM_H
#define TESTS_LEASE_ROOM_H

#include <stdbool.h>
#include <uv.h>

#include "support/test.h"

#include "lease/lease.h"
#include "store/memory.h"

#define LEASE_ROOM_EXITS_MAX 16384

// Somebody went out: which entry, when, and why.
struct lease_exit {
    uint64_t entry;
    uint64_t at_ns;
    enum electd_reason reason;
};

struct lease_room {
    uv_loop_t loop;
    struct store_memory store;
    struct store_listener listener;
    struct lease_table leases;
    struct lease_reader reader;
    // How many passes were begun.
    unsigned passes;
    // Runs between the loop's timers and the store, if it is started: when what
    // has just become due is under way.
    uv_prepare_t hook;
    void (*hook_cb)(struct lease_room *room);
    bool is_real;
    bool is_leases_closed;
    bool is_store_closed;
    // Expiries that found nothing to do do not show here.
    struct lease_exit exits[LEASE_ROOM_EXITS_MAX];
    size_t exits_count;
};

// As setup and teardown. The teardown closes what is open, and the loop, which
// must then be free of handles.
int lease_room_setup(void **state);
int lease_room_setup_real(void **state);
int lease_room_teardown(void **state);

// Enters a candidate; returns its entry. What it had as a lease goes on.
uint64_t lease_room_enter(struct lease_room *room, const char *candidate,
                          enum electd_lease lease);

// Enters a candidate for a time; returns its entry.
uint64_t lease_room_begin(struct lease_room *room, const char *candidate,
                          uint32_t period_ms);

// From here on the test says when a read pass is over, instead of there being
// nothing to read: by lease_table_pass_over().
void lease_room_read_by_hand(struct lease_room *room);

// Submits a command that is done some time in a turn of the loop.
void lease_room_ask(struct lease_room *room, enum electd_operation operation,
                    const char *candidate);

// The loop turns once, without sleeping.
void lease_room_turn(struct lease_room *room);

// Time passes, and the loop turns whenever something is due.
void lease_room_pass(struct lease_room *room, uint64_t passed_ms);

// Time passes while the loop does not turn; then it does.
void lease_room_stall(struct lease_room *room, uint64_t stalled_ms);

// Calls it in the next turn in which something is due, after the timers.
void lease_room_hook(struct lease_room *room,
                     void (*hook_cb)(struct lease_room *room));

// Closes the table without waiting.
void lease_room_close_leases(struct lease_room *room);

// When the entry went out; NULL if it did not.
const struct lease_exit *lease_room_exit(const struct lease_room *room,
                                         uint64_t entry);

#endif
