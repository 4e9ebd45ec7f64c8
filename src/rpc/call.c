// SPDX-License-Identifier: Apache-2.0
//
// Happy path of a unary call: armed -> arrived (with its message) -> begin_cb
// -> one batch with the whole answer -> finished -> released. A stream has a
// batch for each of its steps, and one from its beginning on that is done when
// the stream is over. arrival.c is the part before begin_cb, this one the rest.
//
// Failure modes: a batch may be refused, after which the call is cancelled and
// ends as if the peer had gone. In every case the memory goes when the owner
// has ended the call and no batch is pending.

#include "rpc/call.h"

#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <grpc/status.h>
#include <grpc/support/alloc.h>

#include "base/container_of.h"
#include "rpc/arm.h"
#include "rpc/call_private.h"
#include "rpc/inflate.h"
#include "rpc/message.h"
#include "rpc/session.h"
#include "rpc/unsent.h"

_Static_assert((int)RPC_INVALID_ARGUMENT == (int)GRPC_STATUS_INVALID_ARGUMENT &&
                   (int)RPC_NOT_FOUND == (int)GRPC_STATUS_NOT_FOUND &&
                   (int)RPC_RESOURCE_EXHAUSTED ==
                       (int)GRPC_STATUS_RESOURCE_EXHAUSTED &&
                   (int)RPC_INTERNAL == (int)GRPC_STATUS_INTERNAL &&
                   (int)RPC_UNAVAILABLE == (int)GRPC_STATUS_UNAVAILABLE,
               "the codes are gRPC's");

void rpc_call_release(struct rpc_call *call)
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

void rpc_call_settle(struct rpc_call *call)
{
    struct rpc_server *server = call->server;
    bool was_open = call->is_open;

    if (call->ended && call->pending == 0) {
        rpc_unsent_remove(call);
        rpc_call_release(call);
        rpc_server_call_released(server, was_open);
    }
}

void rpc_call_start(struct rpc_call *call, const grpc_op *ops, size_t count,
                    struct rpc_tag *tag)
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
    rpc_unsent_add(call,
                   message != NULL ? grpc_byte_buffer_length(message) : 0);
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

static void rpc_call_give_message(struct rpc_call *call,
                                  grpc_byte_buffer *received)
{
    grpc_slice slice;
    char text[RPC_UNPACK_TEXT_SIZE];
    enum rpc_code code = rpc_unpack(
        received, (size_t)call->server->request_size_max, &slice, text);

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
    if (call->waits) {
        rpc_unsent_drop(call);
    } else if (!call->ended && !rpc_call_is_unary(call)) {
        call->registration->method->closed_cb(call);
    }
    call->pending--;
    rpc_call_settle(call);
}

void rpc_call_init(struct rpc_call *call)
{
    call->opened_tag.done_cb = rpc_call_opened_cb;
    call->sent_tag.done_cb = rpc_call_sent_cb;
    call->read_tag.done_cb = rpc_call_read_cb;
    call->finished_tag.done_cb = rpc_call_finished_cb;
    call->closed_tag.done_cb = rpc_call_closed_cb;
    call->status_message = grpc_empty_slice();
    grpc_metadata_array_init(&call->metadata);
}

void rpc_call_listen(struct rpc_call *call)
{
    grpc_op op;

    rpc_call_put_close(call, &op);
    rpc_call_start(call, &op, 1, &call->closed_tag);
}

bool rpc_call_is_unary(const struct rpc_call *call)
{
    const struct rpc_method *method = call->registration->method;

    return method == NULL || method->shape == RPC_UNARY;
}

void rpc_call_abandon(struct rpc_call *call)
{
    call->ended = true;
    grpc_call_cancel(call->call, NULL);
    rpc_call_settle(call);
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
    if (!call->gone) {
        rpc_call_finish(call, message);
    }
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
