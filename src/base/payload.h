// SPDX-License-Identifier: Apache-2.0
//
// Bytes that many share: an encoded message, made once and never changed, that
// goes with its last reference.
//
// Thread: references may be taken and given back on any.

#ifndef BASE_PAYLOAD_H
#define BASE_PAYLOAD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct payload {
    atomic_uint references;
    size_t size;
    uint8_t bytes[];
};

// Returns owned, with one reference, the bytes still to be filled in by the
// caller before anybody else sees them; NULL when out of memory.
struct payload *payload_create(size_t size);

// Returns the payload.
struct payload *payload_ref(struct payload *payload);

// Takes one reference; NULL is allowed.
void payload_unref(struct payload *payload);

#endif
