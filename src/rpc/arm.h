// SPDX-License-Identifier: Apache-2.0
//
// Between server.c and call.c: how calls come and go.

#ifndef RPC_ARM_H
#define RPC_ARM_H

#include "rpc/server.h"

// Asks C-core for one more call of the registration's method. When it comes, it
// arms its successor and begins.
void rpc_call_arm(struct rpc_server *server,
                  const struct rpc_registration *registration);

// A call that had begun was released; it was open unless it was refused.
void rpc_server_call_released(struct rpc_server *server, bool was_open);

#endif
