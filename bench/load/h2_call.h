// SPDX-License-Identifier: Apache-2.0
//
// gRPC calls on an HTTP/2 connection. A call sends one message and hears of
// every message that comes back, which is counted and not kept: an open call
// costs about a hundred bytes and the library's stream.
//
// A callback of a call may start calls on its own connection, which go out once
// everything that came has been dealt with; it may not flush or close.
//
// Thread: the loop's.

#ifndef LOAD_H2_CALL_H
#define LOAD_H2_CALL_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "messages.h"

struct h2_client;

// A gRPC status is 0 or greater.
enum {
    // The stream was reset, or had no status.
    H2_STATUS_RESET = -1,
    // Its connection was lost.
    H2_STATUS_LOST = -2,
    H2_STATUS_MAX = 99,
};

struct h2_call;

// Each may be NULL.
struct h2_call_callbacks {
    // The response's headers came.
    void (*opened_cb)(struct h2_call *call);
    // A whole message came.
    void (*message_cb)(struct h2_call *call);
    // The call is over, and its memory the owner's again.
    void (*ended_cb)(struct h2_call *call, int status);
};

// The owner sets the callbacks and lets the call stay where it is until it has
// ended or its connection is closed.
struct h2_call {
    const struct h2_call_callbacks *callbacks;
    struct h2_client *client;
    // The open calls of the connection.
    struct h2_call *prev;
    struct h2_call *next;
    // What is still to be sent.
    struct message unsent;
    // What is still to come of a message, once its prefix is there; until then
    // as much of its length as has come.
    uint32_t unread;
    uint8_t prefix_size;
    bool is_open;
    int status;
};

// Starts a call. Borrows the path and the message's bytes until it has ended.
// False if the connection takes no more calls: no callback will come.
__attribute__((warn_unused_result)) bool
h2_call_start(struct h2_client *client, struct h2_call *call, const char *path,
              const struct message *message);

// Takes an open call off its connection, and tells its owner.
void h2_call_end(struct h2_call *call, int status);

// What all sessions share; NULL without memory.
nghttp2_session_callbacks *h2_call_session_callbacks(void);

#endif
