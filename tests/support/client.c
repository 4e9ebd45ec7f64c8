// SPDX-License-Identifier: Apache-2.0
//
// A unary call is one batch. A stream has three kinds: one for its start, with
// the initial metadata, one for each message, and one from its beginning on
// that is done when it is over. Every batch has a tag of its own, which is
// plucked from the client's queue when it is waited for.
//
// Failure modes: what was started must be finished before it is released, so
// that each release cancels and then waits; a cancelled call is over at once,
// whatever the peer does.

#include "support/client.h"

#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/raw_socket.h"

struct client {
    grpc_channel *channel;
    grpc_completion_queue *queue;
    // A list by `next`.
    struct stream *streams;
};

// One kind of batch: its address is the tag.
struct stream_step {
    bool is_pending;
};

struct stream {
    struct client *client;
    struct stream *next;
    grpc_call *call;
    grpc_metadata_array initial_metadata;
    grpc_metadata_array trailing_metadata;
    grpc_status_code code;
    grpc_slice text;
    grpc_byte_buffer *received;
    struct stream_step start;
    struct stream_step read;
    struct stream_step write;
    struct stream_step end;
};

static gpr_timespec client_deadline(unsigned deadline_ms)
{
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_millis(deadline_ms, GPR_TIMESPAN));
}

static grpc_arg client_integer(const char *key, int value)
{
    // C-core wants the key writable, and does not write it.
    return (grpc_arg){.type = GRPC_ARG_INTEGER,
                      .key = (char *)(uintptr_t)key,
                      .value.integer = value};
}

// Of the connection `fd`, or, without one, of all that are made when needed.
static grpc_channel *client_channel_create(const char *listen, int fd)
{
    grpc_arg arguments[] = {
        // One connection a client: channels share them otherwise.
        client_integer(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
        // What the environment says of proxies is not meant for us.
        client_integer(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
        // Each call of a test is one call on the wire.
        client_integer(GRPC_ARG_ENABLE_RETRIES, 0),
        // Windows that stay small, so that a stream that is not read stalls.
        client_integer(GRPC_ARG_HTTP2_BDP_PROBE, 0),
        client_integer(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 16384),
        client_integer(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100),
        client_integer(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, -1),
    };
    grpc_channel_args list = {sizeof arguments / sizeof arguments[0],
                              arguments};
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    const char *scheme = listen[0] == '[' ? "ipv6:" : "ipv4:";
    grpc_channel *channel;
    char target[160];

    snprintf(target, sizeof target, "%s%s",
             strncmp(listen, "unix:", 5) == 0 ? "" : scheme, listen);
    channel = fd == -1
                  ? grpc_channel_create(target, credentials, &list)
                  : grpc_channel_create_from_fd(target, fd, credentials, &list);
    grpc_channel_credentials_release(credentials);
    return channel;
}

static struct client *client_create(const char *listen, int fd)
{
    struct client *client = gpr_zalloc(sizeof *client);

    client->queue = grpc_completion_queue_create_for_pluck(NULL);
    client->channel = client_channel_create(listen, fd);
    return client;
}

grpc_channel *client_channel(const char *listen)
{
    return client_channel_create(listen, -1);
}

struct client *client_connect(const char *listen)
{
    return client_create(listen, -1);
}

struct client *client_connect_once(const char *listen)
{
    int fd = raw_connect(listen);

    return fd == -1 ? NULL : client_create(listen, fd);
}

void client_close(struct client *client)
{
    grpc_event event;

    if (client == NULL) {
        return;
    }
    while (client->streams != NULL) {
        stream_release(client->streams);
    }
    grpc_channel_destroy(client->channel);
    grpc_completion_queue_shutdown(client->queue);
    do {
        event = grpc_completion_queue_pluck(
            client->queue, NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    } while (event.type != GRPC_QUEUE_SHUTDOWN);
    grpc_completion_queue_destroy(client->queue);
    gpr_free(client);
}

static grpc_byte_buffer *client_message_create(struct client_bytes message)
{
    grpc_slice slice =
        grpc_slice_from_copied_buffer(message.bytes, message.size);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);

    grpc_slice_unref(slice);
    return buffer;
}

// Takes the buffer, which may be NULL.
static void client_reply_take(struct client_reply *reply,
                              grpc_byte_buffer *buffer)
{
    grpc_byte_buffer_reader reader;
    grpc_slice slice;

    if (buffer == NULL) {
        return;
    }
    if (grpc_byte_buffer_reader_init(&reader, buffer)) {
        slice = grpc_byte_buffer_reader_readall(&reader);
        reply->has_message = true;
        reply->size = GRPC_SLICE_LENGTH(slice);
        reply->bytes = gpr_zalloc(reply->size + 1);
        memcpy(reply->bytes, GRPC_SLICE_START_PTR(slice), reply->size);
        grpc_slice_unref(slice);
        grpc_byte_buffer_reader_destroy(&reader);
    }
    grpc_byte_buffer_destroy(buffer);
}

static void client_reply_end(struct client_reply *reply, grpc_status_code code,
                             grpc_slice text)
{
    reply->code = code;
    snprintf(reply->text, sizeof reply->text, "%.*s",
             (int)GRPC_SLICE_LENGTH(text),
             (const char *)GRPC_SLICE_START_PTR(text));
}

void client_reply_clear(struct client_reply *reply)
{
    gpr_free(reply->bytes);
    *reply = (struct client_reply){.has_message = false};
}

// Waits for a step; false at the deadline, after which it is still pending.
static bool stream_pluck(struct stream *stream, struct stream_step *step,
                         unsigned deadline_ms)
{
    grpc_event event;

    if (!step->is_pending) {
        return true;
    }
    event = grpc_completion_queue_pluck(stream->client->queue, step,
                                        client_deadline(deadline_ms), NULL);
    step->is_pending = event.type != GRPC_OP_COMPLETE;
    return !step->is_pending;
}

static void stream_batch(struct stream *stream, const grpc_op *ops,
                         size_t count, struct stream_step *step)
{
    grpc_call_error error;

    assert(!step->is_pending);
    error = grpc_call_start_batch(stream->call, ops, count, step, NULL);
    // Only wrong use is refused on the client's side.
    assert(error == GRPC_CALL_OK);
    step->is_pending = true;
}

static struct stream *stream_create(struct client *client, const char *path,
                                    unsigned deadline_ms)
{
    struct stream *stream = gpr_zalloc(sizeof *stream);
    grpc_slice method = grpc_slice_from_copied_string(path);
    grpc_op op = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};

    stream->client = client;
    stream->next = client->streams;
    client->streams = stream;
    stream->call = grpc_channel_create_call(
        client->channel, NULL, GRPC_PROPAGATE_DEFAULTS, client->queue, method,
        NULL, client_deadline(deadline_ms), NULL);
    grpc_slice_unref(method);
    grpc_metadata_array_init(&stream->initial_metadata);
    grpc_metadata_array_init(&stream->trailing_metadata);
    stream->text = grpc_empty_slice();
    op.data.recv_status_on_client.trailing_metadata =
        &stream->trailing_metadata;
    op.data.recv_status_on_client.status = &stream->code;
    op.data.recv_status_on_client.status_details = &stream->text;
    stream_batch(stream, &op, 1, &stream->end);
    return stream;
}

struct stream *stream_start(struct client *client, const char *path,
                            struct client_bytes request, unsigned deadline_ms)
{
    struct stream *stream = stream_create(client, path, deadline_ms);
    grpc_byte_buffer *message = NULL;
    grpc_op ops[4] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                      {.op = GRPC_OP_RECV_INITIAL_METADATA},
                      {.op = GRPC_OP_SEND_MESSAGE},
                      {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}};

    ops[1].data.recv_initial_metadata.recv_initial_metadata =
        &stream->initial_metadata;
    if (request.bytes != NULL) {
        message = client_message_create(request);
        ops[2].data.send_message.send_message = message;
    }
    stream_batch(stream, ops, message != NULL ? 4 : 2, &stream->start);
    grpc_byte_buffer_destroy(message);
    return stream;
}

bool stream_await_open(struct stream *stream, unsigned deadline_ms)
{
    return stream_pluck(stream, &stream->start, deadline_ms);
}

enum stream_news stream_next(struct stream *stream, unsigned deadline_ms,
                             struct client_reply *reply)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};

    *reply = (struct client_reply){.has_message = false};
    if (!stream->read.is_pending) {
        op.data.recv_message.recv_message = &stream->received;
        stream_batch(stream, &op, 1, &stream->read);
    }
    if (!stream_pluck(stream, &stream->read, deadline_ms)) {
        return STREAM_SILENT;
    }
    client_reply_take(reply, stream->received);
    stream->received = NULL;
    if (reply->has_message) {
        return STREAM_MESSAGE;
    }
    if (!stream_pluck(stream, &stream->end, deadline_ms)) {
        return STREAM_SILENT;
    }
    client_reply_end(reply, stream->code, stream->text);
    return STREAM_ENDED;
}

bool stream_send(struct stream *stream, struct client_bytes message)
{
    grpc_byte_buffer *buffer = client_message_create(message);
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};

    op.data.send_message.send_message = buffer;
    stream_batch(stream, &op, 1, &stream->write);
    grpc_byte_buffer_destroy(buffer);
    return stream_pluck(stream, &stream->write, CLIENT_DEADLINE_MS);
}

bool stream_half_close(struct stream *stream)
{
    grpc_op op = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};

    stream_batch(stream, &op, 1, &stream->write);
    return stream_pluck(stream, &stream->write, CLIENT_DEADLINE_MS);
}

void stream_cancel(struct stream *stream)
{
    grpc_call_cancel(stream->call, NULL);
}

void stream_release(struct stream *stream)
{
    struct stream_step *steps[] = {&stream->start, &stream->read,
                                   &stream->write, &stream->end};
    struct stream **link = &stream->client->streams;

    stream_cancel(stream);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        bool is_done = stream_pluck(stream, steps[i], CLIENT_DEADLINE_MS);

        assert(is_done);
    }
    while (*link != stream) {
        link = &(*link)->next;
    }
    *link = stream->next;
    grpc_call_unref(stream->call);
    grpc_byte_buffer_destroy(stream->received);
    grpc_metadata_array_destroy(&stream->initial_metadata);
    grpc_metadata_array_destroy(&stream->trailing_metadata);
    grpc_slice_unref(stream->text);
    gpr_free(stream);
}

// What a server must not do.
static void client_reply_break(struct client_reply *reply, const char *text)
{
    client_reply_clear(reply);
    reply->code = GRPC_STATUS_UNKNOWN;
    snprintf(reply->text, sizeof reply->text, "%s", text);
}

void client_call(struct client *client, const char *path,
                 struct client_bytes request, unsigned deadline_ms,
                 struct client_reply *reply)
{
    struct stream *stream = stream_start(client, path, request, deadline_ms);
    // The call itself ends before.
    enum stream_news news = stream_next(stream, 2 * deadline_ms, reply);
    struct client_reply end;

    if (news == STREAM_MESSAGE) {
        news = stream_next(stream, 2 * deadline_ms, &end);
        reply->code = end.code;
        memcpy(reply->text, end.text, sizeof reply->text);
        client_reply_clear(&end);
    }
    if (news == STREAM_MESSAGE) {
        client_reply_break(reply, "two messages in answer to a unary call");
    } else if (news == STREAM_SILENT) {
        client_reply_break(reply, "no end, not even at the deadline");
    } else if (reply->code == GRPC_STATUS_OK && !reply->has_message) {
        client_reply_break(reply, "OK without a message");
    } else if (reply->code != GRPC_STATUS_OK && reply->has_message) {
        client_reply_break(reply, "a message in front of an error");
    }
    stream_release(stream);
}

const char *client_code_name(grpc_status_code code)
{
    static const char *const names[] = {
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    };

    assert((unsigned)code < sizeof names / sizeof names[0]);
    return names[code];
}
