// SPDX-License-Identifier: Apache-2.0
//
// Many candidates that stay in an election by a time to live: each enters again
// some time after the answer to its last Enter, on a thread of its own that
// serves them all, so that they go on whatever the test does meanwhile.

#ifndef E2E_RENEWERS_H
#define E2E_RENEWERS_H

#include <stdbool.h>
#include <stdint.h>

struct renewers;

struct renewers_plan {
    // What the daemon listens on. Borrowed.
    const char *listen;
    // An election that exists. Borrowed.
    const char *election;
    // The candidates are n0, n1, and so on.
    unsigned count;
    // A connection for each, instead of one for all.
    bool is_apart;
    // Taken as the value of `electd-ttl-ms`. Borrowed.
    const char *ttl_ms;
    // From an answer to the next call; spread evenly at the beginning.
    int64_t pause_ms;
};

// Starts them, and returns when all are in.
struct renewers *renewers_start(const struct renewers_plan *plan);

// How many Enters have been answered since the start.
uint64_t renewers_answers(const struct renewers *renewers);

// Stops them, when the calls that are under way have been answered. False if
// one was not answered with OK.
bool renewers_stop(struct renewers *renewers);

#endif
