// SPDX-License-Identifier: Apache-2.0
//
// One run of the real daemon ($ELECTD_BIN), as a child process whose output is
// read through pipes.
//
// The log is read while something is waited for, and to its end at the exit;
// in between it waits in the pipe, which the daemon never blocks on. Whatever
// does not happen before a deadline fails the test.
//
// The child is killed when the test process dies, so that nothing can be left
// running. It is only ever signalled by its own process id.

#ifndef SUPPORT_DAEMON_PROCESS_H
#define SUPPORT_DAEMON_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define DAEMON_ARGUMENTS_MAX 40
#define DAEMON_LISTEN_MAX 16

enum daemon_stderr {
    DAEMON_STDERR_PIPE,
    // There is no descriptor 2.
    DAEMON_STDERR_CLOSED,
    // A pipe that nobody reads from any more.
    DAEMON_STDERR_BROKEN,
};

// How to start; zero is the usual way.
struct daemon_start {
    // Separated by spaces.
    const char *arguments;
    // NAME=value, separated by spaces; no other ELECTD_ variable is set.
    const char *environment;
    enum daemon_stderr stderr_kind;
    // Both limits on open files; 0 leaves them as they are.
    unsigned descriptors_max;
    // The limit on a file's size in bytes, of which SIGXFSZ tells; as above.
    unsigned file_size_max;
    // Standard error instead of a pipe that is read, if not 0. Borrowed.
    int stderr_fd;
    // Every signal is blocked.
    bool has_blocked_signals;
    // Called in the child before it becomes the daemon, if not NULL; false: it
    // cannot, and ends. May call async-signal-safe functions only.
    bool (*prepare_cb)(void *context);
    void *context;
};

struct daemon_output {
    int fd;
    size_t size;
    size_t room;
    // NUL-terminated.
    char *text;
};

struct daemon {
    // 0 when there is no process.
    pid_t pid;
    // As waitpid() gave it, once it has ended.
    int wait_status;
    // daemon_await_exit() has told how.
    bool is_told;
    struct daemon_output out;
    struct daemon_output log;
    // What `event=ready` says.
    char listen[DAEMON_LISTEN_MAX][128];
    unsigned listen_count;
};

// Starts the process, and does not wait for anything.
void daemon_spawn(struct daemon *daemon, const struct daemon_start *start);

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
