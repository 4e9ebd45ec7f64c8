// SPDX-License-Identifier: Apache-2.0
//
// gRPC keeps one authentication context for each connection, insecure ones
// included, and takes properties for it. The number of the session is written
// there: it is found in a few comparisons, needs no table, and goes when the
// connection goes. The peer's address would not do, since all clients of a Unix
// socket share one; nor the context's own address, which a later connection may
// get again.

#include "rpc/session.h"

#include <assert.h>
#include <grpc/grpc_security.h>
#include <string.h>

static const char rpc_session_property[] = "electd-session";

uint64_t rpc_session_of(grpc_call *call, uint64_t *last)
{
    grpc_auth_context *context = grpc_call_auth_context(call);
    grpc_auth_property_iterator properties;
    const grpc_auth_property *property;
    uint64_t session;

    // Every server credential, the insecure one too, makes a context.
    assert(context != NULL);
    properties = grpc_auth_context_find_properties_by_name(
        context, rpc_session_property);
    property = grpc_auth_property_iterator_next(&properties);
    if (property != NULL) {
        assert(property->value_length == sizeof session);
        memcpy(&session, property->value, sizeof session);
    } else {
        session = ++*last;
        grpc_auth_context_add_property(context, rpc_session_property,
                                       (const char *)&session, sizeof session);
    }
    grpc_auth_context_release(context);
    return session;
}
