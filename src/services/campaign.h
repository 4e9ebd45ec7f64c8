// SPDX-License-Identifier: Apache-2.0
//
// One call of Campaign: the stream that keeps a candidate in.
//
//     ENTERING ---> IN ---> DISMISSED     its entry is no longer the
//        |          |                     candidate's, and it is told so
//        |          v
//        +-----> LEAVING                  its entry is being expired; the call
//                                         ends when that is done
//
// A call may end in each of them; one whose peer has gone leaves, at once or
// when a lease as long as its grace is over.
//
// Thread: the loop's.

#ifndef SERVICES_CAMPAIGN_H
#define SERVICES_CAMPAIGN_H

#include "base/hash.h"
#include "electd/v1/candidacy.pb-c.h"
#include "services/promises.h"
#include "services/watching.h"
#include "store/store.h"

struct candidacy_service;

#define CAMPAIGN_FAREWELL_SIZE 128

enum campaign_phase {
    CAMPAIGN_ENTERING,
    CAMPAIGN_IN,
    CAMPAIGN_LEAVING,
    CAMPAIGN_DISMISSED,
};

// Election, NUL, candidate.
struct campaign_key {
    size_t size;
    char bytes[2 * ELECTD_NAME_SIZE_MAX + 1];
};

struct campaign {
    struct watching watching;
    struct candidacy_service *service;
    struct store_request request;
    enum campaign_phase phase;
    // While it is the stream of its candidate.
    UT_hash_handle hh;
    bool is_listed;
    bool has_place;
    struct campaign_key key;
    char instance[ELECTD_NAME_SIZE_MAX + 1];
    // The stream that it takes over from, until that has ended; and the other
    // way round.
    struct campaign *predecessor;
    struct campaign *successor;
    // 0 until it has entered.
    uint64_t entry;
    uint32_t grace_ms;
    // 0: it need not be confirmed.
    uint32_t confirm_within_ms;
    enum rpc_code farewell_code;
    char farewell[CAMPAIGN_FAREWELL_SIZE];
};

// Begins the call, whose other fields are zero. Borrows the request for the
// call.
void campaign_begin(struct campaign *campaign,
                    const Electd__V1__CampaignRequest *request);

// The open stream by which that very entry is in, or NULL.
struct campaign *campaign_of_entry(const struct candidacy_service *service,
                                   struct electd_name election,
                                   struct electd_name candidate,
                                   uint64_t entry);

// The open stream of that instance of the candidate, or NULL.
struct campaign *campaign_of_instance(const struct candidacy_service *service,
                                      struct electd_name election,
                                      struct electd_name candidate,
                                      struct electd_name instance);

// Its entry is no longer the candidate's: it ends with ABORTED, behind what
// waits for its reader.
void campaign_dismiss(struct campaign *campaign, const char *why);

// The same without what waits.
void campaign_dismiss_now(struct campaign *campaign, const char *why);

// Its client has not confirmed in time: ends it as if its peer had gone.
void campaign_overdue(struct campaign *campaign);

// Who it is to Confirm.
struct promise_holder campaign_holder(const struct campaign *campaign);

#endif
