// SPDX-License-Identifier: Apache-2.0
//
// What a command on candidates with leases may do, and what it must not.

#ifndef SIM_LEASE_CHECK_H
#define SIM_LEASE_CHECK_H

#include "lease_world.h"

// Does a command in the model, and compares what came of it in the store.
void lease_check_outcome(struct lease_world *world, const struct lease_ask *ask,
                         enum electd_status status,
                         const struct electd_outcome *outcome);

// An election is as it is in the model.
void lease_check_line(const struct lease_world *world,
                      const struct electd_election *election, unsigned which);

#endif
