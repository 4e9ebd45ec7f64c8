// SPDX-License-Identifier: Apache-2.0
//
// When the loop stood still, or could not keep up, and for how long: the
// process was stopped, suspended or starved, one of its own turns took long, or
// what arrived waited behind what arrived before it. The loop is looked at once
// in each heartbeat, at least, for when it had last caught up; a longer silence
// is a stall. Its length is known to a heartbeat: it is counted as up to one
// too long.
//
// A lease is concerned by the longest stall of its life, or by the part of one
// that was in its life. That is the last one, unless shorter ones came after
// it: a hiccup that follows a stop of ten seconds must not hide it.

#ifndef LEASE_STALLS_H
#define LEASE_STALLS_H

#include <stdint.h>

#define STALLS_HEARTBEAT_MS 50
// A loop may be late by so much without having stood still.
#define STALLS_TOLERANCE_MS 25
// Of n stalls of random lengths about ln(n) are longer than all that follow.
#define STALLS_MAX 32

struct stall {
    uint64_t ended_ms;
    uint64_t length_ms;
};

struct stalls {
    // When the loop had last caught up.
    uint64_t caught_up_ms;
    // Oldest first, each longer than all that follow.
    struct stall kept[STALLS_MAX];
    unsigned count;
};

// The heartbeat begins: the time before is not looked at.
void stalls_begin(struct stalls *stalls, uint64_t now_ms);

// The loop is looked at, and had last caught up then.
void stalls_look(struct stalls *stalls, uint64_t caught_up_ms);

// How much of a single stall came after that moment, at the most; the stall may
// not be over. 0 for none.
uint64_t stalls_longest_ms(const struct stalls *stalls, uint64_t since_ms,
                           uint64_t now_ms);

#endif
