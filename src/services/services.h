// SPDX-License-Identifier: Apache-2.0
//
// All that electd serves, in one piece.

#ifndef SERVICES_SERVICES_H
#define SERVICES_SERVICES_H

#include "lease/lease.h"
#include "services/candidacy_service.h"
#include "services/election_service.h"
#include "services/health_service.h"
#include "services/host.h"
#include "services/reflection_service.h"
#include "services/service_options.h"

struct services {
    struct service_host host;
    struct lease_table *leases;
    struct election_service election;
    struct candidacy_service candidacy;
    struct health_service health;
    struct reflection_service reflection;
    struct store_listener listener;
    // Hears every change last; NULL for none.
    struct store_listener *observer;
};

// Serves everything, before the server's start, and becomes the listener of the
// store. Borrows all but the options. NO_MEMORY leaves nothing to close.
__attribute__((warn_unused_result)) enum electd_status
services_init(struct services *services, struct rpc_server *server,
              struct store *store, struct lease_table *leases,
              const struct service_options *options);

// For the lease table's overdue_cb.
void services_overdue(struct services *services, struct electd_name election,
                      struct electd_name candidate, uint64_t entry);

// Turns health to NOT_SERVING and ends the streams that watch.
void services_stop(struct services *services);

// After the server has stopped.
void services_close(struct services *services);

#endif
