// SPDX-License-Identifier: Apache-2.0
//
// A step: clients ask for something, the clock ticks, what is to be submitted
// by now is, and the store does it, unless it is left for a later step.

#include "lease_world.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "base/container_of.h"
#include "journal.h"
#include "lease_check.h"

#define LEASE_PERIOD_MAX 25
#define LEASE_STREAM_MAX 60
#define LEASE_DELAY_MAX 10
#define LEASE_INSTANCES 2

static struct lease_ask *lease_post(struct lease_world *world,
                                    const struct sim_command *command,
                                    uint64_t delay)
{
    struct lease_ask *ask = calloc(1, sizeof *ask);

    assert_non_null(ask);
    ask->world = world;
    ask->command = *command;
    ask->at = world->now + delay;
    ask->next = world->mail;
    world->mail = ask;
    return ask;
}

// What clients do.

static void lease_post_enter(struct lease_world *world,
                             struct sim_command command)
{
    struct prng *prng = &world->prng;
    struct lease_ask *ask = lease_post(world, &command, 0);
    unsigned chance = prng_below(prng, 100);

    if (chance < 15) {
        ask->lease = ELECTD_LEASE_NONE;
    } else if (chance < 55) {
        ask->lease = ELECTD_LEASE_TIME;
        ask->period = prng_between(prng, 1, LEASE_PERIOD_MAX);
    } else {
        // A stream for a while, and a grace behind it or none.
        ask->lease = ELECTD_LEASE_STREAM;
        ask->period = prng_below(prng, LEASE_STREAM_MAX);
        if (prng_percent(prng, 50)) {
            ask->period += prng_between(prng, 1, LEASE_PERIOD_MAX);
        }
        ask->command.instance = prng_below(prng, LEASE_INSTANCES + 1);
    }
    ask->command.lease = ask->lease;
}

static void lease_post_anything(struct lease_world *world)
{
    static const enum electd_operation others[] = {
        ELECTD_WITHDRAW, ELECTD_WITHDRAW, ELECTD_EVICT, ELECTD_ANOINT,
        ELECTD_PROMOTE,  ELECTD_DEMOTE,   ELECTD_CLOSE, ELECTD_GET_TERM,
    };
    struct sim_command command = {
        .operation = ELECTD_ENTER,
        .election = prng_below(&world->prng, LEASE_ELECTIONS),
        .candidate = prng_below(&world->prng, LEASE_CANDIDATES),
        .session = prng_between(&world->prng, 1, LEASE_SESSIONS),
    };

    if (prng_percent(&world->prng, 60)) {
        lease_post_enter(world, command);
        return;
    }
    command.operation =
        others[prng_below(&world->prng, sizeof others / sizeof others[0])];
    (void)lease_post(world, &command, 0);
}

// What the clock does.

static void lease_post_expiry(struct lease_world *world, uint64_t entry)
{
    const struct lease_tenure *tenure = &world->tenures[entry];
    struct sim_command command = {
        .operation = ELECTD_EXPIRE,
        .election = tenure->election,
        .candidate = tenure->candidate,
    };
    uint64_t delay = prng_percent(&world->prng, 50)
                         ? 0
                         : prng_below(&world->prng, LEASE_DELAY_MAX + 1);

    lease_post(world, &command, delay)->entry = entry;
}

static void lease_tick(struct lease_world *world)
{
    for (uint64_t entry = 1; entry <= world->last_entry; entry++) {
        struct lease_tenure *tenure = &world->tenures[entry];

        if (tenure->lease == ELECTD_LEASE_NONE || tenure->is_ended ||
            tenure->is_over || tenure->due > world->now) {
            continue;
        }
        tenure->is_over = true;
        lease_post_expiry(world, entry);
        if (prng_percent(&world->prng, 10)) {
            lease_post_expiry(world, entry);
        }
    }
}

// What the store does.

static void lease_done_cb(struct store_request *request,
                          enum electd_status status,
                          const struct electd_outcome *outcome)
{
    struct lease_ask *ask = container_of(request, struct lease_ask, request);
    struct lease_world *world = ask->world;

    world->pending--;
    world->coverage->commands++;
    if (world->is_closing) {
        assert_int_equal(status, ELECTD_UNAVAILABLE);
        world->coverage->unavailable++;
    } else {
        lease_check_outcome(world, ask, status, outcome);
    }
    free(ask);
}

static void lease_change_cb(struct store_listener *listener,
                            const struct electd_outcome *outcome)
{
    struct lease_world *world =
        container_of(listener, struct lease_world, listener);
    unsigned which = names_find(electd_election_name(outcome->election));

    // Each change once, and in order.
    assert_false(world->has_heard);
    world->has_heard = true;
    assert_int_equal(electd_election_revision(outcome->election),
                     ++world->last_revisions[which]);
}

static void lease_submit(struct lease_world *world, struct lease_ask *ask)
{
    ask->request.command = (struct electd_command){
        .operation = ask->command.operation,
        .election = names_get(ask->command.election),
        .candidate = names_get(ask->command.candidate),
        .session = ask->command.session,
        .lease = ask->lease,
        .instance = journal_command(&ask->command).instance,
        .entry = ask->entry,
    };
    ask->request.done_cb = lease_done_cb;
    world->pending++;
    store_submit(&world->store.base, &ask->request);
}

// Submits what is to be by now, in any order.
static void lease_deliver(struct lease_world *world)
{
    struct lease_ask *ready[256];
    struct lease_ask **link = &world->mail;
    unsigned count = 0;

    while (*link != NULL && count < 256) {
        struct lease_ask *ask = *link;

        if (ask->at > world->now) {
            link = &ask->next;
            continue;
        }
        *link = ask->next;
        ready[count++] = ask;
    }
    while (count > 0) {
        unsigned which = prng_below(&world->prng, count);

        lease_submit(world, ready[which]);
        ready[which] = ready[--count];
    }
}

static void lease_check_invariants(struct lease_world *world)
{
    const struct electd_election *election =
        electd_elections_first(world->store.elections);

    for (; election != NULL; election = electd_election_next(election)) {
        unsigned which = names_find(electd_election_name(election));
        const struct sim_line *line = &world->model.elections[which].line;

        lease_check_line(world, election, which);
        // Nobody stands in line twice, the leader not behind itself.
        for (unsigned i = 0; i < line->count; i++) {
            for (unsigned j = 0; j < i; j++) {
                assert_int_not_equal(line->candidates[i], line->candidates[j]);
            }
        }
        assert_int_equal(electd_election_term(election),
                         world->last_terms[which] + world->elected[which]);
        world->last_terms[which] = electd_election_term(election);
        world->elected[which] = 0;
    }
}

void lease_world_step(struct lease_world *world, bool is_quiet)
{
    world->now++;
    if (!is_quiet) {
        for (unsigned i = prng_below(&world->prng, 4); i > 0; i--) {
            lease_post_anything(world);
        }
    }
    lease_tick(world);
    lease_deliver(world);
    if (is_quiet || prng_percent(&world->prng, 60)) {
        (void)uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    lease_check_invariants(world);
}

bool lease_world_is_at_rest(const struct lease_world *world)
{
    for (uint64_t entry = 1; entry <= world->last_entry; entry++) {
        const struct lease_tenure *tenure = &world->tenures[entry];

        if (tenure->lease != ELECTD_LEASE_NONE && !tenure->is_ended &&
            !tenure->is_over) {
            return false;
        }
    }
    return world->mail == NULL && world->pending == 0;
}

void lease_world_check_rest(const struct lease_world *world)
{
    for (unsigned which = 0; which < LEASE_ELECTIONS; which++) {
        const struct sim_line *line = &world->model.elections[which].line;

        for (unsigned i = 0; i < line->count; i++) {
            uint64_t entry = world->entries[which][line->candidates[i]];

            assert_int_equal(world->tenures[entry].lease, ELECTD_LEASE_NONE);
        }
    }
}

void lease_world_open(struct lease_world *world, uint64_t seed,
                      struct lease_coverage *coverage)
{
    struct electd_limits limits = {LEASE_ELECTIONS, LEASE_CANDIDATES};

    *world = (struct lease_world){.coverage = coverage};
    prng_init(&world->prng, seed);
    limits.candidates_max -= prng_percent(&world->prng, 30);
    model_init(&world->model, limits);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    assert_int_equal(store_memory_init(&world->store, &world->loop, limits),
                     ELECTD_OK);
    world->listener.change_cb = lease_change_cb;
    world->store.base.listener = &world->listener;
    for (unsigned which = 0; which < LEASE_ELECTIONS; which++) {
        struct sim_command create = {
            .operation = ELECTD_CREATE,
            .election = which,
        };

        (void)lease_post(world, &create, 0);
    }
    lease_world_step(world, true);
}

static void lease_store_closed_cb(struct store *store)
{
    container_of(store, struct lease_world, store.base)->is_closed = true;
}

void lease_world_close(struct lease_world *world)
{
    world->is_closing = true;
    store_close(&world->store.base, lease_store_closed_cb);
    assert_int_equal(uv_run(&world->loop, UV_RUN_DEFAULT), 0);
    assert_true(world->is_closed);
    assert_int_equal(world->pending, 0);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    while (world->mail != NULL) {
        struct lease_ask *ask = world->mail;

        world->mail = ask->next;
        free(ask);
    }
}
