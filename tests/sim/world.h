// SPDX-License-Identifier: Apache-2.0
//
// A memory store on a loop of its own, which is held to the model's word, and
// the audience of its elections. Time is the number of turns of the loop. All
// that is random comes from the seed.

#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "audience.h"
#include "commands.h"
#include "coverage.h"
#include "journal.h"
#include "model.h"
#include "store/memory.h"
#include "support/prng.h"

struct ask;

// What was last read of an election.
struct sighting {
    uint64_t term;
    uint64_t revision;
    struct sim_line line;
    // The leader's entry, what keeps it in, and by which instance it was made.
    uint64_t entry;
    enum electd_lease lease;
    char instance[8];
    // The first instance that held the term.
    char holder[8];
};

struct world {
    unsigned step;
    unsigned turn;
    struct prng prng;
    struct commands commands;
    struct coverage *coverage;
    struct journal *journal;

    uv_loop_t loop;
    struct store_memory store;
    struct store_listener listener;
    struct audience audience;
    // It is as far as the last submitted command.
    struct model model;
    struct electd_limits limits;

    // What was submitted and is not done, in order.
    struct ask *first;
    struct ask *last;
    unsigned pending;
    unsigned asked_in_done_cb;
    bool in_call;
    bool in_turn;
    bool closing;
    bool unavailable;
    bool closed;

    struct sighting sightings[SIM_NAMES];
    uint64_t last_entry;
    // Of each election, its last revision's; and all there ever were, each with
    // one reference.
    struct payload *current[SIM_NAMES];
    struct payload **payloads;
    size_t payloads_count;
    size_t payloads_max;
};

// Borrows the coverage, to which it adds, and the journal.
void world_open(struct world *world, uint64_t seed, struct coverage *coverage,
                struct journal *journal);

// Submits a command. A stream of its session may join when it is done.
void world_ask(struct world *world, const struct sim_command *command,
               bool joins);

// The loop turns once.
void world_turn(struct world *world);

// The loop turns until the store, whatever it is asked still, is closed.
void world_close_store(struct world *world);

// Prints where it is, and what led there.
void world_explain(const struct world *world);

// Releases the rest, of which nobody holds anything any more.
void world_close(struct world *world);

#endif
