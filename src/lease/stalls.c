// SPDX-License-Identifier: Apache-2.0

#include "lease/stalls.h"

void stalls_begin(struct stalls *stalls, uint64_t now_ms)
{
    stalls->turned_ms = now_ms;
}

// Those that are no longer than the newest will not be asked for any more.
static void stalls_keep(struct stalls *stalls, struct stall newest)
{
    while (stalls->count > 0 &&
           stalls->kept[stalls->count - 1].length_ms <= newest.length_ms) {
        stalls->count--;
    }
    if (stalls->count == STALLS_MAX) {
        // In place of the shortest.
        stalls->count--;
    }
    stalls->kept[stalls->count++] = newest;
}

void stalls_turned(struct stalls *stalls, uint64_t now_ms)
{
    uint64_t silent_ms = now_ms - stalls->turned_ms;

    stalls->turned_ms = now_ms;
    if (silent_ms > STALLS_HEARTBEAT_MS + STALLS_TOLERANCE_MS) {
        stalls_keep(stalls, (struct stall){now_ms, silent_ms});
    }
}

uint64_t stalls_longest_ms(const struct stalls *stalls, uint64_t since_ms)
{
    for (unsigned i = 0; i < stalls->count; i++) {
        if (stalls->kept[i].ended_ms > since_ms) {
            return stalls->kept[i].length_ms;
        }
    }
    return 0;
}
