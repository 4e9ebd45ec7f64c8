// SPDX-License-Identifier: Apache-2.0
//
// grpc.reflection.v1.ServerReflection, and v1alpha, which is the same under an
// older name: what tools such as grpcurl ask a server about itself.

#ifndef SERVICES_REFLECTION_SERVICE_H
#define SERVICES_REFLECTION_SERVICE_H

#include "grpc/reflection/v1/reflection.pb-c.h"
#include "services/host.h"

struct reflection_service {
    Grpc__Reflection__V1__ServerReflection_Service base;
    const struct service_host *host;
};

// Serves it under both names. Borrows the host.
void reflection_service_init(struct reflection_service *service,
                             struct service_host *host);

#endif
