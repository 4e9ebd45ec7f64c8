// SPDX-License-Identifier: Apache-2.0
//
// The collection of elections: finds what a command names, applies it by the
// rules of election.h, and says what came of it.

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/hash.h"
#include "core/candidates.h"
#include "core/election.h"
#include "electd/election.h"

struct electd_elections {
    struct electd_limits limits;
    // In the order of creation, which is the order in which uthash iterates.
    struct electd_election *by_name;
    struct candidates candidates;
    uint64_t entries;
    // Whom the last command took out, as a utlist: its outcome speaks of them
    // until the next one.
    struct electd_candidate *departed;
};

struct electd_elections *electd_elections_create(struct electd_limits limits)
{
    struct electd_elections *elections = calloc(1, sizeof *elections);

    if (elections != NULL) {
        elections->limits = limits;
    }
    return elections;
}

static void elections_release_departed(struct electd_elections *elections)
{
    struct electd_candidate *candidate;
    struct electd_candidate *next;

    DL_FOREACH_SAFE(elections->departed, candidate, next) {
        candidates_release(candidate);
    }
    elections->departed = NULL;
}

void electd_elections_destroy(struct electd_elections *elections)
{
    struct electd_election *election;
    struct electd_election *next;

    if (elections == NULL) {
        return;
    }
    elections_release_departed(elections);
    candidates_clear(&elections->candidates);
    HASH_ITER(hh, elections->by_name, election, next) {
        HASH_DELETE(hh, elections->by_name, election);
        free(election);
    }
    free(elections);
}

static struct electd_election *
elections_find(const struct electd_elections *elections,
               struct electd_name name)
{
    struct electd_election *found = NULL;

    HASH_FIND(hh, elections->by_name, name.bytes, (unsigned)name.size, found);
    return found;
}

static size_t elections_tags_size(const struct electd_command *command)
{
    size_t size = 0;

    for (size_t i = 0; i < command->tags_count; i++) {
        size += strlen(command->tags[i]) + 1;
    }
    return size;
}

// Copies the tags, each with its NUL, one behind the other.
static void elections_copy_tags(const struct electd_command *command, char *end)
{
    for (size_t i = 0; i < command->tags_count; i++) {
        size_t size = strlen(command->tags[i]) + 1;

        memcpy(end, command->tags[i], size);
        end += size;
    }
}

// Returns NULL when out of memory.
static struct electd_election *
elections_new(struct electd_elections *elections,
              const struct electd_command *command)
{
    struct electd_name name = command->election;
    struct electd_election *election = calloc(
        1, sizeof *election + name.size + 1 + elections_tags_size(command));

    if (election == NULL) {
        return NULL;
    }
    election->number = HASH_COUNT(elections->by_name) + 1;
    election->name_size = (uint8_t)name.size;
    memcpy(election->name, name.bytes, name.size);
    election->tags_count = (uint32_t)command->tags_count;
    elections_copy_tags(command, election->name + name.size + 1);
    HASH_ADD_KEYPTR(hh, elections->by_name, election->name, (unsigned)name.size,
                    election);
    if (election->hh.tbl == NULL) {
        free(election);
        return NULL;
    }
    return election;
}

static enum electd_status
elections_create(struct electd_elections *elections,
                 const struct electd_command *command,
                 const struct electd_election **created)
{
    if (*created != NULL) {
        return ELECTD_OK;
    }
    if (HASH_COUNT(elections->by_name) >= elections->limits.elections_max) {
        return ELECTD_ELECTIONS_MAX;
    }
    *created = elections_new(elections, command);
    return *created != NULL ? ELECTD_OK : ELECTD_NO_MEMORY;
}

static bool elections_is_instance(const struct electd_candidate *candidate,
                                  struct electd_name instance)
{
    return instance.size > 0 && candidate->instance_size == instance.size &&
           memcmp(candidate->instance, instance.bytes, instance.size) == 0;
}

// Two instances must never hold one term. An Enter without a stream says
// nothing of its instance: it is trusted to be the leader's own, unless the
// leader has a stream, and the Enter comes from elsewhere.
static bool elections_keeps_term(const struct electd_candidate *leader,
                                 const struct electd_command *command)
{
    if (command->lease == ELECTD_LEASE_STREAM) {
        return elections_is_instance(leader, command->instance);
    }
    return leader->lease != ELECTD_LEASE_STREAM ||
           leader->session == command->session;
}

// The candidate is in already: it keeps its place.
static enum electd_status elections_enter_again(
    struct electd_election *election, struct electd_candidate *candidate,
    const struct electd_command *command, struct electd_outcome *outcome)
{
    bool is_replaced = candidate == election->leader &&
                       !elections_keeps_term(candidate, command);

    if (!candidates_set_instance(candidate, command->instance)) {
        return ELECTD_NO_MEMORY;
    }
    if (is_replaced) {
        election_replace(election);
        outcome->reason = ELECTD_REPLACED;
    }
    outcome->replaced_entry = candidate->entry;
    return ELECTD_OK;
}

static enum electd_status elections_enter_new(
    struct electd_elections *elections, struct electd_election *election,
    const struct electd_command *command, struct electd_candidate **entered)
{
    uint32_t count = election->queue_count + (election->leader != NULL);
    struct electd_candidate *candidate;

    if (count >= elections->limits.candidates_max) {
        return ELECTD_CANDIDATES_MAX;
    }
    candidate = candidates_add(&elections->candidates, election->number,
                               command->candidate);
    if (candidate == NULL) {
        return ELECTD_NO_MEMORY;
    }
    if (!candidates_set_instance(candidate, command->instance)) {
        candidates_remove(&elections->candidates, candidate);
        candidates_release(candidate);
        return ELECTD_NO_MEMORY;
    }
    election_add(election, candidate);
    *entered = candidate;
    return ELECTD_OK;
}

static enum electd_status elections_enter(struct electd_elections *elections,
                                          struct electd_election *election,
                                          const struct electd_command *command,
                                          struct electd_outcome *outcome)
{
    struct electd_candidate *candidate = candidates_find(
        &elections->candidates, election->number, command->candidate);
    enum electd_status status;

    if (candidate != NULL) {
        status = elections_enter_again(election, candidate, command, outcome);
    } else {
        status = elections_enter_new(elections, election, command, &candidate);
        if (status == ELECTD_OK) {
            outcome->reason = ELECTD_ENTERED;
        }
    }
    if (status != ELECTD_OK) {
        return status;
    }
    candidate->session = command->session;
    candidate->entry = ++elections->entries;
    candidate->lease = (uint8_t)command->lease;
    outcome->entry = candidate->entry;
    return ELECTD_OK;
}

static void elections_leave(struct electd_elections *elections,
                            struct electd_election *election,
                            struct electd_candidate *candidate)
{
    election_take(election, candidate);
    candidates_remove(&elections->candidates, candidate);
    DL_APPEND(elections->departed, candidate);
}

// Withdraws every candidate of the session, then fills the lead once.
static enum electd_reason elections_close(struct electd_elections *elections,
                                          struct electd_election *election,
                                          uint64_t session)
{
    struct electd_candidate *candidate;
    struct electd_candidate *next;
    enum electd_reason reason = ELECTD_UNCHANGED;

    candidate = election->leader;
    if (candidate != NULL && candidate->session == session) {
        elections_leave(elections, election, candidate);
        reason = ELECTD_CLOSED;
    }
    DL_FOREACH_SAFE(election->queue, candidate, next) {
        if (candidate->session == session) {
            elections_leave(elections, election, candidate);
            reason = ELECTD_CLOSED;
        }
    }
    election_fill(election);
    return reason;
}

static enum electd_reason elections_expire(struct electd_elections *elections,
                                           struct electd_election *election,
                                           struct electd_candidate *candidate,
                                           uint64_t entry)
{
    // It has entered again since: what was decided then is not about it.
    if (candidate->entry != entry) {
        return ELECTD_UNCHANGED;
    }
    elections_leave(elections, election, candidate);
    election_fill(election);
    return candidate->lease == ELECTD_LEASE_STREAM ? ELECTD_DISCONNECTED
                                                   : ELECTD_EXPIRED;
}

// What moves or removes one candidate; an unknown one has nothing to do.
static enum electd_reason elections_move(struct electd_elections *elections,
                                         struct electd_election *election,
                                         const struct electd_command *command)
{
    struct electd_candidate *candidate = candidates_find(
        &elections->candidates, election->number, command->candidate);

    if (candidate == NULL) {
        return ELECTD_UNCHANGED;
    }
    switch (command->operation) {
    case ELECTD_WITHDRAW:
    case ELECTD_EVICT:
        elections_leave(elections, election, candidate);
        election_fill(election);
        return command->operation == ELECTD_EVICT ? ELECTD_EVICTED
                                                  : ELECTD_WITHDRAWN;
    case ELECTD_ANOINT:
        return election_anoint(election, candidate) ? ELECTD_ANOINTED
                                                    : ELECTD_UNCHANGED;
    case ELECTD_PROMOTE:
        return election_promote(election, candidate) ? ELECTD_PROMOTED
                                                     : ELECTD_UNCHANGED;
    case ELECTD_DEMOTE:
        return election_demote(election, candidate) ? ELECTD_DEMOTED
                                                    : ELECTD_UNCHANGED;
    case ELECTD_EXPIRE:
        return elections_expire(elections, election, candidate, command->entry);
    case ELECTD_CREATE:
    case ELECTD_CLOSE:
    case ELECTD_ENTER:
    case ELECTD_GET_TERM:
        break;
    }
    assert(false && "an operation that moves no candidate");
    return ELECTD_UNCHANGED;
}

static enum electd_status elections_change(struct electd_elections *elections,
                                           struct electd_election *election,
                                           const struct electd_command *command,
                                           struct electd_outcome *outcome)
{
    switch (command->operation) {
    case ELECTD_CREATE:
    case ELECTD_GET_TERM:
        return ELECTD_OK;
    case ELECTD_CLOSE:
        outcome->reason =
            elections_close(elections, election, command->session);
        return ELECTD_OK;
    case ELECTD_ENTER:
        return elections_enter(elections, election, command, outcome);
    case ELECTD_WITHDRAW:
    case ELECTD_ANOINT:
    case ELECTD_PROMOTE:
    case ELECTD_DEMOTE:
    case ELECTD_EVICT:
    case ELECTD_EXPIRE:
        outcome->reason = elections_move(elections, election, command);
        return ELECTD_OK;
    }
    assert(false && "an operation that is in the enumeration");
    return ELECTD_OK;
}

static bool elections_names_one(enum electd_operation operation)
{
    return operation != ELECTD_CREATE && operation != ELECTD_CLOSE &&
           operation != ELECTD_GET_TERM;
}

static void elections_check(const struct electd_command *command)
{
    assert(command->election.size >= 1);
    assert(command->election.size <= ELECTD_NAME_SIZE_MAX);
    assert(command->instance.size <= ELECTD_NAME_SIZE_MAX);
    if (elections_names_one(command->operation)) {
        assert(command->candidate.size >= 1);
        assert(command->candidate.size <= ELECTD_NAME_SIZE_MAX);
    }
}

enum electd_status electd_apply(struct electd_elections *elections,
                                const struct electd_command *command,
                                struct electd_outcome *outcome)
{
    struct electd_election *election;
    struct electd_name old_leader;
    uint64_t old_term;
    enum electd_status status;

    elections_check(command);
    elections_release_departed(elections);
    election = elections_find(elections, command->election);
    *outcome = (struct electd_outcome){.election = election,
                                       .reason = ELECTD_UNCHANGED,
                                       .previous_leader = {"", 0}};
    if (command->operation == ELECTD_CREATE) {
        return elections_create(elections, command, &outcome->election);
    }
    if (election == NULL) {
        return ELECTD_NO_ELECTION;
    }
    old_term = election->term;
    old_leader = electd_election_leader(election);
    status = elections_change(elections, election, command, outcome);
    if (outcome->reason == ELECTD_UNCHANGED) {
        assert(election->term == old_term);
        return status;
    }
    election->revision++;
    outcome->elected = election->term != old_term;
    // If it left, it is among the departed.
    outcome->previous_leader = old_leader;
    outcome->departed = elections->departed;
    assert(election->leader != NULL || election->queue == NULL);
    return status;
}

size_t electd_elections_count(const struct electd_elections *elections)
{
    return HASH_COUNT(elections->by_name);
}

const struct electd_election *
electd_elections_first(const struct electd_elections *elections)
{
    return elections->by_name;
}
