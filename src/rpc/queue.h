// SPDX-License-Identifier: Apache-2.0
//
// gRPC's completions on a libuv loop. The loop waits for gRPC, which reads and
// writes the sockets of all connections meanwhile, instead of for its own few
// descriptors; a thread of its own, the lookout, watches those, and interrupts
// the loop when one of them has something to say. So a call is served from its
// first byte to its last on one thread.
//
// Thread: the loop's.

#ifndef RPC_QUEUE_H
#define RPC_QUEUE_H

#include <grpc/grpc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

// Something that was asked of gRPC. Its address is the tag of the completion.
struct rpc_tag {
    // On the loop: it is done; `ok` as gRPC gave it.
    void (*done_cb)(struct rpc_tag *tag, bool ok);
};

struct rpc_queue {
    grpc_completion_queue *completions;
    // Waits, and keeps libuv from waiting as well.
    uv_check_t wait;
    uv_idle_t awake;
    // libuv has something to do, says the lookout with this, and rests.
    struct rpc_tag loop_tag;
    bool lookout_rests;
    // A call to nowhere: what the lookout puts its completion in with.
    grpc_call *bell;
    uv_thread_t lookout;
    atomic_bool lookout_ends;
    // An eventfd: the lookout is to go on, or to end.
    int lookout_fd;
    int open_handles;
    // A read pass was asked for; pass_over_cb is the asker's.
    bool is_passing;
    // When C-core last had nothing more to tell, by the loop's clock.
    uint64_t caught_up_ms;
    void (*pass_over_cb)(struct rpc_queue *queue);
    // Shut down and empty.
    void (*ended_cb)(struct rpc_queue *queue);
    void (*closed_cb)(struct rpc_queue *queue);
};

// Begins to wait. Borrows the loop; call grpc_init() first. Returns 0, or
// libuv's negative error, after which there is nothing to close.
__attribute__((warn_unused_result)) int
rpc_queue_init(struct rpc_queue *queue, uv_loop_t *loop,
               void (*ended_cb)(struct rpc_queue *queue));

// Begins a read pass: calls pass_over_cb, set by the owner, when what was in
// the sockets at this moment has been read and told. C-core does not say so;
// it is concluded from a wait of a millisecond in which it had nothing to tell,
// and slept. While traffic never pauses, that does not happen.
void rpc_queue_begin_pass(struct rpc_queue *queue);

// Nothing more may be asked of gRPC for this queue. ended_cb comes when every
// tag has come back.
void rpc_queue_shut_down(struct rpc_queue *queue);

// After ended_cb: closes what is left.
void rpc_queue_close(struct rpc_queue *queue,
                     void (*closed_cb)(struct rpc_queue *queue));

#endif
