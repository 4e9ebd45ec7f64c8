// SPDX-License-Identifier: Apache-2.0
//
// Encoded terms. Every answer that holds a term has it as its only field, with
// the same number, so one encoding serves them all: it is made once for a
// revision of an election and shared by answers and watchers.
//
// The cache is a fixed number of slots, the election's number says which: an
// election that is used much keeps its slot, one that is not costs nothing. An
// encoding that a change has made stale goes with the change.

#ifndef SERVICES_TERM_H
#define SERVICES_TERM_H

#include <protobuf-c/protobuf-c.h>

#include "base/payload.h"
#include "electd/election.h"

#define TERM_CACHE_SLOTS 4096

struct term_slot {
    uint64_t election;
    uint64_t revision;
    struct payload *payload;
};

struct term_cache {
    struct term_slot *slots;
};

// False when out of memory.
__attribute__((warn_unused_result)) bool
term_cache_init(struct term_cache *cache);

void term_cache_close(struct term_cache *cache);

// The election changed: drops what is kept of it.
void term_cache_drop(struct term_cache *cache,
                     const struct electd_election *election);

// A message with the election's current term. Borrowed: it lives until the next
// call for the cache unless a reference is taken. NULL when out of memory.
struct payload *term_cache_get(struct term_cache *cache,
                               const struct electd_election *election);

// A message whose first field is the election's current term, under the number
// that it has in every answer, and whose other fields are those of `rest`.
// Returns owned, or NULL when out of memory.
struct payload *term_cache_encode(struct term_cache *cache,
                                  const struct electd_election *election,
                                  const ProtobufCMessage *rest);

#endif
