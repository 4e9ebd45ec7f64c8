// SPDX-License-Identifier: Apache-2.0
//
// Every event changes what is known and does what cannot wait; what is to be
// done next follows from the state alone, in run_state_settle().

#include "ctl/run_state.h"

#include <assert.h>
#include <grpc/status.h>
#include <signal.h>

#include "ctl/exit_code.h"
#include "ctl/failure.h"

// Exit codes of a signal, as shells have it.
#define RUN_EXIT_SIGNAL 128

void run_state_init(struct run_state *state, bool retries)
{
    *state = (struct run_state){.retries = retries};
}

bool run_state_is_ending_signal(int number)
{
    return number == SIGTERM || number == SIGINT || number == SIGHUP ||
           number == SIGQUIT;
}

static void run_do(struct run_actions *actions, struct run_action action)
{
    assert(actions->count < RUN_ACTIONS_MAX);
    actions->array[actions->count] = action;
    actions->count++;
}

static void run_finish(struct run_state *state, int exit_code)
{
    state->is_finishing = true;
    state->exit_code = exit_code;
}

static void run_exit(struct run_state *state, struct run_actions *actions)
{
    state->has_exited = true;
    run_do(actions,
           (struct run_action){.kind = RUN_EXIT, .number = state->exit_code});
}

// Nothing is known of the election any more.
static void run_forget(struct run_state *state)
{
    state->leads = false;
    state->is_quiet = false;
}

// Leadership is lost, or may be.
static void run_lose(struct run_state *state, struct run_actions *actions)
{
    if (state->group != RUN_GROUP_RUNNING) {
        return;
    }
    state->group = RUN_GROUP_ENDING;
    run_do(actions, (struct run_action){.kind = RUN_END, .number = SIGTERM});
    if (!state->retries) {
        run_finish(state, EXIT_CODE_LEADERSHIP_LOST);
    }
}

// The group is gone. A leader whose predecessor may be running must not say
// that all is quiet: it leaves its place to its grace.
static void run_go(struct run_state *state, struct run_actions *actions)
{
    if (state->stream == RUN_STREAM_IN && (state->is_quiet || !state->leads)) {
        state->is_leaving = true;
        run_do(actions, (struct run_action){.kind = RUN_LEAVE});
    } else {
        run_exit(state, actions);
    }
}

// Does what is to be done next, if nothing has to be awaited first.
static void run_state_settle(struct run_state *state,
                             struct run_actions *actions)
{
    if (state->group != RUN_GROUP_NONE || state->is_leaving ||
        state->has_exited) {
        return;
    }
    if (state->is_finishing) {
        run_go(state, actions);
        return;
    }
    switch (state->stream) {
    case RUN_STREAM_NONE:
        // Not while there is a group: a place that is claimed anew could be
        // lost at once, without any grace.
        state->stream = RUN_STREAM_PAUSED;
        run_do(actions, (struct run_action){.kind = RUN_PAUSE});
        return;
    case RUN_STREAM_IN:
        if (state->leads && state->is_quiet) {
            state->group = RUN_GROUP_RUNNING;
            state->command_term = state->term;
            run_do(actions,
                   (struct run_action){.kind = RUN_START, .term = state->term});
        }
        return;
    case RUN_STREAM_PAUSED:
    case RUN_STREAM_OPENING:
    case RUN_STREAM_CANCELLED:
        return;
    }
}

static bool run_reason_is_clean(enum run_reason reason)
{
    switch (reason) {
    case RUN_REASON_EXPIRED:
    case RUN_REASON_DISCONNECTED:
        return true;
    case RUN_REASON_UNSPECIFIED:
    case RUN_REASON_CURRENT:
    case RUN_REASON_ENTERED:
    // By anybody's call: the candidate itself may not know yet.
    case RUN_REASON_WITHDRAWN:
    case RUN_REASON_EVICTED:
    case RUN_REASON_ANOINTED:
    case RUN_REASON_PROMOTED:
    case RUN_REASON_DEMOTED:
    case RUN_REASON_CLOSED:
        return false;
    }
    // One that a newer daemon has.
    return false;
}

static void run_answered(struct run_state *state, const struct run_event *event,
                         struct run_actions *actions)
{
    bool is_first = state->stream == RUN_STREAM_OPENING;
    bool has_missed = event->revision != state->revision + 1;
    bool is_unclean =
        event->term != state->term && !run_reason_is_clean(event->reason);

    if (!is_first && state->stream != RUN_STREAM_IN) {
        return;
    }
    state->stream = RUN_STREAM_IN;
    state->was_in = true;
    state->names_taken = 0;
    state->leads = event->leads;
    state->term = event->term;
    state->revision = event->revision;
    if (!state->leads || state->term != state->command_term) {
        run_lose(state, actions);
    }
    if (is_first || has_missed || is_unclean) {
        state->is_quiet = false;
        run_do(actions, (struct run_action){.kind = RUN_AWAIT_QUIET});
    }
}

// The code stays the same however often it is tried.
static bool run_code_is_final(struct run_state *state, int code)
{
    switch (code) {
    case GRPC_STATUS_NOT_FOUND:
        // A daemon that was restarted has no elections until somebody makes
        // them.
        return !state->was_in;
    case GRPC_STATUS_ALREADY_EXISTS:
        state->names_taken++;
        return state->names_taken > RUN_NAME_TAKEN_MAX;
    case GRPC_STATUS_RESOURCE_EXHAUSTED:
        return false;
    case GRPC_STATUS_ABORTED:
        // Somebody has taken the candidate out.
        return !state->retries;
    default:
        return !failure_is_passing(code);
    }
}

static void run_stream_over(struct run_state *state, int code,
                            struct run_actions *actions)
{
    bool was_cancelled = state->stream == RUN_STREAM_CANCELLED;

    state->stream = RUN_STREAM_NONE;
    if (state->is_leaving) {
        return;
    }
    run_forget(state);
    run_lose(state, actions);
    if (state->group == RUN_GROUP_NONE && !state->is_finishing &&
        !was_cancelled && run_code_is_final(state, code)) {
        run_finish(state, code == GRPC_STATUS_ABORTED
                              ? EXIT_CODE_LEADERSHIP_LOST
                              : EXIT_CODE_FAILED);
    }
}

static void run_stalled(struct run_state *state, struct run_actions *actions)
{
    if (state->is_leaving) {
        return;
    }
    run_forget(state);
    run_lose(state, actions);
    if (state->stream == RUN_STREAM_OPENING || state->stream == RUN_STREAM_IN) {
        state->stream = RUN_STREAM_CANCELLED;
        run_do(actions, (struct run_action){.kind = RUN_CANCEL});
    }
}

static void run_signalled(struct run_state *state, int number,
                          struct run_actions *actions)
{
    bool is_ending = run_state_is_ending_signal(number);

    if (is_ending && state->group == RUN_GROUP_RUNNING) {
        state->group = RUN_GROUP_ENDING;
        state->takes_code = true;
        run_do(actions, (struct run_action){.kind = RUN_END, .number = number});
    } else if (state->group != RUN_GROUP_NONE) {
        run_do(actions,
               (struct run_action){.kind = RUN_PASS_ON, .number = number});
    }
    if (!is_ending) {
        return;
    }
    if (!state->is_finishing) {
        run_finish(state, RUN_EXIT_SIGNAL + number);
    } else if (state->is_leaving) {
        // Somebody is in a hurry; the grace does for leaving.
        run_exit(state, actions);
    }
}

static void run_command_ended(struct run_state *state, int exit_code)
{
    if (state->group == RUN_GROUP_RUNNING) {
        state->group = RUN_GROUP_ENDING;
        run_finish(state, exit_code);
    } else if (state->takes_code) {
        state->exit_code = exit_code;
    }
}

static void run_warden_lost(struct run_state *state)
{
    if (state->group == RUN_GROUP_RUNNING) {
        state->group = RUN_GROUP_ENDING;
    }
    state->takes_code = false;
    run_finish(state, EXIT_CODE_FAILED);
}

static void run_state_take(struct run_state *state,
                           const struct run_event *event,
                           struct run_actions *actions)
{
    switch (event->kind) {
    case RUN_BEGUN:
        state->stream = RUN_STREAM_OPENING;
        run_do(actions, (struct run_action){.kind = RUN_CONNECT});
        return;
    case RUN_ANSWERED:
        run_answered(state, event, actions);
        return;
    case RUN_STREAM_OVER:
        run_stream_over(state, event->number, actions);
        return;
    case RUN_PAUSE_OVER:
        if (state->stream == RUN_STREAM_PAUSED && !state->is_finishing) {
            state->stream = RUN_STREAM_OPENING;
            run_do(actions, (struct run_action){.kind = RUN_CONNECT});
        }
        return;
    case RUN_QUIET:
        state->is_quiet = state->stream == RUN_STREAM_IN;
        return;
    case RUN_COMMAND_ENDED:
        run_command_ended(state, event->number);
        return;
    case RUN_GROUP_GONE:
        state->group = RUN_GROUP_NONE;
        return;
    case RUN_SIGNALLED:
        run_signalled(state, event->number, actions);
        return;
    case RUN_STALLED:
        run_stalled(state, actions);
        return;
    case RUN_WARDEN_LOST:
        run_warden_lost(state);
        return;
    case RUN_LEFT:
        if (state->is_leaving) {
            state->is_leaving = false;
            run_exit(state, actions);
        }
        return;
    }
}

void run_state_step(struct run_state *state, const struct run_event *event,
                    struct run_actions *actions)
{
    actions->count = 0;
    if (state->has_exited) {
        return;
    }
    run_state_take(state, event, actions);
    run_state_settle(state, actions);
}
