// SPDX-License-Identifier: Apache-2.0

#include "h2_loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "h2_client.h"
#include "support/stopwatch.h"

#define EVENTS_MAX 256

#define TURN_MS_MAX 1000
#define PATIENCE_MS 30000

void h2_loop_init(struct h2_loop *loop)
{
    *loop = (struct h2_loop){
        .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
        .buffer = malloc(H2_LOOP_BUFFER_SIZE),
        .callbacks = h2_call_session_callbacks(),
    };
    if (loop->epoll_fd == -1 || loop->buffer == NULL ||
        loop->callbacks == NULL) {
        (void)fprintf(stderr, "no loop: %s\n", strerror(errno));
        exit(1);
    }
}

void h2_loop_close(struct h2_loop *loop)
{
    nghttp2_session_callbacks_del(loop->callbacks);
    free(loop->buffer);
    close(loop->epoll_fd);
}

bool h2_loop_add(struct h2_loop *loop, int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};

    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

void h2_loop_remove(struct h2_loop *loop, int fd)
{
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

// The clock is read only when there is no news.
static bool h2_loop_is_patient(struct h2_loop *loop)
{
    if (loop->news != loop->news_seen) {
        loop->news_seen = loop->news;
        loop->quiet_since_ns = 0;
        return true;
    }
    if (loop->quiet_since_ns == 0) {
        loop->quiet_since_ns = stopwatch_ns();
    }
    return stopwatch_ms_since(loop->quiet_since_ns) < PATIENCE_MS;
}

bool h2_loop_turn(struct h2_loop *loop)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, TURN_MS_MAX);

    loop->is_woken = false;
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == NULL) {
            loop->is_woken = true;
        } else {
            h2_client_on_event(events[i].data.ptr, events[i].events);
        }
    }
    return h2_loop_is_patient(loop);
}

bool h2_loop_await_ready(struct h2_loop *loop, size_t clients)
{
    bool is_patient = true;

    while (loop->clients_ready < clients && loop->clients_lost == 0 &&
           is_patient) {
        is_patient = h2_loop_turn(loop);
    }
    if (loop->clients_ready < clients || loop->clients_lost > 0) {
        (void)fprintf(stderr,
                      "HTTP/2 on %zu of %zu connections, and %zu lost\n",
                      loop->clients_ready, clients, loop->clients_lost);
        return false;
    }
    return true;
}
