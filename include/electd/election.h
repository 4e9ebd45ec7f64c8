// SPDX-License-Identifier: Apache-2.0
//
// The rules of an election: a deterministic state machine over many elections.
//
// A command goes in, an outcome comes out, and nothing else happens: no clock,
// no I/O, no random, no callback. The same commands in the same order give the
// same state and the same outcomes. docs/semantics.md has the rules in words.
//
// Threads: none of its own; one thread at a time. Every operation is O(1) in
// the number of elections and of candidates; Close is O(1) in all but the
// number of candidates of its election.
//
// Memory: an operation that fails, out of memory included, changes nothing.

#ifndef ELECTD_ELECTION_H
#define ELECTD_ELECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "electd/status.h"

// The longest name of an election or a candidate, in bytes (that of a DNS
// name, so that any pod's or host's name fits).
#define ELECTD_NAME_SIZE_MAX 253

// A string with its size in bytes; not necessarily NUL-terminated as input,
// always NUL-terminated as output (the size does not count the NUL). Empty
// stands for "none".
struct electd_name {
    const char *bytes;
    size_t size;
};

// One collection of elections, each with its candidates.
struct electd_elections;

// One election, and one candidate in it. Both belong to their collection: an
// election lives as long as it; a candidate until the next command.
struct electd_election;
struct electd_candidate;

struct electd_limits {
    uint32_t elections_max;
    // In one election, the leader included.
    uint32_t candidates_max;
};

enum electd_operation {
    ELECTD_CREATE,
    ELECTD_CLOSE,
    ELECTD_ENTER,
    ELECTD_WITHDRAW,
    ELECTD_ANOINT,
    ELECTD_PROMOTE,
    ELECTD_DEMOTE,
    ELECTD_EVICT,
    // A lease is over: withdraws the candidate if its entry is still the one
    // that the lease was for.
    ELECTD_EXPIRE,
    ELECTD_GET_TERM,
};

// What keeps a candidate in. The core has no clock: it is told with Expire that
// a lease is over.
enum electd_lease {
    // Nothing: it stays until it leaves.
    ELECTD_LEASE_NONE,
    // A time to live, begun anew by each Enter.
    ELECTD_LEASE_TIME,
    // An open stream, and perhaps a while after it.
    ELECTD_LEASE_STREAM,
};

// Why an election changed.
enum electd_reason {
    ELECTD_UNCHANGED,
    ELECTD_ENTERED,
    ELECTD_WITHDRAWN,
    ELECTD_EVICTED,
    ELECTD_ANOINTED,
    ELECTD_PROMOTED,
    ELECTD_DEMOTED,
    ELECTD_CLOSED,
    // Expire of a lease of time, and of a stream.
    ELECTD_EXPIRED,
    ELECTD_DISCONNECTED,
    // Enter of the leader's name by another instance, or by another session
    // than that of the leader's stream: the name leads on, in a new term.
    ELECTD_REPLACED,
};

// One thing to do. Everything in it is borrowed for the call.
struct electd_command {
    enum electd_operation operation;
    // Every operation: 1 to ELECTD_NAME_SIZE_MAX bytes.
    struct electd_name election;
    // Enter to Expire: as above.
    struct electd_name candidate;
    // Enter: whom the candidate is bound to. Close: whose candidates leave.
    uint64_t session;
    // Enter: what keeps the candidate in.
    enum electd_lease lease;
    // Enter by a stream: which process enters; up to ELECTD_NAME_SIZE_MAX
    // bytes. Empty: none, and equal to no other.
    struct electd_name instance;
    // Expire: the number of the entry that the lease was for.
    uint64_t entry;
    // Create: kept if the election is new. NUL-terminated.
    char *const *tags;
    size_t tags_count;
};

// What came of a command. Names and candidates in it live until the next one.
struct electd_outcome {
    // The election, to be read with the functions below; NULL if there is
    // none of that name.
    const struct electd_election *election;
    // ELECTD_UNCHANGED when (term, leader, queue) are what they were;
    // otherwise the revision went up by one.
    enum electd_reason reason;
    // Somebody became leader: the term went up by one.
    bool elected;
    // Enter: the number of this entry, which no other entry ever has, and that
    // of the candidate's entry before it; 0 if it was not in.
    uint64_t entry;
    uint64_t replaced_entry;
    // Who led before the change, the same as now if it was replaced; empty if
    // nobody did, or nothing changed.
    struct electd_name previous_leader;
    // Who is out now, to be read on with electd_candidate_next(); NULL for
    // nobody.
    const struct electd_candidate *departed;
};

// Returns owned: an empty collection, or NULL when out of memory.
struct electd_elections *electd_elections_create(struct electd_limits limits);

// Takes the collection with all that is in it; NULL is allowed.
void electd_elections_destroy(struct electd_elections *elections);

// Applies one command. Borrows both; fills in the outcome whatever it returns.
//
//   OK              done, or a command that had nothing to do
//   NO_ELECTION     any operation but Create on an unknown name
//   ELECTIONS_MAX   Create of one more than the limit
//   CANDIDATES_MAX  Enter of one more than the limit
//   NO_MEMORY       nothing was changed
//
// A name of a wrong size is the caller's error, and asserts.
__attribute__((warn_unused_result)) enum electd_status
electd_apply(struct electd_elections *elections,
             const struct electd_command *command,
             struct electd_outcome *outcome);

// Reading. All of it borrows; names live until the next command.

size_t electd_elections_count(const struct electd_elections *elections);

// The elections in the order of their creation; NULL after the last.
const struct electd_election *
electd_elections_first(const struct electd_elections *elections);
const struct electd_election *
electd_election_next(const struct electd_election *election);

struct electd_name electd_election_name(const struct electd_election *election);

// 1 for the first election created, 2 for the second, ...
uint64_t electd_election_number(const struct electd_election *election);

// 0 until somebody has led; up by one for each new leader; never down. The
// fencing token.
uint64_t electd_election_term(const struct electd_election *election);

// 0 at first; up by one with each change.
uint64_t electd_election_revision(const struct electd_election *election);

// Empty when nobody leads.
struct electd_name
electd_election_leader(const struct electd_election *election);

// The queue, without the leader, from its head on; NULL after the last.
size_t electd_election_queue_count(const struct electd_election *election);
const struct electd_candidate *
electd_election_queue_first(const struct electd_election *election);
const struct electd_candidate *
electd_candidate_next(const struct electd_candidate *candidate);
struct electd_name
electd_candidate_name(const struct electd_candidate *candidate);

// The number of its last entry, what keeps that in, and by which instance it
// was made; an empty name for none.
uint64_t electd_candidate_entry(const struct electd_candidate *candidate);
enum electd_lease
electd_candidate_lease(const struct electd_candidate *candidate);
struct electd_name
electd_candidate_instance(const struct electd_candidate *candidate);

// The candidate that leads; NULL for nobody.
const struct electd_candidate *
electd_election_leading(const struct electd_election *election);

// The tags of the Create that made the election.
size_t electd_election_tags_count(const struct electd_election *election);
const char *electd_election_tag(const struct electd_election *election,
                                size_t index);

// The reason in lower case, such as "entered". Static.
const char *electd_reason_name(enum electd_reason reason);

#endif
