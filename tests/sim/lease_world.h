// SPDX-License-Identifier: Apache-2.0
//
// Candidates whose leases end, in virtual time, on a memory store. What decides
// that a lease is over is a model with a clock of ticks; between its decision
// and the store lies a delay, in which anything may happen to the candidate. It
// is also careless: it forgets to end leases that were replaced, and asks for
// an expiry twice. Everything that is random comes from the seed.

#ifndef SIM_LEASE_WORLD_H
#define SIM_LEASE_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "model.h"
#include "store/memory.h"
#include "support/prng.h"

#define LEASE_ELECTIONS 2
#define LEASE_CANDIDATES 6
#define LEASE_SESSIONS 3
#define LEASE_ENTRIES_MAX 8192

// How often the simulation came to the places that it is for.
struct lease_coverage {
    unsigned commands;
    unsigned expired;
    unsigned disconnected;
    // Expiries of an entry that was no longer the candidate's: it had entered
    // again, was out, or had come back since.
    unsigned expired_too_late;
    unsigned expired_when_out;
    unsigned expired_after_a_return;
    unsigned renewed;
    unsigned taken_over;
    unsigned replaced_by_none;
    unsigned closed_several;
    unsigned elected_by_expiry;
    unsigned refused;
    unsigned unavailable;
};

struct lease_world;

// A command that is to be submitted, or was.
struct lease_ask {
    struct store_request request;
    struct lease_world *world;
    struct lease_ask *next;
    struct sim_command command;
    enum electd_lease lease;
    uint64_t period;
    uint64_t entry;
    // The tick from which on it is submitted.
    uint64_t at;
};

// What is known of an entry, by its number.
struct lease_tenure {
    unsigned election;
    unsigned candidate;
    enum electd_lease lease;
    uint64_t due;
    // It is no longer looked at.
    bool is_ended;
    // Its expiry was decided.
    bool is_over;
};

struct lease_world {
    unsigned step;
    struct prng prng;
    struct lease_coverage *coverage;
    uint64_t now;

    uv_loop_t loop;
    struct store_memory store;
    struct store_listener listener;
    struct model model;
    bool is_closing;
    bool is_closed;
    bool has_heard;

    // What waits to be submitted; and how many were, and are not done.
    struct lease_ask *mail;
    unsigned pending;

    // By election and candidate; 0 for who is out.
    uint64_t entries[LEASE_ELECTIONS][LEASE_CANDIDATES];
    struct lease_tenure tenures[LEASE_ENTRIES_MAX];
    uint64_t last_entry;
    uint64_t last_terms[LEASE_ELECTIONS];
    uint64_t last_revisions[LEASE_ELECTIONS];
    unsigned elected[LEASE_ELECTIONS];
};

// Borrows the coverage, to which it adds.
void lease_world_open(struct lease_world *world, uint64_t seed,
                      struct lease_coverage *coverage);

// One tick, in which clients do something or not.
void lease_world_step(struct lease_world *world, bool is_quiet);

// Nothing is left to happen.
bool lease_world_is_at_rest(const struct lease_world *world);

// At rest: who is in has no lease that could end.
void lease_world_check_rest(const struct lease_world *world);

// Closes the store, whatever is under way.
void lease_world_close(struct lease_world *world);

#endif
