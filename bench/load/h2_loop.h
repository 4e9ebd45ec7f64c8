// SPDX-License-Identifier: Apache-2.0
//
// The one epoll loop of a load generator, and what its connections share.
//
// Thread: one. A program has one loop.

#ifndef LOAD_H2_LOOP_H
#define LOAD_H2_LOOP_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What one recv() or send() moves at most.
#define H2_LOOP_BUFFER_SIZE (128 * 1024)

struct h2_loop {
    int epoll_fd;
    // The last turn found the program's own descriptor ready.
    bool is_woken;
    // Connections that have heard the server's settings, and that are lost.
    size_t clients_ready;
    size_t clients_lost;
    // Calls that were started, opened, brought a message or ended; and since
    // when, if at all, that number has been the same.
    uint64_t news;
    uint64_t news_seen;
    int64_t quiet_since_ns;
    nghttp2_session_callbacks *callbacks;
    uint8_t *buffer;
};

// Exits with a message if the system does not give what the loop needs.
void h2_loop_init(struct h2_loop *loop);

// Once all its connections are closed.
void h2_loop_close(struct h2_loop *loop);

// From then on a turn also ends when there is something to read from this
// descriptor of the program's own, of which there is one at a time. A timer
// need not be read: each expiry is told once. False if it cannot be waited for,
// as a plain file cannot.
bool h2_loop_add(struct h2_loop *loop, int fd);

void h2_loop_remove(struct h2_loop *loop, int fd);

// Waits for something, but not for long, and deals with all that is there.
// False if for half a minute no call was started or heard of: if one is open,
// the server does not answer.
bool h2_loop_turn(struct h2_loop *loop);

// Turns until so many connections have heard the server's settings, from when
// on they take any number of calls. False if one is lost or the server is
// silent, and stderr says so.
bool h2_loop_await_ready(struct h2_loop *loop, size_t clients);

#endif
