// SPDX-License-Identifier: Apache-2.0
//
// What `electctl run` is told, and the times that follow from it.
//
// A leader that is cut off at worst takes this long until its command is gone,
// all added up: it hears nothing for the keepalive's time and its timeout; it
// is itself stopped just before it would notice, which the warden sees when the
// silence is over; then the command gets its time to end (kill-after). Twice
// the timeout is left for what is slow. The grace, which is when the next one
// may lead, and the start delay, which is how long it waits when there was no
// grace, are to be at least that.
//
// Thread: any; nothing is kept.

#ifndef CTL_RUN_OPTIONS_H
#define CTL_RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ctl/ctl_options.h"
#include "ctl/identity.h"

#define RUN_OPTIONS_KILL_AFTER_MS 5000
// The grace is that much longer than kill-after by default, and at the least.
#define RUN_OPTIONS_MARGIN_MS 5000
#define RUN_OPTIONS_MARGIN_MS_MIN 2000
#define RUN_OPTIONS_ERROR_SIZE 512

// Borrows the arguments that it was read from.
struct run_options {
    struct ctl_options common;
    const char *election;
    char candidate[IDENTITY_NAME_SIZE];
    bool creates;
    bool retries;
    uint64_t kill_after_ms;
    uint64_t grace_ms;
    uint64_t start_delay_ms;
    // These follow.
    int keepalive_time_ms;
    int keepalive_timeout_ms;
    uint64_t silence_ms_max;
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
