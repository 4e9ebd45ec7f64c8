// SPDX-License-Identifier: Apache-2.0
//
// Happy path: a client is accepted; its first request connects to the daemon;
// both hops read and write as their sockets allow; the client goes, and with it
// the daemon's hop that was its own.
//
// Failure modes: a socket fails or ends, or a peer breaks the protocol: the hop
// is lost, and its exchanges tell the other side. The daemon went away in good
// order (GOAWAY): its hop takes no new request, and a new one is made.

#include "support/proxy/proxy_hop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "support/proxy/proxy_exchange.h"
#include "support/proxy/proxy_session.h"

#define HOP_READ_SIZE 65536
// Of the connection; each stream has its own, which holds back its sender.
#define HOP_WINDOW_SIZE (1 << 24)
#define HOP_STREAMS_MAX 10000

static void proxy_hop_open_session(struct proxy_hop *hop)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, HOP_STREAMS_MAX},
    };
    nghttp2_session_callbacks *callbacks = proxy_session_callbacks();
    nghttp2_option *option = NULL;
    int status = nghttp2_option_new(&option);

    assert(status == 0);
    // What is held back must not be asked for, and headers are not judged.
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_http_messaging(option, 1);
    if (hop->side == PROXY_CLIENT) {
        status =
            nghttp2_session_server_new2(&hop->session, callbacks, hop, option);
    } else {
        status =
            nghttp2_session_client_new2(&hop->session, callbacks, hop, option);
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    assert(status == 0);
    status = nghttp2_submit_settings(hop->session, NGHTTP2_FLAG_NONE, settings,
                                     hop->side == PROXY_CLIENT ? 1 : 0);
    assert(status == 0);
    status = nghttp2_session_set_local_window_size(
        hop->session, NGHTTP2_FLAG_NONE, 0, HOP_WINDOW_SIZE);
    assert(status == 0);
}

static struct proxy_hop *proxy_hop_create(struct proxy *proxy,
                                          enum proxy_side side, unsigned door,
                                          int fd)
{
    struct proxy_hop *hop = calloc(1, sizeof *hop);

    assert(hop != NULL);
    hop->proxy = proxy;
    hop->side = side;
    hop->door = door;
    hop->fd = fd;
    proxy_hop_open_session(hop);
    DL_APPEND(proxy->hops, hop);
    return hop;
}

void proxy_hop_accept(struct proxy *proxy, unsigned door)
{
    int fd = accept4(proxy->doors[door].listen_fd, NULL, NULL,
                     SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd != -1) {
        proxy_hop_create(proxy, PROXY_CLIENT, door, fd);
    }
}

static bool proxy_hop_suits(const struct proxy_hop *hop,
                            const struct proxy_hop *client)
{
    return hop->side == PROXY_DAEMON && !hop->is_lost &&
           nghttp2_session_check_request_allowed(hop->session) != 0 &&
           (client->proxy->is_pooled ? hop->is_shared : hop->owner == client);
}

struct proxy_hop *proxy_hop_to_daemon(struct proxy_hop *client)
{
    struct proxy *proxy = client->proxy;
    struct proxy_hop *hop;
    int fd;

    DL_FOREACH(proxy->hops, hop) {
        if (proxy_hop_suits(hop, client)) {
            return hop;
        }
    }
    fd = proxy_connect(proxy->target);
    if (fd == -1) {
        return NULL;
    }
    hop = proxy_hop_create(proxy, PROXY_DAEMON, client->door, fd);
    hop->is_shared = proxy->is_pooled;
    hop->owner = proxy->is_pooled ? NULL : client;
    return hop;
}

bool proxy_hop_wants_write(const struct proxy_hop *hop)
{
    return hop->unsent_size > 0 || nghttp2_session_want_write(hop->session);
}

void proxy_hop_read(struct proxy_hop *hop)
{
    uint8_t bytes[HOP_READ_SIZE];
    ssize_t size = recv(hop->fd, bytes, sizeof bytes, 0);

    // ENOTCONN: the connection is still being made.
    if (size == -1 &&
        (errno == EAGAIN || errno == EINTR || errno == ENOTCONN)) {
        return;
    }
    if (size <= 0 ||
        nghttp2_session_mem_recv(hop->session, bytes, (size_t)size) != size) {
        proxy_hop_lose(hop);
    }
}

// Keeps what the socket did not take.
static void proxy_hop_keep(struct proxy_hop *hop, const uint8_t *bytes,
                           size_t size)
{
    uint8_t *unsent = NULL;

    if (size > 0) {
        unsent = malloc(size);
        assert(unsent != NULL);
        memcpy(unsent, bytes, size);
    }
    free(hop->unsent);
    hop->unsent = unsent;
    hop->unsent_size = size;
}

// False if the socket did not take all, or failed.
static bool proxy_hop_send(struct proxy_hop *hop, const uint8_t *bytes,
                           size_t size)
{
    ssize_t sent = send(hop->fd, bytes, size, MSG_NOSIGNAL);

    if (sent == -1) {
        if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN) {
            proxy_hop_lose(hop);
            return false;
        }
        sent = 0;
    }
    proxy_hop_keep(hop, bytes + sent, size - (size_t)sent);
    return hop->unsent_size == 0;
}

void proxy_hop_flush(struct proxy_hop *hop)
{
    const uint8_t *bytes;
    ssize_t size = 0;

    if (hop->unsent_size > 0 &&
        !proxy_hop_send(hop, hop->unsent, hop->unsent_size)) {
        return;
    }
    do {
        size = nghttp2_session_mem_send(hop->session, &bytes);
    } while (size > 0 && proxy_hop_send(hop, bytes, (size_t)size));
    if (!hop->is_lost &&
        (size < 0 || (nghttp2_session_want_read(hop->session) == 0 &&
                      !proxy_hop_wants_write(hop)))) {
        proxy_hop_lose(hop);
    }
}

void proxy_hop_lose(struct proxy_hop *hop)
{
    struct proxy_hop *other;

    assert(!hop->is_lost);
    hop->is_lost = true;
    close(hop->fd);
    hop->fd = -1;
    DL_FOREACH(hop->proxy->hops, other) {
        if (other->owner == hop) {
            other->owner = NULL;
        }
    }
    proxy_exchange_lose_hop(hop);
}

void proxy_hop_go_away(struct proxy_hop *hop)
{
    // Streams that are on their way are still taken.
    int status = nghttp2_submit_shutdown_notice(hop->session);

    assert(status == 0);
}

// Its client has gone, and has nothing left that the daemon must hear of.
static bool proxy_hop_is_needless(const struct proxy_hop *hop)
{
    return hop->side == PROXY_DAEMON && !hop->is_shared && hop->owner == NULL &&
           !hop->proxy->doors[hop->door].is_frozen[PROXY_CLIENT] &&
           !proxy_hop_wants_write(hop) && !proxy_exchange_uses(hop);
}

void proxy_hop_sweep(struct proxy *proxy)
{
    struct proxy_hop *hop;
    struct proxy_hop *next;

    DL_FOREACH_SAFE(proxy->hops, hop, next) {
        if (!hop->is_lost && proxy_hop_is_needless(hop)) {
            proxy_hop_lose(hop);
        }
        if (hop->is_lost) {
            DL_DELETE(proxy->hops, hop);
            nghttp2_session_del(hop->session);
            free(hop->unsent);
            free(hop);
        }
    }
}
