// SPDX-License-Identifier: Apache-2.0

#include "watch/hub.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/hash.h"

struct watch_topic {
    UT_hash_handle hh;
    uint64_t number;
    // A utlist, never empty.
    struct watcher *watchers;
};

void watch_hub_init(struct watch_hub *hub, uint32_t watchers_max)
{
    *hub = (struct watch_hub){.watchers_max = watchers_max};
}

static struct watch_topic *watch_hub_find(const struct watch_hub *hub,
                                          uint64_t number)
{
    struct watch_topic *found = NULL;

    HASH_FIND(hh, hub->topics, &number, sizeof number, found);
    return found;
}

static struct watch_topic *watch_hub_add_topic(struct watch_hub *hub,
                                               uint64_t number)
{
    struct watch_topic *topic = calloc(1, sizeof *topic);

    if (topic == NULL) {
        return NULL;
    }
    topic->number = number;
    HASH_ADD(hh, hub->topics, number, sizeof topic->number, topic);
    if (topic->hh.tbl == NULL) {
        free(topic);
        return NULL;
    }
    return topic;
}

enum electd_status watch_hub_add(struct watch_hub *hub, uint64_t number,
                                 struct watcher *watcher)
{
    struct watch_topic *topic;

    assert(watcher->topic == NULL);
    if (hub->ended) {
        return ELECTD_UNAVAILABLE;
    }
    if (hub->watchers >= hub->watchers_max) {
        return ELECTD_WATCHERS_MAX;
    }
    topic = watch_hub_find(hub, number);
    if (topic == NULL) {
        topic = watch_hub_add_topic(hub, number);
    }
    if (topic == NULL) {
        return ELECTD_NO_MEMORY;
    }
    DL_APPEND(topic->watchers, watcher);
    watcher->hub = hub;
    watcher->topic = topic;
    hub->watchers++;
    return ELECTD_OK;
}

void watch_hub_remove(struct watcher *watcher)
{
    struct watch_hub *hub = watcher->hub;
    struct watch_topic *topic = watcher->topic;

    if (topic == NULL) {
        return;
    }
    watcher_clear(watcher);
    watcher->topic = NULL;
    DL_DELETE(topic->watchers, watcher);
    hub->watchers--;
    if (topic->watchers == NULL) {
        HASH_DELETE(hh, hub->topics, topic);
        free(topic);
    }
}

bool watch_hub_has(const struct watch_hub *hub, uint64_t number)
{
    return watch_hub_find(hub, number) != NULL;
}

void watch_hub_publish(struct watch_hub *hub, uint64_t number,
                       struct payload *payload)
{
    watch_hub_publish_others(hub, number, payload, NULL);
}

void watch_hub_publish_others(struct watch_hub *hub, uint64_t number,
                              struct payload *payload,
                              const struct watcher *other)
{
    struct watch_topic *topic = watch_hub_find(hub, number);
    struct watcher *watcher;

    if (topic == NULL) {
        return;
    }
    DL_FOREACH(topic->watchers, watcher) {
        if (watcher != other) {
            watcher_offer(watcher, payload);
        }
    }
}

void watch_hub_close_session(struct watch_hub *hub, uint64_t number,
                             uint64_t session)
{
    struct watch_topic *topic = watch_hub_find(hub, number);
    struct watcher *watcher;
    struct watcher *next;

    if (topic == NULL) {
        return;
    }
    // One that ends may leave at once, and the last one takes the topic along.
    DL_FOREACH_SAFE(topic->watchers, watcher, next) {
        if (watcher->session == session) {
            watcher_end(watcher, WATCH_CLOSED);
        }
    }
}

void watch_hub_end_topic(struct watch_hub *hub, uint64_t number,
                         enum watch_ending ending)
{
    struct watch_topic *topic = watch_hub_find(hub, number);
    struct watcher *watcher;
    struct watcher *next;

    if (topic == NULL) {
        return;
    }
    DL_FOREACH_SAFE(topic->watchers, watcher, next) {
        // One that is ending is not owed what it misses from here on.
        if (watcher->ending == WATCH_OPEN) {
            watcher_end_now(watcher, ending);
        }
    }
}

void watch_hub_end(struct watch_hub *hub)
{
    struct watch_topic *topic;
    struct watch_topic *next_topic;
    struct watcher *watcher;
    struct watcher *next;

    hub->ended = true;
    HASH_ITER(hh, hub->topics, topic, next_topic) {
        DL_FOREACH_SAFE(topic->watchers, watcher, next) {
            watcher_end(watcher, WATCH_SHUT_DOWN);
        }
    }
}
