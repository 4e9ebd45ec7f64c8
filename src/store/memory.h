// SPDX-License-Identifier: Apache-2.0
//
// The store that keeps elections in this process's memory. They end with it.

#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include <uv.h>

#include "store/store.h"

struct store_memory {
    struct store base;
    struct electd_elections *elections;
    // Requests in the order of their submission, as a utlist.
    struct store_request *waiting;
    // Runs them right after the loop has polled; `idle` keeps the loop from
    // sleeping while there are any.
    uv_check_t check;
    uv_idle_t idle;
    int open_handles;
    store_close_cb close_cb;
};

// Borrows the loop. NO_MEMORY leaves nothing to close. The memory must stay
// until `close_cb` of store_close(&store->base, ...).
__attribute__((warn_unused_result)) enum electd_status
store_memory_init(struct store_memory *store, uv_loop_t *loop,
                  struct electd_limits limits);

#endif
