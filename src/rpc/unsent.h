// SPDX-License-Identifier: Apache-2.0
//
// Answers that wait to be sent, since their client does not read: a limit for
// each connection. Beyond it, unary calls are not begun before earlier answers
// are out. How fast that is is up to the client. (What streams have to send is
// limited where they are: see watch/watcher.h.)
//
// Sessions are looked up only while answers pile up somewhere, for that costs
// about a twentieth of a short call.
//
// Thread: the loop's.

#ifndef RPC_UNSENT_H
#define RPC_UNSENT_H

#include <stdbool.h>
#include <stddef.h>

struct rpc_call;
struct rpc_backlog;

// The most that waits to be sent by one connection, by a single answer more.
#define RPC_UNSENT_MAX (256 * 1024)

// The most calls that one connection may have, as HTTP/2 is told, too.
#define RPC_STREAMS_MAX 8192

// Of a server.
struct rpc_unsent {
    // What all connections together have not sent.
    size_t size;
    unsigned calls;
    // A hash table by session.
    struct rpc_backlog *backlogs;
};

// A call has arrived. False: it is begun later, or it was cancelled because its
// connection has too many.
bool rpc_unsent_admit(struct rpc_call *call);

// The end of a call, with its answer, is handed to C-core.
void rpc_unsent_add(struct rpc_call *call, size_t size);

// The peer of a call that waits has gone: the call ends.
void rpc_unsent_drop(struct rpc_call *call);

// A call is about to be released: others may begin.
void rpc_unsent_remove(struct rpc_call *call);

#endif
