// SPDX-License-Identifier: Apache-2.0
//
// Every candidate of every election, found by (election, name) and by
// (election, session), each in O(1). Where a candidate stands in its election
// (leading, or where in the queue) is the business of election.h.

#ifndef CORE_CANDIDATES_H
#define CORE_CANDIDATES_H

#include "core/hash.h"
#include "electd/election.h"

// What one session entered in one election. It exists while it is not empty.
struct binding {
    UT_hash_handle hh;
    struct electd_candidate *candidates;
    uint64_t session;
    uint64_t election;
};

struct electd_candidate {
    UT_hash_handle hh;
    // The queue of the election, as a utlist; unused while it leads. Of one
    // that is out: the list of those that left with it.
    struct electd_candidate *prev;
    struct electd_candidate *next;
    // The list of its binding, as a utlist.
    struct binding *binding;
    struct electd_candidate *bound_prev;
    struct electd_candidate *bound_next;
    uint64_t entry;
    uint8_t lease;
    uint8_t name_size;
    // Election and name are one run of bytes: the key by name.
    uint32_t election;
    char name[];
};

struct candidates {
    struct electd_candidate *by_name;
    struct binding *by_session;
};

// The candidate of that name in that election, or NULL.
struct electd_candidate *candidates_find(const struct candidates *candidates,
                                         uint32_t election,
                                         struct electd_name name);

// The candidates that the session entered in that election, or NULL. The
// binding goes with the last of them.
struct binding *candidates_bound_to(const struct candidates *candidates,
                                    uint32_t election, uint64_t session);

// Adds a candidate that is not there yet. NULL, and nothing changed, when out
// of memory.
struct electd_candidate *candidates_add(struct candidates *candidates,
                                        uint32_t election,
                                        struct electd_name name,
                                        uint64_t session);

// Binds a candidate to another session; false, and nothing changed, when out
// of memory.
__attribute__((warn_unused_result)) bool
candidates_rebind(struct candidates *candidates,
                  struct electd_candidate *candidate, uint64_t session);

// Removes a candidate, whose memory is the caller's from here on: free().
void candidates_remove(struct candidates *candidates,
                       struct electd_candidate *candidate);

// Removes and releases them all.
void candidates_clear(struct candidates *candidates);

#endif
