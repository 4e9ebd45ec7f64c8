// SPDX-License-Identifier: Apache-2.0
//
// Where the log's lines go: the descriptor, and the thread that writes to it.
//
// With the thread, a line is copied into a buffer and never waits for anything:
// a write that hangs (a terminal that was stopped, a file system that does not
// answer) holds up the thread alone. Without it (before it starts, once it has
// ended, in unit tests) a line is written at once, if poll() says that there is
// room for it.
//
// Either way a line that does not fit is dropped and counted, and
// `event=log_lines_dropped count=N` stands where it would have stood.
//
// Threads: any may send; one, the process's own, does the rest.

#ifndef LOG_LOG_WRITER_H
#define LOG_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>

// How many bytes of lines may wait for the descriptor.
#define LOG_WRITER_BUFFER_SIZE (256 * 1024)
// How long the end of the process waits for the last lines.
#define LOG_WRITER_FLUSH_MS 1000

// Writes to another descriptor than standard error. Borrows it.
void log_writer_set_descriptor(int fd);

// If standard error is a terminal, writes to it through a description of its
// own, which does not block. The one that it was given is shared with others,
// who may expect it to. Best effort.
void log_writer_open_terminal(void);

// Starts the thread. False if it cannot: then all goes on without.
bool log_writer_start(void);

// Ends the thread as soon as what waits is written, and waits for that for
// LOG_WRITER_FLUSH_MS at most. From then on lines are written at once, or, if
// the thread still hangs, not at all. May be called at any time.
void log_writer_stop(void);

// Takes whole lines behind a newline that does not belong to them, at most
// LOG_LINE_SIZE bytes in all. Never blocks; leaves errno alone.
void log_writer_send(const char *bytes, size_t size);

#endif
