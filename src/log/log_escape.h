// SPDX-License-Identifier: Apache-2.0
//
// How any bytes become text that is safe between the quotes of a log line, in
// logfmt and JSON alike, and safe for a terminal that shows it.
//
// Thread: any; nothing is kept.

#ifndef LOG_LOG_ESCAPE_H
#define LOG_LOG_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

// What stands for one character; not NUL-terminated.
struct log_escaped {
    size_t size;
    char bytes[8];
};

// How many bytes at the front stand as they are, with and without quotes: most
// values are nothing else.
size_t log_escape_plain(const char *bytes, size_t size);

// Escapes the first character of at least one byte. Returns how many bytes it
// took: one byte that is not UTF-8 becomes U+FFFD.
size_t log_escape(const char *bytes, size_t size, struct log_escaped *escaped);

// The value cannot stand in logfmt without quotes.
bool log_escape_is_needed(const char *bytes, size_t size);

#endif
