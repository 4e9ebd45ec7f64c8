// SPDX-License-Identifier: Apache-2.0
//
// One request and its answer: a stream of a client's hop, a stream of the
// daemon's, and what is on its way between them.
//
// What comes in is only noted; proxy_pass.h passes it on. Released when both
// streams are closed.

#ifndef SUPPORT_PROXY_EXCHANGE_H
#define SUPPORT_PROXY_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "support/proxy/proxy.h"
#include "support/proxy/proxy_flow.h"

struct proxy_exchange {
    struct proxy_exchange *prev;
    struct proxy_exchange *next;
    struct proxy *proxy;
    unsigned door;
    // NULL and 0 for a stream that is closed, or not open yet.
    struct proxy_hop *hops[2];
    int32_t streams[2];
    // By where it comes from.
    struct flow flows[2];
};

// A client begins a request.
struct proxy_exchange *proxy_exchange_create(struct proxy_hop *hop,
                                             int32_t stream);

const struct proxy_door *
proxy_exchange_door(const struct proxy_exchange *exchange);

// Something came in; returns it, to be filled in.
struct parcel *proxy_exchange_add(struct proxy_exchange *exchange,
                                  enum proxy_side from, enum parcel_kind kind);

// Answers UNAVAILABLE in the daemon's place.
void proxy_exchange_refuse(struct proxy_exchange *exchange);

// A stream is over: that side neither sends nor wants anything any more.
void proxy_exchange_close(struct proxy_exchange *exchange, enum proxy_side side,
                          uint32_t error);

// The hop, and with it all of its streams, is gone.
void proxy_exchange_lose_hop(struct proxy_hop *hop);

// Some exchange has a stream of the hop.
bool proxy_exchange_uses(const struct proxy_hop *hop);

// Releases those that are over.
void proxy_exchange_sweep(struct proxy *proxy);

#endif
