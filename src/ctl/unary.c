// SPDX-License-Identifier: Apache-2.0

#include "ctl/unary.h"

#include <assert.h>
#include <grpc/status.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/container_of.h"
#include "ctl/exit_code.h"
#include "ctl/failure.h"

bool unary_open(struct unary *unary, const struct ctl_options *options)
{
    struct client_options client_options = {
        .endpoint = options->endpoint,
        .keepalive_time_ms = CLIENT_KEEPALIVE_TIME_MS,
        .keepalive_timeout_ms = CLIENT_KEEPALIVE_TIMEOUT_MS,
    };
    int status;

    *unary = (struct unary){.options = options};
    status = uv_loop_init(&unary->loop);
    if (status == 0) {
        status = client_init(&unary->client, &unary->loop, &client_options);
        if (status != 0) {
            (void)uv_loop_close(&unary->loop);
        }
    }
    if (status != 0) {
        fprintf(stderr, "electctl: cannot begin: %s\n", uv_strerror(status));
        return false;
    }
    return true;
}

static void unary_drop_answer(struct unary *unary)
{
    if (unary->answer != NULL) {
        protobuf_c_message_free_unpacked(unary->answer, NULL);
        unary->answer = NULL;
    }
}

// The client's message does not last.
static void unary_message_cb(struct client_call *call,
                             const ProtobufCMessage *message)
{
    struct unary *unary = container_of(call, struct unary, call);
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = malloc(size + 1);

    unary_drop_answer(unary);
    if (bytes != NULL) {
        protobuf_c_message_pack(message, bytes);
        unary->answer =
            protobuf_c_message_unpack(message->descriptor, NULL, size, bytes);
        free(bytes);
    }
}

static void unary_over_cb(struct client_call *call, int code,
                          const char *message)
{
    struct unary *unary = container_of(call, struct unary, call);

    unary->is_over = true;
    if (code != GRPC_STATUS_OK) {
        unary_drop_answer(unary);
        unary->exit_code = failure_report(code, message);
    } else if (unary->answer == NULL) {
        unary->exit_code =
            failure_report(GRPC_STATUS_INTERNAL, "there is no answer");
    }
}

const ProtobufCMessage *unary_call(struct unary *unary,
                                   const struct client_request *request)
{
    static const struct client_call_callbacks callbacks = {
        .message_cb = unary_message_cb,
        .over_cb = unary_over_cb,
    };
    struct client_request bounded = *request;

    bounded.timeout_ms = unary->options->timeout_ms;
    unary_drop_answer(unary);
    unary->is_over = false;
    unary->exit_code = EXIT_CODE_DONE;
    client_call_start(&unary->client, &unary->call, &bounded, &callbacks);
    while (!unary->is_over) {
        uv_run(&unary->loop, UV_RUN_ONCE);
    }
    return unary->answer;
}

static void unary_closed_cb(struct client *client)
{
    // Then the loop has nothing left to run for.
    (void)client;
}

void unary_close(struct unary *unary)
{
    int status;

    unary_drop_answer(unary);
    client_close(&unary->client, unary_closed_cb);
    uv_run(&unary->loop, UV_RUN_DEFAULT);
    status = uv_loop_close(&unary->loop);
    assert(status == 0);
}
