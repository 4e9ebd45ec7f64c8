// SPDX-License-Identifier: Apache-2.0
//
// A process between a client and its daemon, on Unix sockets. Stopped, it is a
// network that has fallen silent; killed, one that resets all connections.

#ifndef E2E_RELAY_H
#define E2E_RELAY_H

#include <sys/types.h>

#define RELAY_PATH_SIZE 100

// Starts to take connections at one path and to make one to the other for each.
// The process is killed when the test process dies.
pid_t relay_spawn(const char *listen_path, const char *target_path);

#endif
