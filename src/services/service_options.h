// SPDX-License-Identifier: Apache-2.0
//
// What the services are told when they are made.

#ifndef SERVICES_SERVICE_OPTIONS_H
#define SERVICES_SERVICE_OPTIONS_H

#include "services/limits.h"

struct service_options {
    struct service_limits limits;
    // The id of this life of the daemon, for the answers that hold it.
    // Borrowed for the services' life.
    const char *life;
};

#endif
