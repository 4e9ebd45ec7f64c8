// SPDX-License-Identifier: Apache-2.0

#include "ctl/run/timers.h"

#include <assert.h>

void run_timers_init(struct run_timers *timers, uv_loop_t *loop,
                     run_timers_cb *over_cb)
{
    int status = 0;

    timers->over_cb = over_cb;
    for (int i = 0; i < RUN_TIMERS; i++) {
        status |= uv_timer_init(loop, &timers->handles[i]);
        timers->handles[i].data = timers;
    }
    assert(status == 0);
}

static void run_timers_handle_cb(uv_timer_t *handle)
{
    struct run_timers *timers = handle->data;

    timers->over_cb(timers, (enum run_timer)(handle - timers->handles));
}

void run_timers_start(struct run_timers *timers, enum run_timer which,
                      uint64_t delay_ms)
{
    uv_timer_t *handle = &timers->handles[which];
    uint64_t repeat_ms = which == RUN_TIMER_BEAT ? delay_ms : 0;
    int status;

    // The loop's idea of the time may be as old as the callback that runs.
    uv_update_time(handle->loop);
    status = uv_timer_start(handle, run_timers_handle_cb, delay_ms, repeat_ms);
    assert(status == 0);
}

uint64_t run_timers_due_in_ms(const struct run_timers *timers,
                              enum run_timer which)
{
    return uv_timer_get_due_in(&timers->handles[which]);
}

void run_timers_close(struct run_timers *timers)
{
    for (int i = 0; i < RUN_TIMERS; i++) {
        uv_close((uv_handle_t *)&timers->handles[i], NULL);
    }
}
