// SPDX-License-Identifier: Apache-2.0
//
// A relay between one client and the daemon that can fall silent: from then on
// nothing gets through in either direction, and neither side is told, as when a
// cable is cut. Both see open connections all the while.

#ifndef E2E_SILENT_PROXY_H
#define E2E_SILENT_PROXY_H

#include <pthread.h>
#include <stdatomic.h>

struct silent_proxy {
    // To connect to instead.
    char listen[32];
    int listen_fd;
    // Client, daemon.
    int fds[2];
    const char *target;
    pthread_t thread;
    atomic_bool is_silent;
    atomic_bool is_closing;
};

// Takes one connection, and connects it to the daemon's address.
void silent_proxy_init(struct silent_proxy *proxy, const char *target);

void silent_proxy_fall_silent(struct silent_proxy *proxy);

// Closes the connections.
void silent_proxy_close(struct silent_proxy *proxy);

#endif
