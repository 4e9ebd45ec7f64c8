// SPDX-License-Identifier: Apache-2.0
//
// The descendants of this process. This process is a subreaper: whatever it
// started stays its descendant, in whichever process group and session, and
// becomes its child when the parents in between have ended.
//
// A process that is hidden (hidepid) is seen only while it is a child of this
// one, and only where the kernel lists children; what it started is seen when
// it becomes a child.
//
// Of the lists named `others`, which may be NULL, the processes and what
// descends from them are left out.
//
// Thread: the main one, which alone may reap this process's children.

#ifndef CTL_RUN_WARDEN_TREE_H
#define CTL_RUN_WARDEN_TREE_H

#include <stdbool.h>

#include "ctl/run/warden_list.h"

// Reads all descendants, dead or alive. Returns false, and an empty list, when
// there is no telling.
__attribute__((warn_unused_result)) bool
warden_tree_read(struct warden_list *list, const struct warden_list *others);

// Likewise, the children only.
__attribute__((warn_unused_result)) bool
warden_tree_read_children(struct warden_list *list,
                          const struct warden_list *others);

// Signals a process of a list that was read; never another one that got its
// number since. Returns 0 or -errno: -ESRCH if it has ended.
int warden_tree_signal(const struct warden_list_process *process, int number);

// Sends SIGKILL to each child, and to those that become children by that. Does
// not search /proc where the kernel lists children.
void warden_tree_kill_children(const struct warden_list *others);

// Returns true when no descendant is alive. False also stands for no telling.
bool warden_tree_is_gone(const struct warden_list *others);

#endif
