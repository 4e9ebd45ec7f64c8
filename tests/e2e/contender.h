// SPDX-License-Identifier: Apache-2.0
//
// One run of the real electctl ($ELECTCTL_BIN), whose output goes to files of a
// directory of the test's own, as what its command writes does. Whatever does
// not happen before a deadline fails the test.

#ifndef E2E_CONTENDER_H
#define E2E_CONTENDER_H

#include <stdbool.h>
#include <sys/types.h>

#include "support/child_process.h"
#include "support/scratch.h"

#define CONTENDER_ARGUMENTS_MAX 32

struct contender {
    struct child_process process;
    // Files of the scratch: NAME.out and NAME.err.
    const struct scratch *scratch;
    char name[32];
};

// Starts electctl in the directory, with the endpoint and then the arguments,
// which end with NULL. Its standard input is `in_fd`, or nothing if that is -1.
// The struct is zero, or the one of an earlier run.
void contender_spawn(struct contender *contender, const struct scratch *scratch,
                     const char *name, int in_fd, const char *const *arguments);

// Where the next ones find their daemon.
void contender_set_endpoint(const char *listen);

// Waits for the end. Returns as child_exit_status().
int contender_await_exit(struct contender *contender);

bool contender_is_alive(struct contender *contender);

// What it has on stderr.
const char *contender_error(const struct contender *contender);

// Waits until it has said that on stderr.
void contender_await_error(const struct contender *contender, const char *text);

// Runs electctl to its end; returns its exit status.
int contender_call(const struct scratch *scratch, const char *const *arguments);

// Kills it, if it is alive. For teardowns.
void contender_dispose(struct contender *contender);

// Waits until there is no process in a group.
void group_await_gone(pid_t pgid);

// In state T: it was stopped.
void process_await_stopped(pid_t pid);

#endif
