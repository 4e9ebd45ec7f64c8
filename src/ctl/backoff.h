// SPDX-License-Identifier: Apache-2.0
//
// How long to wait before the next attempt: 100 ms, then twice as long each
// time up to 2 s, each shortened at random by up to a half, so that those who
// lost the same daemon do not come back all at once.
//
// Thread: the owner's.

#ifndef CTL_BACKOFF_H
#define CTL_BACKOFF_H

#include <stdint.h>

#define BACKOFF_MS_MIN 100
#define BACKOFF_MS_MAX 2000

// Zero is the beginning; an attempt that succeeded sets it back to that.
struct backoff {
    uint64_t step_ms;
};

uint64_t backoff_next_ms(struct backoff *backoff);

#endif
