// SPDX-License-Identifier: Apache-2.0
//
// One call, from its arrival to its end, and the method that it is for.
//
// A call begins with `begin_cb` and belongs to its method's owner until that
// ends it, which must happen exactly once, also after the peer has gone:
//
//   unary            begin_cb  ->  rpc_call_answer() or rpc_call_end()
//   server stream    begin_cb  ->  rpc_call_open()
//                              ->  rpc_call_send() <-> sent_cb ...
//                              ->  rpc_call_end()
//   bidi stream      as above, with rpc_call_read() <-> message_cb
//
// When a stream's peer goes first (it cancelled, its deadline passed, its
// connection broke), `closed_cb` says so, and nothing but the end is left to be
// done. A unary call's peer is not listened for: its answer is near.
//
// Thread: the loop's. No callback runs inside a call of these functions.

#ifndef RPC_CALL_H
#define RPC_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/payload.h"
#include "rpc/code.h"

struct rpc_call;

enum rpc_shape {
    RPC_UNARY,
    RPC_SERVER_STREAM,
    RPC_BIDI_STREAM,
};

// A message as it came; lives until the callback that brings it returns.
struct rpc_message {
    const uint8_t *bytes;
    size_t size;
};

// Callbacks that a method's shape never needs may be NULL.
struct rpc_method {
    // "/package.Service/Method". Borrowed.
    const char *path;
    enum rpc_shape shape;
    // How much memory the owner needs for each call: rpc_call_context().
    size_t context_size;
    // A call begins. A bidi stream's message is empty.
    void (*begin_cb)(struct rpc_call *call, struct rpc_message message);
    // What rpc_call_read() asked for.
    void (*message_cb)(struct rpc_call *call, struct rpc_message message);
    // Instead of message_cb: the peer has no more to say.
    void (*half_closed_cb)(struct rpc_call *call);
    // What rpc_call_send() was given is out.
    void (*sent_cb)(struct rpc_call *call);
    // The peer has gone. Neither sent_cb nor message_cb comes after it.
    void (*closed_cb)(struct rpc_call *call);
};

// The method as it was given to rpc_server_add().
const struct rpc_method *rpc_call_method(const struct rpc_call *call);

// The number of the connection that the call came by; never 0, and never the
// same for two connections. Looked up each time: ask when it is needed.
uint64_t rpc_call_session(struct rpc_call *call);

// The value of the last request metadata of that name, which is in lower case;
// false if there is none. Borrowed: it lives until the call is ended.
bool rpc_call_metadata(const struct rpc_call *call, const char *name,
                       struct rpc_message *value);

// All request metadata in the order in which they came, the transport's own
// (paths, timeouts, compression) left out; a name can be there more than once.
// Borrowed as above.
size_t rpc_call_metadata_count(const struct rpc_call *call);
void rpc_call_metadata_at(const struct rpc_call *call, size_t index,
                          struct rpc_message *name, struct rpc_message *value);

// `context_size` bytes, zero at first, that live until the call is ended.
void *rpc_call_context(struct rpc_call *call);

// The peer of a stream has gone: closed_cb was called.
bool rpc_call_is_closed(const struct rpc_call *call);

// Ends a unary call with a message and OK. Borrows the payload.
void rpc_call_answer(struct rpc_call *call, struct payload *payload);

// Ends a call with a status. Copies the message. What rpc_call_send() was given
// goes out first.
void rpc_call_end(struct rpc_call *call, enum rpc_code code,
                  const char *message);

// Streams: sends the initial metadata, which tells the peer that it was heard.
void rpc_call_open(struct rpc_call *call);

// Streams: sends a message; sent_cb says when the next may follow. Borrows the
// payload.
void rpc_call_send(struct rpc_call *call, struct payload *payload);

// Bidi streams: asks for one more message.
void rpc_call_read(struct rpc_call *call);

#endif
