// SPDX-License-Identifier: Apache-2.0
//
// One connection of the proxy, to a client or to the daemon, with its HTTP/2
// session. It reads and writes whatever is frozen, and answers pings and
// settings itself; frames of streams go to their exchanges.
//
// A hop that is lost stays in the list until proxy_hop_sweep().

#ifndef SUPPORT_PROXY_HOP_H
#define SUPPORT_PROXY_HOP_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/proxy/proxy.h"

struct proxy_hop {
    struct proxy_hop *prev;
    struct proxy_hop *next;
    struct proxy *proxy;
    enum proxy_side side;
    unsigned door;
    int fd;
    bool is_lost;
    nghttp2_session *session;
    // What the socket has not taken yet.
    uint8_t *unsent;
    size_t unsent_size;
    // Of a daemon's hop: the client's hop that it is for; NULL once that is
    // lost, and when it is shared.
    const struct proxy_hop *owner;
    bool is_shared;
};

// Takes what comes in by a door.
void proxy_hop_accept(struct proxy *proxy, unsigned door);

// The daemon's hop for a client's hop; connects if there is none. NULL if the
// daemon is not there.
struct proxy_hop *proxy_hop_to_daemon(struct proxy_hop *client);

// Something waits to be written.
bool proxy_hop_wants_write(const struct proxy_hop *hop);

// Reads what there is.
void proxy_hop_read(struct proxy_hop *hop);

// Writes what there is to write.
void proxy_hop_flush(struct proxy_hop *hop);

// Closes the connection. Its exchanges are told.
void proxy_hop_lose(struct proxy_hop *hop);

// Tells the client to go elsewhere with its next calls.
void proxy_hop_go_away(struct proxy_hop *hop);

// Closes what nobody needs, and releases what was lost.
void proxy_hop_sweep(struct proxy *proxy);

#endif
