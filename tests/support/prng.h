// SPDX-License-Identifier: Apache-2.0
//
// Numbers that look random and are the same for the same seed, on every
// machine (splitmix64).

#ifndef SUPPORT_PRNG_H
#define SUPPORT_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct prng {
    uint64_t state;
};

void prng_init(struct prng *prng, uint64_t seed);

uint64_t prng_next(struct prng *prng);

// From 0 to `bound - 1`.
unsigned prng_below(struct prng *prng, unsigned bound);

// From `low` to `high`.
unsigned prng_between(struct prng *prng, unsigned low, unsigned high);

// True so many times in a hundred.
bool prng_percent(struct prng *prng, unsigned percent);

#endif
