// SPDX-License-Identifier: Apache-2.0
//
// Keeps C-core's listening sockets when descriptors run out.
//
// Thread: any.

#ifndef RPC_ACCEPT_H
#define RPC_ACCEPT_H

// From now on, connections that would take one of the process's last
// descriptors are closed as soon as they are accepted.
void rpc_accept_keep_reserve(void);

#endif
