// SPDX-License-Identifier: Apache-2.0
//
// What the daemon is told: by its flags, by the environment, by default. A flag
// wins over its variable, and a variable that is empty counts as not set. One
// table in the .c makes flags, variables, defaults, checks and the help text:
// an option is added there, and as a field here.
//
// Thread: the one that calls; getopt's own state is the only global, and is
// reset by each call.

#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/address.h"
#include "log/log.h"

#define OPTIONS_LISTEN_MAX 16
#define OPTIONS_WATCH_BACKLOG_MAX 65536
#define OPTIONS_DRAIN_TIMEOUT_MS_MAX 3600000
#define OPTIONS_KEEPALIVE_MS_MIN 100
#define OPTIONS_KEEPALIVE_MS_MAX 3600000

// Room for any error, with its NUL.
#define OPTIONS_ERROR_SIZE 512

struct options {
    // At least one; no two the same.
    struct address listen[OPTIONS_LISTEN_MAX];
    size_t listen_count;
    // Each at least 1.
    uint32_t elections_max;
    uint32_t candidates_max;
    uint32_t watchers_max;
    uint32_t watch_backlog;
    uint32_t watch_backlog_bytes;
    // May be 0.
    uint32_t drain_timeout_ms;
    uint32_t keepalive_time_ms;
    uint32_t keepalive_timeout_ms;
    enum log_level log_level;
    enum log_format log_format;
};

// What to do next.
enum options_action {
    OPTIONS_RUN,
    // Print it and exit with 0.
    OPTIONS_HELP,
    OPTIONS_VERSION,
    // Print the error and exit with 2.
    OPTIONS_ERROR,
};

// Reads arguments (the first of which is the program's name) and environment
// (NULL-terminated `NAME=value`), and borrows both. `*options` is complete with
// OPTIONS_RUN, and means nothing otherwise. `error` is one line without its
// newline, `electd: ` in front, with OPTIONS_ERROR, and empty otherwise.
//
// --help and --version count as soon as they are read: what stands before them
// must be right, what stands behind them and in the environment need not be.
__attribute__((warn_unused_result)) enum options_action
options_parse(struct options *options, int argc, char *const *argv,
              char *const *environment, char error[OPTIONS_ERROR_SIZE]);

// Writes what --help says. An error shows in ferror().
void options_print_help(FILE *out);

#endif
