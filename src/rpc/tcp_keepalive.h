// SPDX-License-Identifier: Apache-2.0
//
// TCP keepalive for the connections that gRPC accepts. The peer's kernel
// answers it, however long the peer's program does not read its socket.
//
// Thread: any.

#ifndef RPC_TCP_KEEPALIVE_H
#define RPC_TCP_KEEPALIVE_H

#include <stdbool.h>

// Probe a connection after `time_ms` of silence, in whole seconds, and close it
// when nothing was acknowledged for `timeout_ms` more, but for three probes at
// least. Holds for what is accepted, from now on, by all listening TCP sockets
// of the process. False if one of them does not take it.
bool rpc_tcp_keepalive_set(int time_ms, int timeout_ms);

#endif
