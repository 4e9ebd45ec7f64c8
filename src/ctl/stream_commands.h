// SPDX-License-Identifier: Apache-2.0
//
// The commands that stay until they are told to end. Each returns the exit
// code; its words have been counted.

#ifndef CTL_STREAM_COMMANDS_H
#define CTL_STREAM_COMMANDS_H

#include "ctl/arguments.h"

int watch_command(const struct arguments *arguments);
int campaign_command(const struct arguments *arguments);

#endif
