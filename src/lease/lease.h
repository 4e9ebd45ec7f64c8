// SPDX-License-Identifier: Apache-2.0
//
// When a candidate's time is over. A lease belongs to one entry of one
// candidate; when its period has passed, the store is asked to expire that
// entry, which does nothing to a later one.
//
// A lease that is found due is parked once before it is over, since its renewal
// may have arrived while the loop did something else or nothing at all: until
// min(the stall, its period) has passed again, the stall being the loop's
// longest since the lease began (stalls.h), and until a read pass that began
// after that is over. What is read in the meantime and renews or ends the lease
// wins.
//
// Thread: the loop's. The clock is the loop's, which is monotonic.

#ifndef LEASE_LEASE_H
#define LEASE_LEASE_H

#include <stdint.h>
#include <uv.h>

#include "lease/read_pass.h"
#include "lease/stalls.h"
#include "store/store.h"

// How long a lease waits for a read pass, at most, if the loop has not stood
// still in its life. Otherwise as much as the stall was longer than its rest
// comes on top, less the heartbeat by which the stall may be counted too long.
#define LEASE_PASS_MS_MAX 100

struct lease;

struct lease_table {
    uv_loop_t *loop;
    struct store *store;
    // An awaited lease is over, and no longer in the table: its entry may be
    // given another one here. Borrows the names for the call. The owner sets
    // it after init; NULL if nothing is awaited.
    void (*overdue_cb)(struct lease_table *table, struct electd_name election,
                       struct electd_name candidate, uint64_t entry);
    struct lease *by_entry;
    // Runs while there are leases, to notice a stall.
    uv_timer_t heartbeat;
    struct stalls stalls;
    struct read_passes passes;
    // Handles that are not closed, the table's own included.
    uint32_t open_handles;
    bool is_closing;
    void (*closed_cb)(struct lease_table *table);
};

// Borrows the loop and the store.
void lease_table_init(struct lease_table *table, uv_loop_t *loop,
                      struct store *store);

// From here on leases that are due wait for read passes. Borrows the reader for
// the table's life.
void lease_table_set_reader(struct lease_table *table,
                            struct lease_reader *reader);

// Begins the lease of an entry, in place of the one it has, if any: the store
// expires the entry when the period has passed. Copies the names. NO_MEMORY:
// there is none; impossible in place of another.
__attribute__((warn_unused_result)) enum electd_status
lease_begin(struct lease_table *table, uint64_t entry, uint32_t period_ms,
            struct electd_name election, struct electd_name candidate);

// The same for a lease that calls overdue_cb when it is over.
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

// The reader's read pass is over. Nothing happens if none was begun.
void lease_table_pass_over(struct lease_table *table);

// Ends them all. The store must still be open, and be closed after closed_cb.
void lease_table_close(struct lease_table *table,
                       void (*closed_cb)(struct lease_table *table));

#endif
