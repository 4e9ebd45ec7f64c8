// SPDX-License-Identifier: Apache-2.0
//
// A gRPC server on a libuv loop, over C-core's C API. It knows methods and
// calls, and nothing of what they are about.
//
//   rpc_server_init, rpc_server_add ..., rpc_server_listen ...,
//   rpc_server_start, ..., rpc_server_stop -> stopped_cb,
//   rpc_server_close -> closed_cb
//
// Thread: the loop's, which alone starts batches. inbox.h has the other one.

#ifndef RPC_SERVER_H
#define RPC_SERVER_H

#include <grpc/grpc.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "rpc/call.h"
#include "rpc/inbox.h"

// Every service's methods together; far more than there are.
#define RPC_METHODS_MAX 64

struct rpc_server;

// One method as the server keeps it.
struct rpc_registration {
    const struct rpc_method *method;
    // C-core's name for it; NULL: calls to no method that exists.
    void *handle;
};

struct rpc_server {
    grpc_server *server;
    grpc_completion_queue *queue;
    struct rpc_inbox inbox;
    struct rpc_registration registrations[RPC_METHODS_MAX];
    unsigned registrations_count;
    // The number of the newest session.
    uint64_t session;
    // Calls that began and are not released.
    unsigned calls;
    struct rpc_tag stop;
    bool stopping;
    // C-core has closed its listeners and connections.
    bool shut_down;
    void (*stopped_cb)(struct rpc_server *server);
    void (*closed_cb)(struct rpc_server *server);
};

struct rpc_server_options {
    // A larger request is refused with RESOURCE_EXHAUSTED.
    int request_size_max;
};

// Borrows the loop. Returns 0, or libuv's negative error, after which there is
// nothing to close.
__attribute__((warn_unused_result)) int
rpc_server_init(struct rpc_server *server, uv_loop_t *loop,
                struct rpc_server_options options);

// Adds a method, before the start. Borrows it for the server's life.
void rpc_server_add(struct rpc_server *server, const struct rpc_method *method);

// Binds one address in C-core's form, before the start. Returns the port (1 for
// a Unix socket), or 0 if it cannot be bound.
__attribute__((warn_unused_result)) int
rpc_server_listen(struct rpc_server *server, const char *address);

void rpc_server_start(struct rpc_server *server);

// Takes no new calls, which get UNAVAILABLE; stopped_cb comes when the last
// call has ended and the connections are gone. Also for a server that was not
// started.
void rpc_server_stop(struct rpc_server *server,
                     void (*stopped_cb)(struct rpc_server *server));

// While stopping: cancels the calls that are left.
void rpc_server_cancel_calls(struct rpc_server *server);

// After stopped_cb.
void rpc_server_close(struct rpc_server *server,
                      void (*closed_cb)(struct rpc_server *server));

#endif
