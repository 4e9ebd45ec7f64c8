// SPDX-License-Identifier: Apache-2.0
//
// A store makes commands happen, each once, in one order. Where the elections
// live is its own affair: memory.h is the first of its kind.
//
// Thread: the loop's. Nothing here completes inside the call that asked for it.
//
// For each command, in the order in which the commands take effect: the
// listener hears the change, if there is one; then the request is done. Both in
// the same turn of the loop, with nothing in between, so that whoever reads
// the election in `done_cb` has missed no change and will hear none twice.

#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "electd/election.h"

struct store;
struct store_request;
struct store_listener;

// The request is done. Borrows the outcome for the call; the request belongs to
// its owner again, who may release it here.
typedef void (*store_done_cb)(struct store_request *request,
                              enum electd_status status,
                              const struct electd_outcome *outcome);

// An election changed. Borrows the outcome for the call. What is submitted here
// is done later, as ever.
typedef void (*store_change_cb)(struct store_listener *listener,
                                const struct electd_outcome *outcome);

typedef void (*store_close_cb)(struct store *store);

// Embedded in what its owner needs to remember. The owner fills in `command`
// and `done_cb`; the command's strings must live until it is done.
struct store_request {
    struct electd_command command;
    store_done_cb done_cb;
    // The store's.
    struct store_request *prev;
    struct store_request *next;
};

struct store_listener {
    store_change_cb change_cb;
    // Those of this turn were told; others may follow in the next one. May be
    // NULL.
    void (*changes_over_cb)(struct store_listener *listener);
};

// The part that every store begins with.
struct store {
    void (*submit)(struct store *store, struct store_request *request);
    void (*close)(struct store *store, store_close_cb close_cb);
    // May be NULL. Borrowed.
    struct store_listener *listener;
};

// Asks for a command. `done_cb` is called once, later, whatever happens: with
// UNAVAILABLE if the store is closed before it came to it.
static inline void store_submit(struct store *store,
                                struct store_request *request)
{
    store->submit(store, request);
}

// Ends the requests that wait, then the store; `close_cb` comes last. Nothing
// may be submitted from here on.
static inline void store_close(struct store *store, store_close_cb close_cb)
{
    store->close(store, close_cb);
}

#endif
