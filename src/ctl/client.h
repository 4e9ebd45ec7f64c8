// SPDX-License-Identifier: Apache-2.0
//
// electctl's side of gRPC: one channel to one daemon, and the calls on it, on a
// libuv loop. Requests and answers are messages of protobuf-c.
//
// A call fails fast: with UNAVAILABLE when the daemon cannot be reached. Making
// it again is its owner's affair.
//
// Thread: the loop's. No callback runs inside the call that asked for it.

#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "rpc/queue.h"

// What suits a daemon nearby, for the options below.
#define CLIENT_KEEPALIVE_TIME_MS 2000
#define CLIENT_KEEPALIVE_TIMEOUT_MS 2000

struct client;
struct client_call;

struct client_options {
    // host:port or unix:PATH, one that target_parse() takes.
    const char *endpoint;
    // A silent daemon is asked for a sign of life after the one (C-core asks at
    // most once a second), and given up after the other.
    int keepalive_time_ms;
    int keepalive_timeout_ms;
};

struct client {
    grpc_channel *channel;
    struct rpc_queue queue;
    // A list of the calls that are not over.
    struct client_call *calls;
    bool closing;
    void (*closed_cb)(struct client *client);
};

// What to ask.
struct client_request {
    // "/package.Service/Method".
    const char *path;
    const ProtobufCMessage *message;
    const ProtobufCMessageDescriptor *answer;
    // 0 is none.
    uint64_t timeout_ms;
    // One pair of metadata, if not NULL: a key in lower case, printable ASCII.
    const char *metadata_key;
    const char *metadata_value;
};

// What a call tells its owner.
struct client_call_callbacks {
    // The daemon answers a stream: its initial metadata came. NULL if that does
    // not matter. It also comes ahead of an answer that is nothing but a
    // status: only a message, or time, tells that a stream was accepted.
    // client_call_metadata() reads it from here on, up to over_cb.
    void (*opened_cb)(struct client_call *call);
    // An answer came. Borrows it for the call.
    void (*message_cb)(struct client_call *call,
                       const ProtobufCMessage *message);
    // The call is over: gRPC's code and message, borrowed for the call. The
    // last callback; the memory is its owner's again, who may also start the
    // next call in it right here.
    void (*over_cb)(struct client_call *call, int code, const char *message);
};

// One call, unary or server stream. Embedded by its owner, who need not
// initialise it; the fields are the client's.
struct client_call {
    struct client *client;
    struct client_call *prev;
    struct client_call *next;
    const struct client_call_callbacks *callbacks;
    const ProtobufCMessageDescriptor *answer;
    grpc_call *call;
    grpc_metadata_array initial_metadata;
    grpc_metadata_array trailing_metadata;
    grpc_byte_buffer *received;
    grpc_status_code code;
    grpc_slice status_message;
    struct rpc_tag sent_tag;
    struct rpc_tag opened_tag;
    struct rpc_tag received_tag;
    struct rpc_tag over_tag;
    unsigned pending;
    bool is_paused;
};

// Borrows the loop. Returns 0, or libuv's negative error, after which there is
// nothing to close. Connects when the first call is made, and again after a
// connection was lost.
__attribute__((warn_unused_result)) int
client_init(struct client *client, uv_loop_t *loop,
            const struct client_options *options);

// Makes a call. Copies the request's message and metadata; borrows the
// callbacks and the answer's descriptor until over_cb. Unary calls and streams
// alike get message_cb for each answer and then over_cb. Not once the client
// closes.
void client_call_start(struct client *client, struct client_call *call,
                       const struct client_request *request,
                       const struct client_call_callbacks *callbacks);

// Reads a value of the initial metadata. False: it has none of that key, or one
// that does not fit; then the value is empty.
bool client_call_metadata(const struct client_call *call, const char *key,
                          char *value, size_t size);

// From a message_cb: asks for no further answer for now. The call does not end
// before it is resumed or cancelled; neither may come from that same callback.
void client_call_pause(struct client_call *call);
void client_call_resume(struct client_call *call);

// Ends a call early: over_cb comes, with CANCELLED unless it was over already.
// An answer that is under way may come before it.
void client_call_cancel(struct client_call *call);

// Cancels the calls that are left (each hears over_cb), and closes; closed_cb
// is the last that is heard.
void client_close(struct client *client,
                  void (*closed_cb)(struct client *client));

#endif
