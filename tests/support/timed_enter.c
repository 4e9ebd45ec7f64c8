// SPDX-License-Identifier: Apache-2.0

#include "support/timed_enter.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "support/client.h"
#include "support/story.h"

// All that one call needs.
struct timed_call {
    grpc_channel *channel;
    grpc_completion_queue *queue;
    grpc_call *call;
    grpc_metadata ttl;
    grpc_byte_buffer *request;
    grpc_byte_buffer *answer;
    grpc_metadata_array initial_metadata;
    grpc_metadata_array trailing_metadata;
    grpc_status_code code;
    grpc_slice text;
};

static void timed_call_open(struct timed_call *call, const char *listen)
{
    call->channel = client_channel(listen);
    call->queue = grpc_completion_queue_create_for_pluck(NULL);
    call->call = grpc_channel_create_call(
        call->channel, NULL, GRPC_PROPAGATE_DEFAULTS, call->queue,
        grpc_slice_from_static_string(STORY_PATH("Enter")), NULL,
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                     gpr_time_from_millis(CLIENT_DEADLINE_MS, GPR_TIMESPAN)),
        NULL);
    grpc_metadata_array_init(&call->initial_metadata);
    grpc_metadata_array_init(&call->trailing_metadata);
}

static void timed_call_run(struct timed_call *call)
{
    grpc_op ops[6] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA},
        {.op = GRPC_OP_RECV_MESSAGE},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT},
    };
    grpc_event event;

    ops[0].data.send_initial_metadata.count = 1;
    ops[0].data.send_initial_metadata.metadata = &call->ttl;
    ops[1].data.send_message.send_message = call->request;
    ops[3].data.recv_initial_metadata.recv_initial_metadata =
        &call->initial_metadata;
    ops[4].data.recv_message.recv_message = &call->answer;
    ops[5].data.recv_status_on_client.trailing_metadata =
        &call->trailing_metadata;
    ops[5].data.recv_status_on_client.status = &call->code;
    ops[5].data.recv_status_on_client.status_details = &call->text;
    assert_int_equal(grpc_call_start_batch(call->call, ops, 6, call, NULL),
                     GRPC_CALL_OK);
    event = grpc_completion_queue_pluck(
        call->queue, call, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    assert_int_equal(event.type, GRPC_OP_COMPLETE);
}

static void timed_call_take(struct timed_call *call, struct client_reply *reply)
{
    grpc_byte_buffer_reader reader;
    grpc_slice slice;

    *reply = (struct client_reply){.code = call->code};
    (void)snprintf(reply->text, sizeof reply->text, "%.*s",
                   (int)GRPC_SLICE_LENGTH(call->text),
                   (const char *)GRPC_SLICE_START_PTR(call->text));
    if (call->answer == NULL) {
        return;
    }
    assert_true(grpc_byte_buffer_reader_init(&reader, call->answer));
    slice = grpc_byte_buffer_reader_readall(&reader);
    reply->has_message = true;
    reply->size = GRPC_SLICE_LENGTH(slice);
    reply->bytes = gpr_zalloc(reply->size + 1);
    memcpy(reply->bytes, GRPC_SLICE_START_PTR(slice), reply->size);
    grpc_slice_unref(slice);
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(call->answer);
}

static void timed_call_close(struct timed_call *call)
{
    grpc_slice_unref(call->text);
    grpc_slice_unref(call->ttl.value);
    grpc_byte_buffer_destroy(call->request);
    grpc_metadata_array_destroy(&call->initial_metadata);
    grpc_metadata_array_destroy(&call->trailing_metadata);
    grpc_call_unref(call->call);
    grpc_channel_destroy(call->channel);
    grpc_completion_queue_shutdown(call->queue);
    while (grpc_completion_queue_pluck(
               call->queue, NULL, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL)
               .type != GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(call->queue);
}

char *timed_enter(const char *listen, const char *election,
                  const char *candidate, const char *ttl_ms)
{
    struct timed_call call = {.code = GRPC_STATUS_OK};
    uint8_t buffer[STORY_REQUEST_SIZE_MAX];
    struct client_bytes request =
        story_request(buffer, (struct client_bytes){election, strlen(election)},
                      (struct client_bytes){candidate, strlen(candidate)});
    struct client_reply reply;
    grpc_slice slice;
    char *told;

    timed_call_open(&call, listen);
    slice = grpc_slice_from_copied_buffer(request.bytes, request.size);
    call.request = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    call.ttl.key = grpc_slice_from_static_string("electd-ttl-ms");
    call.ttl.value = grpc_slice_from_copied_string(ttl_ms);
    timed_call_run(&call);
    timed_call_take(&call, &reply);
    timed_call_close(&call);
    told = story_reply(&reply);
    client_reply_clear(&reply);
    return told;
}

void expect_timed_enter(const char *listen, const char *candidate,
                        const char *ttl_ms, const char *reply)
{
    char *got = timed_enter(listen, "a", candidate, ttl_ms);

    if (strcmp(got, reply) != 0) {
        fail_msg("Enter a %s for '%s' ms: '%s' instead of '%s'", candidate,
                 ttl_ms, got, reply);
    }
    free(got);
}
