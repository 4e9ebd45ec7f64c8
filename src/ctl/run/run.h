// SPDX-License-Identifier: Apache-2.0
//
// `electctl run`: a program that runs while, and only while, this candidate
// leads.

#ifndef CTL_RUN_RUN_H
#define CTL_RUN_RUN_H

#include "ctl/ctl_options.h"

// `argv` are the words behind `run`. Returns the exit code.
int run_command(const struct ctl_options *options, int argc, char **argv);

#endif
