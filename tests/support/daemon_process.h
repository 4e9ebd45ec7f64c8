// SPDX-License-Identifier: Apache-2.0
//
// One run of the real daemon ($ELECTD_BIN).
//
// The log is read while something is waited for, and to its end at the exit;
// in between it waits in the pipe, which the daemon never blocks on. Whatever
// does not happen before a deadline fails the test.

#ifndef SUPPORT_DAEMON_PROCESS_H
#define SUPPORT_DAEMON_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "support/child_process.h"

#define DAEMON_LISTEN_MAX 16

struct daemon {
    // Its log is what it prints on `err`.
    struct child_process process;
    // daemon_await_exit() has told how it ended.
    bool is_told;
    // What `event=ready` says.
    char listen[DAEMON_LISTEN_MAX][128];
    unsigned listen_count;
};

// Starts the process, and does not wait for anything. Of the start, the program
// is left out; no ELECTD_ variable is set but those that it names.
void daemon_spawn(struct daemon *daemon, const struct child_start *start);

// Waits until the log says `event=ready`, and takes over its addresses.
void daemon_await_ready(struct daemon *daemon);

// Waits until the log holds a text.
void daemon_await_log(struct daemon *daemon, const char *text);

// Reads what there is of the log. True if it holds the text by now.
bool daemon_log_has(struct daemon *daemon, const char *text);

// How often the text stands in the log that was read so far.
unsigned daemon_log_count(const struct daemon *daemon, const char *text);

void daemon_signal(struct daemon *daemon, int number);

// Waits until the process has ended, and reads its output to the end. Returns
// its exit status, or 256 and the signal that killed it. One that does not end
// in time is killed, and fails the test.
int daemon_await_exit(struct daemon *daemon, unsigned deadline_ms);

// The process is running.
bool daemon_is_alive(struct daemon *daemon);

// Ends what is running, by force if it must be, and releases the memory.
// Returns false, and prints the log, if it had ended unnoticed, force was
// needed, or the exit status was not 0. For teardowns: never fails the test.
bool daemon_dispose(struct daemon *daemon);

// Resident memory in KiB, from /proc; of the process as it is now.
size_t daemon_rss_kib(const struct daemon *daemon);

// How many descriptors the process has open; 0 if it is gone.
unsigned daemon_descriptors(const struct daemon *daemon);

#endif
