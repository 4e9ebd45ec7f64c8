// SPDX-License-Identifier: Apache-2.0
//
// Happy path: the poller gets a completion, appends it to `arrived` and wakes
// the loop; the loop swaps `arrived` with its own empty list and works that off
// without the lock.
//
// Wake-ups coalesce, so each must take all there is. When the queue was shut
// down, the poller says so last and ends: at that moment every tag has come
// back.

#include "rpc/inbox.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/container_of.h"

// gRPC ends the process when it is out of memory; there is nothing better to be
// done with a completion that cannot be kept either.
static void rpc_events_push(struct rpc_events *events, struct rpc_event event)
{
    if (events->count == events->size) {
        size_t size = events->size != 0 ? events->size * 2 : 64;
        struct rpc_event *array =
            realloc(events->array, size * sizeof *events->array);

        if (array == NULL) {
            fputs("electd: out of memory\n", stderr);
            abort();
        }
        events->array = array;
        events->size = size;
    }
    events->array[events->count++] = event;
}

static void rpc_inbox_poll(void *argument)
{
    struct rpc_inbox *inbox = argument;
    grpc_event completion;
    bool ended;

    do {
        completion = grpc_completion_queue_next(
            inbox->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        ended = completion.type == GRPC_QUEUE_SHUTDOWN;
        uv_mutex_lock(&inbox->lock);
        if (ended) {
            inbox->queue_ended = true;
        } else {
            assert(completion.type == GRPC_OP_COMPLETE);
            rpc_events_push(&inbox->arrived,
                            (struct rpc_event){.tag = completion.tag,
                                               .ok = completion.success != 0});
        }
        uv_mutex_unlock(&inbox->lock);
        // Cannot fail before the handle is closed, and that is after the join.
        uv_async_send(&inbox->wake);
    } while (!ended);
}

static void rpc_inbox_wake_cb(uv_async_t *wake)
{
    struct rpc_inbox *inbox = container_of(wake, struct rpc_inbox, wake);
    struct rpc_events taken;
    bool ended;

    uv_mutex_lock(&inbox->lock);
    taken = inbox->arrived;
    inbox->arrived = inbox->taken;
    ended = inbox->queue_ended;
    uv_mutex_unlock(&inbox->lock);

    for (size_t i = 0; i < taken.count; i++) {
        taken.array[i].tag->done_cb(taken.array[i].tag, taken.array[i].ok);
    }
    taken.count = 0;
    inbox->taken = taken;
    if (ended) {
        uv_thread_join(&inbox->poller);
        inbox->ended_cb(inbox);
    }
}

int rpc_inbox_init(struct rpc_inbox *inbox, uv_loop_t *loop,
                   grpc_completion_queue *queue,
                   void (*ended_cb)(struct rpc_inbox *inbox))
{
    int status;

    *inbox = (struct rpc_inbox){.queue = queue, .ended_cb = ended_cb};
    status = uv_mutex_init(&inbox->lock);
    if (status != 0) {
        return status;
    }
    status = uv_async_init(loop, &inbox->wake, rpc_inbox_wake_cb);
    if (status != 0) {
        uv_mutex_destroy(&inbox->lock);
        return status;
    }
    status = uv_thread_create(&inbox->poller, rpc_inbox_poll, inbox);
    // A loop that was just opened has room for one thread more, or the process
    // is not going to start at all.
    assert(status == 0);
    return 0;
}

static void rpc_inbox_wake_closed_cb(uv_handle_t *handle)
{
    struct rpc_inbox *inbox = container_of(handle, struct rpc_inbox, wake);

    uv_mutex_destroy(&inbox->lock);
    free(inbox->arrived.array);
    free(inbox->taken.array);
    inbox->closed_cb(inbox);
}

void rpc_inbox_close(struct rpc_inbox *inbox,
                     void (*closed_cb)(struct rpc_inbox *inbox))
{
    inbox->closed_cb = closed_cb;
    uv_close((uv_handle_t *)&inbox->wake, rpc_inbox_wake_closed_cb);
}
