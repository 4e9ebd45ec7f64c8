// SPDX-License-Identifier: Apache-2.0
//
// One line of output, of any length: made in memory, so that it is written as a
// whole and can be compared with the one before.
//
// Thread: the owner's. Out of memory ends the process with a message.

#ifndef CTL_LINE_H
#define CTL_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

// Zero is no line.
struct line {
    // While it is being made; NULL otherwise.
    FILE *out;
    char *bytes;
    size_t size;
};

// Begins a line; returns where to put it.
FILE *line_begin(struct line *line);

// It is complete: `bytes` and `size` are there.
void line_end(struct line *line);

bool line_equal(const struct line *a, const struct line *b);

// Writes a complete line to stdout at once. False: it could not be written,
// which was said on stderr unless the reader just went away.
__attribute__((warn_unused_result)) bool line_write(const struct line *line);

// How far a line has got that is written without waiting.
enum line_progress {
    LINE_WRITTEN,
    // Its reader has no room for the rest: try again later.
    LINE_WAITS,
    // As above.
    LINE_FAILED,
};

// Writes what its reader has room for, from the offset on, which it moves
// behind that. Nothing else may be printed to stdout meanwhile.
enum line_progress line_write_some(const struct line *line, int fd,
                                   size_t *offset);

// The descriptor for it: stdout's, or, since a terminal that says it has room
// may have too little, one of its own that does not block.
int line_descriptor(void);

void line_free(struct line *line);

// Flushes what was printed to stdout in another way; the rest is as above.
__attribute__((warn_unused_result)) bool line_flush_stdout(void);

#endif
