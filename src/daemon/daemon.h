// SPDX-License-Identifier: Apache-2.0
//
// The daemon: builds the rooms from the bottom up, runs them on one loop, and
// closes them from the top down.

#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "daemon/options.h"

// Serves until a signal says otherwise. Logs what goes wrong. Returns the exit
// status of the process: 0, or 1 if it could not start or had to give up.
int daemon_run(const struct options *options);

#endif
