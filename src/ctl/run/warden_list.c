// SPDX-License-Identifier: Apache-2.0
//
// Happy path:
// - Read /proc/PID/stat of one process, or of all; or the children that the
//   kernel lists.
//
// Failure modes:
// - A process that has ended is missing.
// - A hidden one (hidepid) cannot be read; the list of children has its number
//   all the same.
// - A zombie may have threads that run, when its first one has ended alone.
// - A /proc of another namespace has other numbers: it is not used.

#include "ctl/run/warden_list.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Fields of /proc/PID/stat, counted as in proc(5).
#define WARDEN_STAT_PARENT 4
#define WARDEN_STAT_GROUP 5
#define WARDEN_STAT_THREADS 20
#define WARDEN_STAT_STARTED 22

static int warden_list_compare(const void *a, const void *b)
{
    pid_t left = ((const struct warden_list_process *)a)->pid;
    pid_t right = ((const struct warden_list_process *)b)->pid;

    return (left > right) - (left < right);
}

struct warden_list_process *warden_list_find(const struct warden_list *list,
                                             pid_t pid)
{
    const struct warden_list_process key = {.pid = pid};

    if (list == NULL || list->count == 0) {
        return NULL;
    }
    return bsearch(&key, list->processes, list->count, sizeof key,
                   warden_list_compare);
}

bool warden_list_has(const struct warden_list *list,
                     const struct warden_list_process *process)
{
    const struct warden_list_process *found =
        warden_list_find(list, process->pid);

    return found != NULL && found->started == process->started;
}

bool warden_list_add(struct warden_list *list,
                     const struct warden_list_process *process)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? 2 * list->capacity : 64;
        struct warden_list_process *processes =
            realloc(list->processes, capacity * sizeof *processes);

        if (processes == NULL) {
            return false;
        }
        list->processes = processes;
        list->capacity = capacity;
    }
    list->processes[list->count] = *process;
    list->count++;
    return true;
}

void warden_list_sort(struct warden_list *list)
{
    if (list->count > 1) {
        qsort(list->processes, list->count, sizeof *list->processes,
              warden_list_compare);
    }
}

void warden_list_remove(struct warden_list *list, pid_t pid)
{
    struct warden_list_process *process = warden_list_find(list, pid);

    if (process != NULL) {
        size_t behind = list->count - (size_t)(process - list->processes) - 1;

        memmove(process, process + 1, behind * sizeof *process);
        list->count--;
    }
}

void warden_list_keep_marked(struct warden_list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (list->processes[i].is_marked) {
            list->processes[kept] = list->processes[i];
            kept++;
        }
    }
    list->count = kept;
}

void warden_list_clear(struct warden_list *list)
{
    free(list->processes);
    *list = (struct warden_list){.count = 0};
}

// Reads a file of the kernel's, NUL-terminated.
static bool warden_list_read_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd == -1) {
        return false;
    }
    got = read(fd, text, size - 1);
    close(fd);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

// "PID (name) STATE PARENT GROUP ...", where the name may hold anything.
bool warden_list_read_one(pid_t pid, struct warden_list_process *process)
{
    unsigned long long fields[WARDEN_STAT_STARTED + 1] = {0};
    char path[32];
    char text[1024];
    char *at;
    bool is_zombie;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    if (!warden_list_read_file(path, text, sizeof text)) {
        return false;
    }
    at = strrchr(text, ')');
    if (at == NULL || strlen(at) < 4) {
        return false;
    }
    is_zombie = at[2] == 'Z' || at[2] == 'X';
    at += 3;
    for (size_t i = WARDEN_STAT_PARENT; i <= WARDEN_STAT_STARTED; i++) {
        fields[i] = strtoull(at, &at, 10);
    }
    *process = (struct warden_list_process){
        .pid = pid,
        .parent = (pid_t)fields[WARDEN_STAT_PARENT],
        .pgid = (pid_t)fields[WARDEN_STAT_GROUP],
        .started = (uint64_t)fields[WARDEN_STAT_STARTED],
        .is_dead = is_zombie && fields[WARDEN_STAT_THREADS] <= 1,
    };
    return true;
}

// It knows this process by the number that it has here.
static bool warden_list_is_own_proc(void)
{
    char text[32];
    ssize_t size = readlink("/proc/self", text, sizeof text - 1);

    if (size <= 0) {
        return false;
    }
    text[size] = '\0';
    return strtol(text, NULL, 10) == (long)getpid();
}

bool warden_list_read_all(struct warden_list *list)
{
    DIR *proc = warden_list_is_own_proc() ? opendir("/proc") : NULL;
    const struct dirent *entry;
    struct warden_list_process process;
    bool is_fine = proc != NULL;

    while (is_fine && (entry = readdir(proc)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

        if (pid > 0 && warden_list_read_one(pid, &process)) {
            is_fine = warden_list_add(list, &process);
        }
    }
    if (proc != NULL) {
        closedir(proc);
    }
    warden_list_sort(list);
    return is_fine;
}

bool warden_list_read_children(struct warden_list *list)
{
    struct warden_list_process child = {.parent = getpid()};
    char text[4096];
    bool is_fine = true;
    ssize_t size;
    int fd;

    // The main thread's: it forks, and orphans become its children.
    snprintf(text, sizeof text, "/proc/self/task/%ld/children", (long)getpid());
    fd = open(text, O_RDONLY | O_CLOEXEC);
    if (fd == -1) {
        return false;
    }
    while (is_fine && (size = read(fd, text, sizeof text)) > 0) {
        for (ssize_t i = 0; i < size && is_fine; i++) {
            if (text[i] >= '0' && text[i] <= '9') {
                child.pid = child.pid * 10 + (text[i] - '0');
            } else {
                // A blank follows each.
                is_fine = warden_list_add(list, &child);
                child.pid = 0;
            }
        }
    }
    close(fd);
    warden_list_sort(list);
    return is_fine;
}
