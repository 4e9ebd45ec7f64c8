// SPDX-License-Identifier: Apache-2.0

#include "ctl/run/signals.h"

#include <assert.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

static const int run_signals_numbers[RUN_SIGNALS] = {
    SIGTERM, SIGINT,   SIGHUP,  SIGQUIT, SIGUSR1,
    SIGUSR2, SIGWINCH, SIGCONT, SIGCHLD,
};

static void run_signals_handle_cb(uv_signal_t *handle, int number)
{
    struct run_signals *signals = handle->data;

    signals->signal_cb(signals, number);
}

static bool run_signals_is_ignored(int number)
{
    struct sigaction action;

    return (number == SIGHUP || number == SIGINT || number == SIGQUIT) &&
           sigaction(number, NULL, &action) == 0 &&
           action.sa_handler == SIG_IGN;
}

void run_signals_init(struct run_signals *signals, uv_loop_t *loop,
                      run_signals_cb *signal_cb)
{
    int status = 0;

    signals->signal_cb = signal_cb;
    for (size_t i = 0; i < RUN_SIGNALS; i++) {
        status |= uv_signal_init(loop, &signals->handles[i]);
        signals->handles[i].data = signals;
        if (!run_signals_is_ignored(run_signals_numbers[i])) {
            status |=
                uv_signal_start(&signals->handles[i], run_signals_handle_cb,
                                run_signals_numbers[i]);
        }
    }
    assert(status == 0);
}

void run_signals_close(struct run_signals *signals)
{
    for (size_t i = 0; i < RUN_SIGNALS; i++) {
        uv_close((uv_handle_t *)&signals->handles[i], NULL);
    }
}
