// SPDX-License-Identifier: Apache-2.0
//
// Every candidate of every election, found by (election, name) in O(1). Where a
// candidate stands in its election (leading, or where in the queue) is the
// business of election.h.

#ifndef CORE_CANDIDATES_H
#define CORE_CANDIDATES_H

#include "base/hash.h"
#include "electd/election.h"

struct electd_candidate {
    UT_hash_handle hh;
    // The queue of the election, as a utlist; unused while it leads. Of one
    // that is out: the list of those that left with it.
    struct electd_candidate *prev;
    struct electd_candidate *next;
    // That of its last entry.
    uint64_t session;
    uint64_t entry;
    // Owned, and ended by a NUL; NULL for none.
    char *instance;
    uint8_t instance_size;
    uint8_t lease;
    uint8_t name_size;
    // Election and name are one run of bytes: the key by name.
    uint32_t election;
    char name[];
};

struct candidates {
    struct electd_candidate *by_name;
};

// The candidate of that name in that election, or NULL.
struct electd_candidate *candidates_find(const struct candidates *candidates,
                                         uint32_t election,
                                         struct electd_name name);

// Adds a candidate that is not there yet. NULL, and nothing changed, when out
// of memory.
struct electd_candidate *candidates_add(struct candidates *candidates,
                                        uint32_t election,
                                        struct electd_name name);

// Gives a candidate another instance, which is copied; empty for none. False,
// and nothing changed, when out of memory.
bool candidates_set_instance(struct electd_candidate *candidate,
                             struct electd_name instance);

// Removes a candidate, whose memory is the caller's from here on:
// candidates_release().
void candidates_remove(struct candidates *candidates,
                       struct electd_candidate *candidate);

void candidates_release(struct electd_candidate *candidate);

// Removes and releases them all.
void candidates_clear(struct candidates *candidates);

#endif
