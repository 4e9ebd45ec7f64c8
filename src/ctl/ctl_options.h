// SPDX-License-Identifier: Apache-2.0
//
// What electctl is told about every command: where the daemon is, how long a
// call may take, and how to print. A flag wins over its variable.
//
// Thread: any; nothing is kept.

#ifndef CTL_CTL_OPTIONS_H
#define CTL_CTL_OPTIONS_H

#include <stdint.h>

enum ctl_output {
    CTL_OUTPUT_TEXT,
    CTL_OUTPUT_JSON,
};

// Borrows what it was made of: arguments and environment.
struct ctl_options {
    // One that target_parse() takes.
    const char *endpoint;
    // Of each unary call; 0 is none.
    uint64_t timeout_ms;
    enum ctl_output output;
};

#endif
