// SPDX-License-Identifier: Apache-2.0
//
// The one table from what went wrong inside to what the wire says of it.

#ifndef SERVICES_FAILURE_H
#define SERVICES_FAILURE_H

#include "electd/election.h"
#include "rpc/code.h"
#include "services/limits.h"

#define FAILURE_TEXT_SIZE 512

// The gRPC code of a status that is not OK; writes the sentence that goes with
// it into `text`, of FAILURE_TEXT_SIZE bytes.
enum rpc_code failure_of(enum electd_status status,
                         const struct service_limits *limits,
                         struct electd_name election, char *text);

#endif
