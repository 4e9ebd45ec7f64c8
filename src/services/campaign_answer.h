// SPDX-License-Identifier: Apache-2.0
//
// What a Campaign's stream is told.
//
// Thread: the loop's.

#ifndef SERVICES_CAMPAIGN_ANSWER_H
#define SERVICES_CAMPAIGN_ANSWER_H

#include "base/payload.h"
#include "electd/election.h"
#include "electd/v1/candidacy.pb-c.h"

struct campaign;
struct candidacy_service;

// A change, or the state as it was found (ELECTD_UNCHANGED).
struct campaign_news {
    const struct electd_election *election;
    enum electd_reason reason;
    // Empty for nobody.
    struct electd_name previous_leader;
};

// The answer to the stream whose entry leads, or, with NULL, to all others.
// Returns owned, or NULL when out of memory.
struct payload *campaign_answer(struct candidacy_service *service,
                                const struct campaign_news *news,
                                const struct campaign *leading);

// Fills in a duration.
void campaign_put_duration(Google__Protobuf__Duration *duration,
                           uint64_t duration_ms);

#endif
