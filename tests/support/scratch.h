// SPDX-License-Identifier: Apache-2.0
//
// A directory of a test's own, and what is told in its files. What does not
// happen before a deadline fails the test.

#ifndef SUPPORT_SCRATCH_H
#define SUPPORT_SCRATCH_H

struct scratch {
    char path[64];
};

void scratch_make(struct scratch *scratch);
void scratch_remove(struct scratch *scratch);

// Reads a file: what is there of it, NUL-terminated; empty if there is none.
// Static.
const char *scratch_read(const struct scratch *scratch, const char *name);

// Waits until a file holds a text.
void scratch_await(const struct scratch *scratch, const char *name,
                   const char *text);

// Waits until a file has that many lines, and reads the last one as a number.
long scratch_await_number(const struct scratch *scratch, const char *name,
                          unsigned lines);

#endif
