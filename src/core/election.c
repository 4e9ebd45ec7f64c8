// SPDX-License-Identifier: Apache-2.0

#include "core/election.h"

#include <assert.h>
#include <utlist.h>

static void election_elect(struct electd_election *election,
                           struct electd_candidate *candidate)
{
    assert(election->leader == NULL);
    election->leader = candidate;
    election->term++;
}

static void election_dequeue(struct electd_election *election,
                             struct electd_candidate *candidate)
{
    assert(election->queue_count > 0);
    DL_DELETE(election->queue, candidate);
    election->queue_count--;
}

void election_add(struct electd_election *election,
                  struct electd_candidate *candidate)
{
    if (election->leader == NULL) {
        assert(election->queue == NULL);
        election_elect(election, candidate);
        return;
    }
    DL_APPEND(election->queue, candidate);
    election->queue_count++;
}

void election_take(struct electd_election *election,
                   struct electd_candidate *candidate)
{
    if (candidate == election->leader) {
        election->leader = NULL;
    } else {
        election_dequeue(election, candidate);
    }
}

void election_fill(struct electd_election *election)
{
    struct electd_candidate *head = election->queue;

    if (election->leader == NULL && head != NULL) {
        election_dequeue(election, head);
        election_elect(election, head);
    }
}

void election_replace(struct electd_election *election)
{
    assert(election->leader != NULL);
    election->term++;
}

bool election_anoint(struct electd_election *election,
                     struct electd_candidate *candidate)
{
    struct electd_candidate *old_leader = election->leader;

    if (candidate == old_leader) {
        return false;
    }
    election_dequeue(election, candidate);
    DL_PREPEND(election->queue, old_leader);
    election->queue_count++;
    election->leader = NULL;
    election_elect(election, candidate);
    return true;
}

bool election_promote(struct electd_election *election,
                      struct electd_candidate *candidate)
{
    struct electd_candidate *before;

    if (candidate == election->leader) {
        return false;
    }
    if (candidate == election->queue) {
        return election_anoint(election, candidate);
    }
    before = candidate->prev;
    DL_DELETE(election->queue, candidate);
    DL_PREPEND_ELEM(election->queue, before, candidate);
    return true;
}

bool election_demote(struct electd_election *election,
                     struct electd_candidate *candidate)
{
    // To move down by one is to let the one behind move up.
    struct electd_candidate *behind =
        candidate == election->leader ? election->queue : candidate->next;

    return behind != NULL && election_promote(election, behind);
}
