// SPDX-License-Identifier: Apache-2.0
//
// The timers of `electctl run`.
//
// Thread: the loop's.

#ifndef CTL_RUN_TIMERS_H
#define CTL_RUN_TIMERS_H

#include <stdint.h>
#include <uv.h>

enum run_timer {
    // Repeats.
    RUN_TIMER_BEAT,
    RUN_TIMER_PAUSE,
    RUN_TIMER_QUIET,
    RUN_TIMER_WAIT,
    RUN_TIMER_HOLD,
    RUN_TIMERS,
};

struct run_timers;

typedef void run_timers_cb(struct run_timers *timers, enum run_timer which);

struct run_timers {
    run_timers_cb *over_cb;
    uv_timer_t handles[RUN_TIMERS];
};

// Borrows the loop. None of this can fail.
void run_timers_init(struct run_timers *timers, uv_loop_t *loop,
                     run_timers_cb *over_cb);

// Starts a timer, anew if it was started already.
void run_timers_start(struct run_timers *timers, enum run_timer which,
                      uint64_t delay_ms);

// 0 if it is over, or was never started.
uint64_t run_timers_due_in_ms(const struct run_timers *timers,
                              enum run_timer which);

void run_timers_close(struct run_timers *timers);

#endif
