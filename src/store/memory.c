// SPDX-License-Identifier: Apache-2.0
//
// A submitted request waits in a list until the loop has polled; then the list
// is worked off in order, but for a short time only. What done_cb submits waits
// for the next turn. So neither a chain of requests nor a crowd of them, such
// as the leases of thousands of candidates that are over at once, can keep the
// loop from its other work.

#include "store/memory.h"

#include <assert.h>
#include <stddef.h>
#include <utlist.h>

#include "base/container_of.h"

// How long one turn of the loop may take, by a single request more.
#define STORE_MEMORY_TURN_MS 5

// True if that was a change.
static bool store_memory_run(struct store_memory *store,
                             struct store_request *request)
{
    struct store_listener *listener = store->base.listener;
    struct electd_outcome outcome;
    enum electd_status status;

    status = electd_apply(store->elections, &request->command, &outcome);
    if (outcome.reason != ELECTD_UNCHANGED && listener != NULL) {
        listener->change_cb(listener, &outcome);
    }
    request->done_cb(request, status, &outcome);
    return outcome.reason != ELECTD_UNCHANGED;
}

static void store_memory_tell_over(struct store_memory *store)
{
    struct store_listener *listener = store->base.listener;

    if (listener != NULL && listener->changes_over_cb != NULL) {
        listener->changes_over_cb(listener);
    }
}

static void store_memory_wake(struct store_memory *store);

static void store_memory_check_cb(uv_check_t *check)
{
    struct store_memory *store =
        container_of(check, struct store_memory, check);
    uint64_t end_ns = uv_hrtime() + STORE_MEMORY_TURN_MS * UINT64_C(1000000);
    struct store_request *batch = store->waiting;
    struct store_request *request;
    bool has_changed = false;
    bool has_time = true;

    store->waiting = NULL;
    uv_check_stop(&store->check);
    uv_idle_stop(&store->idle);
    while (batch != NULL && store->close_cb == NULL && has_time) {
        request = batch;
        DL_DELETE(batch, request);
        has_changed = store_memory_run(store, request) || has_changed;
        // The clock is not read for a request alone.
        has_time = batch == NULL || uv_hrtime() < end_ns;
    }
    if (has_changed) {
        store_memory_tell_over(store);
    }
    // The rest waits, before what was submitted since.
    DL_CONCAT(batch, store->waiting);
    store->waiting = batch;
    if (batch != NULL && store->close_cb == NULL) {
        store_memory_wake(store);
    }
}

static void store_memory_idle_cb(uv_idle_t *idle)
{
    // Being active is all it is for.
    (void)idle;
}

// The list is worked off in this turn of the loop or the next one.
static void store_memory_wake(struct store_memory *store)
{
    // Neither can fail: the callbacks are given.
    uv_check_start(&store->check, store_memory_check_cb);
    uv_idle_start(&store->idle, store_memory_idle_cb);
}

static void store_memory_submit(struct store *base,
                                struct store_request *request)
{
    struct store_memory *store = container_of(base, struct store_memory, base);

    assert(store->close_cb == NULL);
    DL_APPEND(store->waiting, request);
    store_memory_wake(store);
}

static void store_memory_closed(struct store_memory *store)
{
    static const struct electd_outcome none = {.reason = ELECTD_UNCHANGED,
                                               .previous_leader = {"", 0}};
    struct store_request *request;

    store->open_handles--;
    if (store->open_handles > 0) {
        return;
    }
    while (store->waiting != NULL) {
        request = store->waiting;
        DL_DELETE(store->waiting, request);
        request->done_cb(request, ELECTD_UNAVAILABLE, &none);
    }
    electd_elections_destroy(store->elections);
    store->elections = NULL;
    store->close_cb(&store->base);
}

static void store_memory_check_closed_cb(uv_handle_t *handle)
{
    store_memory_closed(container_of(handle, struct store_memory, check));
}

static void store_memory_idle_closed_cb(uv_handle_t *handle)
{
    store_memory_closed(container_of(handle, struct store_memory, idle));
}

static void store_memory_close(struct store *base, store_close_cb close_cb)
{
    struct store_memory *store = container_of(base, struct store_memory, base);

    assert(store->close_cb == NULL);
    store->close_cb = close_cb;
    uv_close((uv_handle_t *)&store->check, store_memory_check_closed_cb);
    uv_close((uv_handle_t *)&store->idle, store_memory_idle_closed_cb);
}

enum electd_status store_memory_init(struct store_memory *store,
                                     uv_loop_t *loop,
                                     struct electd_limits limits)
{
    *store = (struct store_memory){
        .base = {.submit = store_memory_submit, .close = store_memory_close},
        .elections = electd_elections_create(limits),
        .open_handles = 2,
    };
    if (store->elections == NULL) {
        return ELECTD_NO_MEMORY;
    }
    // Neither can fail.
    uv_check_init(loop, &store->check);
    uv_idle_init(loop, &store->idle);
    return ELECTD_OK;
}
