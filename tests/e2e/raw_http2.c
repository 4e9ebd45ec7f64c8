// SPDX-License-Identifier: Apache-2.0

#include "raw_http2.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/daemon_process.h"
#include "support/raw_socket.h"
#include "support/stopwatch.h"

#define HTTP2_CALL_SIZE_MAX 512

enum http2_type {
    HTTP2_DATA = 0,
    HTTP2_HEADERS = 1,
    HTTP2_RST_STREAM = 3,
    HTTP2_SETTINGS = 4,
    HTTP2_PING = 6,
};

#define HTTP2_END_STREAM 0x1
#define HTTP2_ACK 0x1
#define HTTP2_END_HEADERS 0x4
#define HTTP2_CANCEL 8

static void http2_put(struct http2 *http2, const void *bytes, size_t size)
{
    assert(http2->size + size <= sizeof http2->buffer);
    memcpy(http2->buffer + http2->size, bytes, size);
    http2->size += size;
}

static void http2_put_u8(struct http2 *http2, unsigned value)
{
    uint8_t byte = (uint8_t)value;

    http2_put(http2, &byte, 1);
}

static void http2_put_u32(struct http2 *http2, uint32_t value)
{
    http2_put_u8(http2, value >> 24);
    http2_put_u8(http2, value >> 16 & 0xff);
    http2_put_u8(http2, value >> 8 & 0xff);
    http2_put_u8(http2, value & 0xff);
}

// Puts the header of a frame, whose payload is put behind it.
static void http2_put_frame(struct http2 *http2, size_t size,
                            enum http2_type type, unsigned flags,
                            uint32_t stream)
{
    http2_put_u8(http2, (unsigned)(size >> 16));
    http2_put_u8(http2, size >> 8 & 0xff);
    http2_put_u8(http2, size & 0xff);
    http2_put_u8(http2, type);
    http2_put_u8(http2, flags);
    http2_put_u32(http2, stream);
}

// A string without Huffman's code.
static void http2_put_string(struct http2 *http2, const char *text)
{
    assert(strlen(text) < 127);
    http2_put_u8(http2, (unsigned)strlen(text));
    http2_put(http2, text, strlen(text));
}

uint32_t http2_put_call(struct http2 *http2, const char *path)
{
    size_t size = 2 + 2 + strlen(path) + 3 + 1 + 13 + 17 + 1 + 3 + 9;
    uint32_t stream = http2->stream;

    http2->stream += 2;
    http2_put_frame(http2, size, HTTP2_HEADERS, HTTP2_END_HEADERS, stream);
    size += http2->size;
    // Of the static table: POST, http; :path and :authority as names.
    http2_put_u8(http2, 0x83);
    http2_put_u8(http2, 0x86);
    http2_put_u8(http2, 0x04);
    http2_put_string(http2, path);
    http2_put_u8(http2, 0x01);
    http2_put_string(http2, "a");
    http2_put_u8(http2, 0x00);
    http2_put_string(http2, "content-type");
    http2_put_string(http2, "application/grpc");
    http2_put_u8(http2, 0x00);
    http2_put_string(http2, "te");
    http2_put_string(http2, "trailers");
    assert(http2->size == size);
    return stream;
}

void http2_put_message(struct http2 *http2, uint32_t stream,
                       const void *message, size_t size)
{
    http2_put_frame(http2, size + 5, HTTP2_DATA, HTTP2_END_STREAM, stream);
    // Not compressed.
    http2_put_u8(http2, 0);
    http2_put_u32(http2, (uint32_t)size);
    http2_put(http2, message, size);
}

void http2_put_reset(struct http2 *http2, uint32_t stream)
{
    http2_put_frame(http2, 4, HTTP2_RST_STREAM, 0, stream);
    http2_put_u32(http2, HTTP2_CANCEL);
}

bool http2_has_room(const struct http2 *http2)
{
    return sizeof http2->buffer - http2->size > HTTP2_CALL_SIZE_MAX;
}

// Takes a part of what the peer says; returns how much of it is used up.
static size_t http2_take(struct http2 *http2, const uint8_t *bytes, size_t size)
{
    const uint8_t *head = http2->head;

    if (http2->payload_left > 0) {
        size = size < http2->payload_left ? size : http2->payload_left;
        http2->payload_left -= size;
        return size;
    }
    http2->head[http2->head_size++] = bytes[0];
    if (http2->head_size == sizeof http2->head) {
        http2->head_size = 0;
        http2->payload_left =
            (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        http2->pongs += head[3] == HTTP2_PING && (head[4] & HTTP2_ACK) != 0;
    }
    return 1;
}

// Takes what there is. False once the peer has closed.
static bool http2_receive(struct http2 *http2)
{
    uint8_t bytes[16384];
    ssize_t size;

    do {
        size = recv(http2->fd, bytes, sizeof bytes, 0);
        for (ssize_t i = 0; i < size;) {
            i += (ssize_t)http2_take(http2, bytes + i, (size_t)(size - i));
        }
    } while (size > 0 || (size == -1 && errno == EINTR));
    return size == -1 && errno == EAGAIN;
}

bool http2_flush(struct http2 *http2)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
    struct pollfd room = {.fd = http2->fd, .events = POLLIN | POLLOUT};
    size_t done = 0;
    ssize_t sent;

    while (done < http2->size) {
        sent = send(http2->fd, http2->buffer + done, http2->size - done,
                    MSG_NOSIGNAL);
        done += sent > 0 ? (size_t)sent : 0;
        if ((sent == -1 && errno != EAGAIN && errno != EINTR) ||
            !http2_receive(http2) || stopwatch_now_ms() > deadline_ms) {
            return false;
        }
        if (sent == -1) {
            poll(&room, 1, 100);
        }
    }
    http2->size = 0;
    return true;
}

bool http2_connect(struct http2 *http2, const char *listen)
{
    static const char greeting[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    *http2 = (struct http2){.fd = raw_connect(listen), .stream = 1};
    if (http2->fd == -1) {
        return false;
    }
    http2_put(http2, greeting, sizeof greeting - 1);
    http2_put_frame(http2, 0, HTTP2_SETTINGS, 0, 0);
    return http2_flush(http2);
}

void http2_close(struct http2 *http2)
{
    close(http2->fd);
    http2->fd = -1;
}

bool http2_ping(struct http2 *http2, unsigned deadline_ms)
{
    long long deadline = stopwatch_now_ms() + (long long)deadline_ms;
    struct pollfd news = {.fd = http2->fd, .events = POLLIN};
    unsigned before = http2->pongs;

    http2_put_frame(http2, 8, HTTP2_PING, 0, 0);
    http2_put(http2, "are you?", 8);
    if (!http2_flush(http2)) {
        return false;
    }
    while (http2->pongs == before) {
        poll(&news, 1, 100);
        if (!http2_receive(http2) || stopwatch_now_ms() > deadline) {
            return false;
        }
    }
    return true;
}
