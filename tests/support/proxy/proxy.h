// SPDX-License-Identifier: Apache-2.0
//
// An HTTP/2 proxy that ends HTTP/2 on both sides, as Envoy, nginx and a mesh
// do: each hop has a session, settings, windows and pings of its own, and what
// is passed on are requests and answers, stream by stream. A ping therefore
// tells a client that the proxy lives, and nothing of the daemon.
//
//     client ── door ── client's hop ── exchange ── daemon's hop ── daemon
//
// A client comes in by a door, which can be frozen, delayed and cut by itself.
// Each client's hop has a daemon's hop of its own, or all share one (pooled).
//
// Thread: one.

#ifndef SUPPORT_PROXY_H
#define SUPPORT_PROXY_H

#include <stdbool.h>
#include <stdint.h>

#include "support/proxy/proxy_address.h"

#define PROXY_DOORS_MAX 8

// Where something comes from.
enum proxy_side {
    PROXY_CLIENT,
    PROXY_DAEMON,
};

struct proxy_door {
    int listen_fd;
    char address[PROXY_ADDRESS_SIZE];
    // By where it comes from: requests, answers.
    bool is_frozen[2];
    unsigned delay_ms[2];
};

struct proxy_hop;
struct proxy_exchange;

struct proxy {
    const char *target;
    bool is_pooled;
    struct proxy_door doors[PROXY_DOORS_MAX];
    unsigned doors_count;
    struct proxy_hop *hops;
    struct proxy_exchange *exchanges;
    // As of this turn.
    long long now_ms;
    // Pings that were answered, by the side that sent them.
    unsigned pings[2];
};

// The other side.
static inline enum proxy_side proxy_across(enum proxy_side side)
{
    return side == PROXY_CLIENT ? PROXY_DAEMON : PROXY_CLIENT;
}

#endif
