// SPDX-License-Identifier: Apache-2.0
//
// The commands that call a daemon once or twice and are done. Each returns the
// exit code; its words have been counted.

#ifndef CTL_ELECTION_COMMANDS_H
#define CTL_ELECTION_COMMANDS_H

#include "ctl/arguments.h"

int create_command(const struct arguments *arguments);
int close_command(const struct arguments *arguments);
int enter_command(const struct arguments *arguments);
int withdraw_command(const struct arguments *arguments);
int evict_command(const struct arguments *arguments);
int anoint_command(const struct arguments *arguments);
int promote_command(const struct arguments *arguments);
int demote_command(const struct arguments *arguments);
int confirm_command(const struct arguments *arguments);
int term_command(const struct arguments *arguments);

#endif
