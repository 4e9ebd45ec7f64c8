// SPDX-License-Identifier: Apache-2.0
//
// One line an event, with keys, as logfmt or as JSON:
//
//     struct log_line line;
//
//     log_begin(&line, LOG_INFO, "leader_changed");
//     log_str(&line, "leader", leader.bytes, leader.size);
//     log_u64(&line, "term", 7);
//     log_emit(&line);
//
// Logging never blocks and never fails its caller: a line that the writer has
// no room for (log_writer.h) is dropped, and the next one that it takes is
// preceded by `event=log_lines_dropped count=N`. `errno` stays as it was.
//
// Threads: any. A line belongs to the caller, on whose stack it is built, and
// goes out whole, alone or with others. log_init() comes before the
// first other thread.
//
// Event names and keys are literals of lower-case letters, digits and
// underscores. Values are borrowed for the call and may hold anything: what is
// not UTF-8 becomes U+FFFD, control characters are escaped.

#ifndef LOG_LOG_H
#define LOG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The longest line with its newline, and one more: what a pipe takes whole or
// not at all. In a longer one the value that did not fit ends in an ellipsis,
// the fields behind it are left out, and the last field is `truncated=true`.
#define LOG_LINE_SIZE 4096

enum log_level {
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARN,
    LOG_ERROR,
};

enum log_format {
    LOG_TEXT,
    LOG_JSON,
};

struct log_line {
    // Below the level that is asked for: nothing is built.
    bool is_enabled;
    bool is_truncated;
    bool is_json;
    // The list under way: its key, or NULL outside of one.
    const char *list_key;
    bool list_is_open;
    bool list_has_items;
    size_t size;
    // In front of the line stands a newline, for when the last one was torn.
    char bytes[LOG_LINE_SIZE];
};

// Without it the log is text, from info on, to standard error.
void log_init(enum log_level level, enum log_format format);

// A line of this level would be written: for what is costly to find out.
bool log_is_enabled(enum log_level level);

// Begins a line with its time, level and event.
void log_begin(struct log_line *line, enum log_level level, const char *event);

// `text` is NUL-terminated; `bytes` need not be.
void log_str(struct log_line *line, const char *key, const char *bytes,
             size_t size);
void log_text(struct log_line *line, const char *key, const char *text);
void log_u64(struct log_line *line, const char *key, uint64_t value);
void log_i64(struct log_line *line, const char *key, int64_t value);
void log_bool(struct log_line *line, const char *key, bool value);

// A key with several values: an array in JSON, the key repeated in text. Only
// items may come between the begin and the end.
void log_list_begin(struct log_line *line, const char *key);
void log_list_item(struct log_line *line, const char *bytes, size_t size);
void log_list_end(struct log_line *line);

// Writes the line, which must be begun anew to be used again.
void log_emit(struct log_line *line);

// The same, but only with the calling thread's next log_flush() or log_emit(),
// or when there is no room for more: the lines of one moment in one write.
void log_emit_later(struct log_line *line);
void log_flush(void);

// For the writer: a whole line that says how many were lost, whatever the level
// that is asked for.
void log_build_dropped(struct log_line *line, uint64_t count);

// "debug", "info", "warn", "error"; "text", "json". Static. Parsing returns
// false, and changes nothing, for any other.
const char *log_level_name(enum log_level level);
const char *log_format_name(enum log_format format);
__attribute__((warn_unused_result)) bool
log_level_parse(const char *bytes, size_t size, enum log_level *level);
__attribute__((warn_unused_result)) bool
log_format_parse(const char *bytes, size_t size, enum log_format *format);

#endif
