// SPDX-License-Identifier: Apache-2.0
//
// One turn of the loop: libuv runs its timers, and looks at its descriptors
// without waiting, since `awake` is active; then rpc_queue_wait_cb() waits
// until gRPC has a completion, the next timer is due or the lookout calls, and
// works off what there is. Waiting comes after libuv's own look, so that
// whatever was begun in this turn is known to its epoll descriptor by then.
//
// That descriptor is all that the lookout needs: it is readable when libuv has
// an event. The lookout then puts a completion of its own into gRPC's queue,
// and rests until libuv has looked. It does so with an empty batch, which is
// done at once, and on any thread (grpc/grpc.h on grpc_call_start_batch).

#include "rpc/queue.h"

#include <assert.h>
#include <errno.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/container_of.h"

// How many completions are worked off before libuv gets its turn.
#define RPC_QUEUE_BATCH 16

// In a read pass: how long C-core is waited for, and from when on a wait that
// was longer proves nothing, as the process may have been stopped in it.
#define RPC_QUEUE_QUIET_MS 1
#define RPC_QUEUE_QUIET_MS_MAX 20

// The handles of libuv in a queue.
#define RPC_QUEUE_HANDLES 2

static grpc_call *rpc_queue_bell_create(grpc_completion_queue *completions)
{
    grpc_channel *nowhere =
        grpc_lame_client_channel_create(NULL, GRPC_STATUS_UNAVAILABLE, "");
    grpc_call *bell = grpc_channel_create_call(
        nowhere, NULL, GRPC_PROPAGATE_DEFAULTS, completions,
        grpc_slice_from_static_string("/"), NULL,
        gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);

    grpc_channel_destroy(nowhere);
    return bell;
}

static void rpc_queue_ring(struct rpc_queue *queue)
{
    grpc_call_error error =
        grpc_call_start_batch(queue->bell, NULL, 0, &queue->loop_tag, NULL);

    assert(error == GRPC_CALL_OK);
}

// Waits until libuv has an event. False: there is nothing more to look for.
static bool rpc_queue_look(struct rpc_queue *queue)
{
    struct pollfd descriptors[] = {
        {.fd = uv_backend_fd(queue->wait.loop), .events = POLLIN},
        {.fd = queue->lookout_fd, .events = POLLIN},
    };
    int ready;

    do {
        ready = poll(descriptors, 2, -1);
    } while (ready < 0 && errno == EINTR);
    return !atomic_load(&queue->lookout_ends);
}

// Until libuv has looked for itself. False as above.
static bool rpc_queue_rest(struct rpc_queue *queue)
{
    eventfd_t count;
    int status;

    do {
        status = eventfd_read(queue->lookout_fd, &count);
    } while (status < 0 && errno == EINTR);
    return !atomic_load(&queue->lookout_ends);
}

static void rpc_queue_look_out(void *argument)
{
    struct rpc_queue *queue = argument;

    while (rpc_queue_look(queue)) {
        rpc_queue_ring(queue);
        if (!rpc_queue_rest(queue)) {
            return;
        }
    }
}

// Cannot fail: its count stays far below its maximum.
static void rpc_queue_call_lookout(struct rpc_queue *queue)
{
    (void)eventfd_write(queue->lookout_fd, 1);
}

static void rpc_queue_loop_cb(struct rpc_tag *tag, bool ok)
{
    struct rpc_queue *queue = container_of(tag, struct rpc_queue, loop_tag);

    (void)ok;
    queue->lookout_rests = true;
}

// How long libuv would have waited; negative: for ever. It is asked without our
// own idle handle, on account of which the answer would always be 0.
static int rpc_queue_timeout_ms(struct rpc_queue *queue)
{
    int timeout_ms;

    uv_idle_stop(&queue->awake);
    timeout_ms = uv_backend_timeout(queue->wait.loop);
    // Cannot fail: the callback is given.
    uv_idle_start(&queue->awake, queue->awake.idle_cb);
    return timeout_ms;
}

static gpr_timespec rpc_queue_deadline(int timeout_ms)
{
    if (timeout_ms == 0) {
        return gpr_inf_past(GPR_CLOCK_MONOTONIC);
    }
    if (timeout_ms < 0) {
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    }
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_millis(timeout_ms, GPR_TIMESPAN));
}

static void rpc_queue_end(struct rpc_queue *queue)
{
    uv_check_stop(&queue->wait);
    uv_idle_stop(&queue->awake);
    queue->ended_cb(queue);
}

// What is known before a wait of a read pass.
struct rpc_listening {
    uint64_t begun_ns;
    long sleeps;
};

void rpc_queue_begin_pass(struct rpc_queue *queue)
{
    queue->is_passing = true;
}

// How often this thread has gone to sleep of its own will; 0 where the kernel
// does not count.
static long rpc_queue_sleeps(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

static struct rpc_listening rpc_queue_listen(void)
{
    return (struct rpc_listening){uv_hrtime(), rpc_queue_sleeps()};
}

// C-core had nothing to tell while it was listened to. That it gave up at the
// deadline does not mean that nothing was left to read: it handles one event
// between two looks at the clock, and the process may have been kept from
// running. That it slept does: it had asked the kernel, in vain.
static bool rpc_queue_was_quiet(const struct rpc_listening *since)
{
    uint64_t waited_ns = uv_hrtime() - since->begun_ns;
    long sleeps = rpc_queue_sleeps();

    return waited_ns < RPC_QUEUE_QUIET_MS_MAX * UINT64_C(1000000) &&
           (sleeps == 0 || sleeps > since->sleeps);
}

static void rpc_queue_pass_over(struct rpc_queue *queue)
{
    queue->is_passing = false;
    queue->pass_over_cb(queue);
}

static void rpc_queue_wait_cb(uv_check_t *wait)
{
    struct rpc_queue *queue = container_of(wait, struct rpc_queue, wait);
    int timeout_ms = rpc_queue_timeout_ms(queue);
    // Not while something waits to be done: it may be what was read.
    bool is_listening = queue->is_passing && timeout_ms != 0;
    struct rpc_listening since = {0};
    gpr_timespec deadline =
        rpc_queue_deadline(is_listening ? RPC_QUEUE_QUIET_MS : timeout_ms);

    if (queue->lookout_rests) {
        // libuv has just looked.
        queue->lookout_rests = false;
        rpc_queue_call_lookout(queue);
    }
    if (is_listening) {
        since = rpc_queue_listen();
    }
    for (unsigned i = 0; i < RPC_QUEUE_BATCH; i++) {
        grpc_event completion =
            grpc_completion_queue_next(queue->completions, deadline, NULL);
        struct rpc_tag *tag = completion.tag;

        switch (completion.type) {
        case GRPC_QUEUE_TIMEOUT:
            uv_update_time(wait->loop);
            queue->caught_up_ms = uv_now(wait->loop);
            if (is_listening && i == 0 && rpc_queue_was_quiet(&since)) {
                rpc_queue_pass_over(queue);
            }
            return;
        case GRPC_QUEUE_SHUTDOWN:
            rpc_queue_end(queue);
            return;
        case GRPC_OP_COMPLETE:
            break;
        }
        if (i == 0) {
            // Timers that are started from here on count from now.
            uv_update_time(wait->loop);
            deadline = gpr_inf_past(GPR_CLOCK_MONOTONIC);
        }
        tag->done_cb(tag, completion.success != 0);
    }
}

static void rpc_queue_idle_cb(uv_idle_t *idle)
{
    // Being active is all it is for.
    (void)idle;
}

int rpc_queue_init(struct rpc_queue *queue, uv_loop_t *loop,
                   void (*ended_cb)(struct rpc_queue *queue))
{
    int status;

    *queue = (struct rpc_queue){
        .loop_tag = {.done_cb = rpc_queue_loop_cb},
        .lookout_fd = eventfd(0, EFD_CLOEXEC),
        .open_handles = RPC_QUEUE_HANDLES,
        .ended_cb = ended_cb,
    };
    if (queue->lookout_fd < 0) {
        return uv_translate_sys_error(errno);
    }
    // None of these can fail: the callbacks are given.
    uv_check_init(loop, &queue->wait);
    uv_check_start(&queue->wait, rpc_queue_wait_cb);
    uv_idle_init(loop, &queue->awake);
    uv_idle_start(&queue->awake, rpc_queue_idle_cb);
    queue->completions = grpc_completion_queue_create_for_next(NULL);
    queue->bell = rpc_queue_bell_create(queue->completions);
    status = uv_thread_create(&queue->lookout, rpc_queue_look_out, queue);
    // A process that may not start a thread cannot run gRPC either.
    assert(status == 0);
    return 0;
}

void rpc_queue_shut_down(struct rpc_queue *queue)
{
    // The lookout first, since it must not add to a queue that is shut down.
    atomic_store(&queue->lookout_ends, true);
    rpc_queue_call_lookout(queue);
    uv_thread_join(&queue->lookout);
    grpc_completion_queue_shutdown(queue->completions);
}

static void rpc_queue_handle_closed(struct rpc_queue *queue)
{
    queue->open_handles--;
    if (queue->open_handles == 0) {
        (void)close(queue->lookout_fd);
        grpc_call_unref(queue->bell);
        grpc_completion_queue_destroy(queue->completions);
        queue->closed_cb(queue);
    }
}

static void rpc_queue_wait_closed_cb(uv_handle_t *handle)
{
    rpc_queue_handle_closed(container_of(handle, struct rpc_queue, wait));
}

static void rpc_queue_awake_closed_cb(uv_handle_t *handle)
{
    rpc_queue_handle_closed(container_of(handle, struct rpc_queue, awake));
}

void rpc_queue_close(struct rpc_queue *queue,
                     void (*closed_cb)(struct rpc_queue *queue))
{
    queue->closed_cb = closed_cb;
    uv_close((uv_handle_t *)&queue->wait, rpc_queue_wait_closed_cb);
    uv_close((uv_handle_t *)&queue->awake, rpc_queue_awake_closed_cb);
}
