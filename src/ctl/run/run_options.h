// SPDX-License-Identifier: Apache-2.0
//
// What `electctl run` is told, and the times that follow from it (run_times.h).
//
// Thread: any; nothing is kept.

#ifndef CTL_RUN_RUN_OPTIONS_H
#define CTL_RUN_RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ctl/ctl_options.h"
#include "ctl/identity.h"
#include "ctl/run/times.h"

#define RUN_OPTIONS_WAIT_FOREVER UINT64_MAX
#define RUN_OPTIONS_ERROR_SIZE 512

// Borrows the arguments that it was read from.
struct run_options {
    struct ctl_options common;
    const char *election;
    char candidate[IDENTITY_NAME_SIZE];
    bool creates;
    bool retries;
    uint64_t start_delay_ms;
    // For the leadership; 0 is not at all.
    uint64_t wait_ms;
    // After a success; 0 is not at all.
    uint64_t hold_ms;
    struct run_times times;
    // NULL-terminated, and not empty.
    char **command;
};

enum run_options_result {
    RUN_OPTIONS_RUN,
    RUN_OPTIONS_HELP,
    // `error` says why, without "electctl: ".
    RUN_OPTIONS_ERROR,
};

// Reads what stands behind `run`. The common flags are taken here too. With
// RUN_OPTIONS_RUN, `error` is a warning, or empty.
__attribute__((warn_unused_result)) enum run_options_result
run_options_parse(struct run_options *options, const struct ctl_options *common,
                  int argc, char **argv, char error[RUN_OPTIONS_ERROR_SIZE]);

void run_options_print_help(FILE *out);

#endif
