// SPDX-License-Identifier: Apache-2.0
//
// Time that has really passed, finer than the milliseconds of a deadline: what
// must not be early is measured with it.

#ifndef SUPPORT_STOPWATCH_H
#define SUPPORT_STOPWATCH_H

#include <stdint.h>
#include <time.h>

#define STOPWATCH_NS_PER_MS INT64_C(1000000)

static inline int64_t stopwatch_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * STOPWATCH_NS_PER_MS + now.tv_nsec;
}

// Milliseconds since then, with three decimals' worth of precision.
static inline double stopwatch_ms_since(int64_t then_ns)
{
    return (double)(stopwatch_ns() - then_ns) / (double)STOPWATCH_NS_PER_MS;
}

#endif
