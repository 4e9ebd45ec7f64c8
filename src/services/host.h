// SPDX-License-Identifier: Apache-2.0
//
// Joins protobuf-c's services to the gRPC server: a service that was filled in
// with handlers is served under a name of proto/, its requests decoded and
// checked, its answers encoded.
//
// A handler has the signature that protoc-c generates; its `closure_data` is
// always a `struct service_call`. It answers, now or later, in one of the ways
// below; the request lives until then.
//
// Thread: the loop's.

#ifndef SERVICES_HOST_H
#define SERVICES_HOST_H

#include <protobuf-c/protobuf-c.h>

#include "rpc/call.h"
#include "rpc/server.h"
#include "services/descriptors.h"
#include "services/metadata_keys.h"

#define SERVICES_MAX 16

// A call as handlers know it. A service that needs to remember more begins its
// own struct with this one; the rest of it is zero at first.
struct service_call {
    struct rpc_call *rpc;
    // The request, until it is dropped or the call ends.
    ProtobufCMessage *request;
    // The host's: the open bidirectional streams, as a utlist.
    struct service_call *prev;
    struct service_call *next;
    // Server streams: set by the handler to hear of sent messages and of a
    // peer that has gone.
    void (*sent_cb)(struct service_call *call);
    void (*closed_cb)(struct service_call *call);
};

// One method, from the wire to the handler.
struct service_method {
    struct rpc_method rpc;
    struct service_host *host;
    char path[128];
    ProtobufCService *service;
    unsigned index;
};

struct service_host {
    struct rpc_server *server;
    struct descriptors descriptors;
    struct service_call *streams;
    struct metadata_keys keys;
    struct service_method methods[RPC_METHODS_MAX];
    unsigned methods_count;
    // The full names of what is served.
    const char *services[SERVICES_MAX];
    unsigned services_count;
};

// Borrows the server for its life. False when out of memory.
__attribute__((warn_unused_result)) bool
service_host_init(struct service_host *host, struct rpc_server *server);

// Ends the bidirectional streams, which nobody else does, with UNAVAILABLE.
void service_host_stop(struct service_host *host);

// After the last call.
void service_host_close(struct service_host *host);

// Serves a service of proto/ under its full name, each method by the one of the
// same name in `service`, whose calls take `call_size` bytes. Borrows both.
void service_host_serve(struct service_host *host, const char *name,
                        ProtobufCService *service, size_t call_size);

// The encoded message, owned; NULL when out of memory.
struct payload *service_encode(const ProtobufCMessage *message);

// Ends a unary call with a message that is encoded already. Borrows it.
void service_call_answer(struct service_call *call, struct payload *payload);

// Ends a call with a status. Copies the message.
void service_call_end(struct service_call *call, enum rpc_code code,
                      const char *message);

// Releases the request early: streams may live long.
void service_call_drop_request(struct service_call *call);

#endif
