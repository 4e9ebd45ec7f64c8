// SPDX-License-Identifier: Apache-2.0
//
// A client that writes HTTP/2 frames itself (RFC 9113, RFC 7541), for what
// gRPC's own client never does: a call that is reset before its message, or
// many calls in one packet.
//
// Frames are put into a buffer and go out together with http2_flush(). What the
// daemon answers is read away; of it, only the answer to a ping is looked at.

#ifndef E2E_RAW_HTTP2_H
#define E2E_RAW_HTTP2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http2 {
    int fd;
    // The next stream's number.
    uint32_t stream;
    size_t size;
    uint8_t buffer[65536];
    // What comes: the header of a frame as far as it is there, and how much of
    // its payload is still to come.
    uint8_t head[9];
    size_t head_size;
    size_t payload_left;
    // Pings that were answered.
    unsigned pongs;
};

// Connects and greets. False if nobody listens.
bool http2_connect(struct http2 *http2, const char *listen);

void http2_close(struct http2 *http2);

// Puts the headers of a call; returns its stream.
uint32_t http2_put_call(struct http2 *http2, const char *path);

// Puts a message, which is the last one of its stream.
void http2_put_message(struct http2 *http2, uint32_t stream,
                       const void *message, size_t size);

// Puts a reset with the reason CANCEL.
void http2_put_reset(struct http2 *http2, uint32_t stream);

// Room is left for a call of the usual size.
bool http2_has_room(const struct http2 *http2);

// Sends what was put. False if the daemon has closed the connection.
bool http2_flush(struct http2 *http2);

// Sends a ping and waits for its answer: all that was sent before has been
// read. False if the connection is closed, or at the deadline.
bool http2_ping(struct http2 *http2, unsigned deadline_ms);

#endif
