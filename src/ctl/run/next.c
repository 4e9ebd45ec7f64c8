// SPDX-License-Identifier: Apache-2.0

#include "ctl/run/next.h"

#include <assert.h>
#include <grpc/status.h>

#include "ctl/exit_code.h"
#include "ctl/failure.h"

void run_do(struct run_actions *actions, struct run_action action)
{
    assert(actions->count < RUN_ACTIONS_MAX);
    actions->array[actions->count] = action;
    actions->count++;
}

void run_move(struct run_state *state, enum run_phase phase)
{
    assert(phase > state->phase);
    state->phase = phase;
}

void run_finish(struct run_state *state, int exit_code)
{
    if (state->phase < RUN_FINISHING) {
        run_move(state, RUN_FINISHING);
    }
    state->exit_code = exit_code;
}

void run_exit(struct run_state *state, struct run_actions *actions)
{
    run_move(state, RUN_EXITED);
    run_do(actions,
           (struct run_action){.kind = RUN_EXIT, .number = state->exit_code});
}

void run_connect(struct run_state *state, struct run_actions *actions)
{
    state->stream = RUN_STREAM_OPENING;
    run_do(actions, (struct run_action){.kind = RUN_CONNECT});
}

void run_pause(struct run_state *state, struct run_actions *actions)
{
    state->stream = RUN_STREAM_PAUSED;
    run_do(actions, (struct run_action){.kind = RUN_PAUSE});
}

void run_stand_back(struct run_state *state, struct run_actions *actions)
{
    state->makes_way = false;
    state->stream = RUN_STREAM_PAUSED;
    run_do(actions, (struct run_action){.kind = RUN_STAND_BACK,
                                        .time_ms = state->rules.stand_back_ms});
}

void run_cancel(struct run_state *state, struct run_actions *actions)
{
    state->stream = RUN_STREAM_CANCELLED;
    run_do(actions, (struct run_action){.kind = RUN_CANCEL});
}

void run_make_way(struct run_state *state, struct run_actions *actions)
{
    state->stream = RUN_STREAM_LEAVING;
    run_do(actions, (struct run_action){.kind = RUN_LEAVE});
}

// The group is gone. When nobody knows what earlier leaders were promised, a
// leader whose predecessor may be running must not leave such that the next one
// starts at once: it leaves its place to its grace.
static void run_go(struct run_state *state, struct run_actions *actions)
{
    if (state->stream == RUN_STREAM_IN &&
        (state->is_quiet || state->is_earlier_known || !state->leads)) {
        run_move(state, RUN_LEAVING);
        run_do(actions, (struct run_action){.kind = RUN_LEAVE});
    } else {
        run_exit(state, actions);
    }
}

void run_give_up(struct run_state *state)
{
    bool is_unreachable = state->last_code == GRPC_STATUS_OK ||
                          failure_is_passing(state->last_code);

    state->has_given_up = true;
    if (state->was_in && state->other_led) {
        run_finish(state, EXIT_CODE_OTHER_LEADS);
    } else {
        run_finish(state, is_unreachable || state->was_in
                              ? EXIT_CODE_UNREACHABLE
                              : EXIT_CODE_FAILED);
    }
}

// Whoever leads already only waits for what earlier leaders were promised.
static bool run_waits_in_vain(const struct run_state *state)
{
    if (!state->is_wait_over || state->has_started) {
        return false;
    }
    return state->stream == RUN_STREAM_IN
               ? state->other_led
               : state->stream == RUN_STREAM_NONE ||
                     state->stream == RUN_STREAM_PAUSED;
}

static void run_start(struct run_state *state, struct run_actions *actions)
{
    state->group = RUN_GROUP_RUNNING;
    state->command_term = state->term;
    state->is_used = true;
    state->has_started = true;
    run_do(actions, (struct run_action){.kind = RUN_START,
                                        .term = state->term,
                                        .time_ms = state->until_ms});
}

static void run_seek(struct run_state *state, uint64_t now_ms,
                     struct run_actions *actions)
{
    switch (state->stream) {
    case RUN_STREAM_NONE:
        // Not while there is a group: a place that is claimed anew could be
        // lost at once, without any grace.
        if (state->is_used) {
            run_make_way(state, actions);
        } else if (state->makes_way) {
            run_stand_back(state, actions);
        } else {
            run_pause(state, actions);
        }
        return;
    case RUN_STREAM_IN:
        if (state->is_used) {
            run_cancel(state, actions);
        } else if (state->leads && state->is_quiet &&
                   state->until_ms >= now_ms + state->rules.start_room_ms) {
            run_start(state, actions);
        }
        return;
    case RUN_STREAM_PAUSED:
    case RUN_STREAM_OPENING:
    case RUN_STREAM_CANCELLED:
    case RUN_STREAM_LEAVING:
        return;
    }
}

void run_next(struct run_state *state, uint64_t now_ms,
              struct run_actions *actions)
{
    if (state->group != RUN_GROUP_NONE) {
        return;
    }
    if (state->phase == RUN_SEEKING && run_waits_in_vain(state)) {
        run_give_up(state);
    }
    switch (state->phase) {
    case RUN_SEEKING:
        run_seek(state, now_ms, actions);
        return;
    case RUN_HOLDING:
        if (state->stream == RUN_STREAM_NONE) {
            run_pause(state, actions);
        }
        return;
    case RUN_FINISHING:
        run_go(state, actions);
        return;
    case RUN_LEAVING:
    case RUN_EXITED:
        return;
    }
}
