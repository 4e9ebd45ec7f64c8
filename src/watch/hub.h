// SPDX-License-Identifier: Apache-2.0
//
// Who watches what. A topic has a number (an election's, for instance) and
// exists while somebody watches it.
//
// Thread: the loop's.

#ifndef WATCH_HUB_H
#define WATCH_HUB_H

#include "electd/status.h"
#include "watch/watcher.h"

struct watch_topic;

struct watch_hub {
    struct watch_topic *topics;
    uint32_t watchers;
    uint32_t watchers_max;
    bool ended;
};

void watch_hub_init(struct watch_hub *hub, uint32_t watchers_max);

// Registers an initialised watcher. WATCHERS_MAX, NO_MEMORY, or UNAVAILABLE
// after watch_hub_end().
__attribute__((warn_unused_result)) enum electd_status
watch_hub_add(struct watch_hub *hub, uint64_t number, struct watcher *watcher);

// Takes a watcher out and clears it. One that is not registered is left alone.
void watch_hub_remove(struct watcher *watcher);

// Somebody watches that topic: it is worth making a payload for.
bool watch_hub_has(const struct watch_hub *hub, uint64_t number);

// Offers a payload to all who watch the topic. Borrows it.
void watch_hub_publish(struct watch_hub *hub, uint64_t number,
                       struct payload *payload);

// The same to all but one.
void watch_hub_publish_others(struct watch_hub *hub, uint64_t number,
                              struct payload *payload,
                              const struct watcher *other);

// Ends the session's watchers of a topic, with WATCH_CLOSED.
void watch_hub_close_session(struct watch_hub *hub, uint64_t number,
                             uint64_t session);

// Ends the watchers of a topic, and drops what waits for them; those that are
// ending already are left alone.
void watch_hub_end_topic(struct watch_hub *hub, uint64_t number,
                         enum watch_ending ending);

// Ends all watchers, with WATCH_SHUT_DOWN; no new ones from here on.
void watch_hub_end(struct watch_hub *hub);

#endif
