// SPDX-License-Identifier: Apache-2.0
//
// Each command is done in the model as it was done in the store, and all that
// came of it is compared. An expiry is a withdrawal to the model, or nothing if
// its entry is not the candidate's own.

#include "lease_check.h"

#include "support/test.h"

void lease_check_line(const struct lease_world *world,
                      const struct electd_election *election, unsigned which)
{
    const struct model_election *model = &world->model.elections[which];
    const struct electd_candidate *candidate =
        electd_election_queue_first(election);
    unsigned place = 0;

    assert_int_equal(electd_election_term(election), model->term);
    assert_int_equal(electd_election_revision(election), model->revision);
    assert_int_equal(names_find(electd_election_leader(election)),
                     sim_line_leader(&model->line));
    for (; candidate != NULL; candidate = electd_candidate_next(candidate)) {
        unsigned name = names_find(electd_candidate_name(candidate));

        place++;
        assert_true(place < model->line.count);
        assert_int_equal(name, model->line.candidates[place]);
        assert_int_equal(electd_candidate_entry(candidate),
                         world->entries[which][name]);
    }
    assert_int_equal(place, model->line.count > 0 ? model->line.count - 1 : 0);
}

// Those who departed are those who were in and are not, each once, with the
// entry that they had.
static unsigned lease_check_departed(struct lease_world *world,
                                     const struct lease_ask *ask,
                                     const struct electd_outcome *outcome)
{
    const struct electd_candidate *departed = outcome->departed;
    unsigned which = ask->command.election;
    const struct sim_line *line = &world->model.elections[which].line;
    unsigned count = 0;
    unsigned in = 0;

    for (; departed != NULL; departed = electd_candidate_next(departed)) {
        unsigned name = names_find(electd_candidate_name(departed));
        uint64_t entry = electd_candidate_entry(departed);

        assert_true(name < LEASE_CANDIDATES);
        assert_true(entry > 0);
        assert_int_equal(entry, world->entries[which][name]);
        if (ask->command.operation == ELECTD_EXPIRE) {
            // Nobody but the entry for which it was decided.
            assert_int_equal(entry, ask->entry);
            assert_true(world->tenures[entry].is_over);
        }
        world->entries[which][name] = 0;
        world->tenures[entry].is_ended |= !prng_percent(&world->prng, 30);
        count++;
    }
    for (unsigned name = 0; name < LEASE_CANDIDATES; name++) {
        in += world->entries[which][name] > 0;
    }
    // One that enters now has no entry yet.
    assert_int_equal(in + (outcome->reason == ELECTD_ENTERED), line->count);
    return count;
}

static void lease_take_entry(struct lease_world *world,
                             const struct lease_ask *ask,
                             const struct electd_outcome *outcome)
{
    unsigned which = ask->command.election;
    uint64_t *entry = &world->entries[which][ask->command.candidate];
    struct lease_tenure *replaced = &world->tenures[*entry];

    assert_int_equal(outcome->replaced_entry, *entry);
    assert_true(outcome->entry > world->last_entry);
    assert_true(outcome->entry < LEASE_ENTRIES_MAX);
    if (*entry > 0) {
        world->coverage->renewed++;
        world->coverage->taken_over +=
            replaced->lease == ask->lease && ask->lease == ELECTD_LEASE_STREAM;
        world->coverage->replaced_by_none += ask->lease == ELECTD_LEASE_NONE;
        replaced->is_ended |= !prng_percent(&world->prng, 30);
    }
    *entry = outcome->entry;
    world->last_entry = outcome->entry;
    world->tenures[outcome->entry] = (struct lease_tenure){
        .election = which,
        .candidate = ask->command.candidate,
        .lease = ask->lease,
        .due = world->now + ask->period,
    };
}

static void lease_cover_expiry(struct lease_world *world,
                               const struct lease_ask *ask, uint64_t current,
                               const struct electd_outcome *outcome)
{
    struct lease_coverage *coverage = world->coverage;

    coverage->expired += outcome->reason == ELECTD_EXPIRED;
    coverage->disconnected += outcome->reason == ELECTD_DISCONNECTED;
    coverage->elected_by_expiry += outcome->elected;
    coverage->expired_when_out += current == 0;
    coverage->expired_too_late += current > ask->entry;
    coverage->expired_after_a_return += current > ask->entry &&
                                        outcome->reason == ELECTD_UNCHANGED &&
                                        world->tenures[ask->entry].is_ended;
}

static enum electd_reason lease_reason(const struct lease_world *world,
                                       const struct lease_ask *ask,
                                       bool replaced)
{
    if (ask->command.operation == ELECTD_ENTER && replaced) {
        return ELECTD_REPLACED;
    }
    if (ask->command.operation != ELECTD_EXPIRE) {
        return model_reason(ask->command.operation);
    }
    return world->tenures[ask->entry].lease == ELECTD_LEASE_STREAM
               ? ELECTD_DISCONNECTED
               : ELECTD_EXPIRED;
}

void lease_check_outcome(struct lease_world *world, const struct lease_ask *ask,
                         enum electd_status status,
                         const struct electd_outcome *outcome)
{
    unsigned which = ask->command.election;
    uint64_t current = world->entries[which][ask->command.candidate];
    struct sim_command command = ask->command;
    struct model_result result;
    unsigned departed;

    if (command.operation == ELECTD_EXPIRE && current != ask->entry) {
        command.operation = ELECTD_GET_TERM;
    }
    result = model_apply(&world->model, &command);
    assert_int_equal(status, result.status);
    assert_int_equal(outcome->reason,
                     result.changed ? lease_reason(world, ask, result.replaced)
                                    : ELECTD_UNCHANGED);
    assert_int_equal(outcome->elected, result.elected);
    assert_int_equal(names_find(outcome->previous_leader),
                     result.previous_leader);
    assert_int_equal(world->has_heard, result.changed);
    world->has_heard = false;
    world->elected[which] += result.elected;
    world->coverage->refused += status != ELECTD_OK;
    if (command.operation != ELECTD_CREATE) {
        departed = lease_check_departed(world, ask, outcome);
        world->coverage->closed_several += departed > 1;
        assert_true(departed <= 1 || command.operation == ELECTD_CLOSE);
    }
    if (command.operation == ELECTD_ENTER && status == ELECTD_OK) {
        lease_take_entry(world, ask, outcome);
    } else {
        assert_int_equal(outcome->entry, 0);
    }
    if (ask->command.operation == ELECTD_EXPIRE) {
        lease_cover_expiry(world, ask, current, outcome);
    }
    lease_check_line(world, outcome->election, which);
}
