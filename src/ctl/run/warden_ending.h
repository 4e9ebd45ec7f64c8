// SPDX-License-Identifier: Apache-2.0
//
// Ends whatever a command has left running, in its process group or not: asks
// it first, and then kills until warden_tree_is_gone().
//
// Thread: the main one, which alone may reap this process's children.

#ifndef CTL_RUN_WARDEN_ENDING_H
#define CTL_RUN_WARDEN_ENDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ctl/run/warden_list.h"

// Zero is ready.
struct warden_ending {
    // Descendants of this process that are none of the command's; may be NULL.
    const struct warden_list *others;
    // When /proc is searched next, of boot_clock_ms(); and the pause after it.
    uint64_t search_at_ms;
    uint64_t pause_ms;
    // What stands in the way was said.
    bool has_said;
};

// Sends the group `number`, and what runs outside of it SIGTERM. What is
// stopped is continued, or it would not notice.
void warden_ending_ask(struct warden_ending *ending, pid_t pgid, int number);

// Kills all. To be called again when a child has ended, and at `search_at_ms`,
// while anybody is left. It may be called more often.
void warden_ending_kill(struct warden_ending *ending);

#endif
