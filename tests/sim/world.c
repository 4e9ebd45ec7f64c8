// SPDX-License-Identifier: Apache-2.0
//
// The model is told of a command when that is submitted, and the expectation
// travels with it. What the store then does is compared in the two places where
// it tells: when the listener hears the change, and when the command is done.

#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "base/container_of.h"
#include "unit/virtual_time.h"

// Any time but 0, which is none.
#define WORLD_START_NS UINT64_C(1000000000)

struct ask {
    struct store_request request;
    struct ask *next;
    struct world *world;
    struct sim_command command;
    struct model_result expected;
    // The election after the command.
    struct model_election after;
    bool heard;
    // A stream joins when it is done.
    bool joins;
    // Another command is submitted when it is done.
    bool is_followed;
};

static struct sighting world_look(const struct electd_election *election)
{
    struct sighting sighting = {
        .term = electd_election_term(election),
        .revision = electd_election_revision(election),
    };
    struct sim_line *line = &sighting.line;
    const struct electd_candidate *candidate;
    const struct electd_candidate *leading = electd_election_leading(election);
    struct electd_name leader = electd_election_leader(election);

    if (leader.size > 0) {
        sighting.entry = electd_candidate_entry(leading);
        sighting.lease = electd_candidate_lease(leading);
        strcpy(sighting.instance, electd_candidate_instance(leading).bytes);
        line->candidates[line->count++] = names_find(leader);
    }
    for (candidate = electd_election_queue_first(election); candidate != NULL;
         candidate = electd_candidate_next(candidate)) {
        // Nobody waits while nobody leads.
        assert_true(leader.size > 0);
        assert_true(line->count < SIM_NAMES);
        line->candidates[line->count++] =
            names_find(electd_candidate_name(candidate));
    }
    assert_int_equal(electd_election_queue_count(election),
                     line->count - (leader.size > 0));
    return sighting;
}

// No term is ever held by two instances: by the entry of a stream it passes
// only to one of the same instance, which is not the empty one.
static void world_check_holder(const struct sighting *before,
                               struct sighting *now)
{
    bool is_same_term =
        now->term == before->term && now->entry != 0 && before->entry != 0;

    strcpy(now->holder, now->instance);
    if (!is_same_term) {
        return;
    }
    if (before->holder[0] != '\0') {
        strcpy(now->holder, before->holder);
    }
    if (now->entry != before->entry && now->lease == ELECTD_LEASE_STREAM) {
        assert_string_not_equal(now->instance, "");
        assert_string_equal(now->instance, before->holder);
    }
}

// What holds after each step, whatever the model says.
static void world_check_invariants(const struct sighting *before,
                                   struct sighting *now, bool replaced)
{
    unsigned leader = sim_line_leader(&now->line);
    bool elected = replaced || (leader != SIM_NOBODY &&
                                leader != sim_line_leader(&before->line));
    bool seen[SIM_NAMES] = {false};

    for (unsigned i = 0; i < now->line.count; i++) {
        assert_true(now->line.candidates[i] < SIM_NAMES);
        assert_false(seen[now->line.candidates[i]]);
        seen[now->line.candidates[i]] = true;
    }
    assert_int_equal(now->term, before->term + elected);
    assert_int_equal(
        now->revision,
        before->revision +
            (replaced || !sim_line_equal(&before->line, &now->line)));
    world_check_holder(before, now);
}

static struct sighting
world_check_election(struct world *world, const struct ask *ask,
                     const struct electd_election *election)
{
    struct sighting *before = &world->sightings[ask->command.election];
    struct sighting now = world_look(election);

    assert_int_equal(names_find(electd_election_name(election)),
                     ask->command.election);
    assert_int_equal(electd_election_number(election), ask->after.number);
    assert_int_equal(electd_election_tags_count(election), ask->after.tags);
    assert_int_equal(now.term, ask->after.term);
    assert_int_equal(now.revision, ask->after.revision);
    assert_true(sim_line_equal(&now.line, &ask->after.line));
    world_check_invariants(before, &now, ask->expected.replaced);
    return now;
}

static enum electd_reason world_reason(const struct ask *ask)
{
    if (!ask->expected.changed) {
        return ELECTD_UNCHANGED;
    }
    return ask->expected.replaced ? ELECTD_REPLACED
                                  : model_reason(ask->command.operation);
}

// Returns what the election is now; all zero if there is none.
static struct sighting world_check_outcome(struct world *world,
                                           const struct ask *ask,
                                           const struct electd_outcome *outcome)
{
    const struct model_result *expected = &ask->expected;
    struct electd_name previous = {"", 0};

    if (expected->previous_leader != SIM_NOBODY) {
        previous = names_get(expected->previous_leader);
    }
    assert_int_equal(outcome->reason, world_reason(ask));
    assert_int_equal(outcome->elected, expected->elected);
    assert_int_equal(outcome->previous_leader.size, previous.size);
    assert_string_equal(outcome->previous_leader.bytes, previous.bytes);
    assert_int_equal(outcome->election != NULL, ask->after.exists);
    if (outcome->election == NULL) {
        return (struct sighting){.term = 0};
    }
    return world_check_election(world, ask, outcome->election);
}

// The payload of the election's present revision, made once for each.
static struct payload *world_payload(struct world *world, unsigned which,
                                     const struct electd_election *election)
{
    const struct sim_news news = {
        .election = which,
        .revision = electd_election_revision(election),
    };
    struct payload *payload = world->current[which];

    if (payload != NULL && audience_revision(payload) == news.revision) {
        return payload;
    }
    payload = payload_create(sizeof news);
    assert_non_null(payload);
    memcpy(payload->bytes, &news, sizeof news);
    if (world->payloads_count == world->payloads_max) {
        world->payloads_max = 2 * world->payloads_max + 64;
        world->payloads = realloc(world->payloads, world->payloads_max *
                                                       sizeof *world->payloads);
        assert_non_null(world->payloads);
    }
    world->payloads[world->payloads_count++] = payload;
    world->current[which] = payload;
    return payload;
}

static void world_change_cb(struct store_listener *listener,
                            const struct electd_outcome *outcome)
{
    struct world *world = container_of(listener, struct world, listener);
    struct ask *ask = world->first;
    unsigned which;

    assert_false(world->in_call);
    assert_true(world->in_turn);
    assert_non_null(ask);
    assert_true(ask->expected.changed);
    assert_false(ask->heard);
    ask->heard = true;
    (void)world_check_outcome(world, ask, outcome);
    which = ask->command.election;
    audience_publish(&world->audience, which,
                     electd_election_number(outcome->election),
                     world_payload(world, which, outcome->election));
}

static void world_count(struct world *world, const struct ask *ask)
{
    struct coverage *coverage = world->coverage;

    coverage->commands++;
    coverage->elected += ask->expected.elected;
    coverage->replaced += ask->expected.replaced;
    coverage->changed[ask->command.operation] += ask->expected.changed;
    coverage->unchanged[ask->command.operation] += !ask->expected.changed;
}

// What the services do once a command is done.
static void world_serve(struct world *world, const struct ask *ask,
                        const struct electd_outcome *outcome)
{
    const struct sim_command *command = &ask->command;
    struct sim_command next;
    uint64_t number;

    if (outcome->election != NULL) {
        number = electd_election_number(outcome->election);
        if (command->operation == ELECTD_CLOSE) {
            audience_close_session(&world->audience, command->election, number,
                                   command->session);
        }
        if (ask->joins) {
            audience_join(
                &world->audience, command->election, number, command->session,
                electd_election_term(outcome->election) > 0
                    ? world_payload(world, command->election, outcome->election)
                    : NULL);
        }
    }
    if (ask->is_followed && !world->closing) {
        next = commands_next(&world->commands);
        world_ask(world, &next, false);
        world->asked_in_done_cb++;
    }
}

static void world_done_cb(struct store_request *request,
                          enum electd_status status,
                          const struct electd_outcome *outcome)
{
    struct ask *ask = container_of(request, struct ask, request);
    struct world *world = ask->world;
    struct sighting now;

    assert_false(world->in_call);
    assert_true(world->in_turn);
    assert_false(world->closed);
    assert_ptr_equal(ask, world->first);
    world->first = ask->next;
    world->pending--;
    world->coverage->statuses[-status]++;
    if (status == ELECTD_UNAVAILABLE) {
        assert_true(world->closing);
        assert_false(ask->heard);
        world->unavailable = true;
        free(ask);
        return;
    }
    assert_false(world->unavailable);
    assert_int_equal(status, ask->expected.status);
    assert_int_equal(ask->heard, ask->expected.changed);
    now = world_check_outcome(world, ask, outcome);
    if (outcome->election != NULL) {
        world->sightings[ask->command.election] = now;
    }
    if (ask->command.operation == ELECTD_ENTER && status == ELECTD_OK) {
        assert_true(outcome->entry > world->last_entry);
        world->last_entry = outcome->entry;
    } else {
        assert_int_equal(outcome->entry, 0);
    }
    journal_add(world->journal, &ask->command, status, outcome);
    world_count(world, ask);
    world_serve(world, ask, outcome);
    free(ask);
}

void world_ask(struct world *world, const struct sim_command *command,
               bool joins)
{
    struct ask *ask = calloc(1, sizeof *ask);

    assert_non_null(ask);
    ask->world = world;
    ask->command = *command;
    ask->joins = joins;
    ask->is_followed = prng_percent(&world->prng, 10);
    ask->expected = model_apply(&world->model, command);
    ask->after = world->model.elections[command->election];
    ask->request.command = journal_command(command);
    ask->request.done_cb = world_done_cb;
    if (world->first == NULL) {
        world->first = ask;
    } else {
        world->last->next = ask;
    }
    world->last = ask;
    world->pending++;
    world->in_call = true;
    store_submit(&world->store.base, &ask->request);
    world->in_call = false;
}

void world_open(struct world *world, uint64_t seed, struct coverage *coverage,
                struct journal *journal)
{
    memset(world, 0, sizeof *world);
    // The clock stands: a turn takes no time, however busy the machine is.
    virtual_time_set(WORLD_START_NS);
    world->coverage = coverage;
    world->journal = journal;
    prng_init(&world->prng, seed);
    commands_init(&world->commands, &world->prng);
    world->limits.elections_max = prng_between(&world->prng, 1, SIM_NAMES);
    world->limits.candidates_max = prng_between(&world->prng, 1, SIM_NAMES);
    model_init(&world->model, world->limits);
    audience_init(&world->audience, &world->prng, coverage, &world->turn);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    assert_int_equal(
        store_memory_init(&world->store, &world->loop, world->limits),
        ELECTD_OK);
    world->listener.change_cb = world_change_cb;
    world->store.base.listener = &world->listener;
}

void world_turn(struct world *world)
{
    world->turn++;
    world->asked_in_done_cb = 0;
    world->in_turn = true;
    (void)uv_run(&world->loop, UV_RUN_NOWAIT);
    world->in_turn = false;
    if (!world->closing) {
        // All are done but what was asked for while they were.
        assert_int_equal(world->pending, world->asked_in_done_cb);
    }
}

static void world_closed_cb(struct store *store)
{
    struct store_memory *memory =
        container_of(store, struct store_memory, base);
    struct world *world = container_of(memory, struct world, store);

    assert_false(world->in_call);
    assert_false(world->closed);
    assert_int_equal(world->pending, 0);
    world->closed = true;
}

void world_close_store(struct world *world)
{
    world->closing = true;
    world->in_call = true;
    store_close(&world->store.base, world_closed_cb);
    world->in_call = false;
    while (!world->closed) {
        world_turn(world);
    }
    assert_int_equal(uv_run(&world->loop, UV_RUN_NOWAIT), 0);
    assert_int_equal(uv_loop_close(&world->loop), 0);
}

void world_explain(const struct world *world)
{
    journal_print_end(world->journal, 12);
    if (world->first != NULL) {
        journal_print_command("next", &world->first->command);
    }
    print_message("# failed in step %u\n", world->step);
}

void world_close(struct world *world)
{
    struct payload *payload;

    for (size_t i = 0; i < world->payloads_count; i++) {
        payload = world->payloads[i];
        assert_int_equal(atomic_load(&payload->references), 1);
        payload_unref(payload);
    }
    free(world->payloads);
    virtual_time_end();
}
