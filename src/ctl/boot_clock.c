// SPDX-License-Identifier: Apache-2.0

#include "ctl/boot_clock.h"

#include <assert.h>
#include <time.h>

uint64_t boot_clock_ms(void)
{
    struct timespec now;
    int status = clock_gettime(CLOCK_BOOTTIME, &now);

    assert(status == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
