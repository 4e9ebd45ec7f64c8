// SPDX-License-Identifier: Apache-2.0
//
// Keeps C-core's listening sockets when descriptors run out.
//
// Thread: any.

#ifndef RPC_ACCEPT_H
#define RPC_ACCEPT_H

#include <stdbool.h>

// From now on, connections that would take one of the process's last
// descriptors are closed as soon as they are accepted. False: that would be
// every connection.
__attribute__((warn_unused_result)) bool rpc_accept_keep_reserve(void);

#endif
