// SPDX-License-Identifier: Apache-2.0
//
// Sockets by the addresses that electd logs: "127.0.0.1:PORT" or "unix:PATH".
// All of them are non-blocking.

#ifndef SUPPORT_PROXY_ADDRESS_H
#define SUPPORT_PROXY_ADDRESS_H

#define PROXY_ADDRESS_SIZE 128

// Listens, and writes down where: port 0 becomes a free one, and what is left
// at a path is replaced. -1 if that cannot be done.
int proxy_listen(const char *address, char bound[PROXY_ADDRESS_SIZE]);

// Begins to connect: the socket can be written to when it is connected. -1 if
// nobody listens there.
int proxy_connect(const char *address);

#endif
