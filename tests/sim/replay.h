// SPDX-License-Identifier: Apache-2.0
//
// The core is a function of its commands: applied once more, to a collection
// somewhere else in memory, they have the same outcomes and the same state.

#ifndef SIM_REPLAY_H
#define SIM_REPLAY_H

#include "journal.h"

// Applies the commands of a journal, which ends in all elections, again to a
// new collection, and compares the two journals byte by byte. With a seed other
// than 0, memory of random sizes is taken and given back between the commands.
void replay_check(const struct journal *journal, struct electd_limits limits,
                  uint64_t noise_seed);

#endif
