// SPDX-License-Identifier: Apache-2.0

#include "renewers.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "support/client.h"
#include "support/daemon_process.h"
#include "support/stopwatch.h"
#include "support/story.h"

struct renewer {
    grpc_channel *channel;
    char name[16];
    // When it calls next, unless it does now.
    long long next_ms;
    bool is_calling;
    grpc_call *call;
    grpc_byte_buffer *answer;
    grpc_metadata_array initial_metadata;
    grpc_metadata_array trailing_metadata;
    grpc_status_code code;
    grpc_slice text;
};

struct renewers {
    struct renewers_plan plan;
    grpc_completion_queue *queue;
    struct renewer *each;
    grpc_metadata ttl;
    pthread_t thread;
    unsigned calling;
    atomic_bool is_stopping;
    atomic_bool has_failed;
    atomic_ullong answers;
};

static grpc_byte_buffer *renewer_request(const struct renewers *renewers,
                                         const struct renewer *renewer)
{
    const char *election = renewers->plan.election;
    uint8_t buffer[STORY_REQUEST_SIZE_MAX];
    struct client_bytes request = story_request(
        buffer, (struct client_bytes){election, strlen(election)},
        (struct client_bytes){renewer->name, strlen(renewer->name)});
    grpc_slice slice =
        grpc_slice_from_copied_buffer(request.bytes, request.size);
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&slice, 1);

    grpc_slice_unref(slice);
    return message;
}

static void renewer_call(struct renewers *renewers, struct renewer *renewer)
{
    grpc_byte_buffer *request = renewer_request(renewers, renewer);
    grpc_op ops[6] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA},
        {.op = GRPC_OP_RECV_MESSAGE},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT},
    };

    renewer->call = grpc_channel_create_call(
        renewer->channel, NULL, GRPC_PROPAGATE_DEFAULTS, renewers->queue,
        grpc_slice_from_static_string(STORY_PATH("Enter")), NULL,
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                     gpr_time_from_millis(CLIENT_DEADLINE_MS, GPR_TIMESPAN)),
        NULL);
    grpc_metadata_array_init(&renewer->initial_metadata);
    grpc_metadata_array_init(&renewer->trailing_metadata);
    renewer->answer = NULL;
    ops[0].data.send_initial_metadata.count = 1;
    ops[0].data.send_initial_metadata.metadata = &renewers->ttl;
    ops[1].data.send_message.send_message = request;
    ops[3].data.recv_initial_metadata.recv_initial_metadata =
        &renewer->initial_metadata;
    ops[4].data.recv_message.recv_message = &renewer->answer;
    ops[5].data.recv_status_on_client.trailing_metadata =
        &renewer->trailing_metadata;
    ops[5].data.recv_status_on_client.status = &renewer->code;
    ops[5].data.recv_status_on_client.status_details = &renewer->text;
    if (grpc_call_start_batch(renewer->call, ops, 6, renewer, NULL) !=
        GRPC_CALL_OK) {
        abort();
    }
    grpc_byte_buffer_destroy(request);
    renewer->is_calling = true;
    renewers->calling++;
}

static void renewer_answered(struct renewers *renewers, struct renewer *renewer)
{
    if (renewer->code != GRPC_STATUS_OK) {
        atomic_store(&renewers->has_failed, true);
    }
    grpc_slice_unref(renewer->text);
    if (renewer->answer != NULL) {
        grpc_byte_buffer_destroy(renewer->answer);
    }
    grpc_metadata_array_destroy(&renewer->initial_metadata);
    grpc_metadata_array_destroy(&renewer->trailing_metadata);
    grpc_call_unref(renewer->call);
    renewer->is_calling = false;
    renewer->next_ms = stopwatch_now_ms() + renewers->plan.pause_ms;
    renewers->calling--;
    atomic_fetch_add(&renewers->answers, 1);
}

// Calls whatever is to be by now. Returns when the next one is.
static long long renewers_call_due(struct renewers *renewers)
{
    long long now_ms = stopwatch_now_ms();
    long long next_ms = now_ms + 100;

    for (unsigned i = 0; i < renewers->plan.count; i++) {
        struct renewer *renewer = &renewers->each[i];

        if (!renewer->is_calling && renewer->next_ms <= now_ms &&
            !atomic_load(&renewers->is_stopping)) {
            renewer_call(renewers, renewer);
        } else if (!renewer->is_calling && renewer->next_ms < next_ms) {
            next_ms = renewer->next_ms;
        }
    }
    return next_ms > now_ms ? next_ms - now_ms : 1;
}

static void *renewers_run(void *argument)
{
    struct renewers *renewers = argument;
    grpc_event event;

    while (!atomic_load(&renewers->is_stopping) || renewers->calling > 0) {
        long long wait_ms = renewers_call_due(renewers);

        event = grpc_completion_queue_next(
            renewers->queue,
            gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                         gpr_time_from_millis(wait_ms, GPR_TIMESPAN)),
            NULL);
        if (event.type == GRPC_OP_COMPLETE) {
            renewer_answered(renewers, event.tag);
        }
    }
    return NULL;
}

static void renewers_create_each(struct renewers *renewers)
{
    unsigned count = renewers->plan.count;
    long long now_ms = stopwatch_now_ms();

    renewers->each = calloc(count, sizeof *renewers->each);
    assert_non_null(renewers->each);
    for (unsigned i = 0; i < count; i++) {
        struct renewer *renewer = &renewers->each[i];

        renewer->channel = i == 0 || renewers->plan.is_apart
                               ? client_channel(renewers->plan.listen)
                               : renewers->each[0].channel;
        renewer->next_ms = now_ms + renewers->plan.pause_ms * i / count;
        (void)snprintf(renewer->name, sizeof renewer->name, "n%u", i);
    }
}

struct renewers *renewers_start(const struct renewers_plan *plan)
{
    struct renewers *renewers = calloc(1, sizeof *renewers);
    long long deadline_ms = stopwatch_now_ms() + CLIENT_DEADLINE_MS;

    assert_non_null(renewers);
    renewers->plan = *plan;
    renewers->queue = grpc_completion_queue_create_for_next(NULL);
    renewers->ttl.key = grpc_slice_from_static_string("electd-ttl-ms");
    renewers->ttl.value = grpc_slice_from_copied_string(plan->ttl_ms);
    renewers_create_each(renewers);
    assert_int_equal(
        pthread_create(&renewers->thread, NULL, renewers_run, renewers), 0);
    while (renewers_answers(renewers) < plan->count) {
        assert_true(stopwatch_now_ms() < deadline_ms);
        (void)poll(NULL, 0, 5);
    }
    return renewers;
}

uint64_t renewers_answers(const struct renewers *renewers)
{
    return atomic_load(&renewers->answers);
}

bool renewers_stop(struct renewers *renewers)
{
    bool has_failed;

    atomic_store(&renewers->is_stopping, true);
    (void)pthread_join(renewers->thread, NULL);
    has_failed = atomic_load(&renewers->has_failed);
    for (unsigned i = 0; i < renewers->plan.count; i++) {
        if (i == 0 || renewers->plan.is_apart) {
            grpc_channel_destroy(renewers->each[i].channel);
        }
    }
    grpc_completion_queue_shutdown(renewers->queue);
    while (grpc_completion_queue_next(renewers->queue,
                                      gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL)
               .type != GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(renewers->queue);
    grpc_slice_unref(renewers->ttl.value);
    free(renewers->each);
    free(renewers);
    return !has_failed;
}
