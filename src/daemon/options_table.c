// SPDX-License-Identifier: Apache-2.0

#include "daemon/options_table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/duration.h"

// Of a value in an error, without what marks it as cut.
#define OPTIONS_SHOWN_SIZE_MAX (OPTIONS_SHOWN_SIZE - 4)

bool options_fail(struct options_parser *parser, const char *format, ...)
{
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(parser->error, OPTIONS_ERROR_SIZE, format, arguments);
    va_end(arguments);
    assert(size > 0);
    return false;
}

void options_show(const char *bytes, size_t size,
                  char shown[OPTIONS_SHOWN_SIZE])
{
    bool is_cut = size > OPTIONS_SHOWN_SIZE_MAX;
    size_t shown_size = is_cut ? OPTIONS_SHOWN_SIZE_MAX : size;

    // Not in the middle of a UTF-8 character.
    while (is_cut && shown_size > 0 &&
           ((unsigned char)bytes[shown_size] & 0xc0) == 0x80) {
        shown_size--;
    }
    for (size_t i = 0; i < shown_size; i++) {
        bool is_control = (unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f;

        shown[i] = bytes[i];
        if (is_control) {
            shown[i] = '?';
        }
    }
    memcpy(shown + shown_size, is_cut ? "..." : "", is_cut ? 4 : 1);
}

// Says of a value what is wrong with it.
static bool options_refuse(struct options_parser *parser,
                           const struct options_value *value,
                           const char *reason)
{
    char shown[OPTIONS_SHOWN_SIZE];

    options_show(value->bytes, value->size, shown);
    return options_fail(parser, "electd: %s: '%s' %s", value->source, shown,
                        reason);
}

static uint32_t *options_number(struct options_parser *parser,
                                const struct options_row *row)
{
    return (uint32_t *)(void *)((char *)parser->options + row->offset);
}

static bool options_parse_listen(struct options_parser *parser,
                                 const struct options_row *row,
                                 const struct options_value *value)
{
    struct options *options = parser->options;
    struct address address;
    const char *reason;
    char limit[80];
    int size;

    (void)row;
    if (!address_parse(&address, value->bytes, value->size, &reason)) {
        return options_refuse(parser, value, reason);
    }
    for (size_t i = 0; i < options->listen_count; i++) {
        if (address_equal(&address, &options->listen[i])) {
            return options_refuse(parser, value, "is given twice");
        }
    }
    if (options->listen_count == OPTIONS_LISTEN_MAX) {
        size = snprintf(limit, sizeof limit,
                        "is one more than the limit of %d addresses",
                        OPTIONS_LISTEN_MAX);
        assert(size > 0 && (size_t)size < sizeof limit);
        return options_refuse(parser, value, limit);
    }
    options->listen[options->listen_count] = address;
    options->listen_count++;
    return true;
}

static bool options_parse_number(struct options_parser *parser,
                                 const struct options_row *row,
                                 const struct options_value *value)
{
    uint64_t number = 0;
    bool is_number = value->size > 0;
    char reason[80];
    int size;

    for (size_t i = 0; i < value->size && is_number; i++) {
        is_number = value->bytes[i] >= '0' && value->bytes[i] <= '9';
        number = number * 10 + (uint64_t)(value->bytes[i] - '0');
        is_number = is_number && number <= row->max;
    }
    if (is_number && number >= row->min) {
        *options_number(parser, row) = (uint32_t)number;
        return true;
    }
    size = snprintf(reason, sizeof reason,
                    "is not a whole number from %" PRIu32 " to %" PRIu32,
                    row->min, row->max);
    assert(size > 0 && (size_t)size < sizeof reason);
    return options_refuse(parser, value, reason);
}

static bool options_parse_duration(struct options_parser *parser,
                                   const struct options_row *row,
                                   const struct options_value *value)
{
    char min[DURATION_TEXT_SIZE];
    char max[DURATION_TEXT_SIZE];
    char range[80];
    uint64_t duration_ms;
    const char *reason;
    int size;

    if (!duration_parse(value->bytes, value->size, &duration_ms, &reason)) {
        return options_refuse(parser, value, reason);
    }
    if (duration_ms >= row->min && duration_ms <= row->max) {
        *options_number(parser, row) = (uint32_t)duration_ms;
        return true;
    }
    duration_format(row->min, min);
    duration_format(row->max, max);
    size = snprintf(range, sizeof range, "is not a duration from %s to %s", min,
                    max);
    assert(size > 0 && (size_t)size < sizeof range);
    return options_refuse(parser, value, range);
}

static bool options_parse_log_level(struct options_parser *parser,
                                    const struct options_row *row,
                                    const struct options_value *value)
{
    (void)row;
    if (!log_level_parse(value->bytes, value->size,
                         &parser->options->log_level)) {
        return options_refuse(parser, value,
                              "is not one of debug, info, warn, error");
    }
    return true;
}

static bool options_parse_log_format(struct options_parser *parser,
                                     const struct options_row *row,
                                     const struct options_value *value)
{
    (void)row;
    if (!log_format_parse(value->bytes, value->size,
                          &parser->options->log_format)) {
        return options_refuse(parser, value, "is not one of text, json");
    }
    return true;
}

// A variable must not be called ELECTD_SERVICE_... or ELECTD_PORT...:
// Kubernetes sets those in every pod beside a service of the name `electd`.
const struct options_row options_rows[] = {
    {
        .flag = "--listen",
        .variable = "ELECTD_LISTEN",
        .argument = "ADDR",
        .preset = "127.0.0.1:5678",
        .help = "where to listen; may be repeated",
        .parse_cb = options_parse_listen,
        .is_list = true,
    },
    {
        .flag = "--max-elections",
        .variable = "ELECTD_MAX_ELECTIONS",
        .argument = "N",
        .preset = "1000000",
        .help = "how many elections there may be",
        .parse_cb = options_parse_number,
        .offset = offsetof(struct options, elections_max),
        .min = 1,
        .max = UINT32_MAX,
    },
    {
        .flag = "--max-candidates",
        .variable = "ELECTD_MAX_CANDIDATES",
        .argument = "N",
        .preset = "10000",
        .help = "how many candidates an election may have",
        .parse_cb = options_parse_number,
        .offset = offsetof(struct options, candidates_max),
        .min = 1,
        .max = UINT32_MAX,
    },
    {
        .flag = "--max-watchers",
        .variable = "ELECTD_MAX_WATCHERS",
        .argument = "N",
        .preset = "100000",
        .help = "how many streams may be open, of each kind",
        .parse_cb = options_parse_number,
        .offset = offsetof(struct options, watchers_max),
        .min = 1,
        .max = UINT32_MAX,
    },
    {
        .flag = "--watch-backlog",
        .variable = "ELECTD_WATCH_BACKLOG",
        .argument = "N",
        .preset = "256",
        .help = "how many changes may wait for a slow watcher",
        .parse_cb = options_parse_number,
        .offset = offsetof(struct options, watch_backlog),
        .min = 1,
        .max = OPTIONS_WATCH_BACKLOG_MAX,
    },
    {
        .flag = "--watch-backlog-bytes",
        .variable = "ELECTD_WATCH_BACKLOG_BYTES",
        .argument = "N",
        .preset = "1048576",
        .help = "how many bytes of them; the newest always may",
        .parse_cb = options_parse_number,
        .offset = offsetof(struct options, watch_backlog_bytes),
        .min = 1,
        .max = UINT32_MAX,
    },
    {
        .flag = "--drain-timeout",
        .variable = "ELECTD_DRAIN_TIMEOUT",
        .argument = "DURATION",
        .preset = "5s",
        .help = "how long calls may take to end at shutdown",
        .parse_cb = options_parse_duration,
        .offset = offsetof(struct options, drain_timeout_ms),
        .min = 0,
        .max = OPTIONS_DRAIN_TIMEOUT_MS_MAX,
    },
    {
        .flag = "--keepalive-time",
        .variable = "ELECTD_KEEPALIVE_TIME",
        .argument = "DURATION",
        .preset = "2s",
        .help = "silence after which an open call is pinged",
        .parse_cb = options_parse_duration,
        .offset = offsetof(struct options, keepalive_time_ms),
        .min = OPTIONS_KEEPALIVE_MS_MIN,
        .max = OPTIONS_KEEPALIVE_MS_MAX,
    },
    {
        .flag = "--keepalive-timeout",
        .variable = "ELECTD_KEEPALIVE_TIMEOUT",
        .argument = "DURATION",
        .preset = "1s",
        .help = "how long it may take to answer that",
        .parse_cb = options_parse_duration,
        .offset = offsetof(struct options, keepalive_timeout_ms),
        .min = OPTIONS_KEEPALIVE_MS_MIN,
        .max = OPTIONS_KEEPALIVE_MS_MAX,
    },
    {
        .flag = "--log-level",
        .variable = "ELECTD_LOG_LEVEL",
        .argument = "LEVEL",
        .preset = "info",
        .help = "log from here on: debug, info, warn, error",
        .parse_cb = options_parse_log_level,
    },
    {
        .flag = "--log-format",
        .variable = "ELECTD_LOG_FORMAT",
        .argument = "FORMAT",
        .preset = "text",
        .help = "how to log: text or json",
        .parse_cb = options_parse_log_format,
    },
};

#define OPTIONS_ROWS (sizeof options_rows / sizeof options_rows[0])
_Static_assert(OPTIONS_ROWS <= OPTIONS_ROWS_MAX, "too many options");
const size_t options_rows_count = OPTIONS_ROWS;

bool options_table_parse(struct options_parser *parser,
                         const struct options_row *row,
                         const struct options_value *value)
{
    struct options_value item = *value;
    const char *end = value->bytes + value->size;
    const char *comma;

    if (!row->is_list) {
        return row->parse_cb(parser, row, value);
    }
    do {
        comma = memchr(item.bytes, ',', (size_t)(end - item.bytes));
        item.size = (size_t)((comma == NULL ? end : comma) - item.bytes);
        if (!row->parse_cb(parser, row, &item)) {
            return false;
        }
        item.bytes += item.size + 1;
    } while (comma != NULL);
    return true;
}
