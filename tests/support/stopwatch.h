// SPDX-License-Identifier: Apache-2.0
//
// Time that has really passed, in milliseconds for deadlines, and finer where
// something must not be early.

#ifndef SUPPORT_STOPWATCH_H
#define SUPPORT_STOPWATCH_H

#include <poll.h>
#include <stdint.h>
#include <time.h>

#define STOPWATCH_NS_PER_MS INT64_C(1000000)
// Time for anything that has no deadline of its own, on a busy machine.
#define STOPWATCH_DEADLINE_MS 30000

static inline int64_t stopwatch_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * STOPWATCH_NS_PER_MS + now.tv_nsec;
}

static inline long long stopwatch_now_ms(void)
{
    return (long long)(stopwatch_ns() / STOPWATCH_NS_PER_MS);
}

// Milliseconds since then, with three decimals' worth of precision.
static inline double stopwatch_ms_since(int64_t then_ns)
{
    return (double)(stopwatch_ns() - then_ns) / (double)STOPWATCH_NS_PER_MS;
}

// Between two looks at whether something has happened.
static inline void stopwatch_pause(unsigned duration_ms)
{
    (void)poll(NULL, 0, (int)duration_ms);
}

#endif
