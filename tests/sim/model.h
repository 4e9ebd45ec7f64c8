// SPDX-License-Identifier: Apache-2.0
//
// The rules of an election once more, written to be obviously right and not to
// be fast: an election is a line of candidates with the leader at its front.
// A leader leads as long as it stands there, so who leads, who waits and when
// the term goes up all follow from where the line changed.

#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "electd/election.h"
#include "names.h"

// A command; elections and candidates are numbers of names.h.
struct sim_command {
    enum electd_operation operation;
    unsigned election;
    unsigned candidate;
    unsigned tags;
    uint64_t session;
    // Enter.
    enum electd_lease lease;
    // 0: none.
    unsigned instance;
};

// What a candidate's last entry was made by.
struct sim_origin {
    enum electd_lease lease;
    unsigned instance;
};

// The leader, if there is one, then the queue.
struct sim_line {
    unsigned count;
    unsigned candidates[SIM_NAMES];
};

struct model_election {
    bool exists;
    unsigned number;
    unsigned tags;
    uint64_t term;
    uint64_t revision;
    struct sim_line line;
    // By candidate: the session that entered it last.
    uint64_t sessions[SIM_NAMES];
    struct sim_origin origins[SIM_NAMES];
};

struct model {
    struct electd_limits limits;
    unsigned count;
    struct model_election elections[SIM_NAMES];
};

// What a command does.
struct model_result {
    enum electd_status status;
    bool changed;
    bool elected;
    // The leader is another instance under the same name.
    bool replaced;
    // SIM_NOBODY if nobody led or nothing changed.
    unsigned previous_leader;
};

void model_init(struct model *model, struct electd_limits limits);

struct model_result model_apply(struct model *model,
                                const struct sim_command *command);

// The reason that a change by this operation has, unless it replaced the
// leader.
enum electd_reason model_reason(enum electd_operation operation);

// Who leads: the first of the line, or SIM_NOBODY.
unsigned sim_line_leader(const struct sim_line *line);

bool sim_line_equal(const struct sim_line *one, const struct sim_line *other);

#endif
