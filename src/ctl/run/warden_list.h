// SPDX-License-Identifier: Apache-2.0
//
// A list of processes, as /proc knows them.
//
// Thread: any; nothing is kept but the struct, which is its owner's.

#ifndef CTL_RUN_WARDEN_LIST_H
#define CTL_RUN_WARDEN_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct warden_list_process {
    pid_t pid;
    pid_t parent;
    pid_t pgid;
    // In ticks since the boot. With the number, it tells a process from all
    // others. 0: the process is hidden.
    uint64_t started;
    // A zombie, all of whose threads have ended.
    bool is_dead;
    // The owner's.
    bool is_marked;
};

// Sorted by number. Zero is empty.
struct warden_list {
    struct warden_list_process *processes;
    size_t count;
    size_t capacity;
};

// Returns NULL if it is not there. `list` may be NULL.
struct warden_list_process *warden_list_find(const struct warden_list *list,
                                             pid_t pid);

// That very process, and not one that got its number since.
bool warden_list_has(const struct warden_list *list,
                     const struct warden_list_process *process);

// Adds at the end; the list is to be sorted then. Returns false when memory is
// out.
__attribute__((warn_unused_result)) bool
warden_list_add(struct warden_list *list,
                const struct warden_list_process *process);

void warden_list_sort(struct warden_list *list);

void warden_list_remove(struct warden_list *list, pid_t pid);

// Keeps those that are marked.
void warden_list_keep_marked(struct warden_list *list);

void warden_list_clear(struct warden_list *list);

// Reads what /proc says of one. Returns false, and changes nothing, if the
// process has ended or is hidden.
bool warden_list_read_one(pid_t pid, struct warden_list_process *process);

// Reads all processes that can be seen into a list that is empty. Returns false
// when there is no telling: /proc is missing, or another namespace's, or memory
// is out.
__attribute__((warn_unused_result)) bool
warden_list_read_all(struct warden_list *list);

// Reads the numbers of this process's children, dead or alive, those of hidden
// ones too, and nothing but the numbers, into a list that is empty. Returns
// false if the kernel does not list them (CONFIG_PROC_CHILDREN).
__attribute__((warn_unused_result)) bool
warden_list_read_children(struct warden_list *list);

#endif
