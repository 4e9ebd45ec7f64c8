// SPDX-License-Identifier: Apache-2.0

#include "rpc/server.h"

#include <assert.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>

#include "base/container_of.h"
#include "rpc/accept.h"
#include "rpc/arm.h"
#include "rpc/tcp_keepalive.h"

// How many calls of one method may arrive in one turn of the loop before the
// next ones wait inside C-core for its next turn.
#define RPC_ARMED_CALLS 8

// A call with more metadata ends its whole connection, in C-core. Hence twice
// as much as a call may have: what is between the two ends that call alone.
#define RPC_HEADERS_SIZE_MAX (2 * RPC_METADATA_SIZE_MAX)

// How long a new connection may take to speak HTTP/2.
#define RPC_HANDSHAKE_MS_MAX 10000

static grpc_arg rpc_server_integer(const char *key, int value)
{
    // C-core wants the key writable, and does not write it.
    return (grpc_arg){.type = GRPC_ARG_INTEGER,
                      .key = (char *)(uintptr_t)key,
                      .value.integer = value};
}

static grpc_server *rpc_server_create(struct rpc_server_options options)
{
    grpc_arg arguments[] = {
        // Two daemons on one port would be two leaders.
        rpc_server_integer(GRPC_ARG_ALLOW_REUSEPORT, 0),
        // What says nothing takes a descriptor all the same.
        rpc_server_integer(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                           RPC_HANDSHAKE_MS_MAX),
        rpc_server_integer(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
                           options.request_size_max),
        rpc_server_integer(GRPC_ARG_MAX_METADATA_SIZE, RPC_HEADERS_SIZE_MAX),
        // Watchers need many; what one client can make us keep is limited.
        rpc_server_integer(GRPC_ARG_MAX_CONCURRENT_STREAMS, RPC_STREAMS_MAX),
        // That is what arrives; what comes out of it is measured as it comes
        // out, which C-core would not do.
        rpc_server_integer(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
        rpc_server_integer(GRPC_ARG_KEEPALIVE_TIME_MS,
                           options.keepalive_time_ms),
        rpc_server_integer(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                           options.keepalive_timeout_ms),
        // While a call is open, however long there is no other data. Without
        // one, clients over C-core read their socket every five seconds only,
        // and could not answer in time: TCP keepalive looks after those.
        rpc_server_integer(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 0),
        rpc_server_integer(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
        // Clients may ping as often as they like, also without a call.
        rpc_server_integer(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0),
        // Statistics that nobody could read here, kept for each connection.
        rpc_server_integer(GRPC_ARG_ENABLE_CHANNELZ, 0),
    };
    grpc_channel_args list = {sizeof arguments / sizeof arguments[0],
                              arguments};

    return grpc_server_create(&list, NULL);
}

static void rpc_server_add_header(struct rpc_server *server,
                                  const struct rpc_header *header)
{
    assert(server->headers_count < RPC_HEADERS_MAX);
    server->headers[server->headers_count++] = (grpc_metadata){
        .key = grpc_slice_from_copied_string(header->key),
        .value = grpc_slice_from_copied_string(header->value),
    };
}

static void rpc_server_queue_ended_cb(struct rpc_queue *queue);
static void rpc_server_pass_over_cb(struct rpc_queue *queue);
static void rpc_server_shut_down_cb(struct rpc_tag *tag, bool ok);

int rpc_server_init(struct rpc_server *server, uv_loop_t *loop,
                    struct rpc_server_options options)
{
    int status;

    *server =
        (struct rpc_server){.shut_down_tag.done_cb = rpc_server_shut_down_cb};
    grpc_init();
    status = rpc_queue_init(&server->queue, loop, rpc_server_queue_ended_cb);
    if (status != 0) {
        grpc_shutdown();
        return status;
    }
    server->queue.pass_over_cb = rpc_server_pass_over_cb;
    server->server = rpc_server_create(options);
    server->request_size_max = options.request_size_max;
    server->keepalive_time_ms = options.keepalive_time_ms;
    server->keepalive_timeout_ms = options.keepalive_timeout_ms;
    grpc_server_register_completion_queue(server->server,
                                          server->queue.completions, NULL);
    // Calls to methods that nobody added.
    server->registrations_count = 1;
    for (size_t i = 0; i < options.headers_count; i++) {
        rpc_server_add_header(server, &options.headers[i]);
    }
    return 0;
}

void rpc_server_add(struct rpc_server *server, const struct rpc_method *method)
{
    struct rpc_registration *registration =
        &server->registrations[server->registrations_count];

    assert(server->registrations_count < RPC_METHODS_MAX);
    server->registrations_count++;
    registration->method = method;
    registration->handle = grpc_server_register_method(
        server->server, method->path, NULL,
        method->shape == RPC_BIDI_STREAM
            ? GRPC_SRM_PAYLOAD_NONE
            : GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER,
        0);
    // NULL: a path that is there already.
    assert(registration->handle != NULL);
}

int rpc_server_listen(struct rpc_server *server, const char *address)
{
    grpc_server_credentials *credentials =
        grpc_insecure_server_credentials_create();
    int port = grpc_server_add_http2_port(server->server, address, credentials);

    grpc_server_credentials_release(credentials);
    if (port != 0 && !rpc_tcp_keepalive_set(server->keepalive_time_ms,
                                            server->keepalive_timeout_ms)) {
        return 0;
    }
    return port;
}

int rpc_server_start(struct rpc_server *server)
{
    grpc_server_start(server->server);
    for (unsigned i = 0; i < server->registrations_count; i++) {
        for (unsigned armed = 0; armed < RPC_ARMED_CALLS; armed++) {
            rpc_call_arm(server, &server->registrations[i]);
        }
    }
    return rpc_accept_keep_reserve() ? 0 : UV_EMFILE;
}

void rpc_server_begin_pass(struct rpc_server *server)
{
    rpc_queue_begin_pass(&server->queue);
}

uint64_t rpc_server_caught_up_ms(const struct rpc_server *server)
{
    return server->queue.caught_up_ms;
}

static void rpc_server_pass_over_cb(struct rpc_queue *queue)
{
    struct rpc_server *server = container_of(queue, struct rpc_server, queue);

    server->pass_over_cb(server);
}

void rpc_server_refuse_calls(struct rpc_server *server)
{
    server->is_refusing = true;
}

// Closes the connections before C-core hears of the shutdown, and not only
// then: a call that reached it in between would end with CANCELLED rather than,
// as on any broken connection, UNAVAILABLE; and it would wait for peers that
// are idle and do not listen. The second time is for those that have just come.
static void rpc_server_shut_down(struct rpc_server *server)
{
    if (!server->is_shutting_down) {
        server->is_shutting_down = true;
        grpc_server_cancel_all_calls(server->server);
        grpc_server_shutdown_and_notify(
            server->server, server->queue.completions, &server->shut_down_tag);
        grpc_server_cancel_all_calls(server->server);
    }
}

// One step further down, if it is time. C-core may be done before the owners of
// the last calls are; only then is there nobody left who would start a batch.
static void rpc_server_advance(struct rpc_server *server)
{
    if (server->is_stopping && server->open_calls == 0) {
        rpc_server_shut_down(server);
    }
    if (server->is_shut_down && server->calls == 0) {
        server->stopped_cb(server);
    }
}

void rpc_server_stop(struct rpc_server *server,
                     void (*stopped_cb)(struct rpc_server *server))
{
    assert(!server->is_stopping);
    server->is_refusing = true;
    server->is_stopping = true;
    server->stopped_cb = stopped_cb;
    rpc_server_advance(server);
}

static void rpc_server_shut_down_cb(struct rpc_tag *tag, bool ok)
{
    struct rpc_server *server =
        container_of(tag, struct rpc_server, shut_down_tag);

    (void)ok;
    server->is_shut_down = true;
    rpc_server_advance(server);
}

void rpc_server_call_released(struct rpc_server *server, bool was_open)
{
    assert(server->calls > 0);
    server->calls--;
    if (was_open) {
        assert(server->open_calls > 0);
        server->open_calls--;
    }
    rpc_server_advance(server);
}

void rpc_server_cancel_calls(struct rpc_server *server)
{
    assert(server->is_stopping);
    rpc_server_shut_down(server);
    grpc_server_cancel_all_calls(server->server);
}

void rpc_server_close(struct rpc_server *server,
                      void (*closed_cb)(struct rpc_server *server))
{
    assert(server->is_shut_down && server->calls == 0);
    server->closed_cb = closed_cb;
    rpc_queue_shut_down(&server->queue);
}

static void rpc_server_queue_closed_cb(struct rpc_queue *queue)
{
    struct rpc_server *server = container_of(queue, struct rpc_server, queue);

    grpc_shutdown();
    server->closed_cb(server);
}

static void rpc_server_queue_ended_cb(struct rpc_queue *queue)
{
    struct rpc_server *server = container_of(queue, struct rpc_server, queue);

    for (size_t i = 0; i < server->headers_count; i++) {
        grpc_slice_unref(server->headers[i].key);
        grpc_slice_unref(server->headers[i].value);
    }
    grpc_server_destroy(server->server);
    rpc_queue_close(queue, rpc_server_queue_closed_cb);
}
