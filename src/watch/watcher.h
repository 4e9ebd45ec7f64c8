// SPDX-License-Identifier: Apache-2.0
//
// One open Watch stream, seen from the side that has news for it: at most one
// payload is under way; behind it others wait, in order, bounded in number and
// in bytes. When a slow reader overflows that, the waiting ones collapse into
// the newest.
//
// Thread: the loop's. The memory is its owner's, from watcher_init() until
// `end` was called or watcher_clear() returned.

#ifndef WATCH_WATCHER_H
#define WATCH_WATCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/payload.h"

struct watcher;

// What may wait behind the payload that is under way. The newest may always,
// alone, however large it is.
struct watch_backlog {
    // At least 1.
    uint32_t count_max;
    uint32_t bytes_max;
};

// How a stream ends when it is not its reader who ends it.
enum watch_ending {
    WATCH_OPEN,
    // Its own session closed the election.
    WATCH_CLOSED,
    // The daemon shuts down.
    WATCH_SHUT_DOWN,
    // There was no memory to tell it of a change.
    WATCH_UNTOLD,
};

// What a watcher asks of the stream that it stands for.
struct watcher_sink {
    // Send this; watcher_sent() says, later, when it is out. Borrows the
    // payload.
    void (*send)(struct watcher *watcher, struct payload *payload);
    // All is sent; end the stream. The last call: the watcher may be removed,
    // and its memory released, in it.
    void (*end)(struct watcher *watcher, enum watch_ending ending);
};

struct watcher {
    const struct watcher_sink *sink;
    // The hub's: where it is registered.
    struct watch_hub *hub;
    struct watch_topic *topic;
    struct watcher *prev;
    struct watcher *next;
    // Whose Close ends it.
    uint64_t session;
    // A ring of what waits. `one` is the ring of a watcher that keeps up.
    struct payload **ring;
    struct payload *one;
    uint32_t ring_size;
    uint32_t first;
    uint32_t waiting;
    uint64_t waiting_bytes;
    struct watch_backlog backlog;
    bool under_way;
    enum watch_ending ending;
};

// Borrows the sink.
void watcher_init(struct watcher *watcher, const struct watcher_sink *sink,
                  uint64_t session, struct watch_backlog backlog);

// Passes a payload on, now or in its turn. Borrows it. Nothing happens once it
// is ending.
void watcher_offer(struct watcher *watcher, struct payload *payload);

// The stream has sent what it was given.
void watcher_sent(struct watcher *watcher);

// Ends it after what waits has been sent. Of several endings the first counts.
void watcher_end(struct watcher *watcher, enum watch_ending ending);

// Drops what waits, and ends it as soon as what is under way is out. One that
// is ending already keeps its ending, but does not wait for it any longer.
void watcher_end_now(struct watcher *watcher, enum watch_ending ending);

// Forgets all that waits, the ending too: its stream is gone.
void watcher_clear(struct watcher *watcher);

#endif
