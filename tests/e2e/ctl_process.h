// SPDX-License-Identifier: Apache-2.0
//
// Runs of the real electctl ($ELECTCTL_BIN), whose output is read through
// pipes. Each struct is zero or the one of an earlier run, whose output is
// released.

#ifndef E2E_CTL_PROCESS_H
#define E2E_CTL_PROCESS_H

#include "support/child_process.h"

// Starts it, and does not wait for anything. Of the start, the program is left
// out; the only ELECTD_ variable that is set is ELECTD_ENDPOINT, unless the
// endpoint is NULL.
void ctl_spawn(struct child_process *ctl, const char *endpoint,
               const struct child_start *start);

// Waits for its end. Returns as child_exit_status().
int ctl_await_exit(struct child_process *ctl);

// Runs it to its end. Returns as child_exit_status().
int ctl_run(struct child_process *ctl, const char *endpoint,
            const char *arguments);

#endif
