// SPDX-License-Identifier: Apache-2.0

#include "lease/clock.h"

#include <uv.h>

uint64_t lease_clock_ms(void)
{
    return uv_hrtime() / 1000000;
}
