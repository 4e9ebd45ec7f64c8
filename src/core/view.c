// SPDX-License-Identifier: Apache-2.0
//
// What can be read of an election from outside.

#include <assert.h>
#include <string.h>

#include "core/candidates.h"
#include "core/election.h"
#include "electd/election.h"

const struct electd_election *
electd_election_next(const struct electd_election *election)
{
    return election->hh.next;
}

struct electd_name electd_election_name(const struct electd_election *election)
{
    return (struct electd_name){election->name, election->name_size};
}

uint64_t electd_election_number(const struct electd_election *election)
{
    return election->number;
}

uint64_t electd_election_term(const struct electd_election *election)
{
    return election->term;
}

uint64_t electd_election_revision(const struct electd_election *election)
{
    return election->revision;
}

struct electd_name
electd_election_leader(const struct electd_election *election)
{
    if (election->leader == NULL) {
        return (struct electd_name){"", 0};
    }
    return electd_candidate_name(election->leader);
}

size_t electd_election_queue_count(const struct electd_election *election)
{
    return election->queue_count;
}

const struct electd_candidate *
electd_election_queue_first(const struct electd_election *election)
{
    return election->queue;
}

const struct electd_candidate *
electd_candidate_next(const struct electd_candidate *candidate)
{
    return candidate->next;
}

struct electd_name
electd_candidate_name(const struct electd_candidate *candidate)
{
    return (struct electd_name){candidate->name, candidate->name_size};
}

uint64_t electd_candidate_entry(const struct electd_candidate *candidate)
{
    return candidate->entry;
}

enum electd_lease
electd_candidate_lease(const struct electd_candidate *candidate)
{
    return (enum electd_lease)candidate->lease;
}

struct electd_name
electd_candidate_instance(const struct electd_candidate *candidate)
{
    if (candidate->instance == NULL) {
        return (struct electd_name){"", 0};
    }
    return (struct electd_name){candidate->instance, candidate->instance_size};
}

const struct electd_candidate *
electd_election_leading(const struct electd_election *election)
{
    return election->leader;
}

size_t electd_election_tags_count(const struct electd_election *election)
{
    return election->tags_count;
}

const char *electd_election_tag(const struct electd_election *election,
                                size_t index)
{
    const char *tag;

    assert(index < electd_election_tags_count(election));
    tag = election->name + election->name_size + 1;
    while (index-- > 0) {
        tag += strlen(tag) + 1;
    }
    return tag;
}

const char *electd_reason_name(enum electd_reason reason)
{
    switch (reason) {
    case ELECTD_UNCHANGED:
        return "unchanged";
    case ELECTD_ENTERED:
        return "entered";
    case ELECTD_WITHDRAWN:
        return "withdrawn";
    case ELECTD_EVICTED:
        return "evicted";
    case ELECTD_ANOINTED:
        return "anointed";
    case ELECTD_PROMOTED:
        return "promoted";
    case ELECTD_DEMOTED:
        return "demoted";
    case ELECTD_CLOSED:
        return "closed";
    case ELECTD_EXPIRED:
        return "expired";
    case ELECTD_DISCONNECTED:
        return "disconnected";
    case ELECTD_REPLACED:
        return "replaced";
    }
    return "unknown";
}
