// SPDX-License-Identifier: Apache-2.0

#include "ctl/backoff.h"

#include <uv.h>

uint64_t backoff_next_ms(struct backoff *backoff)
{
    uint32_t random = 0;
    uint64_t half_ms;

    backoff->step_ms *= 2;
    if (backoff->step_ms < BACKOFF_MS_MIN) {
        backoff->step_ms = BACKOFF_MS_MIN;
    } else if (backoff->step_ms > BACKOFF_MS_MAX) {
        backoff->step_ms = BACKOFF_MS_MAX;
    }
    half_ms = backoff->step_ms / 2;
    // Without random numbers it waits half of it, which is fine too.
    (void)uv_random(NULL, NULL, &random, sizeof random, 0, NULL);
    return half_ms + random % (half_ms + 1);
}
