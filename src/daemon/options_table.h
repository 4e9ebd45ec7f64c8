// SPDX-License-Identifier: Apache-2.0
//
// The one table of the daemon's options, and how a value of each is read.
//
// Thread: any; the table is constant.

#ifndef DAEMON_OPTIONS_TABLE_H
#define DAEMON_OPTIONS_TABLE_H

#include "daemon/options.h"

struct options_row;

// A call of options_parse(). Both borrowed.
struct options_parser {
    struct options *options;
    char *error;
};

// A value, and what to call its source in an error.
struct options_value {
    const char *source;
    const char *bytes;
    size_t size;
};

typedef bool (*options_parse_cb)(struct options_parser *parser,
                                 const struct options_row *row,
                                 const struct options_value *value);

struct options_row {
    // With its dashes.
    const char *flag;
    const char *variable;
    // In capitals, for the help text.
    const char *argument;
    // The default, as a user would write it.
    const char *preset;
    const char *help;
    options_parse_cb parse_cb;
    // Where a number goes, and its range.
    size_t offset;
    uint32_t min;
    uint32_t max;
    // The variable is a list with commas; of a flag that stands several times
    // each adds to it. Of any other flag the last one counts.
    bool is_list;
};

// The most rows that there may be, which is checked at compile time.
#define OPTIONS_ROWS_MAX 64

extern const struct options_row options_rows[];
extern const size_t options_rows_count;

// Reads one value (of a list, all of it) into the options; on failure writes
// the error.
__attribute__((warn_unused_result)) bool
options_table_parse(struct options_parser *parser,
                    const struct options_row *row,
                    const struct options_value *value);

// Writes the error, one line, cut where it is too long. Returns false.
__attribute__((format(printf, 2, 3))) bool
options_fail(struct options_parser *parser, const char *format, ...);

// Room for what options_show() makes.
#define OPTIONS_SHOWN_SIZE 132

// Makes what a user wrote fit to be shown in an error: neither long, nor with
// control characters.
void options_show(const char *bytes, size_t size,
                  char shown[OPTIONS_SHOWN_SIZE]);

#endif
