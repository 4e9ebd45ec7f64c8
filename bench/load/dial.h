// SPDX-License-Identifier: Apache-2.0
//
// Connected sockets.

#ifndef LOAD_DIAL_H
#define LOAD_DIAL_H

// Connects to HOST:PORT or [IPV6]:PORT. The socket does not block from then on,
// and sends without delay. On failure -1, and stderr says why.
//
// It waits for the connection: a thousand that are made one after the other do
// not overflow the server's backlog, and nothing that is measured includes it.
int dial(const char *server);

// Lets the process have as many descriptors as it may.
void dial_raise_limit(void);

#endif
