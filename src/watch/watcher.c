// SPDX-License-Identifier: Apache-2.0

#include "watch/watcher.h"

#include <assert.h>
#include <stdlib.h>

void watcher_init(struct watcher *watcher, const struct watcher_sink *sink,
                  uint64_t session, struct watch_backlog backlog)
{
    assert(backlog.count_max >= 1);
    *watcher = (struct watcher){
        .sink = sink,
        .session = session,
        .ring_size = 1,
        .backlog = backlog,
        .ending = WATCH_OPEN,
    };
    watcher->ring = &watcher->one;
}

static struct payload **watcher_slot(struct watcher *watcher, uint32_t index)
{
    return &watcher->ring[(watcher->first + index) % watcher->ring_size];
}

static struct payload *watcher_pop(struct watcher *watcher)
{
    struct payload *payload = *watcher_slot(watcher, 0);

    assert(watcher->waiting > 0);
    watcher->first = (watcher->first + 1) % watcher->ring_size;
    watcher->waiting--;
    watcher->waiting_bytes -= payload->size;
    return payload;
}

// Gives the ring back to a watcher that has caught up.
static void watcher_shrink(struct watcher *watcher)
{
    assert(watcher->waiting == 0);
    if (watcher->ring != &watcher->one) {
        free(watcher->ring);
        watcher->ring = &watcher->one;
    }
    watcher->ring_size = 1;
    watcher->first = 0;
}

static void watcher_forget(struct watcher *watcher)
{
    while (watcher->waiting > 0) {
        payload_unref(watcher_pop(watcher));
    }
    watcher_shrink(watcher);
}

// Makes room for one more in the ring; false at the maximum or when out of
// memory.
static bool watcher_grow(struct watcher *watcher)
{
    uint32_t count_max = watcher->backlog.count_max;
    uint32_t size = watcher->ring_size;
    struct payload **ring;

    if (watcher->waiting < size) {
        return true;
    }
    if (size >= count_max) {
        return false;
    }
    size = size > count_max / 2 ? count_max : size * 2;
    ring = malloc(size * sizeof *ring);
    if (ring == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < watcher->waiting; i++) {
        ring[i] = *watcher_slot(watcher, i);
    }
    if (watcher->ring != &watcher->one) {
        free(watcher->ring);
    }
    watcher->ring = ring;
    watcher->ring_size = size;
    watcher->first = 0;
    return true;
}

static bool watcher_has_room(struct watcher *watcher,
                             const struct payload *payload)
{
    return watcher->waiting_bytes + payload->size <=
               watcher->backlog.bytes_max &&
           watcher_grow(watcher);
}

void watcher_offer(struct watcher *watcher, struct payload *payload)
{
    if (watcher->ending != WATCH_OPEN) {
        return;
    }
    if (!watcher->under_way) {
        watcher->under_way = true;
        watcher->sink->send(watcher, payload);
        return;
    }
    if (!watcher_has_room(watcher, payload)) {
        // Too slow, or no memory for more: keep the newest alone.
        watcher_forget(watcher);
    }
    *watcher_slot(watcher, watcher->waiting) = payload_ref(payload);
    watcher->waiting++;
    watcher->waiting_bytes += payload->size;
}

void watcher_sent(struct watcher *watcher)
{
    struct payload *payload;

    assert(watcher->under_way);
    if (watcher->waiting > 0) {
        payload = watcher_pop(watcher);
        watcher->sink->send(watcher, payload);
        payload_unref(payload);
        return;
    }
    watcher->under_way = false;
    watcher_shrink(watcher);
    if (watcher->ending != WATCH_OPEN) {
        watcher->sink->end(watcher, watcher->ending);
    }
}

void watcher_end(struct watcher *watcher, enum watch_ending ending)
{
    assert(ending != WATCH_OPEN);
    if (watcher->ending != WATCH_OPEN) {
        return;
    }
    watcher->ending = ending;
    if (!watcher->under_way) {
        watcher->sink->end(watcher, ending);
    }
}

void watcher_end_now(struct watcher *watcher, enum watch_ending ending)
{
    watcher_forget(watcher);
    watcher_end(watcher, ending);
}

void watcher_clear(struct watcher *watcher)
{
    watcher_forget(watcher);
    watcher->under_way = false;
}
