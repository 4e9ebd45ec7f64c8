// SPDX-License-Identifier: Apache-2.0
//
// All the streams of a simulation, on one real hub.

#ifndef SIM_AUDIENCE_H
#define SIM_AUDIENCE_H

#include "coverage.h"
#include "names.h"
#include "slow_stream.h"
#include "support/prng.h"
#include "watch/hub.h"

#define AUDIENCE_MAX 24

struct audience {
    struct watch_hub hub;
    struct prng *prng;
    struct coverage *coverage;
    const unsigned *now;
    struct slow_stream *streams[AUDIENCE_MAX];
};

// The revision of a payload.
uint64_t audience_revision(const struct payload *payload);

// Borrows the random numbers, the coverage and the time, in turns.
void audience_init(struct audience *audience, struct prng *prng,
                   struct coverage *coverage, const unsigned *now);

// A stream of the session begins to watch an election; it is offered the
// payload of the present revision at once, if there is one.
void audience_join(struct audience *audience, unsigned election,
                   uint64_t number, uint64_t session, struct payload *payload);

// The election has a new revision.
void audience_publish(struct audience *audience, unsigned election,
                      uint64_t number, struct payload *payload);

// The session closed the election.
void audience_close_session(struct audience *audience, unsigned election,
                            uint64_t number, uint64_t session);

// The hub ends; one who comes later is sent away.
void audience_end(struct audience *audience);

// What is due by now is out.
void audience_turn(struct audience *audience);

// All readers read all there is.
void audience_drain(struct audience *audience);

// Somebody goes, if there is anybody.
void audience_leave(struct audience *audience);

// All streams of the session go.
void audience_disconnect(struct audience *audience, uint64_t session);

// All go. Nothing is left in the hub.
void audience_empty(struct audience *audience);

#endif
