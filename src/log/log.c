// SPDX-License-Identifier: Apache-2.0
//
// Happy path: a line is built in its caller's buffer, and the writer takes it
// whole, alone or with others.
//
// Failure modes: the writer's (log_writer.c), which cost lines and nothing
// else; a value that does not fit, which cuts its line short.
//
// The buffer always keeps LOG_TAIL_SIZE bytes for what ends a line, so that a
// line that is cut short is as well-formed as any other.

#include "log/log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log/log_escape.h"
#include "log/log_writer.h"

// The longest tail: an ellipsis, a quote, `],"truncated":true}` and a newline.
#define LOG_TAIL_SIZE 32
#define LOG_BODY_SIZE (sizeof((struct log_line *)0)->bytes - LOG_TAIL_SIZE)
#define LOG_ELLIPSIS "\xe2\x80\xa6"
// Of a key or an event.
#define LOG_KEY_SIZE_MAX 64

static atomic_int log_level_min = LOG_INFO;
static atomic_int log_format_now = LOG_TEXT;

// The calling thread's lines for log_flush(), behind a newline as in a line.
static _Thread_local struct {
    // 0 if there are none.
    size_t size;
    char bytes[LOG_LINE_SIZE];
} log_later;

void log_init(enum log_level level, enum log_format format)
{
    atomic_store(&log_level_min, (int)level);
    atomic_store(&log_format_now, (int)format);
}

bool log_is_enabled(enum log_level level)
{
    return (int)level >= atomic_load(&log_level_min);
}

// How much more may be put before the tail.
static size_t log_room(const struct log_line *line)
{
    // What stands already may reach into the tail.
    return line->is_truncated || line->size >= LOG_BODY_SIZE
               ? 0
               : LOG_BODY_SIZE - line->size;
}

// Puts bytes that have no need of escaping, all or nothing.
static bool log_put(struct log_line *line, const char *bytes, size_t size)
{
    if (size > log_room(line)) {
        line->is_truncated = true;
        return false;
    }
    memcpy(line->bytes + line->size, bytes, size);
    line->size += size;
    return true;
}

// Puts what LOG_TAIL_SIZE has room for.
static void log_put_tail(struct log_line *line, const char *text)
{
    size_t size = strlen(text);

    assert(size <= sizeof line->bytes - line->size);
    memcpy(line->bytes + line->size, text, size);
    line->size += size;
}

// (strspn() would build a table each time.)
static bool log_is_key(const char *key)
{
    size_t size = 0;

    while ((key[size] >= 'a' && key[size] <= 'z') ||
           (key[size] >= '0' && key[size] <= '9') || key[size] == '_') {
        size++;
    }
    return size > 0 && size <= LOG_KEY_SIZE_MAX && key[size] == '\0';
}

// Puts a key, what parts it from the one before, and the start of its value,
// all or nothing.
static bool log_put_key(struct log_line *line, const char *key,
                        const char *start)
{
    const char *before = line->is_json ? ",\"" : " ";
    const char *behind = line->is_json ? "\":" : "=";
    size_t size = strlen(before) + strlen(key) + strlen(behind) + strlen(start);

    assert(log_is_key(key));
    if (size > log_room(line)) {
        line->is_truncated = true;
        return false;
    }
    log_put_tail(line, before);
    log_put_tail(line, key);
    log_put_tail(line, behind);
    log_put_tail(line, start);
    return true;
}

// Puts a value behind the quote or the key that begins it.
static void log_put_value(struct log_line *line, const char *bytes, size_t size)
{
    struct log_escaped escaped;
    size_t count;

    for (size_t i = 0; i < size; i += count) {
        size_t room = log_room(line);

        count = log_escape_plain(bytes + i, size - i < room ? size - i : room);
        if (count > 0) {
            log_put(line, bytes + i, count);
            continue;
        }
        count = log_escape(bytes + i, size - i, &escaped);
        if (!log_put(line, escaped.bytes, escaped.size)) {
            log_put_tail(line, LOG_ELLIPSIS);
            break;
        }
    }
}

static void log_put_str(struct log_line *line, const char *key,
                        const char *bytes, size_t size)
{
    // What needs no quotes needs no escaping.
    bool is_quoted = line->is_json || log_escape_is_needed(bytes, size);

    if (!log_put_key(line, key, is_quoted ? "\"" : "")) {
        return;
    }
    log_put_value(line, bytes, size);
    if (is_quoted) {
        log_put_tail(line, "\"");
    }
}

// Up to the seconds. Most lines are of the same second as the one before.
static const char *log_format_second(time_t second)
{
    static _Thread_local time_t last = -1;
    static _Thread_local char text[64];
    struct tm utc;
    int size;

    if (second != last && gmtime_r(&second, &utc) != NULL) {
        size = snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d",
                        utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                        utc.tm_hour, utc.tm_min, utc.tm_sec);
        assert(size > 0 && (size_t)size < sizeof text);
        last = second;
    }
    return text;
}

static void log_put_time(struct log_line *line)
{
    struct timespec now;
    char behind[] = ".000Z";

    if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return;
    }
    behind[1] = (char)('0' + now.tv_nsec / 100000000);
    behind[2] = (char)('0' + now.tv_nsec / 10000000 % 10);
    behind[3] = (char)('0' + now.tv_nsec / 1000000 % 10);
    if (log_put_key(line, "time", line->is_json ? "\"" : "")) {
        log_put_tail(line, log_format_second(now.tv_sec));
        log_put_tail(line, behind);
        log_put_tail(line, line->is_json ? "\"" : "");
    }
}

static void log_start(struct log_line *line, enum log_level level,
                      const char *event)
{
    const char *level_name = log_level_name(level);

    line->is_enabled = true;
    line->is_truncated = false;
    line->is_json = atomic_load(&log_format_now) == LOG_JSON;
    line->list_key = NULL;
    line->list_is_open = false;
    line->list_has_items = false;
    line->size = line->is_json ? 1 : 0;
    log_put_time(line);
    log_put_str(line, "level", level_name, strlen(level_name));
    log_put_str(line, "event", event, strlen(event));
    // What parts the first field from the one before it makes room for these.
    if (line->is_json) {
        line->bytes[1] = '{';
    }
    line->bytes[0] = '\n';
}

void log_begin(struct log_line *line, enum log_level level, const char *event)
{
    int saved_errno = errno;

    line->is_enabled = false;
    if (log_is_enabled(level)) {
        log_start(line, level, event);
    }
    errno = saved_errno;
}

void log_str(struct log_line *line, const char *key, const char *bytes,
             size_t size)
{
    if (line->is_enabled) {
        assert(line->list_key == NULL);
        log_put_str(line, key, bytes, size);
    }
}

void log_text(struct log_line *line, const char *key, const char *text)
{
    log_str(line, key, text, strlen(text));
}

// A value that both formats write as it is.
static void log_literal(struct log_line *line, const char *key,
                        const char *literal)
{
    assert(line->list_key == NULL);
    log_put_key(line, key, literal);
}

void log_u64(struct log_line *line, const char *key, uint64_t value)
{
    char text[24];
    int size;

    if (line->is_enabled) {
        size = snprintf(text, sizeof text, "%" PRIu64, value);
        assert(size > 0 && (size_t)size < sizeof text);
        log_literal(line, key, text);
    }
}

void log_i64(struct log_line *line, const char *key, int64_t value)
{
    char text[24];
    int size;

    if (line->is_enabled) {
        size = snprintf(text, sizeof text, "%" PRId64, value);
        assert(size > 0 && (size_t)size < sizeof text);
        log_literal(line, key, text);
    }
}

void log_bool(struct log_line *line, const char *key, bool value)
{
    if (line->is_enabled) {
        log_literal(line, key, value ? "true" : "false");
    }
}

void log_list_begin(struct log_line *line, const char *key)
{
    if (line->is_enabled) {
        assert(line->list_key == NULL);
        line->list_key = key;
        line->list_has_items = false;
        line->list_is_open = line->is_json && log_put_key(line, key, "[");
    }
}

void log_list_item(struct log_line *line, const char *bytes, size_t size)
{
    const char *start;

    if (!line->is_enabled) {
        return;
    }
    assert(line->list_key != NULL);
    if (!line->is_json) {
        log_put_str(line, line->list_key, bytes, size);
        return;
    }
    start = line->list_has_items ? ",\"" : "\"";
    if (log_put(line, start, strlen(start))) {
        line->list_has_items = true;
        log_put_value(line, bytes, size);
        log_put_tail(line, "\"");
    }
}

void log_list_end(struct log_line *line)
{
    if (line->is_enabled) {
        assert(line->list_key != NULL);
        if (line->list_is_open) {
            log_put_tail(line, "]");
        }
        line->list_key = NULL;
        line->list_is_open = false;
    }
}

static void log_finish(struct log_line *line)
{
    assert(line->list_key == NULL);
    if (line->is_truncated) {
        log_put_tail(line,
                     line->is_json ? ",\"truncated\":true" : " truncated=true");
    }
    log_put_tail(line, line->is_json ? "}\n" : "\n");
    line->is_enabled = false;
}

void log_build_dropped(struct log_line *line, uint64_t count)
{
    log_start(line, LOG_WARN, "log_lines_dropped");
    log_u64(line, "count", count);
    log_finish(line);
}

void log_flush(void)
{
    if (log_later.size > 0) {
        log_writer_send(log_later.bytes, log_later.size);
        log_later.size = 0;
    }
}

void log_emit(struct log_line *line)
{
    if (line->is_enabled) {
        log_flush();
        log_finish(line);
        log_writer_send(line->bytes, line->size);
    }
}

void log_emit_later(struct log_line *line)
{
    if (!line->is_enabled) {
        return;
    }
    log_finish(line);
    if (log_later.size + line->size - 1 > sizeof log_later.bytes) {
        log_flush();
    }
    if (log_later.size == 0) {
        log_later.bytes[0] = '\n';
        log_later.size = 1;
    }
    memcpy(log_later.bytes + log_later.size, line->bytes + 1, line->size - 1);
    log_later.size += line->size - 1;
}

const char *log_level_name(enum log_level level)
{
    switch (level) {
    case LOG_DEBUG:
        return "debug";
    case LOG_INFO:
        return "info";
    case LOG_WARN:
        return "warn";
    case LOG_ERROR:
        return "error";
    }
    return "unknown";
}

const char *log_format_name(enum log_format format)
{
    switch (format) {
    case LOG_TEXT:
        return "text";
    case LOG_JSON:
        return "json";
    }
    return "unknown";
}

static bool log_is_name(const char *name, const char *bytes, size_t size)
{
    return strlen(name) == size && memcmp(name, bytes, size) == 0;
}

bool log_level_parse(const char *bytes, size_t size, enum log_level *level)
{
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
        if (log_is_name(log_level_name((enum log_level)i), bytes, size)) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool log_format_parse(const char *bytes, size_t size, enum log_format *format)
{
    for (int i = LOG_TEXT; i <= LOG_JSON; i++) {
        if (log_is_name(log_format_name((enum log_format)i), bytes, size)) {
            *format = (enum log_format)i;
            return true;
        }
    }
    return false;
}
