// SPDX-License-Identifier: Apache-2.0

#include "services/services.h"

#include "base/container_of.h"

// The order in which a change is heard: the leases of who is out, the watchers,
// the candidates' own streams, the log.
static void services_change_cb(struct store_listener *listener,
                               const struct electd_outcome *outcome)
{
    struct services *services =
        container_of(listener, struct services, listener);
    const struct electd_candidate *departed = outcome->departed;

    for (; departed != NULL; departed = electd_candidate_next(departed)) {
        lease_end(services->leases, electd_candidate_entry(departed));
    }
    election_service_change(&services->election, outcome);
    candidacy_service_change(&services->candidacy, outcome);
    if (services->observer != NULL) {
        services->observer->change_cb(services->observer, outcome);
    }
}

static void services_changes_over_cb(struct store_listener *listener)
{
    struct services *services =
        container_of(listener, struct services, listener);
    struct store_listener *observer = services->observer;

    if (observer != NULL && observer->changes_over_cb != NULL) {
        observer->changes_over_cb(observer);
    }
}

enum electd_status services_init(struct services *services,
                                 struct rpc_server *server, struct store *store,
                                 struct lease_table *leases,
                                 const struct service_options *options)
{
    enum electd_status status;

    services->leases = leases;
    services->observer = NULL;
    services->listener.change_cb = services_change_cb;
    services->listener.changes_over_cb = services_changes_over_cb;
    status = election_service_init(&services->election, store, leases,
                                   &services->candidacy, &options->limits);
    if (status != ELECTD_OK) {
        return status;
    }
    if (!service_host_init(&services->host, server)) {
        election_service_close(&services->election);
        return ELECTD_NO_MEMORY;
    }
    election_service_serve(&services->election, &services->host);
    candidacy_service_init(&services->candidacy, store, leases,
                           &services->election.terms, options);
    candidacy_service_serve(&services->candidacy, &services->host);
    health_service_init(&services->health, &services->host, &options->limits);
    reflection_service_init(&services->reflection, &services->host);
    store->listener = &services->listener;
    return ELECTD_OK;
}

void services_overdue(struct services *services, struct electd_name election,
                      struct electd_name candidate, uint64_t entry)
{
    candidacy_service_overdue(&services->candidacy, election, candidate, entry);
}

void services_stop(struct services *services)
{
    health_service_stop(&services->health);
    election_service_stop(&services->election);
    candidacy_service_stop(&services->candidacy);
    service_host_stop(&services->host);
}

void services_close(struct services *services)
{
    health_service_close(&services->health);
    candidacy_service_close(&services->candidacy);
    election_service_close(&services->election);
    service_host_close(&services->host);
}
