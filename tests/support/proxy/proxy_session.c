// SPDX-License-Identifier: Apache-2.0
//
// nghttp2 calls back while it reads or writes, when no other frame may be
// begun: these callbacks only note what comes.

#include "support/proxy/proxy_session.h"

#include <assert.h>
#include <utlist.h>

#include "support/proxy/proxy_exchange.h"
#include "support/proxy/proxy_hop.h"

static struct proxy_exchange *proxy_session_find(nghttp2_session *session,
                                                 int32_t stream)
{
    return nghttp2_session_get_stream_user_data(session, stream);
}

// The library's signatures have as many parameters as they have.
// NOLINTBEGIN(readability-function-size)

static int proxy_session_on_begin(nghttp2_session *session,
                                  const nghttp2_frame *frame, void *data)
{
    struct proxy_hop *hop = data;
    struct proxy_exchange *exchange;
    bool is_request = frame->hd.type == NGHTTP2_HEADERS &&
                      frame->headers.cat == NGHTTP2_HCAT_REQUEST;

    if (is_request) {
        exchange = proxy_exchange_create(hop, frame->hd.stream_id);
        nghttp2_session_set_stream_user_data(session, frame->hd.stream_id,
                                             exchange);
    }
    exchange = proxy_session_find(session, frame->hd.stream_id);
    if (exchange != NULL) {
        proxy_exchange_add(exchange, hop->side,
                           exchange->flows[hop->side].has_headers
                               ? PARCEL_TRAILERS
                               : PARCEL_HEADERS);
    }
    return 0;
}

static int proxy_session_on_header(nghttp2_session *session,
                                   const nghttp2_frame *frame,
                                   const uint8_t *name, size_t name_size,
                                   const uint8_t *value, size_t value_size,
                                   uint8_t flags, void *data)
{
    const struct proxy_hop *hop = data;
    struct proxy_exchange *exchange =
        proxy_session_find(session, frame->hd.stream_id);
    const nghttp2_nv field = {
        .name = (uint8_t *)(uintptr_t)name,
        .namelen = name_size,
        .value = (uint8_t *)(uintptr_t)value,
        .valuelen = value_size,
    };

    (void)flags;
    if (exchange != NULL) {
        // The list is a ring: this is its last.
        parcel_add_field(exchange->flows[hop->side].first->prev, &field);
    }
    return 0;
}

static int proxy_session_on_data(nghttp2_session *session, uint8_t flags,
                                 int32_t stream, const uint8_t *bytes,
                                 size_t size, void *data)
{
    const struct proxy_hop *hop = data;
    struct proxy_exchange *exchange = proxy_session_find(session, stream);

    (void)flags;
    (void)nghttp2_session_consume_connection(session, size);
    if (exchange != NULL) {
        parcel_set_bytes(proxy_exchange_add(exchange, hop->side, PARCEL_DATA),
                         bytes, size);
    }
    return 0;
}

static int proxy_session_on_frame(nghttp2_session *session,
                                  const nghttp2_frame *frame, void *data)
{
    struct proxy_hop *hop = data;
    struct proxy_exchange *exchange =
        proxy_session_find(session, frame->hd.stream_id);

    if (frame->hd.type == NGHTTP2_PING &&
        (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
        hop->proxy->pings[hop->side]++;
    }
    if (exchange != NULL &&
        (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
        !exchange->flows[hop->side].is_ended) {
        proxy_exchange_add(exchange, hop->side, PARCEL_END);
    }
    return 0;
}

static int proxy_session_on_close(nghttp2_session *session, int32_t stream,
                                  uint32_t error, void *data)
{
    const struct proxy_hop *hop = data;
    struct proxy_exchange *exchange = proxy_session_find(session, stream);

    if (exchange != NULL) {
        proxy_exchange_close(exchange, hop->side, error);
    }
    return 0;
}

// A request that came too late for a daemon that goes away: the library has
// made no stream of it.
static int proxy_session_on_not_sent(nghttp2_session *session,
                                     const nghttp2_frame *frame, int error,
                                     void *data)
{
    const struct proxy_hop *hop = data;
    struct proxy_exchange *exchange;

    (void)session;
    (void)error;
    if (frame->hd.type != NGHTTP2_HEADERS || hop->side != PROXY_DAEMON) {
        return 0;
    }
    DL_FOREACH(hop->proxy->exchanges, exchange) {
        if (exchange->hops[PROXY_DAEMON] == hop &&
            exchange->streams[PROXY_DAEMON] == frame->hd.stream_id) {
            proxy_exchange_close(exchange, PROXY_DAEMON,
                                 NGHTTP2_REFUSED_STREAM);
        }
    }
    return 0;
}

// NOLINTEND(readability-function-size)

nghttp2_session_callbacks *proxy_session_callbacks(void)
{
    nghttp2_session_callbacks *callbacks = NULL;
    int status = nghttp2_session_callbacks_new(&callbacks);

    assert(status == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        callbacks, proxy_session_on_begin);
    nghttp2_session_callbacks_set_on_header_callback(callbacks,
                                                     proxy_session_on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, proxy_session_on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, proxy_session_on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, proxy_session_on_close);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(
        callbacks, proxy_session_on_not_sent);
    return callbacks;
}
