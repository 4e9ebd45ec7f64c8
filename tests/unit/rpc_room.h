// SPDX-License-Identifier: Apache-2.0
//
// A server of src/rpc/ alone, on a loop in a thread of its own, with the test's
// own methods, and a client that talks to it from the test's thread.
//
//   rpc_room_open(&room, options, methods, count)
//   rpc_room_call(&room, path, ..., &reply) ... rpc_reply_clear(&reply)
//   rpc_room_close(&room)

#ifndef UNIT_RPC_ROOM_H
#define UNIT_RPC_ROOM_H

#include <grpc/grpc.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "rpc/server.h"

// However busy the machine is.
#define RPC_ROOM_DEADLINE_MS 30000

struct rpc_room {
    uv_loop_t loop;
    uv_async_t stop;
    uv_thread_t thread;
    struct rpc_server server;
    int port;
    grpc_channel *channel;
    grpc_completion_queue *completions;
};

// What came back of a call.
struct rpc_reply {
    // Owns the bytes of the metadata.
    grpc_call *call;
    grpc_status_code code;
    grpc_slice text;
    grpc_metadata_array metadata;
    grpc_metadata_array trailing;
    grpc_byte_buffer *message;
};

void rpc_room_open(struct rpc_room *room, struct rpc_server_options options,
                   const struct rpc_method *methods, size_t count);

// One call with one message each way, or none if it fails.
void rpc_room_call(struct rpc_room *room, const char *path,
                   grpc_metadata *metadata, size_t count,
                   struct rpc_reply *reply);

// How often the answer's initial metadata has this.
unsigned rpc_reply_count(const struct rpc_reply *reply, const char *key,
                         const char *value);

void rpc_reply_clear(struct rpc_reply *reply);

void rpc_room_close(struct rpc_room *room);

#endif
