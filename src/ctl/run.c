// SPDX-License-Identifier: Apache-2.0
//
// The shell around run_state.c: turns what happens to the stream, the warden,
// the timers and the signals into its events, and does its actions.
//
// Happy path: fork the warden, while this process is alone; then gRPC, whose
// stream says who leads; the warden starts the command; the command ends; the
// candidate leaves; all is closed.
//
// Failure modes are events of the state. One is found here: this process was
// stopped, suspended or starved, and finds itself with timers that are over and
// a stream of which it has read nothing. Before anything else is taken in, the
// state hears that it has stalled.

#include "ctl/run.h"

#include <assert.h>
#include <grpc/status.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "core/container_of.h"
#include "ctl/backoff.h"
#include "ctl/boot_clock.h"
#include "ctl/client.h"
#include "ctl/exit_code.h"
#include "ctl/failure.h"
#include "ctl/line.h"
#include "ctl/run_campaign.h"
#include "ctl/run_options.h"
#include "ctl/run_state.h"
#include "ctl/run_terminal.h"
#include "ctl/warden.h"

_Static_assert((int)RUN_REASON_CURRENT == ELECTD__V1__REASON__REASON_CURRENT &&
                   (int)RUN_REASON_DISCONNECTED ==
                       ELECTD__V1__REASON__REASON_DISCONNECTED,
               "the reasons have the numbers of the wire");

// Those that end, and those that are for the command alone.
static const int run_signals[] = {
    SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT,
};

#define RUN_SIGNALS (sizeof run_signals / sizeof run_signals[0])

struct run {
    uv_loop_t loop;
    const struct run_options *options;
    struct run_candidacy candidacy;
    char instance[IDENTITY_INSTANCE_SIZE];
    struct run_state state;
    struct warden warden;
    pid_t front_pgid;
    struct client client;
    struct run_campaign campaign;
    struct backoff backoff;
    // The last failure was told, and nothing has changed since.
    bool is_failing;
    uv_timer_t beat;
    uv_timer_t pause;
    uv_timer_t quiet;
    uv_signal_t child;
    uv_signal_t signals[RUN_SIGNALS];
    // When the loop was last seen to run.
    uint64_t fresh_ms;
    // By when the group would have been told to end, had all gone well.
    uint64_t end_by_ms;
    int exit_code;
};

static void run_timer_start(struct run *run, uv_timer_t *timer,
                            uv_timer_cb over_cb, uint64_t delay_ms)
{
    int status;

    // The loop's idea of the time may be as old as the callback that runs.
    uv_update_time(&run->loop);
    status = uv_timer_start(timer, over_cb, delay_ms, 0);
    assert(status == 0);
}

static void run_feed(struct run *run, struct run_event event);

static void run_pause_cb(uv_timer_t *timer)
{
    run_feed(container_of(timer, struct run, pause),
             (struct run_event){.kind = RUN_PAUSE_OVER});
}

static void run_quiet_cb(uv_timer_t *timer)
{
    run_feed(container_of(timer, struct run, quiet),
             (struct run_event){.kind = RUN_QUIET});
}

static void run_warden_closed_cb(struct warden *warden)
{
    (void)warden;
}

static void run_client_closed_cb(struct client *client)
{
    (void)client;
}

// Closes all; the loop then ends.
static void run_exit(struct run *run, int exit_code)
{
    run->exit_code = exit_code;
    uv_close((uv_handle_t *)&run->beat, NULL);
    uv_close((uv_handle_t *)&run->pause, NULL);
    uv_close((uv_handle_t *)&run->quiet, NULL);
    uv_close((uv_handle_t *)&run->child, NULL);
    for (size_t i = 0; i < RUN_SIGNALS; i++) {
        uv_close((uv_handle_t *)&run->signals[i], NULL);
    }
    warden_close(&run->warden, run_warden_closed_cb);
    client_close(&run->client, run_client_closed_cb);
}

static void run_act(struct run *run, const struct run_action *action)
{
    switch (action->kind) {
    case RUN_CONNECT:
        run_campaign_open(&run->campaign);
        return;
    case RUN_PAUSE:
        run_timer_start(run, &run->pause, run_pause_cb,
                        backoff_next_ms(&run->backoff));
        return;
    case RUN_CANCEL:
        run_campaign_cancel(&run->campaign);
        return;
    case RUN_AWAIT_QUIET:
        run_timer_start(run, &run->quiet, run_quiet_cb,
                        run->options->start_delay_ms);
        return;
    case RUN_START:
        warden_start(&run->warden, action->term, run->fresh_ms);
        return;
    case RUN_END:
        warden_end(&run->warden, action->number,
                   run->end_by_ms + run->options->kill_after_ms);
        return;
    case RUN_PASS_ON:
        warden_pass_on(&run->warden, action->number);
        return;
    case RUN_LEAVE:
        run_campaign_leave(&run->campaign);
        return;
    case RUN_EXIT:
        run_exit(run, action->number);
        return;
    }
}

static void run_step(struct run *run, const struct run_event *event)
{
    struct run_actions actions;

    run_state_step(&run->state, event, &actions);
    for (size_t i = 0; i < actions.count; i++) {
        run_act(run, &actions.array[i]);
    }
}

static void run_stalled(struct run *run)
{
    static const struct run_event stalled = {.kind = RUN_STALLED};
    bool had_command = run->state.group == RUN_GROUP_RUNNING;

    run_step(run, &stalled);
    if (had_command) {
        run_say("leadership lost: electctl was stopped, or too slow");
    }
}

// Sees whether the process has stalled.
static void run_freshen(struct run *run)
{
    uint64_t due_ms = run->fresh_ms + run->options->silence_ms_max;
    uint64_t now_ms = boot_clock_ms();

    run->fresh_ms = now_ms;
    run->end_by_ms = now_ms;
    if (now_ms > due_ms) {
        run->end_by_ms = due_ms;
        run_stalled(run);
        run->end_by_ms = now_ms;
    }
}

static void run_feed(struct run *run, struct run_event event)
{
    run_freshen(run);
    run_step(run, &event);
}

static void run_beat_cb(uv_timer_t *timer)
{
    struct run *run = container_of(timer, struct run, beat);

    run_freshen(run);
    if (!run->state.has_exited) {
        warden_beat(&run->warden);
    }
}

// Says what an answer has changed.
static void run_say_answer(const struct run *run,
                           const struct run_state *before, const char *leader)
{
    const struct run_state *state = &run->state;
    bool is_first = before->stream != RUN_STREAM_IN;

    if (before->group == RUN_GROUP_RUNNING &&
        state->group != RUN_GROUP_RUNNING) {
        run_say("leadership lost: term %" PRIu64 ", %s%s%s leads", state->term,
                leader[0] != '\0' ? "'" : "",
                leader[0] != '\0' ? leader : "nobody",
                leader[0] != '\0' ? "'" : "");
    } else if (state->leads && state->group == RUN_GROUP_NONE &&
               run->options->start_delay_ms > 0 &&
               (is_first || !before->leads || before->term != state->term)) {
        run_say("leads in term %" PRIu64 "; waits in case an earlier leader's "
                "program is still running",
                state->term);
    } else if (!state->leads && is_first) {
        run_say("waits: term %" PRIu64 ", '%s' leads", state->term, leader);
    }
}

static void run_answered_cb(struct run_campaign *campaign,
                            const Electd__V1__CampaignResponse *answer)
{
    struct run *run = container_of(campaign, struct run, campaign);
    struct run_state before = run->state;
    const char *leader = answer->term->leader;

    run->backoff = (struct backoff){.step_ms = 0};
    run->is_failing = false;
    run_feed(run, (struct run_event){
                      .kind = RUN_ANSWERED,
                      .leads = strcmp(leader, run->options->candidate) == 0,
                      .term = answer->term->term,
                      .revision = answer->revision,
                      .reason = (enum run_reason)answer->reason,
                  });
    run_say_answer(run, &before, leader);
}

static void run_over_cb(struct run_campaign *campaign, int code,
                        const char *message)
{
    struct run *run = container_of(campaign, struct run, campaign);
    bool had_command = run->state.group == RUN_GROUP_RUNNING;
    bool was_cancelled = run->state.stream == RUN_STREAM_CANCELLED;
    bool was_finishing = run->state.is_finishing;
    char text[FAILURE_SIZE];

    run_feed(run, (struct run_event){.kind = RUN_STREAM_OVER, .number = code});
    failure_format(code, message, text);
    if (had_command) {
        run_say("leadership lost: %s", text);
    } else if (was_finishing || was_cancelled) {
        return;
    } else if (run->state.is_finishing) {
        run_say("%s", text);
    } else if (!run->is_failing) {
        run->is_failing = true;
        run_say("%s; trying again", text);
    }
}

static void run_left_cb(struct run_campaign *campaign)
{
    run_feed(container_of(campaign, struct run, campaign),
             (struct run_event){.kind = RUN_LEFT});
}

static const struct run_campaign_callbacks run_campaign_callbacks = {
    .answered_cb = run_answered_cb,
    .over_cb = run_over_cb,
    .left_cb = run_left_cb,
};

static void run_ended_cb(struct warden *warden, int exit_code)
{
    run_feed(
        container_of(warden, struct run, warden),
        (struct run_event){.kind = RUN_COMMAND_ENDED, .number = exit_code});
}

static void run_gone_cb(struct warden *warden)
{
    struct run *run = container_of(warden, struct run, warden);

    if (run->front_pgid != 0) {
        run_terminal_take();
    }
    run_feed(run, (struct run_event){.kind = RUN_GROUP_GONE});
}

static void run_overdue_cb(struct warden *warden)
{
    struct run *run = container_of(warden, struct run, warden);

    run_freshen(run);
    run_stalled(run);
}

static void run_lost_cb(struct warden *warden)
{
    run_say("the process that watches over the program has ended");
    run_feed(container_of(warden, struct run, warden),
             (struct run_event){.kind = RUN_WARDEN_LOST});
}

static const struct warden_callbacks run_warden_callbacks = {
    .ended_cb = run_ended_cb,
    .gone_cb = run_gone_cb,
    .overdue_cb = run_overdue_cb,
    .lost_cb = run_lost_cb,
};

static void run_child_cb(uv_signal_t *handle, int number)
{
    (void)number;
    warden_reap(&container_of(handle, struct run, child)->warden);
}

static void run_signal_cb(uv_signal_t *handle, int number)
{
    run_feed(handle->data,
             (struct run_event){.kind = RUN_SIGNALLED, .number = number});
}

// What nohup, or a shell for a command in the background, has ignored stays
// ignored.
static bool run_signal_is_ignored(int number)
{
    struct sigaction action;

    return (number == SIGHUP || number == SIGINT || number == SIGQUIT) &&
           sigaction(number, NULL, &action) == 0 &&
           action.sa_handler == SIG_IGN;
}

// None of this fails in a process that has just begun.
static void run_begin(struct run *run)
{
    uint64_t beat_ms = run->options->silence_ms_max / WARDEN_BEATS;
    int status = uv_timer_init(&run->loop, &run->beat);

    status |= uv_timer_init(&run->loop, &run->pause);
    status |= uv_timer_init(&run->loop, &run->quiet);
    status |= uv_timer_start(&run->beat, run_beat_cb, beat_ms, beat_ms);
    status |= uv_signal_init(&run->loop, &run->child);
    status |= uv_signal_start(&run->child, run_child_cb, SIGCHLD);
    for (size_t i = 0; i < RUN_SIGNALS; i++) {
        status |= uv_signal_init(&run->loop, &run->signals[i]);
        run->signals[i].data = run;
        if (!run_signal_is_ignored(run_signals[i])) {
            status |= uv_signal_start(&run->signals[i], run_signal_cb,
                                      run_signals[i]);
        }
    }
    assert(status == 0);
    run_campaign_init(&run->campaign, &run->client, &run->candidacy,
                      &run_campaign_callbacks);
    run_state_init(&run->state, run->options->retries);
    run->fresh_ms = boot_clock_ms();
    run_feed(run, (struct run_event){.kind = RUN_BEGUN});
}

// Opens what can fail. Returns 0, or an error of libuv.
static int run_open(struct run *run)
{
    const struct client_options client_options = {
        .endpoint = run->options->common.endpoint,
        .keepalive_time_ms = run->options->keepalive_time_ms,
        .keepalive_timeout_ms = run->options->keepalive_timeout_ms,
    };
    const struct warden_options warden_options = {
        .command =
            {
                .arguments = run->options->command,
                .election = run->options->election,
                .candidate = run->options->candidate,
                .front_pgid = run->front_pgid,
            },
        .silence_ms_max = run->options->silence_ms_max,
        .kill_after_ms = run->options->kill_after_ms,
    };
    int status = warden_fork(&run->warden, &warden_options);
    sigset_t all;
    sigset_t before;

    // From the background a line on stderr must not stop electctl.
    signal(SIGTTOU, SIG_IGN);
    if (status == 0) {
        status = uv_loop_init(&run->loop);
    }
    if (status == 0) {
        status = warden_attach(&run->warden, &run->loop, &run_warden_callbacks);
    }
    if (status == 0) {
        // Signals are this thread's: gRPC's own inherit what is blocked here.
        sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        status = client_init(&run->client, &run->loop, &client_options);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return status;
}

static int run_options_run(const struct run_options *options)
{
    struct run run = {
        .options = options,
        .candidacy =
            {
                .election = options->election,
                .candidate = options->candidate,
                .instance = run.instance,
                .grace_ms = options->grace_ms,
                .creates = options->creates,
                .timeout_ms = options->common.timeout_ms,
            },
        .front_pgid = run_terminal_front(),
    };
    int status;

    identity_instance(run.instance);
    status = run_open(&run);
    if (status != 0) {
        // The end of the process closes what is open.
        run_say("cannot begin: %s", uv_strerror(status));
        return EXIT_CODE_FAILED;
    }
    run_begin(&run);
    status = uv_run(&run.loop, UV_RUN_DEFAULT);
    assert(status == 0);
    status = uv_loop_close(&run.loop);
    assert(status == 0);
    return run.exit_code;
}

int run_command(const struct ctl_options *options, int argc, char **argv)
{
    struct run_options run_options;
    char error[RUN_OPTIONS_ERROR_SIZE];

    switch (run_options_parse(&run_options, options, argc, argv, error)) {
    case RUN_OPTIONS_HELP:
        run_options_print_help(stdout);
        return line_flush_stdout() ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
    case RUN_OPTIONS_ERROR:
        run_say("%s", error);
        return EXIT_CODE_USAGE;
    case RUN_OPTIONS_RUN:
        break;
    }
    if (error[0] != '\0') {
        run_say("%s", error);
    }
    return run_options_run(&run_options);
}
