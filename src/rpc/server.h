// SPDX-License-Identifier: Apache-2.0
//
// A gRPC server on a libuv loop, over C-core's C API. It knows methods and
// calls, and nothing of what they are about.
//
//   rpc_server_init, rpc_server_add ..., rpc_server_listen ...,
//   rpc_server_start, ..., rpc_server_stop -> stopped_cb,
//   rpc_server_close -> closed_cb
//
// Thread: the loop's.

#ifndef RPC_SERVER_H
#define RPC_SERVER_H

#include <grpc/grpc.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "rpc/call.h"
#include "rpc/queue.h"
#include "rpc/unsent.h"

// Every service's methods together; far more than there are.
#define RPC_METHODS_MAX 64

// Initial metadata that every answer carries.
#define RPC_HEADERS_MAX 4

// What the metadata of one request may have, names and values together.
#define RPC_METADATA_SIZE_MAX 8192

struct rpc_server;

// One method as the server keeps it.
struct rpc_registration {
    const struct rpc_method *method;
    // C-core's name for it; NULL: calls to no method that exists.
    void *handle;
};

// Initial metadata: the key is in lower case, the value printable ASCII.
struct rpc_header {
    const char *key;
    const char *value;
};

struct rpc_server {
    grpc_server *server;
    struct rpc_queue queue;
    struct rpc_registration registrations[RPC_METHODS_MAX];
    unsigned registrations_count;
    // What every answer and every stream begins with.
    grpc_metadata headers[RPC_HEADERS_MAX];
    size_t headers_count;
    int request_size_max;
    int keepalive_time_ms;
    int keepalive_timeout_ms;
    // The number of the newest session.
    uint64_t session;
    // Calls that began and are not released; and those of them that were not
    // refused.
    unsigned calls;
    unsigned open_calls;
    struct rpc_unsent unsent;
    struct rpc_tag shut_down_tag;
    // On the way down, one after the other: calls are refused; C-core is to be
    // shut down; that was begun; it is done.
    bool is_refusing;
    bool is_stopping;
    bool is_shutting_down;
    bool is_shut_down;
    void (*pass_over_cb)(struct rpc_server *server);
    void (*stopped_cb)(struct rpc_server *server);
    void (*closed_cb)(struct rpc_server *server);
};

struct rpc_server_options {
    // A larger request is refused with RESOURCE_EXHAUSTED, as it comes and when
    // it is unpacked.
    int request_size_max;
    // Ping a connection that has an open call after the one without data, and
    // close it after the other without an answer. Without an open call, TCP
    // keepalive does it, in whole seconds.
    int keepalive_time_ms;
    int keepalive_timeout_ms;
    // The initial metadata of every answer and stream, errors included; at most
    // RPC_HEADERS_MAX. Copied.
    const struct rpc_header *headers;
    size_t headers_count;
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

// Returns 0, or libuv's negative error: there are too few descriptors for a
// single connection, and the server is to be stopped.
__attribute__((warn_unused_result)) int
rpc_server_start(struct rpc_server *server);

// Begins a read pass: pass_over_cb, set by the owner after init, comes when all
// calls and messages that waited in the connections at this moment have reached
// their methods, and what those asked of the loop has been done. Not inside of
// this; and not while traffic never pauses, see rpc_queue_begin_pass().
void rpc_server_begin_pass(struct rpc_server *server);

// When all that had been read was last begun, by the loop's clock: while that
// does not change, calls wait behind other work.
uint64_t rpc_server_caught_up_ms(const struct rpc_server *server);

// New calls get UNAVAILABLE from here on.
void rpc_server_refuse_calls(struct rpc_server *server);

// After the former, or without a start: closes the server when the open calls
// have ended; stopped_cb comes when the connections are gone. A call that
// reaches C-core after that, before its client has heard so, gets CANCELLED:
// hence the refusing first.
void rpc_server_stop(struct rpc_server *server,
                     void (*stopped_cb)(struct rpc_server *server));

// While stopping: closes at once, and cancels the calls that are left.
void rpc_server_cancel_calls(struct rpc_server *server);

// After stopped_cb.
void rpc_server_close(struct rpc_server *server,
                      void (*closed_cb)(struct rpc_server *server));

#endif
