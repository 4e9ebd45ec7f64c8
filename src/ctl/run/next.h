// SPDX-License-Identifier: Apache-2.0
//
// The half of run_state.c that follows from the state alone: what is to be done
// next, whatever happened last. For run_state.c only.
//
// Thread: any; nothing is kept.

#ifndef CTL_RUN_NEXT_H
#define CTL_RUN_NEXT_H

#include "ctl/run/state.h"

// Does what is to be done next, if nothing has to be awaited first.
void run_next(struct run_state *state, uint64_t now_ms,
              struct run_actions *actions);

void run_do(struct run_actions *actions, struct run_action action);

void run_move(struct run_state *state, enum run_phase phase);

// It is going to exit, with that code.
void run_finish(struct run_state *state, int exit_code);

void run_exit(struct run_state *state, struct run_actions *actions);

void run_connect(struct run_state *state, struct run_actions *actions);

void run_pause(struct run_state *state, struct run_actions *actions);

// Lets the place lapse before the next attempt.
void run_stand_back(struct run_state *state, struct run_actions *actions);

void run_cancel(struct run_state *state, struct run_actions *actions);

// The instance has had its command, which is gone: it makes way for another.
void run_make_way(struct run_state *state, struct run_actions *actions);

// Gives up waiting for the leadership.
void run_give_up(struct run_state *state);

#endif
