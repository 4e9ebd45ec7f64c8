// SPDX-License-Identifier: Apache-2.0

#include "support/prng.h"

#include <assert.h>

void prng_init(struct prng *prng, uint64_t seed)
{
    prng->state = seed;
}

uint64_t prng_next(struct prng *prng)
{
    uint64_t mixed;

    prng->state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = prng->state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

unsigned prng_below(struct prng *prng, unsigned bound)
{
    assert(bound > 0);
    return (unsigned)(prng_next(prng) % bound);
}

unsigned prng_between(struct prng *prng, unsigned low, unsigned high)
{
    assert(low <= high);
    return low + prng_below(prng, high - low + 1);
}

bool prng_percent(struct prng *prng, unsigned percent)
{
    return prng_below(prng, 100) < percent;
}
