// SPDX-License-Identifier: Apache-2.0

#include "h2_call.h"

#include <string.h>
#include <utlist.h>

#include "h2_client.h"

// Finds the messages in what came, however the server has cut it up.
static void h2_call_read(struct h2_call *call, const uint8_t *bytes,
                         size_t size)
{
    while (size > 0) {
        if (call->prefix_size < MESSAGE_PREFIX_SIZE) {
            // The first byte, a flag, is shifted out by the four others.
            call->unread = call->unread << 8 | *bytes;
            call->prefix_size++;
            bytes++;
            size--;
        } else {
            uint32_t here = size < call->unread ? (uint32_t)size : call->unread;

            call->unread -= here;
            bytes += here;
            size -= here;
        }
        if (call->prefix_size == MESSAGE_PREFIX_SIZE && call->unread == 0) {
            call->prefix_size = 0;
            call->client->loop->news++;
            if (call->callbacks->message_cb != NULL) {
                call->callbacks->message_cb(call);
            }
        }
    }
}

// A whole number of one or two digits.
static int h2_call_read_status(const uint8_t *value, size_t size)
{
    int status = 0;

    if (size < 1 || size > 2) {
        return H2_STATUS_RESET;
    }
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9') {
            return H2_STATUS_RESET;
        }
        status = status * 10 + (value[i] - '0');
    }
    return status;
}

// The library's signatures have as many parameters as they have.
// NOLINTBEGIN(readability-function-size)

static int h2_call_on_data(nghttp2_session *session, uint8_t flags,
                           int32_t stream, const uint8_t *bytes, size_t size,
                           void *data)
{
    struct h2_call *call =
        nghttp2_session_get_stream_user_data(session, stream);

    (void)flags;
    (void)data;
    if (call != NULL) {
        h2_call_read(call, bytes, size);
    }
    return 0;
}

static int h2_call_on_header(nghttp2_session *session,
                             const nghttp2_frame *frame, const uint8_t *name,
                             size_t name_size, const uint8_t *value,
                             size_t value_size, uint8_t flags, void *data)
{
    static const char status[] = "grpc-status";
    struct h2_call *call;

    (void)flags;
    (void)data;
    if (name_size != sizeof status - 1 ||
        memcmp(name, status, name_size) != 0) {
        return 0;
    }
    call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (call != NULL) {
        call->status = h2_call_read_status(value, value_size);
    }
    return 0;
}

static ssize_t h2_call_read_request(nghttp2_session *session, int32_t stream,
                                    uint8_t *buffer, size_t size,
                                    uint32_t *flags,
                                    nghttp2_data_source *source, void *data)
{
    struct h2_call *call = source->ptr;

    (void)session;
    (void)stream;
    (void)data;
    if (size > call->unsent.size) {
        size = call->unsent.size;
    }
    memcpy(buffer, call->unsent.bytes, size);
    call->unsent.bytes += size;
    call->unsent.size -= size;
    if (call->unsent.size == 0) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return (ssize_t)size;
}

// NOLINTEND(readability-function-size)

static int h2_call_on_frame(nghttp2_session *session,
                            const nghttp2_frame *frame, void *data)
{
    struct h2_client *client = data;
    struct h2_call *call;

    if (frame->hd.type == NGHTTP2_SETTINGS && !client->is_ready) {
        client->is_ready = true;
        client->loop->clients_ready++;
        client->loop->news++;
    } else if (frame->hd.type == NGHTTP2_GOAWAY) {
        client->is_going_away = true;
    } else if (frame->hd.type == NGHTTP2_HEADERS) {
        call =
            nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
        if (call != NULL && !call->is_open) {
            call->is_open = true;
            client->loop->news++;
            if (call->callbacks->opened_cb != NULL) {
                call->callbacks->opened_cb(call);
            }
        }
    }
    return 0;
}

static int h2_call_on_stream_close(nghttp2_session *session, int32_t stream,
                                   uint32_t error, void *data)
{
    struct h2_client *client = data;
    struct h2_call *call =
        nghttp2_session_get_stream_user_data(session, stream);

    (void)error;
    if (call == NULL) {
        return 0;
    }
    // Streams that a server which goes away has not seen are closed, too.
    if (call->status == H2_STATUS_RESET && client->is_going_away) {
        call->status = H2_STATUS_LOST;
    }
    h2_call_end(call, call->status);
    return 0;
}

void h2_call_end(struct h2_call *call, int status)
{
    DL_DELETE(call->client->calls, call);
    call->client->loop->news++;
    if (call->callbacks->ended_cb != NULL) {
        call->callbacks->ended_cb(call, status);
    }
}

nghttp2_session_callbacks *h2_call_session_callbacks(void)
{
    nghttp2_session_callbacks *callbacks = NULL;

    if (nghttp2_session_callbacks_new(&callbacks) != 0) {
        return NULL;
    }
    nghttp2_session_callbacks_set_on_header_callback(callbacks,
                                                     h2_call_on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks,
                                                              h2_call_on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks,
                                                         h2_call_on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, h2_call_on_stream_close);
    return callbacks;
}

// The library only reads them, but has no const.
static nghttp2_nv h2_call_header(const char *name, const char *value)
{
    return (nghttp2_nv){
        .name = (uint8_t *)name,
        .value = (uint8_t *)value,
        .namelen = strlen(name),
        .valuelen = strlen(value),
        .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE,
    };
}

bool h2_call_start(struct h2_client *client, struct h2_call *call,
                   const char *path, const struct message *message)
{
    nghttp2_data_provider provider = {
        .source.ptr = call,
        .read_callback = h2_call_read_request,
    };
    nghttp2_nv headers[] = {
        h2_call_header(":method", "POST"),
        h2_call_header(":scheme", "http"),
        h2_call_header(":path", path),
        h2_call_header(":authority", client->authority),
        h2_call_header("te", "trailers"),
        h2_call_header("content-type", "application/grpc"),
    };

    if (client->is_lost || client->is_going_away) {
        return false;
    }
    *call = (struct h2_call){
        .callbacks = call->callbacks,
        .client = client,
        .unsent = *message,
        .status = H2_STATUS_RESET,
    };
    if (nghttp2_submit_request(client->session, NULL, headers,
                               sizeof headers / sizeof headers[0], &provider,
                               call) < 0) {
        return false;
    }
    DL_APPEND(client->calls, call);
    client->loop->news++;
    return true;
}
