// SPDX-License-Identifier: Apache-2.0
//
// The program that contenders run in the exclusion test: it takes a lock
// without waiting, and says so if it cannot. Whatever it starts holds the lock
// with it, in whatever process group or session that is, so that two of them at
// once are found by the system itself.
//
// It is the test's own binary, started again with EXCLUSION_HOLD for an
// argument, or with EXCLUSION_HOLD_APART if its children may leave its process
// group. None of it lives longer than EXCLUSION_HOLD_S_MAX, so that nothing is
// left behind by an electctl that fails the test.

#ifndef E2E_EXCLUSION_PROGRAM_H
#define E2E_EXCLUSION_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "contender.h"
#include "support/scratch.h"

#define EXCLUSION_HOLD "--hold"
#define EXCLUSION_HOLD_APART "--hold-apart"
#define EXCLUSION_HOLD_S_MAX 60
#define EXCLUSION_STARTS_MAX 256
#define EXCLUSION_WORDS_MAX 6
#define EXCLUSION_TEXT_SIZE 512

// A start that got the lock.
struct exclusion_start {
    long long at_ms;
    pid_t pid;
    pid_t pgid;
    // The supervisor; 0 if it was not found.
    pid_t warden;
    char candidate[16];
    unsigned long long term;
};

// main() of the program.
int exclusion_hold(bool is_apart);

// How a contender runs it: plainly (0), or by something that gives it a process
// group or a session of its own.
#define EXCLUSION_COMMANDS 6
void exclusion_command(unsigned kind, const char *self,
                       const char *words[EXCLUSION_WORDS_MAX]);

// Reads what was started so far; returns how many.
unsigned exclusion_read_starts(const struct scratch *scratch,
                               struct exclusion_start *starts);

// Says so in `text` if two starts were in one term of one daemon: between them,
// and since the first could have been elected, none was killed. `killed_ms` are
// the times at which one was.
bool exclusion_has_term_twice(const struct scratch *scratch,
                              const long long *killed_ms, unsigned killed_count,
                              char text[EXCLUSION_TEXT_SIZE]);

// The process is the program, or electctl: not another one with its id.
bool exclusion_is_program(pid_t pid);
bool exclusion_is_warden(pid_t pid);

// Waits until nobody holds the lock; false at the deadline.
bool exclusion_await_gone(const struct scratch *scratch);

#endif
