// SPDX-License-Identifier: Apache-2.0
//
// Happy path of a unary call: armed -> arrived (with its message) -> begin_cb
// -> one batch with the whole answer -> finished -> released. A stream has a
// batch for each of its steps, and one from its beginning on that is done when
// the stream is over.
//
// Failure modes: a call that was cancelled before its message arrived has no
// message; a batch may be refused, after which the call is cancelled and ends
// as if the peer had gone. In every case the memory goes when the owner has
// ended the call and no batch is pending.

#include "rpc/call.h"

#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <grpc/status.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <stdio.h>

#include "core/container_of.h"
#include "rpc/arm.h"
#include "rpc/inflate.h"
#include "rpc/message.h"
#include "rpc/session.h"

_Static_assert((int)RPC_INVALID_ARGUMENT == (int)GRPC_STATUS_INVALID_ARGUMENT &&
                   (int)RPC_NOT_FOUND == (int)GRPC_STATUS_NOT_FOUND &&
                   (int)RPC_RESOURCE_EXHAUSTED ==
                       (int)GRPC_STATUS_RESOURCE_EXHAUSTED &&
                   (int)RPC_INTERNAL == (int)GRPC_STATUS_INTERNAL &&
                   (int)RPC_UNAVAILABLE == (int)GRPC_STATUS_UNAVAILABLE,
               "the codes are gRPC's");

struct rpc_call {
    struct rpc_server *server;
    const struct rpc_registration *registration;
    grpc_call *call;
    // Where C-core leaves what it received.
    gpr_timespec deadline;
    grpc_metadata_array metadata;
    grpc_call_details *details;
    grpc_byte_buffer *received;
    int cancelled;
    // One tag for each kind of batch, none of which is pending twice.
    struct rpc_tag arrived_tag;
    struct rpc_tag opened_tag;
    struct rpc_tag sent_tag;
    struct rpc_tag read_tag;
    struct rpc_tag finished_tag;
    struct rpc_tag closed_tag;
    unsigned pending;
    // RECV_CLOSE_ON_SERVER was started: at the beginning of a stream, or along
    // with the end of what has no other way to notice.
    bool listening;
    // It was handed to its owner, rather than refused.
    bool is_open;
    bool opened;
    bool sending;
    // The owner is done with it.
    bool ended;
    // The peer of a stream has gone.
    bool gone;
    enum rpc_code code;
    grpc_slice status_message;
    max_align_t context[];
};

static void rpc_call_release(struct rpc_call *call)
{
    assert(call->pending == 0);
    if (call->call != NULL) {
        grpc_call_unref(call->call);
    }
    grpc_slice_unref(call->status_message);
    grpc_metadata_array_destroy(&call->metadata);
    if (call->received != NULL) {
        grpc_byte_buffer_destroy(call->received);
    }
    if (call->details != NULL) {
        grpc_call_details_destroy(call->details);
        gpr_free(call->details);
    }
    gpr_free(call);
}

static void rpc_call_settle(struct rpc_call *call)
{
    struct rpc_server *server = call->server;
    bool was_open = call->is_open;

    if (call->ended && call->pending == 0) {
        rpc_call_release(call);
        rpc_server_call_released(server, was_open);
    }
}

// A refused batch leaves nothing pending; the cancelled call then closes.
static void rpc_call_start(struct rpc_call *call, const grpc_op *ops,
                           size_t count, struct rpc_tag *tag)
{
    grpc_call_error error =
        grpc_call_start_batch(call->call, ops, count, tag, NULL);

    if (error == GRPC_CALL_OK) {
        call->pending++;
    } else {
        grpc_call_cancel(call->call, NULL);
    }
}

static size_t rpc_call_put_metadata(struct rpc_call *call, grpc_op *ops)
{
    if (call->opened) {
        return 0;
    }
    call->opened = true;
    *ops = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    ops->data.send_initial_metadata.metadata = call->server->headers;
    ops->data.send_initial_metadata.count = call->server->headers_count;
    return 1;
}

static size_t rpc_call_put_message(grpc_byte_buffer *message, grpc_op *ops)
{
    if (message == NULL) {
        return 0;
    }
    *ops = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
    ops->data.send_message.send_message = message;
    return 1;
}

static size_t rpc_call_put_status(struct rpc_call *call, grpc_op *ops)
{
    *ops = (grpc_op){.op = GRPC_OP_SEND_STATUS_FROM_SERVER};
    ops->data.send_status_from_server.status = (grpc_status_code)call->code;
    ops->data.send_status_from_server.status_details = &call->status_message;
    return 1;
}

static size_t rpc_call_put_close(struct rpc_call *call, grpc_op *ops)
{
    if (call->listening) {
        return 0;
    }
    call->listening = true;
    *ops = (grpc_op){.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    ops->data.recv_close_on_server.cancelled = &call->cancelled;
    return 1;
}

// Sends the end, behind the message of a unary call.
static void rpc_call_finish(struct rpc_call *call, grpc_byte_buffer *message)
{
    grpc_op ops[4];
    size_t count = 0;

    count += rpc_call_put_metadata(call, ops);
    count += rpc_call_put_message(message, ops + count);
    count += rpc_call_put_status(call, ops + count);
    count += rpc_call_put_close(call, ops + count);
    rpc_call_start(call, ops, count, &call->finished_tag);
}

static void rpc_call_finished_cb(struct rpc_tag *tag, bool ok)
{
    struct rpc_call *call = container_of(tag, struct rpc_call, finished_tag);

    // Not ok: the peer had gone already, and misses nothing that it waits for.
    (void)ok;
    call->pending--;
    rpc_call_settle(call);
}

static void rpc_call_opened_cb(struct rpc_tag *tag, bool ok)
{
    struct rpc_call *call = container_of(tag, struct rpc_call, opened_tag);

    // Not ok: the stream closes, which closed_cb tells.
    (void)ok;
    call->pending--;
    rpc_call_settle(call);
}

static void rpc_call_sent_cb(struct rpc_tag *tag, bool ok)
{
    struct rpc_call *call = container_of(tag, struct rpc_call, sent_tag);

    call->sending = false;
    if (call->ended && !call->gone) {
        rpc_call_finish(call, NULL);
    } else if (ok && !call->ended && !call->gone) {
        call->registration->method->sent_cb(call);
    }
    call->pending--;
    rpc_call_settle(call);
}

// The bytes of what came, in a slice that is the caller's. Otherwise returns
// why not, with a text for the peer.
static enum rpc_code rpc_call_unpack(const struct rpc_call *call,
                                     grpc_byte_buffer *received,
                                     grpc_slice *slice, char text[128])
{
    size_t size_max = (size_t)call->server->request_size_max;
    enum rpc_inflated inflated = RPC_INFLATED;

    if (received->data.raw.compression == GRPC_COMPRESS_NONE ||
        grpc_byte_buffer_length(received) == 0) {
        *slice = rpc_message_slice(received);
    } else {
        inflated = rpc_inflate(received, size_max, slice);
    }
    switch (inflated) {
    case RPC_INFLATED:
        return RPC_OK;
    case RPC_INFLATED_TOO_MUCH:
        snprintf(text, 128, "the request has more than %zu bytes, unpacked",
                 size_max);
        return RPC_RESOURCE_EXHAUSTED;
    case RPC_INFLATED_BROKEN:
        break;
    }
    snprintf(text, 128, "the compressed request cannot be unpacked");
    return RPC_INTERNAL;
}

static void rpc_call_give_message(struct rpc_call *call,
                                  grpc_byte_buffer *received)
{
    grpc_slice slice;
    char text[128];
    enum rpc_code code = rpc_call_unpack(call, received, &slice, text);

    if (code != RPC_OK) {
        // Its owner hears that the stream is closed.
        grpc_call_cancel_with_status(call->call, (grpc_status_code)code, text,
                                     NULL);
        return;
    }
    call->registration->method->message_cb(
        call, (struct rpc_message){GRPC_SLICE_START_PTR(slice),
                                   GRPC_SLICE_LENGTH(slice)});
    grpc_slice_unref(slice);
}

static void rpc_call_read_cb(struct rpc_tag *tag, bool ok)
{
    struct rpc_call *call = container_of(tag, struct rpc_call, read_tag);
    grpc_byte_buffer *received = call->received;

    call->received = NULL;
    if (!call->ended && !call->gone) {
        if (ok && received != NULL) {
            rpc_call_give_message(call, received);
        } else {
            call->registration->method->half_closed_cb(call);
        }
    }
    if (received != NULL) {
        grpc_byte_buffer_destroy(received);
    }
    call->pending--;
    rpc_call_settle(call);
}

static void rpc_call_closed_cb(struct rpc_tag *tag, bool ok)
{
    struct rpc_call *call = container_of(tag, struct rpc_call, closed_tag);

    (void)ok;
    call->gone = true;
    if (!call->ended) {
        call->registration->method->closed_cb(call);
    }
    call->pending--;
    rpc_call_settle(call);
}

static void rpc_call_refuse_unknown(struct rpc_call *call)
{
    char *path = grpc_slice_to_c_string(call->details->method);
    char message[256];

    snprintf(message, sizeof message, "method '%.200s' does not exist", path);
    gpr_free(path);
    rpc_call_end(call, RPC_UNIMPLEMENTED, message);
}

static bool rpc_call_is_late(const struct rpc_call *call)
{
    // Most have none, and reading the clock is not free.
    gpr_timespec never = gpr_inf_future(call->deadline.clock_type);

    return gpr_time_cmp(call->deadline, never) < 0 &&
           gpr_time_cmp(gpr_now(call->deadline.clock_type), call->deadline) >=
               0;
}

// Hands the call to its owner, with the message that came along with it.
static void rpc_call_pass_on(struct rpc_call *call)
{
    const struct rpc_method *method = call->registration->method;
    grpc_byte_buffer *received = call->received;
    grpc_slice slice = grpc_empty_slice();
    enum rpc_code code = RPC_OK;
    char text[128];

    if (received == NULL && method->shape != RPC_BIDI_STREAM) {
        // Cancelled on its way, or without the one message it must have.
        rpc_call_end(call, RPC_INTERNAL, "the request has no message");
        return;
    }
    if (received != NULL) {
        code = rpc_call_unpack(call, received, &slice, text);
    }
    if (code != RPC_OK) {
        rpc_call_end(call, code, text);
        return;
    }
    call->received = NULL;
    method->begin_cb(call, (struct rpc_message){GRPC_SLICE_START_PTR(slice),
                                                GRPC_SLICE_LENGTH(slice)});
    // The call may be gone by now; these two are not its own.
    grpc_slice_unref(slice);
    if (received != NULL) {
        grpc_byte_buffer_destroy(received);
    }
}

static void rpc_call_begin(struct rpc_call *call)
{
    const struct rpc_method *method = call->registration->method;
    grpc_op close;

    if (method == NULL) {
        rpc_call_refuse_unknown(call);
        return;
    }
    if (call->server->is_refusing) {
        rpc_call_end(call, RPC_UNAVAILABLE, "shutting down");
        return;
    }
    if (rpc_call_is_late(call)) {
        rpc_call_end(call, RPC_DEADLINE_EXCEEDED,
                     "the deadline passed before the call was begun");
        return;
    }
    if (method->shape != RPC_UNARY) {
        rpc_call_put_close(call, &close);
        rpc_call_start(call, &close, 1, &call->closed_tag);
        if (call->pending == 0) {
            // Nobody would tell when it closes.
            call->ended = true;
            rpc_call_settle(call);
            return;
        }
    }
    call->is_open = true;
    call->server->open_calls++;
    rpc_call_pass_on(call);
}

static void rpc_call_arrived_cb(struct rpc_tag *tag, bool ok)
{
    struct rpc_call *call = container_of(tag, struct rpc_call, arrived_tag);

    call->pending--;
    if (!ok) {
        // The server stops, and nothing has arrived.
        call->call = NULL;
        rpc_call_release(call);
        return;
    }
    call->server->calls++;
    if (!call->server->is_shutting_down) {
        rpc_call_arm(call->server, call->registration);
    }
    rpc_call_begin(call);
}

void rpc_call_arm(struct rpc_server *server,
                  const struct rpc_registration *registration)
{
    const struct rpc_method *method = registration->method;
    struct rpc_call *call;
    grpc_call_error error;

    // Ends the process when out of memory, as C-core always does.
    call =
        gpr_zalloc(sizeof *call + (method != NULL ? method->context_size : 0));
    call->server = server;
    call->registration = registration;
    call->arrived_tag.done_cb = rpc_call_arrived_cb;
    call->opened_tag.done_cb = rpc_call_opened_cb;
    call->sent_tag.done_cb = rpc_call_sent_cb;
    call->read_tag.done_cb = rpc_call_read_cb;
    call->finished_tag.done_cb = rpc_call_finished_cb;
    call->closed_tag.done_cb = rpc_call_closed_cb;
    call->status_message = grpc_empty_slice();
    grpc_metadata_array_init(&call->metadata);
    if (method != NULL) {
        error = grpc_server_request_registered_call(
            server->server, registration->handle, &call->call, &call->deadline,
            &call->metadata,
            method->shape != RPC_BIDI_STREAM ? &call->received : NULL,
            server->queue.completions, server->queue.completions,
            &call->arrived_tag);
    } else {
        call->details = gpr_zalloc(sizeof *call->details);
        grpc_call_details_init(call->details);
        error = grpc_server_request_call(
            server->server, &call->call, call->details, &call->metadata,
            server->queue.completions, server->queue.completions,
            &call->arrived_tag);
    }
    // Only wrong use is refused here.
    assert(error == GRPC_CALL_OK);
    call->pending++;
}

const struct rpc_method *rpc_call_method(const struct rpc_call *call)
{
    return call->registration->method;
}

uint64_t rpc_call_session(struct rpc_call *call)
{
    return rpc_session_of(call->call, &call->server->session);
}

// The array and its slices stay until the call is released.
static struct rpc_message rpc_call_bytes(const grpc_slice *slice)
{
    return (struct rpc_message){GRPC_SLICE_START_PTR(*slice),
                                GRPC_SLICE_LENGTH(*slice)};
}

bool rpc_call_metadata(const struct rpc_call *call, const char *name,
                       struct rpc_message *value)
{
    for (size_t i = call->metadata.count; i > 0; i--) {
        const grpc_metadata *entry = &call->metadata.metadata[i - 1];

        if (grpc_slice_str_cmp(entry->key, name) == 0) {
            *value = rpc_call_bytes(&entry->value);
            return true;
        }
    }
    return false;
}

size_t rpc_call_metadata_count(const struct rpc_call *call)
{
    return call->metadata.count;
}

void rpc_call_metadata_at(const struct rpc_call *call, size_t index,
                          struct rpc_message *name, struct rpc_message *value)
{
    const grpc_metadata *entry = &call->metadata.metadata[index];

    assert(index < call->metadata.count);
    *name = rpc_call_bytes(&entry->key);
    *value = rpc_call_bytes(&entry->value);
}

void *rpc_call_context(struct rpc_call *call)
{
    return call->context;
}

bool rpc_call_is_closed(const struct rpc_call *call)
{
    return call->gone;
}

void rpc_call_answer(struct rpc_call *call, struct payload *payload)
{
    grpc_byte_buffer *message = rpc_message_from(payload);

    assert(!call->ended && rpc_call_method(call)->shape == RPC_UNARY);
    call->ended = true;
    call->code = RPC_OK;
    rpc_call_finish(call, message);
    grpc_byte_buffer_destroy(message);
    rpc_call_settle(call);
}

void rpc_call_end(struct rpc_call *call, enum rpc_code code,
                  const char *message)
{
    assert(!call->ended);
    call->ended = true;
    call->code = code;
    call->status_message = grpc_slice_from_copied_string(message);
    if (!call->gone && !call->sending) {
        rpc_call_finish(call, NULL);
    }
    rpc_call_settle(call);
}

void rpc_call_open(struct rpc_call *call)
{
    grpc_op op;

    assert(!call->ended && !call->opened);
    if (!call->gone) {
        rpc_call_put_metadata(call, &op);
        rpc_call_start(call, &op, 1, &call->opened_tag);
    }
}

void rpc_call_send(struct rpc_call *call, struct payload *payload)
{
    grpc_byte_buffer *message;
    grpc_op op;

    assert(!call->ended && call->opened && !call->sending);
    if (call->gone) {
        return;
    }
    message = rpc_message_from(payload);
    rpc_call_put_message(message, &op);
    call->sending = true;
    rpc_call_start(call, &op, 1, &call->sent_tag);
    grpc_byte_buffer_destroy(message);
}

void rpc_call_read(struct rpc_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};

    assert(!call->ended);
    if (!call->gone) {
        op.data.recv_message.recv_message = &call->received;
        rpc_call_start(call, &op, 1, &call->read_tag);
    }
}
