// SPDX-License-Identifier: Apache-2.0
//
// Read passes: leases that are due wait here until what has arrived is read.
// A pass serves all that waited when it began; one that comes later waits for
// the next. Each waits for a limited time: traffic that never pauses must not
// keep it.
//
// Thread: the loop's.

#ifndef LEASE_READ_PASS_H
#define LEASE_READ_PASS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

// A limit is counted in ticks, and one is no more than one however late it is:
// the loop's timers fire before it reads, so a limit of time would be over at
// the end of each stall. A tick is counted as longer than it is meant to be,
// since a busy loop is late by a little every time.
#define READ_PASS_TICK_MS 10
#define READ_PASS_TICK_MS_MAX 12

// What reads renewals: the transport, which the room of leases does not know.
struct lease_reader {
    // Begins a read pass: lease_table_pass_over() is to be called, and not
    // inside of this, when all that could be read at this moment has been read,
    // and what it asks for has been done.
    void (*begin_pass)(struct lease_reader *reader);
    // When it had last done all that had been read by then, by the loop's
    // clock. NULL: it does so in each turn of the loop.
    uint64_t (*caught_up_ms)(const struct lease_reader *reader);
};

// One that waits; embedded in a lease.
struct read_pass_wait {
    struct read_pass_wait *prev;
    struct read_pass_wait *next;
    // The list that it is in; NULL for none.
    struct read_pass_wait **list;
    uint64_t last_tick;
};

struct read_passes {
    // NULL: there is nothing to read, ever.
    struct lease_reader *reader;
    // A wait is over; it may join again.
    void (*over_cb)(struct read_pass_wait *wait);
    // The pass that is on, and the next one.
    struct read_pass_wait *served;
    struct read_pass_wait *late;
    // Their wait is over, and they are about to be told.
    struct read_pass_wait *over;
    bool is_on;
    // Runs while anybody waits.
    uv_timer_t ticker;
    uint64_t ticks;
    void (*closed_cb)(struct read_passes *passes);
};

// Borrows the loop.
void read_passes_init(struct read_passes *passes, uv_loop_t *loop,
                      void (*over_cb)(struct read_pass_wait *wait));

// Waits for a pass that begins from here on, for less than the limit, which is
// at least two ticks. With no reader, over_cb comes inside of this.
void read_pass_join(struct read_passes *passes, struct read_pass_wait *wait,
                    uint64_t limit_ms);

// Waits no longer; it need not be waiting.
void read_pass_leave(struct read_pass_wait *wait);

// The pass that is on is over. Nothing happens if there is none.
void read_passes_over(struct read_passes *passes);

// When nobody waits.
void read_passes_close(struct read_passes *passes,
                       void (*closed_cb)(struct read_passes *passes));

#endif
