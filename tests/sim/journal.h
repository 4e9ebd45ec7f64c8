// SPDX-License-Identifier: Apache-2.0
//
// What a run did, command by command, as a text that grows: two runs that did
// the same have the same journal, byte by byte. And the commands themselves, to
// be done once more.

#ifndef SIM_JOURNAL_H
#define SIM_JOURNAL_H

#include <stddef.h>

#include "electd/election.h"
#include "model.h"

struct journal {
    size_t size;
    size_t size_max;
    char *bytes;
    size_t commands_count;
    size_t commands_max;
    struct sim_command *commands;
};

void journal_init(struct journal *journal);
void journal_close(struct journal *journal);

// Notes a command and all that came of it.
void journal_add(struct journal *journal, const struct sim_command *command,
                 enum electd_status status,
                 const struct electd_outcome *outcome);

// Notes all that can be read of all elections.
void journal_add_elections(struct journal *journal,
                           const struct electd_elections *elections);

// The commands' names are borrowed from names.h, the tags from here.
struct electd_command journal_command(const struct sim_command *command);

// Prints a command, and the last ones that were noted.
void journal_print_command(const char *title,
                           const struct sim_command *command);
void journal_print_end(const struct journal *journal, size_t count);

#endif
