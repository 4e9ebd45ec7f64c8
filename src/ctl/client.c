// SPDX-License-Identifier: Apache-2.0
//
// Happy path of a call: four batches at once, which are done when the request
// was sent, when the initial metadata came, when an answer came (asked for
// again after each), and when the status came. The call is over when the status
// is there and no batch is pending, so that every answer comes before it.
//
// Failure modes: all of them end in a status, be it C-core's own (UNAVAILABLE,
// DEADLINE_EXCEEDED, CANCELLED) or the peer's. An answer that does not parse
// cancels the call with INTERNAL. A batch is refused for wrong use only.

#include "ctl/client.h"

#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/status.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/container_of.h"
#include "ctl/target.h"
#include "rpc/message.h"

// C-core's own pauses between attempts to connect.
#define CLIENT_RECONNECT_MS_MIN 100
#define CLIENT_RECONNECT_MS_MAX 2000
// An attempt may take that long; "reconnect backoff" is only what C-core calls
// it.
#define CLIENT_CONNECT_MS 2000
// Looking a host name up again; otherwise it is 30 s.
#define CLIENT_RESOLVE_MS_MIN 500

static grpc_arg client_integer(const char *key, int value)
{
    // C-core wants the key writable, and does not write it.
    return (grpc_arg){.type = GRPC_ARG_INTEGER,
                      .key = (char *)(uintptr_t)key,
                      .value.integer = value};
}

static grpc_channel *client_channel_create(const struct client_options *options)
{
    grpc_arg arguments[] = {
        // A connection, and so a session, of its own.
        client_integer(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
        // A daemon is asked directly, whatever proxy the environment names.
        client_integer(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
        client_integer(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
        // A term is as large as its queue is long.
        client_integer(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, -1),
        client_integer(GRPC_ARG_KEEPALIVE_TIME_MS, options->keepalive_time_ms),
        client_integer(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                       options->keepalive_timeout_ms),
        client_integer(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        client_integer(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
        client_integer(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
                       CLIENT_RECONNECT_MS_MIN),
        client_integer(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
                       CLIENT_RECONNECT_MS_MAX),
        client_integer(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CLIENT_CONNECT_MS),
        client_integer(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS,
                       CLIENT_RESOLVE_MS_MIN),
        client_integer(GRPC_ARG_ENABLE_CHANNELZ, 0),
    };
    grpc_channel_args list = {sizeof arguments / sizeof arguments[0],
                              arguments};
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    char target[TARGET_SIZE];
    const char *reason;
    grpc_channel *channel;
    bool is_target;

    is_target = target_parse(options->endpoint, target, &reason);
    assert(is_target);
    channel = grpc_channel_create(target, credentials, &list);
    grpc_channel_credentials_release(credentials);
    return channel;
}

static void client_queue_ended_cb(struct rpc_queue *queue);

int client_init(struct client *client, uv_loop_t *loop,
                const struct client_options *options)
{
    int status;

    *client = (struct client){.channel = NULL};
    grpc_init();
    status = rpc_queue_init(&client->queue, loop, client_queue_ended_cb);
    if (status != 0) {
        grpc_shutdown();
        return status;
    }
    client->channel = client_channel_create(options);
    return 0;
}

static void client_queue_closed_cb(struct rpc_queue *queue)
{
    struct client *client = container_of(queue, struct client, queue);

    grpc_shutdown();
    client->closed_cb(client);
}

static void client_queue_ended_cb(struct rpc_queue *queue)
{
    rpc_queue_close(queue, client_queue_closed_cb);
}

// Goes on with closing once the last call is over.
static void client_maybe_close(struct client *client)
{
    if (client->closing && client->calls == NULL && client->channel != NULL) {
        grpc_channel_destroy(client->channel);
        client->channel = NULL;
        rpc_queue_shut_down(&client->queue);
    }
}

void client_close(struct client *client,
                  void (*closed_cb)(struct client *client))
{
    struct client_call *call;

    assert(!client->closing);
    client->closing = true;
    client->closed_cb = closed_cb;
    DL_FOREACH(client->calls, call) {
        client_call_cancel(call);
    }
    client_maybe_close(client);
}

static void client_call_release(struct client_call *call)
{
    grpc_call_unref(call->call);
    grpc_metadata_array_destroy(&call->initial_metadata);
    grpc_metadata_array_destroy(&call->trailing_metadata);
    grpc_slice_unref(call->status_message);
}

static void client_call_settle(struct client_call *call)
{
    struct client *client = call->client;
    char *message;

    assert(call->pending > 0);
    call->pending--;
    if (call->pending > 0) {
        return;
    }
    message = grpc_slice_to_c_string(call->status_message);
    client_call_release(call);
    DL_DELETE(client->calls, call);
    // While a call is told, the client is not closed behind its back.
    call->callbacks->over_cb(call, (int)call->code, message);
    gpr_free(message);
    client_maybe_close(client);
}

static void client_call_batch(struct client_call *call, const grpc_op *ops,
                              size_t count, struct rpc_tag *tag)
{
    grpc_call_error error =
        grpc_call_start_batch(call->call, ops, count, tag, NULL);

    // Of a client only wrong use is refused; a call that has failed takes
    // batches and fails them.
    assert(error == GRPC_CALL_OK);
    call->pending++;
}

static void client_call_receive(struct client_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};

    op.data.recv_message.recv_message = &call->received;
    client_call_batch(call, &op, 1, &call->received_tag);
}

static void client_call_sent_cb(struct rpc_tag *tag, bool ok)
{
    struct client_call *call = container_of(tag, struct client_call, sent_tag);

    // Not ok: the status says why.
    (void)ok;
    client_call_settle(call);
}

static void client_call_opened_cb(struct rpc_tag *tag, bool ok)
{
    struct client_call *call =
        container_of(tag, struct client_call, opened_tag);

    // A call that failed at once has empty metadata, and a status besides.
    if (ok && call->callbacks->opened_cb != NULL) {
        call->callbacks->opened_cb(call);
    }
    client_call_settle(call);
}

// Hands an answer to the owner.
static void client_call_deliver(struct client_call *call)
{
    grpc_slice slice = rpc_message_slice(call->received);
    ProtobufCMessage *message =
        protobuf_c_message_unpack(call->answer, NULL, GRPC_SLICE_LENGTH(slice),
                                  GRPC_SLICE_START_PTR(slice));

    grpc_slice_unref(slice);
    grpc_byte_buffer_destroy(call->received);
    call->received = NULL;
    if (message == NULL) {
        grpc_call_cancel_with_status(call->call, GRPC_STATUS_INTERNAL,
                                     "the answer does not parse", NULL);
        return;
    }
    call->callbacks->message_cb(call, message);
    protobuf_c_message_free_unpacked(message, NULL);
}

static void client_call_received_cb(struct rpc_tag *tag, bool ok)
{
    struct client_call *call =
        container_of(tag, struct client_call, received_tag);

    (void)ok;
    // None: there is no further one.
    if (call->received != NULL) {
        client_call_deliver(call);
        if (call->is_paused) {
            // What is pending is the rest of the answers.
            return;
        }
        client_call_receive(call);
    }
    client_call_settle(call);
}

void client_call_pause(struct client_call *call)
{
    call->is_paused = true;
}

void client_call_resume(struct client_call *call)
{
    if (call->is_paused) {
        call->is_paused = false;
        client_call_receive(call);
        call->pending--;
    }
}

static void client_call_over_cb(struct rpc_tag *tag, bool ok)
{
    struct client_call *call = container_of(tag, struct client_call, over_tag);

    (void)ok;
    client_call_settle(call);
}

static grpc_call *client_call_create(struct client *client,
                                     const struct client_request *request)
{
    gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    grpc_slice path = grpc_slice_from_copied_string(request->path);
    grpc_call *call;

    if (request->timeout_ms > 0) {
        deadline = gpr_time_add(
            gpr_now(GPR_CLOCK_MONOTONIC),
            gpr_time_from_millis((int64_t)request->timeout_ms, GPR_TIMESPAN));
    }
    // Copies the path's reference.
    call = grpc_channel_create_call(
        client->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
        client->queue.completions, path, NULL, deadline, NULL);
    grpc_slice_unref(path);
    return call;
}

// Returns owned.
static grpc_byte_buffer *client_pack(const ProtobufCMessage *message)
{
    grpc_slice slice =
        grpc_slice_malloc(protobuf_c_message_get_packed_size(message));
    grpc_byte_buffer *buffer;

    protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

// All of the request is in one batch: it is one message, and then the end.
static void client_call_send(struct client_call *call,
                             const struct client_request *request)
{
    grpc_byte_buffer *message = client_pack(request->message);
    grpc_metadata pair = {.key = grpc_empty_slice()};
    grpc_op ops[] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
    };

    pair.value = grpc_empty_slice();
    if (request->metadata_key != NULL) {
        pair.key = grpc_slice_from_copied_string(request->metadata_key);
        pair.value = grpc_slice_from_copied_string(request->metadata_value);
        ops[0].data.send_initial_metadata.count = 1;
        ops[0].data.send_initial_metadata.metadata = &pair;
    }
    ops[1].data.send_message.send_message = message;
    client_call_batch(call, ops, sizeof ops / sizeof ops[0], &call->sent_tag);
    // C-core has taken its own references, of the metadata as well.
    grpc_byte_buffer_destroy(message);
    grpc_slice_unref(pair.key);
    grpc_slice_unref(pair.value);
}

// Asks for all that comes back.
static void client_call_listen(struct client_call *call)
{
    grpc_op opened = {.op = GRPC_OP_RECV_INITIAL_METADATA};
    grpc_op over = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};

    opened.data.recv_initial_metadata.recv_initial_metadata =
        &call->initial_metadata;
    over.data.recv_status_on_client.trailing_metadata =
        &call->trailing_metadata;
    over.data.recv_status_on_client.status = &call->code;
    over.data.recv_status_on_client.status_details = &call->status_message;
    client_call_batch(call, &opened, 1, &call->opened_tag);
    client_call_receive(call);
    client_call_batch(call, &over, 1, &call->over_tag);
}

void client_call_start(struct client *client, struct client_call *call,
                       const struct client_request *request,
                       const struct client_call_callbacks *callbacks)
{
    assert(!client->closing);
    *call = (struct client_call){
        .client = client,
        .callbacks = callbacks,
        .answer = request->answer,
        .status_message = grpc_empty_slice(),
        .sent_tag.done_cb = client_call_sent_cb,
        .opened_tag.done_cb = client_call_opened_cb,
        .received_tag.done_cb = client_call_received_cb,
        .over_tag.done_cb = client_call_over_cb,
    };
    grpc_metadata_array_init(&call->initial_metadata);
    grpc_metadata_array_init(&call->trailing_metadata);
    DL_APPEND(client->calls, call);
    call->call = client_call_create(client, request);
    client_call_send(call, request);
    client_call_listen(call);
}

bool client_call_metadata(const struct client_call *call, const char *key,
                          char *value, size_t size)
{
    const grpc_metadata_array *metadata = &call->initial_metadata;

    value[0] = '\0';
    for (size_t i = 0; i < metadata->count; i++) {
        const grpc_metadata *pair = &metadata->metadata[i];
        size_t length = GRPC_SLICE_LENGTH(pair->value);

        if (grpc_slice_str_cmp(pair->key, key) == 0 && length < size) {
            memcpy(value, GRPC_SLICE_START_PTR(pair->value), length);
            value[length] = '\0';
            return true;
        }
    }
    return false;
}

void client_call_cancel(struct client_call *call)
{
    grpc_call_cancel(call->call, NULL);
    client_call_resume(call);
}
