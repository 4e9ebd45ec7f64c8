// SPDX-License-Identifier: Apache-2.0
//
// A daemon whose writes to standard error the kernel holds for as long as a
// test likes, as it does when a file system does not answer: poll() says that
// there is room, and write() does not return. A seccomp filter, which the child
// installs before it becomes the daemon, asks this process about each of them.
//
//     held_writes_init(&writes);
//     daemon_spawn(daemon, &(struct child_start){
//                              .prepare_cb = held_writes_prepare_cb,
//                              .context = &writes});
//     held_writes_hold(&writes);

#ifndef E2E_HELD_WRITES_H
#define E2E_HELD_WRITES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "support/child_process.h"

struct held_writes {
    // Over which the child hands its end of the filter.
    int ends[2];
    pthread_t thread;
    atomic_bool is_holding;
    atomic_bool is_closing;
    // A write is held now.
    atomic_bool has_one;
};

// The kernel, and who restricts this process, have it.
bool held_writes_is_possible(void);

// Lets writes through, for one daemon.
void held_writes_init(struct held_writes *writes);

// In the child: installs the filter of a struct held_writes. False if it
// cannot.
bool held_writes_prepare_cb(void *context);

// Holds the writes from here on, or lets them go.
void held_writes_hold(struct held_writes *writes);
void held_writes_release(struct held_writes *writes);

// Waits until a write is held.
void held_writes_await(struct held_writes *writes);

// Once the daemon has ended.
void held_writes_close(struct held_writes *writes);

#endif
