// SPDX-License-Identifier: Apache-2.0
//
// Every event changes what is known and does what cannot wait; what is to be
// done next follows from the state alone, in run_next().

#include "ctl/run/state.h"

#include <grpc/status.h>
#include <signal.h>

#include "ctl/exit_code.h"
#include "ctl/failure.h"
#include "ctl/run/next.h"

// Exit codes of a signal, as shells have it.
#define RUN_EXIT_SIGNAL 128

void run_state_init(struct run_state *state, const struct run_rules *rules)
{
    *state = (struct run_state){
        .rules = *rules,
        .is_wait_over = rules->never_waits,
    };
}

bool run_state_is_ending_signal(int number)
{
    return number == SIGTERM || number == SIGINT || number == SIGHUP ||
           number == SIGQUIT;
}

// It leads no longer, or cannot know.
static void run_forget(struct run_state *state)
{
    state->leads = false;
    state->until_ms = 0;
    state->is_denied = false;
}

// The command is ending because leadership is lost, or may be.
static void run_lost(struct run_state *state)
{
    state->group = RUN_GROUP_ENDING;
    if (!state->rules.retries) {
        run_finish(state, EXIT_CODE_LEADERSHIP_LOST);
    }
}

static void run_lose(struct run_state *state, struct run_actions *actions)
{
    if (state->group == RUN_GROUP_RUNNING) {
        run_do(actions,
               (struct run_action){.kind = RUN_END, .number = SIGTERM});
        run_lost(state);
    }
    // The command has succeeded, whoever leads now.
    if (state->phase == RUN_HOLDING && state->stream == RUN_STREAM_IN) {
        run_finish(state, state->exit_code);
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
    case RUN_REASON_REPLACED:
        return false;
    }
    // One that a newer daemon has.
    return false;
}

// Sees whether an earlier leader's command may be running, before the state
// takes over the answer.
static void run_listen(struct run_state *state, const struct run_event *event,
                       struct run_actions *actions)
{
    bool is_first = state->stream == RUN_STREAM_OPENING;
    bool is_clean = event->revision == state->revision + 1 &&
                    run_reason_is_clean(event->reason);
    uint64_t wait_ms = state->rules.start_delay_ms;

    state->is_earlier_known = event->is_earlier_known;
    if (event->is_earlier_known) {
        state->is_quiet = event->earlier_ms == 0;
        wait_ms = event->earlier_ms;
    } else if (is_first || (event->term != state->term && !is_clean)) {
        state->is_quiet = false;
    } else {
        // It is as quiet as it was, and a wait goes on.
        return;
    }
    if (!state->is_quiet) {
        run_do(actions, (struct run_action){.kind = RUN_AWAIT_QUIET,
                                            .time_ms = wait_ms});
    }
}

static void run_answered(struct run_state *state, const struct run_event *event,
                         struct run_actions *actions)
{
    bool is_first = state->stream == RUN_STREAM_OPENING;

    if (!is_first && state->stream != RUN_STREAM_IN) {
        return;
    }
    run_listen(state, event, actions);
    if (is_first || !event->leads || event->term != state->term) {
        state->until_ms = 0;
    }
    state->stream = RUN_STREAM_IN;
    state->was_in = true;
    state->names_taken = 0;
    state->leads = event->leads;
    state->is_denied = false;
    state->other_led = !event->leads;
    state->term = event->term;
    state->revision = event->revision;
    if (!state->leads ||
        (state->phase == RUN_SEEKING && state->term != state->command_term)) {
        run_lose(state, actions);
    }
}

static void run_confirmed(struct run_state *state,
                          const struct run_event *event,
                          struct run_actions *actions)
{
    state->unconfirmed = 0;
    if (state->is_denied && event->term == state->term) {
        // The newest answer is right.
        state->is_denied = false;
        state->leads = true;
    }
    if (!state->leads || event->term != state->term ||
        event->until_ms <= state->until_ms) {
        return;
    }
    state->until_ms = event->until_ms;
    if (state->group == RUN_GROUP_RUNNING) {
        run_do(actions, (struct run_action){.kind = RUN_EXTEND,
                                            .time_ms = state->until_ms});
    }
}

// The stream will say so too.
static void run_denied(struct run_state *state, const struct run_event *event,
                       struct run_actions *actions)
{
    state->unconfirmed = 0;
    if (state->leads && event->term == state->term) {
        run_forget(state);
        state->is_denied = state->group == RUN_GROUP_NONE && !state->is_used;
        run_lose(state, actions);
    }
}

static void run_unconfirmed(struct run_state *state,
                            struct run_actions *actions)
{
    if (state->stream != RUN_STREAM_OPENING && state->stream != RUN_STREAM_IN) {
        return;
    }
    if (state->phase == RUN_LEAVING) {
        return;
    }
    run_cancel(state, actions);
    state->unconfirmed++;
    // Campaigning again at once would keep a place whose command cannot start.
    state->makes_way = state->unconfirmed > RUN_UNCONFIRMED_MAX &&
                       state->phase == RUN_SEEKING && !state->is_used;
    run_forget(state);
    run_lose(state, actions);
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
        return !state->rules.retries || state->phase == RUN_HOLDING;
    default:
        return !failure_is_passing(code);
    }
}

static void run_stream_over(struct run_state *state, int code,
                            struct run_actions *actions)
{
    bool was_cancelled = state->stream == RUN_STREAM_CANCELLED;

    state->stream = RUN_STREAM_NONE;
    if (state->phase == RUN_LEAVING) {
        return;
    }
    run_forget(state);
    state->is_quiet = false;
    run_lose(state, actions);
    if (was_cancelled) {
        return;
    }
    state->last_code = code;
    if (state->group == RUN_GROUP_NONE && state->phase < RUN_FINISHING &&
        run_code_is_final(state, code)) {
        run_finish(state, state->phase == RUN_HOLDING ? state->exit_code
                          : code == GRPC_STATUS_ABORTED
                              ? EXIT_CODE_LEADERSHIP_LOST
                              : EXIT_CODE_FAILED);
    }
}

static void run_pause_over(struct run_state *state, struct run_actions *actions)
{
    if (state->stream != RUN_STREAM_PAUSED || state->phase >= RUN_FINISHING) {
        return;
    }
    if (state->is_used && state->phase == RUN_SEEKING) {
        run_make_way(state, actions);
    } else {
        run_connect(state, actions);
    }
}

static void run_left(struct run_state *state, int code,
                     struct run_actions *actions)
{
    if (state->phase == RUN_LEAVING) {
        run_exit(state, actions);
        return;
    }
    if (state->stream != RUN_STREAM_LEAVING) {
        return;
    }
    if (code != GRPC_STATUS_OK && failure_is_passing(code)) {
        run_pause(state, actions);
        return;
    }
    // It is out, or never was in what the daemon knows.
    state->is_used = false;
    run_do(actions, (struct run_action){.kind = RUN_RENEW});
    run_connect(state, actions);
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
    if (state->phase == RUN_SEEKING) {
        run_finish(state, RUN_EXIT_SIGNAL + number);
    } else if (state->phase == RUN_HOLDING) {
        run_finish(state, state->exit_code);
    } else if (state->phase == RUN_LEAVING) {
        // Somebody is in a hurry; the grace does for leaving.
        run_exit(state, actions);
    }
}

static void run_command_ended(struct run_state *state, int exit_code,
                              struct run_actions *actions)
{
    if (state->group != RUN_GROUP_RUNNING) {
        if (state->takes_code) {
            state->exit_code = exit_code;
        }
        return;
    }
    state->group = RUN_GROUP_ENDING;
    state->exit_code = exit_code;
    if (exit_code == 0 && state->rules.hold_ms > 0) {
        run_move(state, RUN_HOLDING);
        run_do(actions, (struct run_action){.kind = RUN_AWAIT_HOLD,
                                            .time_ms = state->rules.hold_ms});
    } else {
        run_finish(state, exit_code);
    }
}

// Fails, unless the command has succeeded.
static void run_fail(struct run_state *state)
{
    state->takes_code = false;
    run_finish(state, state->phase == RUN_HOLDING ? state->exit_code
                                                  : EXIT_CODE_FAILED);
}

static void run_too_old(struct run_state *state, struct run_actions *actions)
{
    run_fail(state);
    if (state->group == RUN_GROUP_RUNNING) {
        state->group = RUN_GROUP_ENDING;
        run_do(actions,
               (struct run_action){.kind = RUN_END, .number = SIGTERM});
    }
}

static void run_warden_lost(struct run_state *state)
{
    if (state->phase == RUN_HOLDING) {
        // It has nothing left to start.
        return;
    }
    if (state->group == RUN_GROUP_RUNNING) {
        state->group = RUN_GROUP_ENDING;
    }
    run_fail(state);
}

static void run_wait_over(struct run_state *state)
{
    state->is_wait_over = true;
    if (state->phase == RUN_SEEKING && !state->has_started &&
        state->stream == RUN_STREAM_OPENING) {
        run_give_up(state);
    }
}

static void run_state_take(struct run_state *state,
                           const struct run_event *event,
                           struct run_actions *actions)
{
    switch (event->kind) {
    case RUN_BEGUN:
        run_connect(state, actions);
        return;
    case RUN_ANSWERED:
        run_answered(state, event, actions);
        return;
    case RUN_STREAM_OVER:
        run_stream_over(state, event->number, actions);
        return;
    case RUN_PAUSE_OVER:
        run_pause_over(state, actions);
        return;
    case RUN_QUIET:
        state->is_quiet = state->stream == RUN_STREAM_IN;
        return;
    case RUN_CONFIRMED:
        run_confirmed(state, event, actions);
        return;
    case RUN_DENIED:
        run_denied(state, event, actions);
        return;
    case RUN_UNCONFIRMED:
        run_unconfirmed(state, actions);
        return;
    case RUN_TOO_OLD:
        run_too_old(state, actions);
        return;
    case RUN_COMMAND_ENDED:
        run_command_ended(state, event->number, actions);
        return;
    case RUN_GROUP_GONE:
        state->group = RUN_GROUP_NONE;
        return;
    case RUN_OVERDUE:
        if (state->group == RUN_GROUP_RUNNING) {
            run_lost(state);
        }
        return;
    case RUN_WARDEN_LOST:
        run_warden_lost(state);
        return;
    case RUN_SIGNALLED:
        run_signalled(state, event->number, actions);
        return;
    case RUN_LEFT:
        run_left(state, event->number, actions);
        return;
    case RUN_WAIT_OVER:
        run_wait_over(state);
        return;
    case RUN_HOLD_OVER:
        if (state->phase == RUN_HOLDING) {
            run_finish(state, state->exit_code);
        }
        return;
    }
}

void run_state_step(struct run_state *state, const struct run_event *event,
                    struct run_actions *actions)
{
    actions->count = 0;
    if (state->phase == RUN_EXITED) {
        return;
    }
    run_state_take(state, event, actions);
    run_next(state, event->now_ms, actions);
}
