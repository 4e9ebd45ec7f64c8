// SPDX-License-Identifier: Apache-2.0
//
// How a call comes: armed in C-core -> arrived, with its message unless it is a
// bidirectional stream -> handed to its owner by begin_cb.
//
// Failure modes:
// - A call that was cancelled before its message arrived has no message.
// - A method that nobody added, a server that stops, a deadline that has
//   passed, a message that cannot be unpacked: it ends without its owner.

#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <stdio.h>

#include "base/container_of.h"
#include "rpc/arm.h"
#include "rpc/call_private.h"
#include "rpc/inflate.h"
#include "rpc/unsent.h"

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

static size_t rpc_call_metadata_size(const struct rpc_call *call)
{
    size_t size = 0;

    for (size_t i = 0; i < call->metadata.count; i++) {
        size += GRPC_SLICE_LENGTH(call->metadata.metadata[i].key) +
                GRPC_SLICE_LENGTH(call->metadata.metadata[i].value);
    }
    return size;
}

// Hands the call to its owner, with the message that came along with it.
static void rpc_call_pass_on(struct rpc_call *call)
{
    const struct rpc_method *method = call->registration->method;
    grpc_byte_buffer *received = call->received;
    grpc_slice slice = grpc_empty_slice();
    enum rpc_code code = RPC_OK;
    char text[RPC_UNPACK_TEXT_SIZE];

    if (received == NULL && method->shape != RPC_BIDI_STREAM) {
        // Cancelled on its way, or without the one message it must have.
        rpc_call_end(call, RPC_INTERNAL, "the request has no message");
        return;
    }
    if (received != NULL) {
        code = rpc_unpack(received, (size_t)call->server->request_size_max,
                          &slice, text);
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

void rpc_call_begin(struct rpc_call *call)
{
    const struct rpc_method *method = call->registration->method;

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
    if (rpc_call_metadata_size(call) > RPC_METADATA_SIZE_MAX) {
        rpc_call_end(call, RPC_RESOURCE_EXHAUSTED,
                     "the metadata is too large: it takes 8192 bytes");
        return;
    }
    if (method->shape != RPC_UNARY) {
        rpc_call_listen(call);
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
    if (rpc_unsent_admit(call)) {
        rpc_call_begin(call);
    }
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
    rpc_call_init(call);
    call->arrived_tag.done_cb = rpc_call_arrived_cb;
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
