// SPDX-License-Identifier: Apache-2.0
//
// atomix.runtime.election.v1.LeaderElection, and LeaderElections, which is its
// Create and Close under another name.
//
// Each call is checked, becomes a command for the store, and is answered when
// the store has done it. Enter may come with a time to live, in its metadata.

#ifndef SERVICES_ELECTION_SERVICE_H
#define SERVICES_ELECTION_SERVICE_H

#include "atomix/runtime/election/v1/election.pb-c.h"
#include "lease/lease.h"
#include "services/candidacy_service.h"
#include "services/host.h"
#include "services/limits.h"
#include "services/term.h"
#include "store/store.h"
#include "watch/hub.h"

struct election_service {
    Atomix__Runtime__Election__V1__LeaderElection_Service base;
    struct store *store;
    struct lease_table *leases;
    struct candidacy_service *candidacy;
    struct service_limits limits;
    struct term_cache terms;
    // What Create and Close answer.
    struct payload *empty;
    // A topic is an election's number.
    struct watch_hub watchers;
};

// Borrows all but the limits, which it copies. NO_MEMORY leaves nothing to
// close.
__attribute__((warn_unused_result)) enum electd_status
election_service_init(struct election_service *service, struct store *store,
                      struct lease_table *leases,
                      struct candidacy_service *candidacy,
                      const struct service_limits *limits);

// Serves it under both names.
void election_service_serve(struct election_service *service,
                            struct service_host *host);

// An election changed: tells its watchers.
void election_service_change(struct election_service *service,
                             const struct electd_outcome *outcome);

// Ends the watchers with UNAVAILABLE; no new ones from here on.
void election_service_stop(struct election_service *service);

// After the last call and the store's last change.
void election_service_close(struct election_service *service);

#endif
