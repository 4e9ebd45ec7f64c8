// SPDX-License-Identifier: Apache-2.0
//
// What `electctl run` tells on stderr: what it waits for and for how long, and
// what it has lost and why.
//
// Thread: the owner's.

#ifndef CTL_RUN_REPORT_H
#define CTL_RUN_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/request.h"
#include "ctl/run/run_options.h"
#include "ctl/run/state.h"

struct run_report {
    // Borrowed.
    const struct run_options *options;
    // As the last answer had it; empty is nobody, or no answer yet.
    char leader[IDENTITY_NAME_SIZE];
    // The last failure was told, and nothing has changed since.
    bool is_failing;
    bool is_confirm_failing;
    // The last Confirm was answered, but not such that it counts.
    bool is_refused;
    bool has_told_other_life;
    // That it makes way was told, and no Confirm has counted since.
    bool has_made_way;
    // When electctl was last seen to run, and how long it stood still before
    // `stalled_until_ms`; 0 is never.
    uint64_t beat_ms;
    uint64_t stall_ms;
    uint64_t stalled_until_ms;
};

// To be called several times a second: sees whether electctl stood still.
void run_report_beat(struct run_report *report);

// The command is being started.
void run_report_starting(uint64_t term);

// The command has succeeded.
void run_report_holding(uint64_t hold_ms);

// An answer has named the leader, or nobody.
void run_report_leader(struct run_report *report, const char *leader);

// What that answer has changed. The command starts in `wait_ms` at the
// earliest.
void run_report_answer(struct run_report *report,
                       const struct run_state *before,
                       const struct run_state *after,
                       const Atomix__Runtime__Election__V1__Term *term,
                       uint64_t wait_ms);

// A stream has ended, or could not be opened; or the call that makes way could
// not be made.
void run_report_over(struct run_report *report, const struct run_state *before,
                     const struct run_state *after, int code,
                     const char *message);

// A Confirm has failed. run_report_confirmed() is its end.
void run_report_confirm_failed(struct run_report *report,
                               const struct run_state *state, int code,
                               const char *message);
void run_report_confirm_short(struct run_report *report,
                              const struct run_state *state);
void run_report_confirmed(struct run_report *report);

// Another life of the daemon has answered a Confirm.
void run_report_other_life(struct run_report *report);

// The command is being ended for a reason that no answer has told.
void run_report_lost(struct run_report *report, const struct run_state *before,
                     const struct run_state *after, const char *reason);

// It gives up its place, as it cannot hear what the daemon says of it.
void run_report_makes_way(struct run_report *report,
                          const struct run_state *before,
                          const struct run_state *after);

// It exits, as its wait for the leadership is over.
void run_report_gave_up(const struct run_report *report,
                        const struct run_state *state);

#endif
