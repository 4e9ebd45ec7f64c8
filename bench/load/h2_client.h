// SPDX-License-Identifier: Apache-2.0
//
// One HTTP/2 connection over libnghttp2, without TLS.
//
// Calls that are started on it (h2_call.h) go out with the next
// h2_client_flush(), in the order in which they were started, in one write if
// the socket takes it.
//
// Happy path: connect, hear the server's settings, start calls. Failure: when
// the connection is lost, or the server says that it goes away, no call starts
// any more; the open ones end with H2_STATUS_LOST as soon as it is lost.
//
// Thread: the loop's.

#ifndef LOAD_H2_CLIENT_H
#define LOAD_H2_CLIENT_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "h2_call.h"
#include "h2_loop.h"

struct h2_client {
    struct h2_loop *loop;
    nghttp2_session *session;
    const char *authority;
    struct h2_call *calls;
    // What the socket did not take, from `unsent_start` on.
    uint8_t *unsent;
    size_t unsent_start;
    size_t unsent_size;
    int fd;
    bool is_ready;
    bool is_going_away;
    bool is_lost;
};

enum h2_windows {
    // The server may send as much as it likes.
    H2_WINDOWS_OPEN,
    // It may send headers, and never a byte of a message.
    H2_WINDOWS_CLOSED,
};

// Connects to HOST:PORT. Borrows the loop and the server's name. On failure
// stderr says why, and there is nothing to close.
bool h2_client_connect(struct h2_client *client, struct h2_loop *loop,
                       const char *server, enum h2_windows windows);

// Closes the connection. Calls that are open hear nothing.
void h2_client_close(struct h2_client *client);

// Writes all there is to write, as far as the socket takes it. The rest goes
// out by itself.
void h2_client_flush(struct h2_client *client);

// The loop's: the socket is ready for something.
void h2_client_on_event(struct h2_client *client, uint32_t events);

#endif
