// SPDX-License-Identifier: Apache-2.0

#include "lease/stalls.h"

#include <assert.h>
#include <stdbool.h>

void stalls_begin(struct stalls *stalls, uint64_t now_ms)
{
    stalls->caught_up_ms = now_ms;
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

static bool stalls_is_stall(uint64_t silent_ms)
{
    return silent_ms > STALLS_HEARTBEAT_MS + STALLS_TOLERANCE_MS;
}

void stalls_look(struct stalls *stalls, uint64_t caught_up_ms)
{
    uint64_t silent_ms;

    if (caught_up_ms <= stalls->caught_up_ms) {
        return;
    }
    silent_ms = caught_up_ms - stalls->caught_up_ms;
    stalls->caught_up_ms = caught_up_ms;
    if (stalls_is_stall(silent_ms)) {
        stalls_keep(stalls, (struct stall){caught_up_ms, silent_ms});
    }
}

// The part of a stall that came after that moment.
static uint64_t stall_since_ms(struct stall stall, uint64_t since_ms)
{
    if (stall.ended_ms <= since_ms) {
        return 0;
    }
    return stall.ended_ms - since_ms < stall.length_ms
               ? stall.ended_ms - since_ms
               : stall.length_ms;
}

uint64_t stalls_longest_ms(const struct stalls *stalls, uint64_t since_ms,
                           uint64_t now_ms)
{
    struct stall present = {now_ms, now_ms - stalls->caught_up_ms};
    uint64_t longest_ms = 0;

    assert(now_ms >= stalls->caught_up_ms);
    if (stalls_is_stall(present.length_ms)) {
        longest_ms = stall_since_ms(present, since_ms);
    }
    for (unsigned i = 0; i < stalls->count; i++) {
        uint64_t part_ms = stall_since_ms(stalls->kept[i], since_ms);

        longest_ms = part_ms > longest_ms ? part_ms : longest_ms;
    }
    return longest_ms;
}
