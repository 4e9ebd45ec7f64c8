// SPDX-License-Identifier: Apache-2.0
//
// The process group of a command, as a child of the process that watches it,
// and what has left the group.
//
// A number that is signalled must be that of the group and of nothing that came
// after it. The command, which leads its group, is therefore left a zombie when
// it has ended, which keeps the number taken, until everything in the group was
// sent SIGKILL; from then on it is not used.
//
// Thread: the only one of its process.

#ifndef CTL_RUN_WARDEN_GROUP_H
#define CTL_RUN_WARDEN_GROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ctl/run/warden_ending.h"

// Borrowed.
struct warden_command {
    // NULL-terminated; the first is looked up in PATH.
    char **arguments;
    const char *election;
    const char *candidate;
    // 0, or: standard input is the terminal, and whenever this group is in its
    // foreground when the command starts, which is electctl's, the command's
    // takes its place; otherwise the command does without the terminal.
    pid_t front_pgid;
};

// In which the command acts. Borrowed.
struct warden_leadership {
    uint64_t term;
    // The daemon's id of its life: terms are of this one.
    const char *life;
};

struct warden_group {
    // 0: there is none.
    pid_t pgid;
    // The command has ended; with that code, as shells have it.
    bool has_ended;
    int exit_code;
    // SIGKILL was sent to all, and the command reaped.
    bool is_swept;
    struct warden_ending ending;
};

// Forks. The child waits until it is told to go, and ends when `*go_fd` is
// closed without a word. False: errno says why.
__attribute__((warn_unused_result)) bool
warden_group_fork(struct warden_group *group,
                  const struct warden_command *command,
                  const struct warden_leadership *leadership, int *go_fd);

// Lets the child go, and closes the descriptor.
void warden_group_go(int go_fd);

// Signals the group, unless it is swept.
void warden_group_signal(const struct warden_group *group, int number);

// Asks all to end: the group by that signal, and what has left it by SIGTERM.
void warden_group_end(struct warden_group *group, int number);

// Kills all. To be called again at `ending.search_at_ms`, and when a child has
// ended, until all is gone.
void warden_group_kill(struct warden_group *group);

// Looks whether the command has ended, or was stopped from its terminal, from
// which nobody could continue it: then that is done here. True if it has ended
// since the last call.
bool warden_group_look(struct warden_group *group,
                       const struct warden_command *command);

// The command has ended, and nothing that it started is alive. False also
// stands for no telling.
bool warden_group_is_gone(const struct warden_group *group);

// The command has ended: kills what is left of the group, and reaps.
void warden_group_sweep(struct warden_group *group);

// Reaps whatever has ended, but not a command that must stay a zombie.
void warden_group_reap(const struct warden_group *group);

#endif
