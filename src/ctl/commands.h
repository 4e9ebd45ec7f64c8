// SPDX-License-Identifier: Apache-2.0
//
// The one table of electctl's commands: their names, what they take, what their
// help says, and what runs them. docs/electctl.md, electctl(1) and the bash
// completion have to be kept with it.
//
// Thread: any; the table is constant.

#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include <stdio.h>

#include "ctl/arguments.h"

#define COMMAND_FLAGS_MAX 6

struct command {
    const char *name;
    // What stands behind the name.
    const char *usage;
    const char *summary;
    // Whole lines; NULL if the summary says all.
    const char *help;
    // NULL-terminated.
    const struct flag *flags[COMMAND_FLAGS_MAX];
    size_t words_min;
    size_t words_max;
    // Returns the exit code. NULL: the command reads its own arguments.
    int (*run_cb)(const struct arguments *arguments);
};

// NULL: there is none of that name.
const struct command *command_find(const char *name);

// Runs a command with what stands behind its name; `arguments` holds the flags
// that stood in front. Returns the exit code.
int command_run(const struct command *command, struct arguments *arguments,
                int argc, char **argv);

// What --help says.
void commands_print_help(FILE *out);

#endif
