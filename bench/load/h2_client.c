// SPDX-License-Identifier: Apache-2.0

#include "h2_client.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dial.h"

// The largest frame that the library makes (RFC 9113, 4.2), and some room.
#define FRAME_SIZE_MAX (16 * 1024 + 64)

#define WINDOW_SIZE (1 << 30)

static void h2_client_lose(struct h2_client *client)
{
    client->is_lost = true;
    client->loop->clients_lost++;
    close(client->fd);
    while (client->calls != NULL) {
        h2_call_end(client->calls, H2_STATUS_LOST);
    }
}

static void h2_client_await(struct h2_client *client, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = client};

    if (epoll_ctl(client->loop->epoll_fd, EPOLL_CTL_MOD, client->fd, &event) !=
        0) {
        h2_client_lose(client);
    }
}

// Puts the frames that are ready side by side. -1 if the session has failed.
static ssize_t h2_client_gather(struct h2_client *client)
{
    uint8_t *buffer = client->loop->buffer;
    size_t size = 0;
    const uint8_t *frame;
    ssize_t frame_size;

    while (H2_LOOP_BUFFER_SIZE - size >= FRAME_SIZE_MAX) {
        frame_size = nghttp2_session_mem_send(client->session, &frame);
        if (frame_size < 0) {
            return -1;
        }
        if (frame_size == 0) {
            break;
        }
        assert((size_t)frame_size <= H2_LOOP_BUFFER_SIZE - size);
        memcpy(buffer + size, frame, (size_t)frame_size);
        size += (size_t)frame_size;
    }
    return (ssize_t)size;
}

// Returns how much the socket took, or -1 if it is lost.
static ssize_t h2_client_send(struct h2_client *client, const uint8_t *bytes,
                              size_t size)
{
    ssize_t sent = send(client->fd, bytes, size, MSG_NOSIGNAL);

    if (sent == -1) {
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    }
    return sent;
}

// False if the socket did not take all that was left, or is lost.
static bool h2_client_send_unsent(struct h2_client *client)
{
    ssize_t sent;

    if (client->unsent == NULL) {
        return true;
    }
    sent = h2_client_send(client, client->unsent + client->unsent_start,
                          client->unsent_size);
    if (sent < 0) {
        h2_client_lose(client);
        return false;
    }
    client->unsent_start += (size_t)sent;
    client->unsent_size -= (size_t)sent;
    if (client->unsent_size > 0) {
        return false;
    }
    free(client->unsent);
    client->unsent = NULL;
    h2_client_await(client, EPOLLIN);
    return !client->is_lost;
}

// Keeps what the socket did not take until it takes it.
static void h2_client_keep(struct h2_client *client, const uint8_t *bytes,
                           size_t size)
{
    client->unsent = malloc(size);
    if (client->unsent == NULL) {
        h2_client_lose(client);
        return;
    }
    memcpy(client->unsent, bytes, size);
    client->unsent_start = 0;
    client->unsent_size = size;
    h2_client_await(client, EPOLLIN | EPOLLOUT);
}

void h2_client_flush(struct h2_client *client)
{
    ssize_t size;
    ssize_t sent;

    if (client->is_lost || !h2_client_send_unsent(client)) {
        return;
    }
    while ((size = h2_client_gather(client)) > 0) {
        sent = h2_client_send(client, client->loop->buffer, (size_t)size);
        if (sent < 0) {
            size = -1;
            break;
        }
        if (sent < size) {
            h2_client_keep(client, client->loop->buffer + sent,
                           (size_t)(size - sent));
            return;
        }
    }
    // Nothing to read or write any more: the server went away in good order.
    if (size < 0 || nghttp2_session_want_read(client->session) == 0) {
        h2_client_lose(client);
    }
}

static void h2_client_receive(struct h2_client *client)
{
    ssize_t size = recv(client->fd, client->loop->buffer, H2_LOOP_BUFFER_SIZE,
                        MSG_DONTWAIT);

    if (size == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (size <= 0 ||
        nghttp2_session_mem_recv(client->session, client->loop->buffer,
                                 (size_t)size) != size) {
        h2_client_lose(client);
    }
}

void h2_client_on_event(struct h2_client *client, uint32_t events)
{
    // One of the events of the same turn may have lost it.
    if (client->is_lost) {
        return;
    }
    if ((events & ~(uint32_t)EPOLLOUT) != 0) {
        h2_client_receive(client);
    }
    h2_client_flush(client);
}

static bool h2_client_greet(struct h2_client *client, enum h2_windows windows)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
         windows == H2_WINDOWS_OPEN ? WINDOW_SIZE : 0},
    };

    return nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, settings,
                                   sizeof settings / sizeof settings[0]) == 0 &&
           nghttp2_session_set_local_window_size(
               client->session, NGHTTP2_FLAG_NONE, 0, WINDOW_SIZE) == 0 &&
           epoll_ctl(client->loop->epoll_fd, EPOLL_CTL_ADD, client->fd,
                     &event) == 0;
}

bool h2_client_connect(struct h2_client *client, struct h2_loop *loop,
                       const char *server, enum h2_windows windows)
{
    *client = (struct h2_client){.loop = loop, .authority = server};
    client->fd = dial(server);
    if (client->fd == -1) {
        return false;
    }
    if (nghttp2_session_client_new(&client->session, loop->callbacks, client) !=
            0 ||
        !h2_client_greet(client, windows)) {
        (void)fprintf(stderr, "no connection: %s\n", strerror(errno));
        h2_client_close(client);
        return false;
    }
    h2_client_flush(client);
    return true;
}

void h2_client_close(struct h2_client *client)
{
    if (!client->is_lost) {
        close(client->fd);
    }
    nghttp2_session_del(client->session);
    free(client->unsent);
    *client = (struct h2_client){.is_lost = true};
}
