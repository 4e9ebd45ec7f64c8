// SPDX-License-Identifier: Apache-2.0

#include "services/services.h"

enum electd_status services_init(struct services *services,
                                 struct rpc_server *server, struct store *store,
                                 const struct service_limits *limits,
                                 struct store_listener *observer)
{
    enum electd_status status;

    status =
        election_service_init(&services->election, store, limits, observer);
    if (status != ELECTD_OK) {
        return status;
    }
    if (!service_host_init(&services->host, server)) {
        election_service_close(&services->election);
        return ELECTD_NO_MEMORY;
    }
    election_service_serve(&services->election, &services->host);
    health_service_init(&services->health, &services->host, limits);
    reflection_service_init(&services->reflection, &services->host);
    return ELECTD_OK;
}

void services_stop(struct services *services)
{
    health_service_stop(&services->health);
    election_service_stop(&services->election);
    service_host_stop(&services->host);
}

void services_close(struct services *services)
{
    health_service_close(&services->health);
    election_service_close(&services->election);
    service_host_close(&services->host);
}
