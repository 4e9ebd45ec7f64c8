// SPDX-License-Identifier: Apache-2.0
//
// The flags of `electctl run`, one by one. For run_options.c only, which sees
// what they make together.
//
// Thread: any; nothing is kept.

#ifndef CTL_RUN_RUN_FLAGS_H
#define CTL_RUN_RUN_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/run/run_options.h"

struct run_parser {
    struct run_options *options;
    uint64_t kill_after_ms;
    uint64_t grace_ms;
    bool has_grace;
    bool has_start_delay;
    bool has_candidate;
    bool has_no_wait;
    bool wants_help;
    char *error;
};

struct run_flag {
    const char *name;
    // NULL if it takes no value.
    const char *argument;
    const char *help;
    bool (*take_cb)(struct run_parser *parser, const char *value);
};

// NULL if there is no such flag. The name needs no NUL.
const struct run_flag *run_flag_find(const char *name, size_t size);

// Writes the parser's error, in one line; returns false.
__attribute__((format(printf, 2, 3))) bool
run_options_fail(struct run_parser *parser, const char *format, ...);

#endif
