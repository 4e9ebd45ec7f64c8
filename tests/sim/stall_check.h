// SPDX-License-Identifier: Apache-2.0
//
// What must hold when a lease is over.

#ifndef SIM_STALL_CHECK_H
#define SIM_STALL_CHECK_H

#include "stall_world.h"

// A lease is over, now.
void stall_check_over(struct stall_world *world, uint64_t entry);

// Virtual time in milliseconds.
uint64_t stall_now_ms(void);

#endif
