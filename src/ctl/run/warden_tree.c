// SPDX-License-Identifier: Apache-2.0
//
// Happy path:
// - Read the number, parent and state of every process in /proc; keep those
//   whose chain of parents leads to this process.
// - Nothing is left when the kernel says that this process has no child:
//   orphans are its children.
//
// Failure modes:
// - Processes come, end and get another parent while /proc is read, so that one
//   may be missed. A child of this process cannot be: nobody else reaps it. So
//   only what the children tell is taken for an answer, and signals are sent
//   again until nobody is left.
// - A child that ends between two looks leaves children of its own, which the
//   first look did not see. So a child counts as dead only if it was dead
//   before the children were listed.
// - A number may be another process's by now: a pidfd, and then the time of the
//   start, tell. Without pidfd_open() (before Linux 5.3, or where a filter
//   forbids it) a moment remains between that look and kill().
// - A zombie that somebody traces cannot be reaped, and is dead all the same.

#include "ctl/run/warden_tree.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

// How often in a row it kills what has become a child meanwhile.
#define WARDEN_TREE_PASSES_MAX 64

// Adds the children that were not seen: hidden ones, and those that came only
// just now.
static bool warden_tree_add_unseen(struct warden_list *list)
{
    struct warden_list children = {.count = 0};
    struct warden_list unseen = {.count = 0};
    bool is_fine = true;

    // Where children are not listed, the hidden ones stay unseen.
    (void)!warden_list_read_children(&children);
    for (size_t i = 0; i < children.count && is_fine; i++) {
        struct warden_list_process *child = &children.processes[i];

        if (warden_list_find(list, child->pid) == NULL) {
            (void)warden_list_read_one(child->pid, child);
            is_fine = warden_list_add(&unseen, child);
        }
    }
    for (size_t i = 0; i < unseen.count && is_fine; i++) {
        is_fine = warden_list_add(list, &unseen.processes[i]);
    }
    warden_list_clear(&children);
    warden_list_clear(&unseen);
    warden_list_sort(list);
    return is_fine;
}

// A parent is never younger than its child, unless the number is another
// process's by now.
static bool warden_tree_descends(const struct warden_list *list,
                                 const struct warden_list_process *process)
{
    const struct warden_list_process *parent;

    if (process->parent == getpid()) {
        return true;
    }
    parent = warden_list_find(list, process->parent);
    return parent != NULL && parent->is_marked &&
           parent->started <= process->started;
}

// Keeps the descendants only. Children have higher numbers most of the time, so
// that one round, and one that finds nothing more, are usually all.
static void warden_tree_prune(struct warden_list *list,
                              const struct warden_list *others)
{
    bool has_more = true;

    while (has_more) {
        has_more = false;
        for (size_t i = 0; i < list->count; i++) {
            struct warden_list_process *process = &list->processes[i];

            if (!process->is_marked && warden_tree_descends(list, process) &&
                !warden_list_has(others, process)) {
                process->is_marked = true;
                has_more = true;
            }
        }
    }
    warden_list_keep_marked(list);
}

bool warden_tree_read(struct warden_list *list,
                      const struct warden_list *others)
{
    *list = (struct warden_list){.count = 0};
    if (!warden_list_read_all(list) || !warden_tree_add_unseen(list)) {
        warden_list_clear(list);
        return false;
    }
    warden_tree_prune(list, others);
    return true;
}

bool warden_tree_read_children(struct warden_list *list,
                               const struct warden_list *others)
{
    *list = (struct warden_list){.count = 0};
    if (!warden_list_read_children(list)) {
        warden_list_clear(list);
        if (!warden_tree_read(list, others)) {
            return false;
        }
    }
    for (size_t i = 0; i < list->count; i++) {
        struct warden_list_process *child = &list->processes[i];

        // A hidden one stays as it is: alive.
        if (child->parent == getpid() && child->started == 0) {
            (void)warden_list_read_one(child->pid, child);
        }
        child->is_marked =
            child->parent == getpid() && !warden_list_has(others, child);
    }
    warden_list_keep_marked(list);
    return true;
}

// The number is still that process's.
static bool warden_tree_is_current(const struct warden_list_process *process)
{
    struct warden_list_process now;

    // A hidden one is a child, whose number is taken until it is reaped.
    return process->started == 0 || (warden_list_read_one(process->pid, &now) &&
                                     now.started == process->started);
}

int warden_tree_signal(const struct warden_list_process *process, int number)
{
    int pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    int status = 0;

    if (pidfd == -1 && errno == ESRCH) {
        return -ESRCH;
    }
    if (!warden_tree_is_current(process)) {
        status = -ESRCH;
    } else if (pidfd == -1 ||
               syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0) != 0) {
        // It may be a filter that refuses; this one knows who does.
        status = kill(process->pid, number) == 0 ? 0 : -errno;
    }
    if (pidfd != -1) {
        close(pidfd);
    }
    return status;
}

// Reads the children, if need be with what tells them from `others`.
static bool warden_tree_list_quickly(struct warden_list *list,
                                     const struct warden_list *others)
{
    *list = (struct warden_list){.count = 0};
    if ((others == NULL || others->count == 0) &&
        warden_list_read_children(list)) {
        return true;
    }
    warden_list_clear(list);
    return warden_tree_read_children(list, others);
}

// Nothing is reaped in between: where processes are limited in number, those
// that fork find no room.
void warden_tree_kill_children(const struct warden_list *others)
{
    struct warden_list before = {.count = 0};
    struct warden_list now;
    bool has_more = true;

    for (int i = 0; i < WARDEN_TREE_PASSES_MAX && has_more &&
                    warden_tree_list_quickly(&now, others);
         i++) {
        has_more = false;
        for (size_t j = 0; j < now.count; j++) {
            pid_t pid = now.processes[j].pid;

            if (warden_list_find(&before, pid) == NULL) {
                // Its number is taken until it is reaped.
                (void)kill(pid, SIGKILL);
                has_more = true;
            }
        }
        warden_list_clear(&before);
        before = now;
    }
    warden_list_clear(&before);
}

static bool warden_tree_has_child(void)
{
    siginfo_t info;

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 ||
           errno != ECHILD;
}

// All are dead, and were so in `before` unless that is NULL.
static bool warden_tree_all_dead(const struct warden_list *list,
                                 const struct warden_list *before)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!list->processes[i].is_dead ||
            (before != NULL && !warden_list_has(before, &list->processes[i]))) {
            return false;
        }
    }
    return true;
}

bool warden_tree_is_gone(const struct warden_list *others)
{
    struct warden_list before;
    struct warden_list now;
    bool is_gone = false;

    if (!warden_tree_has_child()) {
        return true;
    }
    if (!warden_tree_read_children(&before, others)) {
        return false;
    }
    // There is a child: whoever sees none does not see all.
    if ((before.count > 0 || (others != NULL && others->count > 0)) &&
        warden_tree_all_dead(&before, NULL) &&
        warden_tree_read_children(&now, others)) {
        is_gone = warden_tree_all_dead(&now, &before);
        warden_list_clear(&now);
    }
    warden_list_clear(&before);
    return is_gone;
}
