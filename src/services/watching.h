// SPDX-License-Identifier: Apache-2.0
//
// A Watch call: where a stream of the wire and a watcher of a hub meet. Used by
// elections and by health.

#ifndef SERVICES_WATCHING_H
#define SERVICES_WATCHING_H

#include "services/host.h"
#include "watch/hub.h"

// What a stream ends with, and RESOURCE_EXHAUSTED, that cannot be told of a
// change.
#define WATCHING_UNTOLD "out of memory: a change could not be told: watch again"

// Begins what a Watch handler keeps for its call.
struct watching {
    struct service_call call;
    struct watcher watcher;
    // Set by the handler if it has more to do than to end the call when the
    // stream is over: because the peer has gone (WATCH_OPEN), or as the watcher
    // was told to end. By then the watcher is out of its hub; the call is left
    // to be ended.
    void (*over_cb)(struct watching *watching, enum watch_ending ending);
};

// Takes the call out of its hub. What else becomes of its stream is not
// listened to; the call is left to be ended. One that was not registered is
// left alone.
void watching_stop(struct watching *watching);

// Registers the call with a topic, tells its peer so, and sends the first
// payload, which is borrowed; NULL for none. From here on the call is looked
// after; if it cannot be registered, nothing has happened.
__attribute__((warn_unused_result)) enum electd_status
watching_begin(struct watching *watching, struct watch_hub *hub, uint64_t topic,
               struct watch_backlog backlog, struct payload *first);

#endif
