// SPDX-License-Identifier: Apache-2.0
//
// Which connection a call came by.

#ifndef RPC_SESSION_H
#define RPC_SESSION_H

#include <grpc/grpc.h>
#include <stdint.h>

// The number of the call's connection. The first call of a connection takes
// `*last` + 1 and leaves it there.
uint64_t rpc_session_of(grpc_call *call, uint64_t *last);

#endif
