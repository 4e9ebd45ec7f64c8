// SPDX-License-Identifier: Apache-2.0
//
// The one way from gRPC's threads to the loop: a thread that does nothing but
// wait for completions, and a list in which it leaves them.
//
// Events are copied into the list under a lock, the daemon's only one. The
// poller never follows a tag: what a tag points at belongs to the loop, so
// there is nothing that the two could race for.

#ifndef RPC_INBOX_H
#define RPC_INBOX_H

#include <grpc/grpc.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

// Something that was asked of gRPC. Its address is the tag of the completion.
struct rpc_tag {
    // On the loop: it is done; `ok` as gRPC gave it.
    void (*done_cb)(struct rpc_tag *tag, bool ok);
};

struct rpc_event {
    struct rpc_tag *tag;
    bool ok;
};

struct rpc_events {
    struct rpc_event *array;
    size_t count;
    size_t size;
};

struct rpc_inbox {
    grpc_completion_queue *queue;
    uv_thread_t poller;
    uv_async_t wake;
    uv_mutex_t lock;
    // Under the lock: what came since the loop last looked.
    struct rpc_events arrived;
    bool queue_ended;
    // The loop's: what it is working off.
    struct rpc_events taken;
    // The queue is shut down and empty, and the poller has ended.
    void (*ended_cb)(struct rpc_inbox *inbox);
    void (*closed_cb)(struct rpc_inbox *inbox);
};

// Starts to poll. Borrows the queue. Returns 0, or libuv's negative error,
// after which there is nothing to close.
__attribute__((warn_unused_result)) int
rpc_inbox_init(struct rpc_inbox *inbox, uv_loop_t *loop,
               grpc_completion_queue *queue,
               void (*ended_cb)(struct rpc_inbox *inbox));

// After ended_cb: closes what is left.
void rpc_inbox_close(struct rpc_inbox *inbox,
                     void (*closed_cb)(struct rpc_inbox *inbox));

#endif
