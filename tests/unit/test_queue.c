// SPDX-License-Identifier: Apache-2.0
//
// gRPC's queue on a real loop: whatever libuv has to tell is heard although the
// loop waits for gRPC. Nothing else happens here, so that a wake-up that was
// forgotten would be a test that never ends.

#include <grpc/grpc.h>
#include <signal.h>
#include <unistd.h>
#include <uv.h>

#include "support/test.h"

#include "base/container_of.h"
#include "rpc/queue.h"

#define ROUNDS 200

struct fixture {
    uv_loop_t loop;
    struct rpc_queue queue;
    uv_timer_t timer;
    uv_async_t async;
    uv_signal_t signal;
    uv_pipe_t pipe;
    uv_thread_t thread;
    uv_sem_t heard_in_thread;
    int pipe_ends[2];
    unsigned heard;
    unsigned passes;
    // Traffic that goes on for as long as it is to.
    struct rpc_tag traffic;
    bool is_busy;
    unsigned traffic_count;

    char byte;
};

static void fixture_closed_cb(struct rpc_queue *queue)
{
    container_of(queue, struct fixture, queue)->heard++;
}

static void fixture_ended_cb(struct rpc_queue *queue)
{
    rpc_queue_close(queue, fixture_closed_cb);
}

static void fixture_open(struct fixture *fixture)
{
    *fixture = (struct fixture){.heard = 0};
    grpc_init();
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    assert_int_equal(
        rpc_queue_init(&fixture->queue, &fixture->loop, fixture_ended_cb), 0);
    uv_timer_init(&fixture->loop, &fixture->timer);
}

// Everything that was opened is closed by now, or about to be.
static void fixture_finish(struct fixture *fixture)
{
    uv_close((uv_handle_t *)&fixture->timer, NULL);
    rpc_queue_shut_down(&fixture->queue);
}

static void fixture_run(struct fixture *fixture)
{
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    grpc_shutdown_blocking();
}

static void finish_timer_cb(uv_timer_t *timer)
{
    fixture_finish(container_of(timer, struct fixture, timer));
}

static void test_a_queue_that_nobody_used_ends(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_open(&fixture);
    fixture_finish(&fixture);
    fixture_run(&fixture);
    assert_int_equal(fixture.heard, 1);
}

static void test_a_timer_is_due_while_the_loop_waits(void **state)
{
    struct fixture fixture;
    uint64_t begin_ns;

    (void)state;
    fixture_open(&fixture);
    begin_ns = uv_hrtime();
    // From now, not from when the loop was opened.
    uv_update_time(&fixture.loop);
    uv_timer_start(&fixture.timer, finish_timer_cb, 50, 0);
    fixture_run(&fixture);
    assert_int_equal(fixture.heard, 1);
    assert_true(uv_hrtime() - begin_ns >= UINT64_C(49000000));
}

static void sending_thread(void *argument)
{
    struct fixture *fixture = argument;

    for (unsigned i = 0; i < ROUNDS; i++) {
        uv_async_send(&fixture->async);
        uv_sem_wait(&fixture->heard_in_thread);
    }
}

static void async_cb(uv_async_t *async)
{
    struct fixture *fixture = container_of(async, struct fixture, async);

    fixture->heard++;
    uv_sem_post(&fixture->heard_in_thread);
    if (fixture->heard == ROUNDS) {
        uv_close((uv_handle_t *)async, NULL);
        fixture_finish(fixture);
    }
}

// Each call waits for the one before to be heard: none may be lost.
static void test_another_thread_wakes_the_loop_again_and_again(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_open(&fixture);
    uv_sem_init(&fixture.heard_in_thread, 0);
    uv_async_init(&fixture.loop, &fixture.async, async_cb);
    uv_thread_create(&fixture.thread, sending_thread, &fixture);
    fixture_run(&fixture);
    uv_thread_join(&fixture.thread);
    uv_sem_destroy(&fixture.heard_in_thread);
    assert_int_equal(fixture.heard, ROUNDS + 1);
}

static void signal_cb(uv_signal_t *handle, int number)
{
    struct fixture *fixture = container_of(handle, struct fixture, signal);

    assert_int_equal(number, SIGUSR1);
    fixture->heard++;
    uv_close((uv_handle_t *)handle, NULL);
    fixture_finish(fixture);
}

static void raise_timer_cb(uv_timer_t *timer)
{
    (void)timer;
    (void)kill(getpid(), SIGUSR1);
}

static void test_a_signal_is_heard_while_the_loop_waits(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_open(&fixture);
    uv_signal_init(&fixture.loop, &fixture.signal);
    uv_signal_start(&fixture.signal, signal_cb, SIGUSR1);
    uv_timer_start(&fixture.timer, raise_timer_cb, 20, 0);
    fixture_run(&fixture);
    assert_int_equal(fixture.heard, 2);
}

static void pipe_alloc_cb(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    struct fixture *fixture =
        container_of((uv_pipe_t *)handle, struct fixture, pipe);

    (void)size;
    *buffer = uv_buf_init(&fixture->byte, 1);
}

static void pipe_read_cb(uv_stream_t *stream, ssize_t size,
                         const uv_buf_t *buffer)
{
    struct fixture *fixture =
        container_of((uv_pipe_t *)stream, struct fixture, pipe);

    (void)buffer;
    assert_int_equal(size, 1);
    fixture->heard++;
    uv_close((uv_handle_t *)stream, NULL);
    fixture_finish(fixture);
}

// libuv tells the kernel of a new descriptor only when it looks next.
static void begin_pipe_timer_cb(uv_timer_t *timer)
{
    struct fixture *fixture = container_of(timer, struct fixture, timer);

    uv_pipe_init(&fixture->loop, &fixture->pipe, 0);
    assert_int_equal(uv_pipe_open(&fixture->pipe, fixture->pipe_ends[0]), 0);
    assert_int_equal(uv_read_start((uv_stream_t *)&fixture->pipe, pipe_alloc_cb,
                                   pipe_read_cb),
                     0);
    assert_int_equal(write(fixture->pipe_ends[1], "x", 1), 1);
}

static void test_what_a_timer_begins_to_read_is_heard(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_open(&fixture);
    assert_int_equal(pipe(fixture.pipe_ends), 0);
    uv_timer_start(&fixture.timer, begin_pipe_timer_cb, 20, 0);
    fixture_run(&fixture);
    assert_int_equal(fixture.heard, 2);
    (void)close(fixture.pipe_ends[1]);
}

static void pass_over_cb(struct rpc_queue *queue)
{
    struct fixture *fixture = container_of(queue, struct fixture, queue);

    fixture->passes++;
    if (fixture->passes < ROUNDS) {
        rpc_queue_begin_pass(queue);
    } else {
        fixture_finish(fixture);
    }
}

static void test_pass_with_nothing_to_read_is_over_soon(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_open(&fixture);
    fixture.queue.pass_over_cb = pass_over_cb;
    rpc_queue_begin_pass(&fixture.queue);
    // Not inside of that.
    assert_int_equal(fixture.passes, 0);
    fixture_run(&fixture);
    assert_int_equal(fixture.passes, ROUNDS);
}

// A completion is there at once, every time.
static void send_traffic(struct fixture *fixture)
{
    assert_int_equal(grpc_call_start_batch(fixture->queue.bell, NULL, 0,
                                           &fixture->traffic, NULL),
                     GRPC_CALL_OK);
}

static void traffic_cb(struct rpc_tag *tag, bool ok)
{
    struct fixture *fixture = container_of(tag, struct fixture, traffic);

    (void)ok;
    fixture->traffic_count++;
    assert_int_equal(fixture->passes, 0);
    if (fixture->is_busy) {
        send_traffic(fixture);
    }
}

static void end_traffic_timer_cb(uv_timer_t *timer)
{
    struct fixture *fixture = container_of(timer, struct fixture, timer);

    fixture->is_busy = false;
}

static void last_pass_over_cb(struct rpc_queue *queue)
{
    struct fixture *fixture = container_of(queue, struct fixture, queue);

    assert_false(fixture->is_busy);
    fixture->passes++;
    fixture_finish(fixture);
}

static void test_pass_is_not_over_while_there_is_traffic(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_open(&fixture);
    fixture.queue.pass_over_cb = last_pass_over_cb;
    fixture.traffic.done_cb = traffic_cb;
    fixture.is_busy = true;
    send_traffic(&fixture);
    uv_update_time(&fixture.loop);
    uv_timer_start(&fixture.timer, end_traffic_timer_cb, 100, 0);
    rpc_queue_begin_pass(&fixture.queue);
    fixture_run(&fixture);
    assert_int_equal(fixture.passes, 1);
    assert_true(fixture.traffic_count > ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_queue_that_nobody_used_ends),
        cmocka_unit_test(test_a_timer_is_due_while_the_loop_waits),
        cmocka_unit_test(test_another_thread_wakes_the_loop_again_and_again),
        cmocka_unit_test(test_a_signal_is_heard_while_the_loop_waits),
        cmocka_unit_test(test_what_a_timer_begins_to_read_is_heard),
        cmocka_unit_test(test_pass_with_nothing_to_read_is_over_soon),
        cmocka_unit_test(test_pass_is_not_over_while_there_is_traffic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
