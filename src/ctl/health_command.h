// SPDX-License-Identifier: Apache-2.0
//
// `electctl health`: asks the daemon if it serves. Returns the exit code, 1 if
// it does not.

#ifndef CTL_HEALTH_COMMAND_H
#define CTL_HEALTH_COMMAND_H

#include "ctl/arguments.h"

int health_command(const struct arguments *arguments);

#endif
