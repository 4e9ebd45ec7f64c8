// SPDX-License-Identifier: Apache-2.0
//
// A stream whose reader is slow: the watcher's sink in a simulation. It knows
// at any time what its watcher has to do, by a naive account of what waits, and
// holds the watcher to that; and apart from that account it checks that
// revisions come in order, without a gap unless there was an overflow.

#ifndef SIM_SLOW_STREAM_H
#define SIM_SLOW_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "coverage.h"
#include "support/prng.h"
#include "watch/hub.h"

// More than a run of the usual length has changes: some never overflow.
#define SLOW_WAITING_MAX 8192

// What a payload says.
struct sim_news {
    unsigned election;
    uint64_t revision;
};

struct slow_stream {
    struct watcher watcher;
    // Where its owner keeps it; NULL there once it is gone.
    struct slow_stream **slot;
    struct coverage *coverage;
    struct prng *prng;
    const unsigned *now;
    unsigned election;
    uint64_t session;

    // The naive account.
    uint64_t waiting[SLOW_WAITING_MAX];
    unsigned waiting_count;
    unsigned waiting_max;
    bool under_way;
    enum watch_ending ending;
    bool ended;
    // What the watcher has to do before the call into it returns; 0 and
    // WATCH_OPEN for nothing.
    uint64_t must_send;
    enum watch_ending must_end;

    // The newest revision that it was offered, and that came out.
    uint64_t offered;
    uint64_t seen;
    bool overflowed;

    // When what is under way will be out.
    unsigned due;
    unsigned delay_max;
    // Goes, memory and all, when it ends.
    bool goes_as_it_ends;
};

// A stream on a new watcher, with a random pace and backlog. The other fields
// up to `session` are for the caller to fill in.
struct slow_stream *slow_stream_create(struct prng *prng, uint64_t session);

// Before the watcher is offered that revision, or is ended.
void slow_stream_expect_offer(struct slow_stream *stream, uint64_t revision);
void slow_stream_expect_end(struct slow_stream *stream,
                            enum watch_ending ending);

// After that: it did what it had to.
void slow_stream_check(const struct slow_stream *stream);

// What is under way is out. The stream may be gone after it.
void slow_stream_sent(struct slow_stream *stream);

// Its reader has seen all there is to see.
void slow_stream_check_caught_up(const struct slow_stream *stream);

// Takes it out of its hub and releases it.
void slow_stream_leave(struct slow_stream *stream);

#endif
