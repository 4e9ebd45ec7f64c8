// SPDX-License-Identifier: Apache-2.0
//
// electd.v1.Candidacy: a candidate that is in for as long as its stream is
// open, and its proof that it leads.

#ifndef SERVICES_CANDIDACY_SERVICE_H
#define SERVICES_CANDIDACY_SERVICE_H

#include "electd/v1/candidacy.pb-c.h"
#include "lease/lease.h"
#include "services/host.h"
#include "services/limits.h"
#include "services/promises.h"
#include "services/service_options.h"
#include "services/term.h"
#include "store/store.h"
#include "watch/hub.h"

struct campaign;

struct candidacy_service {
    Electd__V1__Candidacy_Service base;
    struct store *store;
    struct lease_table *leases;
    struct term_cache *terms;
    struct service_limits limits;
    // Of the daemon; borrowed.
    const char *life;
    // The open streams, by election and candidate; of each the newest.
    struct campaign *campaigns;
    struct promises promises;
    // Calls that have a place among the streams, from before they enter to
    // their end: the limit must not be met by one that has entered.
    uint32_t places;
    // A topic is an election's number.
    struct watch_hub watchers;
};

// Borrows all but the options, which it copies.
void candidacy_service_init(struct candidacy_service *service,
                            struct store *store, struct lease_table *leases,
                            struct term_cache *terms,
                            const struct service_options *options);

void candidacy_service_serve(struct candidacy_service *service,
                             struct service_host *host);

// An election changed: tells the streams, and ends those whose candidate is
// out.
void candidacy_service_change(struct candidacy_service *service,
                              const struct electd_outcome *outcome);

// A candidate entered otherwise: a stream that kept its earlier entry in ends,
// without what waits for its reader.
void candidacy_service_replaced(struct candidacy_service *service,
                                struct electd_name election,
                                struct electd_name candidate,
                                uint64_t replaced_entry);

// The client of that entry has not confirmed in time.
void candidacy_service_overdue(struct candidacy_service *service,
                               struct electd_name election,
                               struct electd_name candidate, uint64_t entry);

// Ends the streams with UNAVAILABLE; no new ones from here on.
void candidacy_service_stop(struct candidacy_service *service);

// After the last call.
void candidacy_service_close(struct candidacy_service *service);

#endif
