// SPDX-License-Identifier: Apache-2.0

#include "model.h"

#include <string.h>

void model_init(struct model *model, struct electd_limits limits)
{
    memset(model, 0, sizeof *model);
    model->limits = limits;
}

unsigned sim_line_leader(const struct sim_line *line)
{
    return line->count > 0 ? line->candidates[0] : SIM_NOBODY;
}

bool sim_line_equal(const struct sim_line *one, const struct sim_line *other)
{
    return one->count == other->count &&
           memcmp(one->candidates, other->candidates,
                  one->count * sizeof one->candidates[0]) == 0;
}

// Where a candidate stands; `count` if it does not.
static unsigned model_place(const struct sim_line *line, unsigned candidate)
{
    unsigned place = 0;

    while (place < line->count && line->candidates[place] != candidate) {
        place++;
    }
    return place;
}

static void model_remove(struct sim_line *line, unsigned place)
{
    for (unsigned i = place; i + 1 < line->count; i++) {
        line->candidates[i] = line->candidates[i + 1];
    }
    line->count--;
}

static void model_insert(struct sim_line *line, unsigned place,
                         unsigned candidate)
{
    for (unsigned i = line->count; i > place; i--) {
        line->candidates[i] = line->candidates[i - 1];
    }
    line->candidates[place] = candidate;
    line->count++;
}

static void model_swap(struct sim_line *line, unsigned place, unsigned other)
{
    unsigned candidate = line->candidates[place];

    line->candidates[place] = line->candidates[other];
    line->candidates[other] = candidate;
}

// All of the session leave; the others keep their order.
static void model_close(struct model_election *election, uint64_t session)
{
    unsigned place = 0;

    while (place < election->line.count) {
        if (election->sessions[election->line.candidates[place]] == session) {
            model_remove(&election->line, place);
        } else {
            place++;
        }
    }
}

// Whoever enters under the name of a leader may be another process: unless it
// proves that it is not, or no stream says so, the leader is a new one.
static bool model_replaces(const struct model_election *election,
                           const struct sim_command *command)
{
    const struct sim_origin *origin = &election->origins[command->candidate];

    if (sim_line_leader(&election->line) != command->candidate) {
        return false;
    }
    if (command->lease == ELECTD_LEASE_STREAM) {
        return command->instance == 0 || command->instance != origin->instance;
    }
    return origin->lease == ELECTD_LEASE_STREAM &&
           election->sessions[command->candidate] != command->session;
}

static enum electd_status model_enter(const struct model *model,
                                      struct model_election *election,
                                      const struct sim_command *command,
                                      struct model_result *result)
{
    struct sim_line *line = &election->line;

    result->replaced = model_replaces(election, command);

    if (model_place(line, command->candidate) == line->count) {
        if (line->count >= model->limits.candidates_max) {
            return ELECTD_CANDIDATES_MAX;
        }
        model_insert(line, line->count, command->candidate);
    }
    election->sessions[command->candidate] = command->session;
    election->origins[command->candidate] =
        (struct sim_origin){command->lease, command->instance};
    return ELECTD_OK;
}

// Moves a candidate that is in the line.
static void model_move(struct sim_line *line, unsigned place,
                       enum electd_operation operation)
{
    unsigned candidate = line->candidates[place];

    switch (operation) {
    case ELECTD_WITHDRAW:
    case ELECTD_EVICT:
    case ELECTD_EXPIRE:
        model_remove(line, place);
        return;
    case ELECTD_ANOINT:
        model_remove(line, place);
        model_insert(line, 0, candidate);
        return;
    case ELECTD_PROMOTE:
        if (place > 0) {
            model_swap(line, place, place - 1);
        }
        return;
    case ELECTD_DEMOTE:
        if (place + 1 < line->count) {
            model_swap(line, place, place + 1);
        }
        return;
    case ELECTD_CREATE:
    case ELECTD_CLOSE:
    case ELECTD_ENTER:
    case ELECTD_GET_TERM:
        return;
    }
}

static enum electd_status model_create(struct model *model,
                                       const struct sim_command *command)
{
    struct model_election *election = &model->elections[command->election];

    if (election->exists) {
        return ELECTD_OK;
    }
    if (model->count >= model->limits.elections_max) {
        return ELECTD_ELECTIONS_MAX;
    }
    model->count++;
    election->exists = true;
    election->number = model->count;
    election->tags = command->tags;
    return ELECTD_OK;
}

static enum electd_status model_change(struct model *model,
                                       const struct sim_command *command,
                                       struct model_result *result)
{
    struct model_election *election = &model->elections[command->election];
    unsigned place;

    if (command->operation == ELECTD_CREATE) {
        return model_create(model, command);
    }
    if (!election->exists) {
        return ELECTD_NO_ELECTION;
    }
    if (command->operation == ELECTD_ENTER) {
        return model_enter(model, election, command, result);
    }
    if (command->operation == ELECTD_CLOSE) {
        model_close(election, command->session);
        return ELECTD_OK;
    }
    place = model_place(&election->line, command->candidate);
    if (place < election->line.count) {
        model_move(&election->line, place, command->operation);
    }
    return ELECTD_OK;
}

struct model_result model_apply(struct model *model,
                                const struct sim_command *command)
{
    struct model_election *election = &model->elections[command->election];
    struct sim_line before = election->line;
    struct model_result result = {.previous_leader = SIM_NOBODY};
    unsigned leader;

    result.status = model_change(model, command, &result);
    result.changed =
        result.replaced || !sim_line_equal(&before, &election->line);
    if (result.changed) {
        leader = sim_line_leader(&election->line);
        result.previous_leader = sim_line_leader(&before);
        result.elected = result.replaced || (leader != SIM_NOBODY &&
                                             leader != result.previous_leader);
        election->revision++;
        election->term += result.elected;
    }
    return result;
}

enum electd_reason model_reason(enum electd_operation operation)
{
    switch (operation) {
    case ELECTD_ENTER:
        return ELECTD_ENTERED;
    case ELECTD_WITHDRAW:
        return ELECTD_WITHDRAWN;
    case ELECTD_EVICT:
        return ELECTD_EVICTED;
    case ELECTD_ANOINT:
        return ELECTD_ANOINTED;
    case ELECTD_PROMOTE:
        return ELECTD_PROMOTED;
    case ELECTD_DEMOTE:
        return ELECTD_DEMOTED;
    case ELECTD_CLOSE:
        return ELECTD_CLOSED;
    case ELECTD_EXPIRE:
        return ELECTD_EXPIRED;
    case ELECTD_CREATE:
    case ELECTD_GET_TERM:
        break;
    }
    return ELECTD_UNCHANGED;
}
