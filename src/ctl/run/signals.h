// SPDX-License-Identifier: Apache-2.0
//
// The signals of `electctl run`: those that end it, those that are for its
// command alone, and SIGCHLD.
//
// Thread: the loop's.

#ifndef CTL_RUN_SIGNALS_H
#define CTL_RUN_SIGNALS_H

#include <uv.h>

#define RUN_SIGNALS 9

struct run_signals;

// SIGCHLD too.
typedef void run_signals_cb(struct run_signals *signals, int number);

struct run_signals {
    run_signals_cb *signal_cb;
    uv_signal_t handles[RUN_SIGNALS];
};

// Borrows the loop. What nohup, or a shell for a command in the background, has
// ignored stays ignored. Nothing of this fails in a process that has just
// begun.
void run_signals_init(struct run_signals *signals, uv_loop_t *loop,
                      run_signals_cb *signal_cb);

void run_signals_close(struct run_signals *signals);

#endif
