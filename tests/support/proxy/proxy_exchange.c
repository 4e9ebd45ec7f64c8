// SPDX-License-Identifier: Apache-2.0
//
// Happy path: a request's headers come in; they are passed on, which opens the
// daemon's stream; data follows as the windows allow; the answer comes the
// other way and ends with trailers; both streams are closed.
//
// Failure modes: a stream is reset, or its connection is lost: what is on its
// way from there is dropped, and the other side's stream is reset. There is no
// daemon, or it is lost before it has answered: the answer is UNAVAILABLE.

#include "support/proxy/proxy_exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "support/proxy/proxy_hop.h"

struct proxy_exchange *proxy_exchange_create(struct proxy_hop *hop,
                                             int32_t stream)
{
    struct proxy_exchange *exchange = calloc(1, sizeof *exchange);

    assert(exchange != NULL);
    exchange->proxy = hop->proxy;
    exchange->door = hop->door;
    exchange->hops[PROXY_CLIENT] = hop;
    exchange->streams[PROXY_CLIENT] = stream;
    DL_APPEND(hop->proxy->exchanges, exchange);
    return exchange;
}

const struct proxy_door *
proxy_exchange_door(const struct proxy_exchange *exchange)
{
    return &exchange->proxy->doors[exchange->door];
}

struct parcel *proxy_exchange_add(struct proxy_exchange *exchange,
                                  enum proxy_side from, enum parcel_kind kind)
{
    return flow_add(&exchange->flows[from], kind,
                    exchange->proxy->now_ms +
                        proxy_exchange_door(exchange)->delay_ms[from]);
}

static void proxy_exchange_add_reset(struct proxy_exchange *exchange,
                                     enum proxy_side from, uint32_t error)
{
    flow_reset(&exchange->flows[from], error,
               exchange->proxy->now_ms +
                   proxy_exchange_door(exchange)->delay_ms[from]);
}

static nghttp2_nv proxy_exchange_field(const char *name, const char *value)
{
    return (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)name,
        .namelen = strlen(name),
        .value = (uint8_t *)(uintptr_t)value,
        .valuelen = strlen(value),
    };
}

// Answers in the daemon's place.
void proxy_exchange_refuse(struct proxy_exchange *exchange)
{
    const nghttp2_nv fields[] = {
        proxy_exchange_field(":status", "200"),
        proxy_exchange_field("content-type", "application/grpc"),
        proxy_exchange_field("grpc-status", "14"),
        proxy_exchange_field("grpc-message", "the proxy has no daemon"),
    };
    struct parcel *parcel =
        proxy_exchange_add(exchange, PROXY_DAEMON, PARCEL_HEADERS);

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        parcel_add_field(parcel, &fields[i]);
    }
    proxy_exchange_add(exchange, PROXY_DAEMON, PARCEL_END);
}

// A stream is over: that side neither sends nor wants anything any more.
void proxy_exchange_close(struct proxy_exchange *exchange, enum proxy_side side,
                          uint32_t error)
{
    struct flow *requests = &exchange->flows[PROXY_CLIENT];
    struct flow *answers = &exchange->flows[PROXY_DAEMON];

    exchange->hops[side] = NULL;
    exchange->streams[side] = 0;
    if (side == PROXY_CLIENT) {
        flow_clear(answers);
        if (error != NGHTTP2_NO_ERROR || !requests->is_ended) {
            proxy_exchange_add_reset(exchange, PROXY_CLIENT, error);
        }
        return;
    }
    flow_clear(requests);
    if (!answers->is_ended) {
        proxy_exchange_add_reset(exchange, PROXY_DAEMON, error);
    } else if (!requests->is_ended) {
        // The answer is whole, and the rest of the request is not wanted.
        proxy_exchange_add(exchange, PROXY_DAEMON, PARCEL_RESET)->error =
            NGHTTP2_NO_ERROR;
    }
}

void proxy_exchange_lose_hop(struct proxy_hop *hop)
{
    struct proxy_exchange *exchange;

    DL_FOREACH(hop->proxy->exchanges, exchange) {
        if (exchange->hops[hop->side] != hop) {
            continue;
        }
        if (hop->side == PROXY_DAEMON &&
            !exchange->flows[PROXY_DAEMON].has_headers) {
            proxy_exchange_refuse(exchange);
        }
        proxy_exchange_close(exchange, hop->side,
                             hop->side == PROXY_CLIENT
                                 ? NGHTTP2_CANCEL
                                 : NGHTTP2_INTERNAL_ERROR);
    }
}

bool proxy_exchange_uses(const struct proxy_hop *hop)
{
    const struct proxy_exchange *exchange;

    DL_FOREACH(hop->proxy->exchanges, exchange) {
        if (exchange->hops[hop->side] == hop) {
            return true;
        }
    }
    return false;
}

void proxy_exchange_sweep(struct proxy *proxy)
{
    struct proxy_exchange *exchange;
    struct proxy_exchange *next;

    DL_FOREACH_SAFE(proxy->exchanges, exchange, next) {
        if (exchange->hops[PROXY_CLIENT] == NULL &&
            exchange->hops[PROXY_DAEMON] == NULL) {
            flow_clear(&exchange->flows[PROXY_CLIENT]);
            flow_clear(&exchange->flows[PROXY_DAEMON]);
            DL_DELETE(proxy->exchanges, exchange);
            free(exchange);
        }
    }
}
