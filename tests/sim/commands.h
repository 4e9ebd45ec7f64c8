// SPDX-License-Identifier: Apache-2.0
//
// Random commands of a few sessions that come and go.

#ifndef SIM_COMMANDS_H
#define SIM_COMMANDS_H

#include "model.h"
#include "support/prng.h"

#define COMMANDS_SESSIONS 6
#define COMMANDS_INSTANCES 3

struct commands {
    struct prng *prng;
    // Where most commands go, so that some elections see much.
    unsigned favourites;
    uint64_t sessions[COMMANDS_SESSIONS];
};

// Borrows the random numbers.
void commands_init(struct commands *commands, struct prng *prng);

struct sim_command commands_next(struct commands *commands);

// A session ends, which is returned, and another takes its place.
uint64_t commands_disconnect(struct commands *commands);

#endif
