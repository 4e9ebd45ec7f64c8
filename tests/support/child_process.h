// SPDX-License-Identifier: Apache-2.0
//
// A program that runs as a child process: how it is started, what it prints,
// how it ends.
//
// Its output is read through pipes, while something is waited for and at the
// end. The child is killed when the thread that started it ends, so that
// nothing can be left running, and it is only ever signalled by its own process
// id. Zero is a struct without a process.
//
//     child_spawn(&child, &(struct child_start){.path = "/bin/echo",
//                                               .arguments = "a b"});
//     child_await(&child, &child.out, "a b\n");
//     assert_int_equal(child_await_exit(&child, STOPWATCH_DEADLINE_MS), 0);
//     child_dispose(&child);

#ifndef SUPPORT_CHILD_PROCESS_H
#define SUPPORT_CHILD_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CHILD_NAME_SIZE 32
#define CHILD_WORDS_MAX 64

enum child_output_kind {
    // A pipe that is read here, or the descriptor that the start names.
    CHILD_OUTPUT_READ,
    // A pipe that nobody reads from any more.
    CHILD_OUTPUT_BROKEN,
    // There is no descriptor.
    CHILD_OUTPUT_CLOSED,
};

// How to start; zero is the usual way. All of it is borrowed.
struct child_start {
    const char *path;
    // With NULL behind the last, and then those that spaces separate.
    const char *const *words;
    const char *arguments;
    // Variables whose names begin so are left out, if not NULL.
    const char *without;
    // NAME=value, separated by spaces: what comes to those of this process.
    const char *environment;
    // NULL: where this process is.
    const char *directory;
    // Instead of nothing to read, and of pipes, if not 0.
    int in_fd;
    int out_fd;
    int err_fd;
    enum child_output_kind out_kind;
    enum child_output_kind err_kind;
    // Both limits on open files; 0 leaves them as they are.
    unsigned descriptors_max;
    // The limit on a file's size in bytes, of which SIGXFSZ tells; as above.
    unsigned file_size_max;
    // Every signal is blocked, instead of none.
    bool has_blocked_signals;
    // Called in the child before it becomes the program, if not NULL; false: it
    // cannot, and ends. May call async-signal-safe functions only.
    bool (*prepare_cb)(void *context);
    void *context;
};

struct child_output {
    // 0 once it is over, or if it is not read here.
    int fd;
    size_t size;
    size_t room;
    // NUL-terminated; NULL only where there is no process.
    char *text;
};

struct child_process {
    // 0 when there is no process.
    pid_t pid;
    // As waitpid() gave it, once the process has ended.
    int wait_status;
    // The file's name of the program.
    char name[CHILD_NAME_SIZE];
    struct child_output out;
    struct child_output err;
};

// Starts a program, and does not wait for anything. Overwrites the struct.
void child_spawn(struct child_process *child, const struct child_start *start);

// Notes an end.
bool child_is_alive(struct child_process *child);

// Reads what there is.
void child_read(struct child_process *child);

// Waits for a moment, or less if there is output, and reads it. For loops.
void child_tick(struct child_process *child);

// Waits until an output of the child holds a text. False if it has ended
// without, or at a deadline.
bool child_says(struct child_process *child, const struct child_output *output,
                const char *text);

// The same, or the test fails, and the child is killed.
void child_await(struct child_process *child, const struct child_output *output,
                 const char *text);

void child_signal(const struct child_process *child, int number);

// Waits until the process has ended, and reads its output to the end. False at
// the deadline.
bool child_has_ended(struct child_process *child, unsigned deadline_ms);

// The same, or the test fails, and the child is killed. Returns as
// child_exit_status().
int child_await_exit(struct child_process *child, unsigned deadline_ms);

// Of one that has ended: its exit status, or 256 and the signal that killed it.
int child_exit_status(const struct child_process *child);

// Kills it with SIGKILL, whatever state it is in, if it is alive, and waits for
// its end.
void child_kill(struct child_process *child);

// Kills it, if it is alive, and releases what it has printed. May be called
// twice. For teardowns: never fails the test.
void child_dispose(struct child_process *child);

#endif
