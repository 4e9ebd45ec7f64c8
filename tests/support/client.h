// SPDX-License-Identifier: Apache-2.0
//
// A blocking gRPC client over C-core, for tests: it knows paths and bytes, and
// nothing of what they mean. One client is one connection.
//
// gRPC only makes progress while somebody waits: a client that is not waited on
// reads nothing from its socket.
//
// Thread: a client and its streams belong to one thread at a time; only the
// functions marked "any thread" never fail the test and may be used on a thread
// that is not cmocka's.

#ifndef SUPPORT_CLIENT_H
#define SUPPORT_CLIENT_H

#include <grpc/grpc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The deadline of whatever has none of its own, on a busy machine.
#define CLIENT_DEADLINE_MS 30000

struct client;
struct stream;

struct client_bytes {
    const void *bytes;
    size_t size;
};

// What came back: of a call its end, and its message if there was one; of a
// stream one message, or its end.
struct client_reply {
    grpc_status_code code;
    // The status message, NUL-terminated.
    char text[1024];
    bool has_message;
    // Owned, NULL for none; NUL-terminated behind its size.
    uint8_t *bytes;
    size_t size;
};

// Any thread. What a client has: a connection of its own, with arguments for
// tests. Returns owned.
grpc_channel *client_channel(const char *listen);

// Any thread. Connects to what `listen=` says, at the first call. Returns
// owned.
struct client *client_connect(const char *listen);

// Any thread. The same over one connection, which is there when this returns,
// and which no other follows. NULL if nobody listens.
struct client *client_connect_once(const char *listen);

// Any thread. Cancels the streams that are open, releases them, and closes the
// connection. NULL is allowed.
void client_close(struct client *client);

// Any thread. One unary call; the deadline shows as a code like any other.
void client_call(struct client *client, const char *path,
                 struct client_bytes request, unsigned deadline_ms,
                 struct client_reply *reply);

// Any thread. Starts a call of a server stream, or, without a request (NULL
// bytes), of a bidirectional one. The stream belongs to the client.
struct stream *stream_start(struct client *client, const char *path,
                            struct client_bytes request, unsigned deadline_ms);

// Any thread. Waits for the initial metadata; false at the deadline. True also
// when the stream has ended without any.
bool stream_await_open(struct stream *stream, unsigned deadline_ms);

enum stream_news {
    STREAM_MESSAGE,
    STREAM_ENDED,
    STREAM_SILENT,
};

// Any thread. Waits for the next message, or the end; STREAM_SILENT at the
// deadline, after which it may be called again.
enum stream_news stream_next(struct stream *stream, unsigned deadline_ms,
                             struct client_reply *reply);

// Any thread. Bidirectional streams: sends a message, or says that there are no
// more. False if the stream has ended.
bool stream_send(struct stream *stream, struct client_bytes message);
bool stream_half_close(struct stream *stream);

// Any thread. Asks for the end; stream_next() will tell CANCELLED.
void stream_cancel(struct stream *stream);

// Any thread. Cancels the stream and releases it.
void stream_release(struct stream *stream);

// Any thread. Releases what a reply holds.
void client_reply_clear(struct client_reply *reply);

// Any thread. "NOT_FOUND", and so on. Static.
const char *client_code_name(grpc_status_code code);

#endif
