// SPDX-License-Identifier: Apache-2.0
//
// When a candidate's time is over. A lease belongs to one entry of one
// candidate; when its period has passed, the store is asked to expire that
// entry, which does nothing to a later one.
//
// A process that was itself stalled (stopped, suspended, starved) has not heard
// the renewals of that time. When the loop stood still for longer than the
// shortest lease in force, every lease gets a full period more. (A third of it
// may do; the shortest counts as 64 ms at least.)
//
// Thread: the loop's. The clock is the loop's, which is monotonic.

#ifndef LEASE_LEASE_H
#define LEASE_LEASE_H

#include <stdint.h>
#include <uv.h>

#include "store/store.h"

// Periods are counted by their powers of two: 2^31 ms are 24 days.
#define LEASE_PERIOD_CLASSES 32

struct lease;

struct lease_table {
    uv_loop_t *loop;
    struct store *store;
    // An awaited lease is due, and no longer in the table: its entry may be
    // given another one here. Borrows the names for the call. The owner sets
    // it after init; NULL if nothing is awaited.
    void (*overdue_cb)(struct lease_table *table, struct electd_name election,
                       struct electd_name candidate, uint64_t entry);
    struct lease *by_entry;
    // How many leases in force have a period of at least 2^i and less than
    // 2^(i+1) milliseconds.
    uint32_t in_class[LEASE_PERIOD_CLASSES];
    // Runs while there are leases, to notice a stall.
    uv_timer_t heartbeat;
    uint64_t heartbeat_ms;
    // When the loop was last seen to turn, and when the last stall was over.
    uint64_t turned_ms;
    uint64_t stall_ended_ms;
    // Handles that are closing, the heartbeat included.
    uint32_t open_handles;
    bool is_closing;
    void (*closed_cb)(struct lease_table *table);
};

// Borrows the loop and the store.
void lease_table_init(struct lease_table *table, uv_loop_t *loop,
                      struct store *store);

// Begins the lease of an entry, in place of the one it has, if any: the store
// expires the entry when the period has passed. Copies the names. NO_MEMORY:
// there is none; impossible in place of another.
__attribute__((warn_unused_result)) enum electd_status
lease_begin(struct lease_table *table, uint64_t entry, uint32_t period_ms,
            struct electd_name election, struct electd_name candidate);

// The same for a lease that calls overdue_cb when it is due.
__attribute__((warn_unused_result)) enum electd_status
lease_await(struct lease_table *table, uint64_t entry, uint32_t period_ms,
            struct electd_name election, struct electd_name candidate);

// Gives an entry's lease a full period from now on, and is all that keeps it
// from being over when it is due already. The entry need not have one.
void lease_renew(struct lease_table *table, uint64_t entry);

// What is left of the period of an entry's lease, and no more than is surely
// left; 0 if it is due, or the entry has none.
uint64_t lease_left_ms(const struct lease_table *table, uint64_t entry);

// Ends the lease of an entry without any effect; there need not be one.
void lease_end(struct lease_table *table, uint64_t entry);

// Ends them all. The store must still be open, and be closed after closed_cb.
void lease_table_close(struct lease_table *table,
                       void (*closed_cb)(struct lease_table *table));

#endif
