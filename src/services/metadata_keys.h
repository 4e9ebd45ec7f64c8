// SPDX-License-Identifier: Apache-2.0
//
// The request metadata `electd-*`: one table of the keys and of the methods
// that they belong to. A key in the wrong place, or twice, is refused on every
// call; an unknown one by the calls that enter a candidate, for which a typing
// error would be the lack of a lease. The other calls ignore it, and it is told
// once.
//
// Thread: the loop's.

#ifndef SERVICES_METADATA_KEYS_H
#define SERVICES_METADATA_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "rpc/call.h"

// The time to live of a candidate, on Enter.
#define METADATA_KEY_TTL "electd-ttl-ms"

#define METADATA_PROBLEM_SIZE 256

struct metadata_problem {
    char text[METADATA_PROBLEM_SIZE];
};

// How many unknown keys are told of, and how much of each is shown.
#define METADATA_UNKNOWN_MAX 64
#define METADATA_SHOWN_SIZE_MAX 64

// Hears of unknown keys that were ignored, of each once.
struct metadata_listener {
    // `method` is a path; `key` has `size` bytes, and is cut if it is long.
    void (*unknown_cb)(struct metadata_listener *listener, const char *method,
                       const char *key, size_t size);
};

// What has been told.
struct metadata_keys {
    // Set by the owner; NULL for nobody.
    struct metadata_listener *listener;
    unsigned unknown_count;
    struct {
        size_t size;
        char bytes[METADATA_SHOWN_SIZE_MAX];
    } unknown[METADATA_UNKNOWN_MAX];
};

// Checks the metadata of a call that has just begun. False: it is to be refused
// with INVALID_ARGUMENT and the problem's text.
__attribute__((warn_unused_result)) bool
metadata_keys_check(struct metadata_keys *keys, const struct rpc_call *call,
                    struct metadata_problem *problem);

#endif
