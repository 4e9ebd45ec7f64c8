// SPDX-License-Identifier: Apache-2.0
//
// One election: who leads, who waits, and how a command moves them. Nothing
// here needs memory, so nothing here can fail; a false return means that the
// command had nothing to do.

#ifndef CORE_ELECTION_H
#define CORE_ELECTION_H

#include "base/hash.h"
#include "core/candidates.h"
#include "electd/election.h"

struct electd_election {
    UT_hash_handle hh;
    uint64_t term;
    uint64_t revision;
    struct electd_candidate *leader;
    // A utlist; never holds the leader; empty while nobody leads.
    struct electd_candidate *queue;
    uint32_t queue_count;
    uint32_t number;
    uint32_t tags_count;
    uint8_t name_size;
    // The name, then the tags of the Create, each ended by a NUL.
    char name[];
};

// Adds a new candidate: it leads if nobody does, else it queues last.
void election_add(struct electd_election *election,
                  struct electd_candidate *candidate);

// Takes a candidate out of the lead or the queue, and leaves the lead empty
// until election_fill().
void election_take(struct electd_election *election,
                   struct electd_candidate *candidate);

// The head of the queue leads if nobody does.
void election_fill(struct electd_election *election);

// The leader leads on, in a new term.
void election_replace(struct electd_election *election);

// A waiting candidate leads; the old leader becomes the head of the queue.
bool election_anoint(struct electd_election *election,
                     struct electd_candidate *candidate);

// A waiting candidate moves up by one place; from the head, to the lead.
bool election_promote(struct electd_election *election,
                      struct electd_candidate *candidate);

// A candidate that has somebody behind it moves down by one place.
bool election_demote(struct electd_election *election,
                     struct electd_candidate *candidate);

#endif
