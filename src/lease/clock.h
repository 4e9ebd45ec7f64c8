// SPDX-License-Identifier: Apache-2.0
//
// The clock of leases, read afresh: the loop's own is as old as its turn.
//
// Thread: any.

#ifndef LEASE_CLOCK_H
#define LEASE_CLOCK_H

#include <stdint.h>

// Monotonic; never ahead of the time.
uint64_t lease_clock_ms(void);

#endif
