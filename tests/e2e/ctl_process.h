// SPDX-License-Identifier: Apache-2.0
//
// One run of the real electctl ($ELECTCTL_BIN), as a child process whose output
// is read through pipes. What does not happen before STOPWATCH_DEADLINE_MS
// fails the test. The child is killed when the test process dies.

#ifndef E2E_CTL_PROCESS_H
#define E2E_CTL_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "support/stopwatch.h"

#define CTL_WORDS_MAX 16
#define CTL_OUTPUT_SIZE 65536

struct ctl_output {
    int fd;
    size_t size;
    // NUL-terminated.
    char text[CTL_OUTPUT_SIZE];
};

struct ctl {
    // 0 when there is no process.
    pid_t pid;
    int wait_status;
    struct ctl_output out;
    struct ctl_output err;
};

// How to start; zero is the usual way.
struct ctl_start {
    // The value of ELECTD_ENDPOINT; NULL: not set.
    const char *endpoint;
    // Separated by blanks.
    const char *words;
    // Nobody reads stdout.
    bool is_out_broken;
    // Standard output instead of a pipe that is read, if not 0. Borrowed.
    int out_fd;
    // Every signal is blocked.
    bool has_blocked_signals;
};

// Starts it, and does not wait for anything.
void ctl_spawn(struct ctl *ctl, const struct ctl_start *start);

// Runs it to its end. Returns the exit status, or 256 and the signal that
// killed it.
int ctl_run(struct ctl *ctl, const char *endpoint, const char *words);

// Waits until an output holds a text.
void ctl_await(struct ctl *ctl, const struct ctl_output *output,
               const char *text);

// Sends a signal, by its process id.
void ctl_signal(const struct ctl *ctl, int number);

// Waits until it has ended, and reads its output to the end. Returns as
// ctl_run().
int ctl_await_exit(struct ctl *ctl);

#endif
