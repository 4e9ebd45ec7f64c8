// SPDX-License-Identifier: Apache-2.0
//
// Happy path: metadata_keys_check(); bytes -> wire_check() -> unpack -> the
// handler, by way of protobuf-c's invoke -> its closure -> pack -> bytes. In a
// bidirectional stream the handler answers each message, and the next one is
// read when that answer has gone out; the host itself ends it.

#include "services/host.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "base/container_of.h"
#include "services/wire.h"

// What every answer that needs memory ends with when there is none.
#define SERVICE_NO_MEMORY RPC_RESOURCE_EXHAUSTED, "out of memory"

bool service_host_init(struct service_host *host, struct rpc_server *server)
{
    *host = (struct service_host){.server = server};
    return descriptors_init(&host->descriptors);
}

void service_host_stop(struct service_host *host)
{
    struct service_call *call;
    struct service_call *next;

    DL_FOREACH_SAFE(host->streams, call, next) {
        service_call_end(call, RPC_UNAVAILABLE, "shutting down");
    }
}

void service_host_close(struct service_host *host)
{
    assert(host->streams == NULL);
    descriptors_close(&host->descriptors);
}

static const struct service_method *service_call_method(struct rpc_call *rpc)
{
    return container_of(rpc_call_method(rpc), const struct service_method, rpc);
}

static const ProtobufCMethodDescriptor *
service_method_descriptor(const struct service_method *method)
{
    return &method->service->descriptor->methods[method->index];
}

// Unpacks the request into the call. False: the call was ended.
static bool service_call_decode(struct service_call *call,
                                struct rpc_message message)
{
    const ProtobufCMessageDescriptor *input =
        service_method_descriptor(service_call_method(call->rpc))->input;
    struct wire_problem problem;

    switch (wire_check(input, message.bytes, message.size, &problem)) {
    case WIRE_OK:
        break;
    case WIRE_BAD_STRING:
        service_call_end(call, RPC_INVALID_ARGUMENT, problem.text);
        return false;
    case WIRE_MALFORMED:
        service_call_end(call, RPC_INTERNAL, problem.text);
        return false;
    }
    call->request =
        protobuf_c_message_unpack(input, NULL, message.size, message.bytes);
    if (call->request == NULL) {
        service_call_end(call, RPC_INTERNAL, "the request does not parse");
        return false;
    }
    return true;
}

// The closure of every handler. NULL is protobuf-c's way to say that there is
// no answer, which no handler here does.
static void service_call_closure(const ProtobufCMessage *message,
                                 void *closure_data)
{
    struct service_call *call = closure_data;
    struct payload *payload;

    assert(message != NULL);
    payload = service_encode(message);
    if (payload == NULL) {
        service_call_end(call, SERVICE_NO_MEMORY);
        return;
    }
    if (rpc_call_method(call->rpc)->shape == RPC_UNARY) {
        service_call_answer(call, payload);
    } else {
        service_call_drop_request(call);
        rpc_call_send(call->rpc, payload);
    }
    payload_unref(payload);
}

static void service_call_handle(struct service_call *call,
                                struct rpc_message message)
{
    const struct service_method *method = service_call_method(call->rpc);

    if (service_call_decode(call, message)) {
        method->service->invoke(method->service, method->index, call->request,
                                service_call_closure, call);
    }
}

static void service_host_begin_cb(struct rpc_call *rpc,
                                  struct rpc_message message)
{
    struct service_call *call = rpc_call_context(rpc);
    struct service_host *host = service_call_method(rpc)->host;
    struct metadata_problem problem;

    call->rpc = rpc;
    if (!metadata_keys_check(&host->keys, rpc, &problem)) {
        service_call_end(call, RPC_INVALID_ARGUMENT, problem.text);
    } else if (rpc_call_method(rpc)->shape == RPC_BIDI_STREAM) {
        DL_APPEND(host->streams, call);
        rpc_call_open(rpc);
        rpc_call_read(rpc);
    } else {
        service_call_handle(call, message);
    }
}

static void service_host_message_cb(struct rpc_call *rpc,
                                    struct rpc_message message)
{
    service_call_handle(rpc_call_context(rpc), message);
}

static void service_host_half_closed_cb(struct rpc_call *rpc)
{
    service_call_end(rpc_call_context(rpc), RPC_OK, "");
}

static void service_host_sent_cb(struct rpc_call *rpc)
{
    struct service_call *call = rpc_call_context(rpc);

    if (rpc_call_method(rpc)->shape == RPC_BIDI_STREAM) {
        rpc_call_read(rpc);
    } else {
        call->sent_cb(call);
    }
}

static void service_host_closed_cb(struct rpc_call *rpc)
{
    struct service_call *call = rpc_call_context(rpc);

    if (rpc_call_method(rpc)->shape == RPC_BIDI_STREAM) {
        // Its handler answers at once, so nobody else will end it.
        service_call_end(call, RPC_OK, "");
    } else if (call->closed_cb != NULL) {
        call->closed_cb(call);
    }
}

static enum rpc_shape
service_method_shape(const Google__Protobuf__MethodDescriptorProto *method)
{
    if (method->client_streaming) {
        assert(method->server_streaming);
        return RPC_BIDI_STREAM;
    }
    return method->server_streaming ? RPC_SERVER_STREAM : RPC_UNARY;
}

static unsigned service_method_index(const ProtobufCServiceDescriptor *service,
                                     const char *name)
{
    const ProtobufCMethodDescriptor *method =
        protobuf_c_service_descriptor_get_method_by_name(service, name);

    // Whoever serves a name implements all that proto/ promises under it.
    assert(method != NULL);
    return (unsigned)(method - service->methods);
}

static void
service_host_add(struct service_host *host, const char *service_name,
                 const Google__Protobuf__MethodDescriptorProto *published,
                 ProtobufCService *service, size_t call_size)
{
    struct service_method *method = &host->methods[host->methods_count++];
    int size;

    assert(host->methods_count < RPC_METHODS_MAX);
    *method = (struct service_method){
        .rpc =
            {
                .path = method->path,
                .shape = service_method_shape(published),
                .context_size = call_size,
                .begin_cb = service_host_begin_cb,
                .message_cb = service_host_message_cb,
                .half_closed_cb = service_host_half_closed_cb,
                .sent_cb = service_host_sent_cb,
                .closed_cb = service_host_closed_cb,
            },
        .host = host,
        .service = service,
        .index = service_method_index(service->descriptor, published->name),
    };
    size = snprintf(method->path, sizeof method->path, "/%s/%s", service_name,
                    published->name);
    assert(size > 0 && (size_t)size < sizeof method->path);
    rpc_server_add(host->server, &method->rpc);
}

void service_host_serve(struct service_host *host, const char *name,
                        ProtobufCService *service, size_t call_size)
{
    const Google__Protobuf__ServiceDescriptorProto *published =
        descriptors_find_service(&host->descriptors, name);

    assert(published != NULL && host->services_count < SERVICES_MAX);
    assert(call_size >= sizeof(struct service_call));
    host->services[host->services_count++] = name;
    for (size_t i = 0; i < published->n_method; i++) {
        service_host_add(host, name, published->method[i], service, call_size);
    }
}

struct payload *service_encode(const ProtobufCMessage *message)
{
    struct payload *payload =
        payload_create(protobuf_c_message_get_packed_size(message));

    if (payload != NULL) {
        protobuf_c_message_pack(message, payload->bytes);
    }
    return payload;
}

void service_call_drop_request(struct service_call *call)
{
    protobuf_c_message_free_unpacked(call->request, NULL);
    call->request = NULL;
}

void service_call_answer(struct service_call *call, struct payload *payload)
{
    service_call_drop_request(call);
    rpc_call_answer(call->rpc, payload);
}

void service_call_end(struct service_call *call, enum rpc_code code,
                      const char *message)
{
    // One that is in the list has somebody in front of it, if only itself.
    if (call->prev != NULL) {
        DL_DELETE(service_call_method(call->rpc)->host->streams, call);
    }
    service_call_drop_request(call);
    rpc_call_end(call->rpc, code, message);
}
