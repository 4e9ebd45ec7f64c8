// SPDX-License-Identifier: Apache-2.0
//
// The linker takes the program's own clock_gettime() for everybody.

#include "virtual_time.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define VIRTUAL_TIME_NS_PER_S 1000000000

static uint64_t virtual_time_now_ns;

void virtual_time_set(uint64_t now_ns)
{
    virtual_time_now_ns = now_ns;
}

uint64_t virtual_time_ns(void)
{
    return virtual_time_now_ns;
}

void virtual_time_end(void)
{
    virtual_time_now_ns = 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (virtual_time_now_ns == 0 ||
        (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE)) {
        return (int)syscall(SYS_clock_gettime, clock, now);
    }
    now->tv_sec = (time_t)(virtual_time_now_ns / VIRTUAL_TIME_NS_PER_S);
    now->tv_nsec = (long)(virtual_time_now_ns % VIRTUAL_TIME_NS_PER_S);
    return 0;
}
