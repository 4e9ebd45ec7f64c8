// SPDX-License-Identifier: Apache-2.0
//
// The core against a model that is as simple as the rules can be written: an
// election is a term and a list of candidates, of which the first one leads.
// Each four bytes of an input are a command: operation, election, candidate,
// session. After each of them both are in the same state.

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "electd/election.h"

#define ELECTIONS 4
#define ELECTIONS_MAX 3
#define CANDIDATES 8
#define CANDIDATES_MAX 6
#define SESSIONS 3
#define OPERATIONS (ELECTD_GET_TERM + 1)

struct member {
    uint8_t candidate;
    uint8_t session;
};

struct model {
    bool exists;
    uint64_t term;
    uint64_t revision;
    struct member members[CANDIDATES];
    size_t count;
};

// One command, as numbers.
struct step {
    enum electd_operation operation;
    uint8_t election;
    uint8_t candidate;
    uint8_t session;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Names of some sizes, the longest that there may be among them.
static struct electd_name name_of(char kind, uint8_t number, char *bytes)
{
    size_t size = number % 3 == 2 ? ELECTD_NAME_SIZE_MAX : 1 + number % 3;

    memset(bytes, kind, size);
    bytes[size - 1] = (char)('0' + number);
    return (struct electd_name){bytes, size};
}

static void expect_name(struct electd_name name, char kind, uint8_t number)
{
    char bytes[ELECTD_NAME_SIZE_MAX];
    struct electd_name expected = name_of(kind, number, bytes);

    assert(name.size == expected.size);
    assert(memcmp(name.bytes, expected.bytes, name.size) == 0);
    assert(name.bytes[name.size] == '\0');
}

static void model_remove(struct model *model, size_t index)
{
    model->count--;
    memmove(&model->members[index], &model->members[index + 1],
            (model->count - index) * sizeof model->members[0]);
}

// Moves a member up to a place.
static void model_lift(struct model *model, size_t from, size_t to)
{
    struct member member = model->members[from];

    memmove(&model->members[to + 1], &model->members[to],
            (from - to) * sizeof member);
    model->members[to] = member;
}

static enum electd_status model_enter(struct model *model, size_t index,
                                      const struct step *step)
{
    if (index == model->count) {
        if (model->count == CANDIDATES_MAX) {
            return ELECTD_CANDIDATES_MAX;
        }
        model->members[model->count++].candidate = step->candidate;
    }
    model->members[index].session = step->session;
    return ELECTD_OK;
}

static void model_close(struct model *model, uint8_t session)
{
    for (size_t i = model->count; i-- > 0;) {
        if (model->members[i].session == session) {
            model_remove(model, i);
        }
    }
}

// What moves a candidate that is in.
static void model_move(struct model *model, size_t index,
                       enum electd_operation operation)
{
    if (operation == ELECTD_WITHDRAW || operation == ELECTD_EVICT) {
        model_remove(model, index);
    } else if (operation == ELECTD_ANOINT) {
        model_lift(model, index, 0);
    } else if (operation == ELECTD_PROMOTE && index > 0) {
        model_lift(model, index, index - 1);
    } else if (operation == ELECTD_DEMOTE && index + 1 < model->count) {
        model_lift(model, index + 1, index);
    }
}

static enum electd_status model_change(struct model *model,
                                       const struct step *step)
{
    size_t index = 0;

    while (index < model->count &&
           model->members[index].candidate != step->candidate) {
        index++;
    }
    if (step->operation == ELECTD_ENTER) {
        return model_enter(model, index, step);
    }
    if (step->operation == ELECTD_CLOSE) {
        model_close(model, step->session);
    } else if (step->operation != ELECTD_GET_TERM && index < model->count) {
        model_move(model, index, step->operation);
    }
    return ELECTD_OK;
}

static bool model_same_members(const struct model *one, const struct model *two)
{
    if (one->count != two->count) {
        return false;
    }
    for (size_t i = 0; i < one->count; i++) {
        if (one->members[i].candidate != two->members[i].candidate) {
            return false;
        }
    }
    return true;
}

static enum electd_status model_apply(struct model models[ELECTIONS],
                                      const struct step *step)
{
    struct model *model = &models[step->election];
    struct model before = *model;
    enum electd_status status;
    unsigned existing = 0;

    for (unsigned i = 0; i < ELECTIONS; i++) {
        existing += models[i].exists;
    }
    if (step->operation == ELECTD_CREATE) {
        if (!model->exists && existing == ELECTIONS_MAX) {
            return ELECTD_ELECTIONS_MAX;
        }
        model->exists = true;
        return ELECTD_OK;
    }
    if (!model->exists) {
        return ELECTD_NO_ELECTION;
    }
    status = model_change(model, step);
    if (!model_same_members(model, &before)) {
        model->revision++;
        model->term += model->count > 0 &&
                       (before.count == 0 || model->members[0].candidate !=
                                                 before.members[0].candidate);
    }
    return status;
}

static void expect_state(const struct electd_election *election,
                         const struct model *model, uint8_t number)
{
    const struct electd_candidate *candidate =
        electd_election_queue_first(election);

    expect_name(electd_election_name(election), 'e', number);
    assert(electd_election_term(election) == model->term);
    assert(electd_election_revision(election) == model->revision);
    if (model->count == 0) {
        assert(electd_election_leader(election).size == 0);
        assert(electd_election_queue_count(election) == 0);
        assert(candidate == NULL);
        return;
    }
    expect_name(electd_election_leader(election), 'c',
                model->members[0].candidate);
    assert(electd_election_queue_count(election) == model->count - 1);
    for (size_t i = 1; i < model->count; i++) {
        assert(candidate != NULL);
        expect_name(electd_candidate_name(candidate), 'c',
                    model->members[i].candidate);
        candidate = electd_candidate_next(candidate);
    }
    assert(candidate == NULL);
}

static void expect_outcome(const struct electd_outcome *outcome,
                           const struct model *before,
                           const struct model *after)
{
    bool changed = after->revision != before->revision;

    assert((outcome->reason != ELECTD_UNCHANGED) == changed);
    assert(outcome->elected == (after->term != before->term));
    if (changed && before->count > 0) {
        expect_name(outcome->previous_leader, 'c',
                    before->members[0].candidate);
    } else {
        assert(outcome->previous_leader.size == 0);
    }
}

static void apply(struct electd_elections *elections,
                  struct model models[ELECTIONS], const struct step *step,
                  uint64_t *entry)
{
    char election[ELECTD_NAME_SIZE_MAX];
    char candidate[ELECTD_NAME_SIZE_MAX];
    struct electd_command command = {
        .operation = step->operation,
        .election = name_of('e', step->election, election),
        .candidate = name_of('c', step->candidate, candidate),
        .session = step->session,
    };
    struct model before = models[step->election];
    const struct model *after = &models[step->election];
    enum electd_status expected = model_apply(models, step);
    struct electd_outcome outcome;

    assert(electd_apply(elections, &command, &outcome) == expected);
    expect_outcome(&outcome, &before, after);
    assert((outcome.election != NULL) == after->exists);
    if (after->exists) {
        expect_state(outcome.election, after, step->election);
    }
    if (step->operation == ELECTD_ENTER && expected == ELECTD_OK) {
        assert(outcome.entry > *entry);
        *entry = outcome.entry;
    } else {
        assert(outcome.entry == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct electd_elections *elections = electd_elections_create(
        (struct electd_limits){ELECTIONS_MAX, CANDIDATES_MAX});
    struct model models[ELECTIONS] = {{.exists = false}};
    const struct electd_election *election;
    uint64_t entry = 0;
    size_t existing = 0;

    assert(elections != NULL);
    for (; size >= 4; data += 4, size -= 4) {
        const struct step step = {
            .operation = (enum electd_operation)(data[0] % OPERATIONS),
            .election = data[1] % ELECTIONS,
            .candidate = data[2] % CANDIDATES,
            .session = data[3] % SESSIONS,
        };

        apply(elections, models, &step, &entry);
    }
    for (election = electd_elections_first(elections); election != NULL;
         election = electd_election_next(election)) {
        struct electd_name name = electd_election_name(election);
        uint8_t number = (uint8_t)(name.bytes[name.size - 1] - '0');

        existing++;
        assert(electd_election_number(election) == existing);
        expect_state(election, &models[number], number);
    }
    assert(electd_elections_count(elections) == existing);
    electd_elections_destroy(elections);
    return 0;
}
