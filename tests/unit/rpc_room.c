// SPDX-License-Identifier: Apache-2.0

#include "rpc_room.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>
#include <stdio.h>

#include "support/test.h"

#include "base/container_of.h"

static void rpc_room_closed_cb(struct rpc_server *server)
{
    struct rpc_room *room = container_of(server, struct rpc_room, server);

    uv_close((uv_handle_t *)&room->stop, NULL);
}

static void rpc_room_stopped_cb(struct rpc_server *server)
{
    rpc_server_close(server, rpc_room_closed_cb);
}

static void rpc_room_stop_cb(uv_async_t *stop)
{
    struct rpc_room *room = container_of(stop, struct rpc_room, stop);

    rpc_server_stop(&room->server, rpc_room_stopped_cb);
}

static void rpc_room_thread(void *argument)
{
    struct rpc_room *room = argument;

    uv_run(&room->loop, UV_RUN_DEFAULT);
}

static void rpc_room_connect(struct rpc_room *room)
{
    grpc_arg argument = {.type = GRPC_ARG_INTEGER,
                         .key = (char *)(uintptr_t)GRPC_ARG_ENABLE_HTTP_PROXY};
    grpc_channel_args arguments = {1, &argument};
    grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
    char target[64];

    snprintf(target, sizeof target, "ipv4:127.0.0.1:%d", room->port);
    room->channel = grpc_channel_create(target, credentials, &arguments);
    grpc_channel_credentials_release(credentials);
    room->completions = grpc_completion_queue_create_for_pluck(NULL);
}

void rpc_room_open(struct rpc_room *room, struct rpc_server_options options,
                   const struct rpc_method *methods, size_t count)
{
    assert_int_equal(uv_loop_init(&room->loop), 0);
    assert_int_equal(uv_async_init(&room->loop, &room->stop, rpc_room_stop_cb),
                     0);
    assert_int_equal(rpc_server_init(&room->server, &room->loop, options), 0);
    for (size_t i = 0; i < count; i++) {
        rpc_server_add(&room->server, &methods[i]);
    }
    room->port = rpc_server_listen(&room->server, "127.0.0.1:0");
    assert_true(room->port > 0);
    assert_int_equal(rpc_server_start(&room->server), 0);
    assert_int_equal(uv_thread_create(&room->thread, rpc_room_thread, room), 0);
    rpc_room_connect(room);
}

static gpr_timespec rpc_room_deadline(void)
{
    return gpr_time_add(
        gpr_now(GPR_CLOCK_MONOTONIC),
        gpr_time_from_millis(RPC_ROOM_DEADLINE_MS, GPR_TIMESPAN));
}

static grpc_call *rpc_room_begin(struct rpc_room *room, const char *path)
{
    grpc_slice method = grpc_slice_from_copied_string(path);
    grpc_call *call = grpc_channel_create_call(
        room->channel, NULL, GRPC_PROPAGATE_DEFAULTS, room->completions, method,
        NULL, rpc_room_deadline(), NULL);

    grpc_slice_unref(method);
    return call;
}

void rpc_room_call(struct rpc_room *room, const char *path,
                   grpc_metadata *metadata, size_t count,
                   struct rpc_reply *reply)
{
    grpc_slice empty = grpc_empty_slice();
    grpc_byte_buffer *request = grpc_raw_byte_buffer_create(&empty, 1);
    grpc_call *call = rpc_room_begin(room, path);
    grpc_op ops[6] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                      {.op = GRPC_OP_SEND_MESSAGE},
                      {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
                      {.op = GRPC_OP_RECV_INITIAL_METADATA},
                      {.op = GRPC_OP_RECV_MESSAGE},
                      {.op = GRPC_OP_RECV_STATUS_ON_CLIENT}};

    *reply = (struct rpc_reply){.call = call, .text = grpc_empty_slice()};
    grpc_metadata_array_init(&reply->metadata);
    grpc_metadata_array_init(&reply->trailing);
    ops[0].data.send_initial_metadata.metadata = metadata;
    ops[0].data.send_initial_metadata.count = count;
    ops[1].data.send_message.send_message = request;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &reply->metadata;
    ops[4].data.recv_message.recv_message = &reply->message;
    ops[5].data.recv_status_on_client.trailing_metadata = &reply->trailing;
    ops[5].data.recv_status_on_client.status = &reply->code;
    ops[5].data.recv_status_on_client.status_details = &reply->text;
    assert_int_equal(grpc_call_start_batch(call, ops, 6, call, NULL),
                     GRPC_CALL_OK);
    assert_int_equal(
        grpc_completion_queue_pluck(room->completions, call,
                                    gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL)
            .type,
        GRPC_OP_COMPLETE);
    grpc_byte_buffer_destroy(request);
}

unsigned rpc_reply_count(const struct rpc_reply *reply, const char *key,
                         const char *value)
{
    unsigned count = 0;

    for (size_t i = 0; i < reply->metadata.count; i++) {
        const grpc_metadata *entry = &reply->metadata.metadata[i];

        count += grpc_slice_str_cmp(entry->key, key) == 0 &&
                 grpc_slice_str_cmp(entry->value, value) == 0;
    }
    return count;
}

void rpc_reply_clear(struct rpc_reply *reply)
{
    grpc_metadata_array_destroy(&reply->metadata);
    grpc_metadata_array_destroy(&reply->trailing);
    grpc_byte_buffer_destroy(reply->message);
    grpc_slice_unref(reply->text);
    grpc_call_unref(reply->call);
}

void rpc_room_close(struct rpc_room *room)
{
    grpc_channel_destroy(room->channel);
    grpc_completion_queue_shutdown(room->completions);
    assert_int_equal(
        grpc_completion_queue_pluck(room->completions, NULL,
                                    gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL)
            .type,
        GRPC_QUEUE_SHUTDOWN);
    grpc_completion_queue_destroy(room->completions);
    uv_async_send(&room->stop);
    uv_thread_join(&room->thread);
    assert_int_equal(uv_loop_close(&room->loop), 0);
}
