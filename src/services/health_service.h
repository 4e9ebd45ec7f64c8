// SPDX-License-Identifier: Apache-2.0
//
// grpc.health.v1.Health: the status of the daemon ("") and of each service that
// the host serves, which is one and the same.

#ifndef SERVICES_HEALTH_SERVICE_H
#define SERVICES_HEALTH_SERVICE_H

#include "grpc/health/v1/health.pb-c.h"
#include "services/host.h"
#include "services/limits.h"
#include "watch/hub.h"

struct health_service {
    Grpc__Health__V1__Health_Service base;
    const struct service_host *host;
    struct service_limits limits;
    // Topics: 0 for the names that are not served, 1 for the others.
    struct watch_hub watchers;
    bool serving;
};

// Serves it. Borrows the host.
void health_service_init(struct health_service *service,
                         struct service_host *host,
                         const struct service_limits *limits);

// Turns to NOT_SERVING, tells the watchers, and ends them with UNAVAILABLE.
void health_service_stop(struct health_service *service);

// After the last call.
void health_service_close(struct health_service *service);

#endif
