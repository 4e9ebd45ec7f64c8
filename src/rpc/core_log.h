// SPDX-License-Identifier: Apache-2.0
//
// What C-core would print by itself. It goes through here instead: into the
// daemon's own log, and to notice the one failure that C-core tells nobody but
// its log: a listening socket that stops accepting.

#ifndef RPC_CORE_LOG_H
#define RPC_CORE_LOG_H

#include <stdbool.h>

// On any thread, several at a time. Borrows the message for the call.
typedef void (*rpc_core_log_cb)(bool is_error, const char *message);

// Before the first rpc_server_init(). A release of C-core that logs elsewhere
// keeps doing so; it also keeps its listening sockets alive.
void rpc_core_log_set(rpc_core_log_cb log_cb);

// The message says that a listening socket accepts no more. In the releases
// that log this, accept() failing once, as it does without a free descriptor,
// ends the listening for good, while the socket stays bound and clients hang.
bool rpc_core_log_is_lost_listener(const char *message);

#endif
