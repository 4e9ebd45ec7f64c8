// SPDX-License-Identifier: Apache-2.0

#include "services/watching.h"

#include "base/container_of.h"

static void watching_send(struct watcher *watcher, struct payload *payload)
{
    struct watching *watching = container_of(watcher, struct watching, watcher);

    rpc_call_send(watching->call.rpc, payload);
}

static void watching_end(struct watcher *watcher, enum watch_ending ending)
{
    struct watching *watching = container_of(watcher, struct watching, watcher);

    watch_hub_remove(watcher);
    if (watching->over_cb != NULL) {
        watching->over_cb(watching, ending);
        return;
    }
    switch (ending) {
    case WATCH_OPEN:
    case WATCH_CLOSED:
        service_call_end(&watching->call, RPC_OK, "");
        return;
    case WATCH_SHUT_DOWN:
        service_call_end(&watching->call, RPC_UNAVAILABLE, "shutting down");
        return;
    case WATCH_UNTOLD:
        service_call_end(&watching->call, RPC_RESOURCE_EXHAUSTED,
                         WATCHING_UNTOLD);
        return;
    }
}

static const struct watcher_sink watching_sink = {
    .send = watching_send,
    .end = watching_end,
};

static void watching_sent_cb(struct service_call *call)
{
    watcher_sent(&container_of(call, struct watching, call)->watcher);
}

static void watching_closed_cb(struct service_call *call)
{
    struct watching *watching = container_of(call, struct watching, call);

    watch_hub_remove(&watching->watcher);
    if (watching->over_cb != NULL) {
        watching->over_cb(watching, WATCH_OPEN);
        return;
    }
    service_call_end(call, RPC_OK, "");
}

static void watching_ignore_cb(struct service_call *call)
{
    (void)call;
}

void watching_stop(struct watching *watching)
{
    watch_hub_remove(&watching->watcher);
    watching->call.sent_cb = watching_ignore_cb;
    watching->call.closed_cb = watching_ignore_cb;
}

enum electd_status watching_begin(struct watching *watching,
                                  struct watch_hub *hub, uint64_t topic,
                                  struct watch_backlog backlog,
                                  struct payload *first)
{
    enum electd_status status;

    watcher_init(&watching->watcher, &watching_sink,
                 rpc_call_session(watching->call.rpc), backlog);
    status = watch_hub_add(hub, topic, &watching->watcher);
    if (status != ELECTD_OK) {
        return status;
    }
    watching->call.sent_cb = watching_sent_cb;
    watching->call.closed_cb = watching_closed_cb;
    // The stream may live for weeks; its request has been read.
    service_call_drop_request(&watching->call);
    rpc_call_open(watching->call.rpc);
    if (first != NULL) {
        watcher_offer(&watching->watcher, first);
    }
    return ELECTD_OK;
}
