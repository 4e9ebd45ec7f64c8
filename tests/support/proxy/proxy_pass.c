// SPDX-License-Identifier: Apache-2.0

#include "support/proxy/proxy_pass.h"

#include <string.h>

#include "support/proxy/proxy_hop.h"

static bool proxy_pass_is_due(const struct proxy_exchange *exchange,
                              enum proxy_side from, const struct parcel *parcel)
{
    return parcel != NULL && !proxy_exchange_door(exchange)->is_frozen[from] &&
           parcel->due_ms <= exchange->proxy->now_ms;
}

// The library's signature has as many parameters as it has.
// NOLINTBEGIN(readability-function-size)

// Fills a frame with what may pass.
static ssize_t proxy_pass_take(nghttp2_session *session, int32_t stream,
                               uint8_t *buffer, size_t size, uint32_t *flags,
                               nghttp2_data_source *source, void *data)
{
    const struct proxy_hop *to = data;
    enum proxy_side from = proxy_across(to->side);
    struct proxy_exchange *exchange = source->ptr;
    struct flow *flow = &exchange->flows[from];
    struct parcel *parcel = flow->first;

    if (!proxy_pass_is_due(exchange, from, parcel) ||
        parcel->kind == PARCEL_RESET) {
        return NGHTTP2_ERR_DEFERRED;
    }
    if (parcel->kind != PARCEL_DATA) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (parcel->kind == PARCEL_TRAILERS) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            (void)nghttp2_submit_trailer(session, stream, parcel->fields,
                                         parcel->fields_count);
        }
        flow_drop_first(flow);
        return 0;
    }
    if (size > parcel->size - parcel->done) {
        size = parcel->size - parcel->done;
    }
    memcpy(buffer, parcel->bytes + parcel->done, size);
    parcel->done += size;
    if (exchange->hops[from] != NULL) {
        (void)nghttp2_session_consume_stream(exchange->hops[from]->session,
                                             exchange->streams[from], size);
    }
    if (parcel->done == parcel->size) {
        flow_drop_first(flow);
    }
    return (ssize_t)size;
}

// NOLINTEND(readability-function-size)

// Passes on headers, which open the way for what follows. False if the session
// takes no more.
static bool proxy_pass_headers(struct proxy_exchange *exchange,
                               enum proxy_side from)
{
    enum proxy_side to = proxy_across(from);
    nghttp2_session *session = exchange->hops[to]->session;
    const struct parcel *headers = exchange->flows[from].first;
    const struct parcel *next = headers->next;
    nghttp2_data_provider provider = {
        .source.ptr = exchange,
        .read_callback = proxy_pass_take,
    };
    bool is_all = next != NULL && next->kind == PARCEL_END &&
                  proxy_pass_is_due(exchange, from, next);
    int32_t status;

    exchange->flows[from].is_open = true;
    if (from == PROXY_CLIENT) {
        status = nghttp2_submit_request(session, NULL, headers->fields,
                                        headers->fields_count,
                                        is_all ? NULL : &provider, exchange);
        exchange->streams[to] = status > 0 ? status : 0;
    } else {
        status = nghttp2_submit_response(session, exchange->streams[to],
                                         headers->fields, headers->fields_count,
                                         is_all ? NULL : &provider);
    }
    flow_drop_first(&exchange->flows[from]);
    if (is_all) {
        flow_drop_first(&exchange->flows[from]);
    }
    return status >= 0;
}

static void proxy_pass_request(struct proxy_exchange *exchange)
{
    struct proxy_hop *hop = proxy_hop_to_daemon(exchange->hops[PROXY_CLIENT]);

    exchange->hops[PROXY_DAEMON] = hop;
    if (hop == NULL || !proxy_pass_headers(exchange, PROXY_CLIENT)) {
        exchange->hops[PROXY_DAEMON] = NULL;
        flow_clear(&exchange->flows[PROXY_CLIENT]);
        proxy_exchange_refuse(exchange);
    }
}

// Resets the stream of the other side, which then is of no interest.
static void proxy_pass_reset(struct proxy_exchange *exchange,
                             enum proxy_side from)
{
    enum proxy_side to = proxy_across(from);
    nghttp2_session *session = exchange->hops[to]->session;
    int32_t stream = exchange->streams[to];

    (void)nghttp2_session_set_stream_user_data(session, stream, NULL);
    (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream,
                                    exchange->flows[from].first->error);
    exchange->hops[to] = NULL;
    exchange->streams[to] = 0;
    flow_clear(&exchange->flows[PROXY_CLIENT]);
    flow_clear(&exchange->flows[PROXY_DAEMON]);
}

static void proxy_pass_first(struct proxy_exchange *exchange,
                             enum proxy_side from)
{
    const struct parcel *first = exchange->flows[from].first;
    enum proxy_side to = proxy_across(from);

    if (!proxy_pass_is_due(exchange, from, first)) {
        return;
    }
    if (first->kind == PARCEL_HEADERS && from == PROXY_CLIENT) {
        if (exchange->hops[PROXY_CLIENT] != NULL) {
            proxy_pass_request(exchange);
        }
    } else if (exchange->hops[to] == NULL) {
        // Nobody is left to be told.
        flow_clear(&exchange->flows[from]);
    } else if (first->kind == PARCEL_HEADERS) {
        (void)proxy_pass_headers(exchange, from);
    } else if (first->kind == PARCEL_RESET) {
        proxy_pass_reset(exchange, from);
    } else {
        // Fails if it is not waiting, or waits for the window.
        (void)nghttp2_session_resume_data(exchange->hops[to]->session,
                                          exchange->streams[to]);
    }
}

long long proxy_pass_on(struct proxy_exchange *exchange)
{
    long long due_ms = -1;

    for (int from = PROXY_CLIENT; from <= PROXY_DAEMON; from++) {
        const struct parcel *first;

        proxy_pass_first(exchange, (enum proxy_side)from);
        first = exchange->flows[from].first;
        if (first != NULL && first->due_ms > exchange->proxy->now_ms &&
            (due_ms == -1 || first->due_ms < due_ms)) {
            due_ms = first->due_ms;
        }
    }
    return due_ms;
}
