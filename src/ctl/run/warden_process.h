// SPDX-License-Identifier: Apache-2.0
//
// The warden's own side: a small process between electctl and the command that
// sees to it that the command's group ends when electctl says so, when electctl
// has ended, and before the time until which the daemon has confirmed that the
// command may run.
//
// Thread: the process has one.

#ifndef CTL_RUN_WARDEN_PROCESS_H
#define CTL_RUN_WARDEN_PROCESS_H

#include <stdint.h>

#include "ctl/run/warden_group.h"

// Borrowed.
struct warden_options {
    struct warden_command command;
    // From the signal that ends to SIGKILL.
    uint64_t kill_after_ms;
};

// Runs until electctl has closed its end of the socket and no group is left.
// Returns the exit code.
int warden_process_run(const struct warden_options *options, int socket_fd);

#endif
