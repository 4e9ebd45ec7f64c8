// SPDX-License-Identifier: Apache-2.0

#include "services/failure.h"

#include <assert.h>
#include <stdio.h>

enum rpc_code failure_of(enum electd_status status,
                         const struct service_limits *limits,
                         struct electd_name election, char *text)
{
    switch (status) {
    case ELECTD_OK:
        break;
    case ELECTD_NO_ELECTION:
        snprintf(text, FAILURE_TEXT_SIZE,
                 "election '%.*s' does not exist: call Create first",
                 (int)election.size, election.bytes);
        return RPC_NOT_FOUND;
    case ELECTD_ELECTIONS_MAX:
        snprintf(text, FAILURE_TEXT_SIZE,
                 "the limit of %u elections (--max-elections) is reached",
                 limits->elections_max);
        return RPC_RESOURCE_EXHAUSTED;
    case ELECTD_CANDIDATES_MAX:
        snprintf(text, FAILURE_TEXT_SIZE,
                 "the limit of %u candidates in an election "
                 "(--max-candidates) is reached",
                 limits->candidates_max);
        return RPC_RESOURCE_EXHAUSTED;
    case ELECTD_WATCHERS_MAX:
        snprintf(text, FAILURE_TEXT_SIZE,
                 "the limit of %u watchers (--max-watchers) is reached",
                 limits->watchers_max);
        return RPC_RESOURCE_EXHAUSTED;
    case ELECTD_NO_MEMORY:
        snprintf(text, FAILURE_TEXT_SIZE, "out of memory");
        return RPC_RESOURCE_EXHAUSTED;
    case ELECTD_UNAVAILABLE:
        snprintf(text, FAILURE_TEXT_SIZE, "shutting down");
        return RPC_UNAVAILABLE;
    }
    assert(false && "a status that is a failure");
    return RPC_INTERNAL;
}
