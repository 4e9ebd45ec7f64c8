// SPDX-License-Identifier: Apache-2.0
//
// A connection without gRPC: what a stranger, a port scanner or an attacker
// does.

#ifndef SUPPORT_RAW_SOCKET_H
#define SUPPORT_RAW_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

// Connects to what `listen=` says, and does not block from then on. -1 if
// nobody listens there.
int raw_connect(const char *listen);

// Waits until somebody listens there, where no log tells; false at the
// deadline.
bool raw_await_listener(const char *listen, unsigned deadline_ms);

// Sends all of it, and reads away what comes meanwhile. False if the peer has
// closed the connection.
bool raw_send(int fd, const void *bytes, size_t size);

// Reads away what comes until the peer has closed the connection; false at the
// deadline.
bool raw_await_close(int fd, unsigned deadline_ms);

#endif
