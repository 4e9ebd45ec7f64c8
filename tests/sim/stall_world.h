// SPDX-License-Identifier: Apache-2.0
//
// Clients that renew leases over sockets of a loop that stands still now and
// then, in virtual time: the real table of leases on a real loop and a memory
// store, and a transport that reads no more of its sockets before it says that
// a read pass is over than it must. Clients send while the loop stands still;
// each waits for its answer, and sends again after a pause, or is dead.
//
// Short leases live beside long ones, and those that the store expires beside
// those that are awaited, whose grace follows. Everything that is random comes
// from the seed.

#ifndef SIM_STALL_WORLD_H
#define SIM_STALL_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "lease/lease.h"
#include "store/memory.h"
#include "support/prng.h"

#define STALL_CLIENTS 12
#define STALL_TURNS_MAX 200000
#define STALL_ENTRIES_MAX 65536

// How often the simulation came to the places that it is for.
struct stall_coverage {
    unsigned turns;
    unsigned stalls;
    unsigned renewed;
    // Renewals of a lease that was due already.
    unsigned renewed_when_due;
    unsigned over;
    unsigned over_after_a_stall;
    unsigned over_without_a_pass;
    unsigned overdue;
    unsigned graces;
};

// One who renews a lease.
struct stall_client {
    char name[4];
    uint32_t period_ms;
    uint32_t pause_ms;
    bool is_awaited;
    bool is_alive;
    // It sends nothing before it has its answer.
    bool is_sent;
    uint64_t send_ms;
    uint64_t sent_number;
    uint64_t entry;
};

// What is known of the lease of an entry.
struct stall_lease {
    unsigned client;
    uint32_t period_ms;
    uint64_t begun_ns;
    bool is_awaited;
    // Its client could not renew in time, or is dead.
    bool is_doomed;
    bool is_in_force;
};

struct stall_world {
    unsigned step;
    struct prng prng;
    struct stall_coverage *coverage;

    uv_loop_t loop;
    uv_check_t transport;
    struct store_memory store;
    struct store_listener listener;
    struct lease_table leases;
    struct lease_reader reader;

    struct stall_client clients[STALL_CLIENTS];
    struct stall_lease by_entry[STALL_ENTRIES_MAX];
    // How much is read in one turn, at most; and whether passes end at all.
    unsigned reads_max;
    bool never_pauses;
    uint64_t sent;

    bool is_passing;
    bool is_telling;
    uint64_t pass_number;
    uint64_t pass_begun_ms;
    uint64_t pass_ms_max;

    // When the loop turned, or stood still in the middle of a turn, and how
    // long it had stood still then.
    uint64_t turned_ms[STALL_TURNS_MAX];
    uint64_t stalled_ms[STALL_TURNS_MAX];
    bool is_midway[STALL_TURNS_MAX];
    // The same with what the turn before stood still in its middle.
    uint64_t silent_ms[STALL_TURNS_MAX];
    uint64_t midway_ms;
    unsigned turns;
    bool is_quiet;
    bool is_closed;
};

void stall_world_open(struct stall_world *world, uint64_t seed,
                      struct stall_coverage *coverage);

// Time passes until something is to be done, or for longer, and the loop turns.
void stall_world_step(struct stall_world *world);

// Everybody is dead from here on, and the loop does not stand still.
void stall_world_calm(struct stall_world *world);

bool stall_world_is_at_rest(const struct stall_world *world);

void stall_world_close(struct stall_world *world);

#endif
