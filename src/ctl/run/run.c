// SPDX-License-Identifier: Apache-2.0
//
// The shell around run_state.c: turns what happens to the stream, the Confirms,
// the warden, the timers and the signals into its events, and does its actions.
//
// Happy path: fork the warden, while this process is alone; then gRPC, whose
// stream says who leads, and whose Confirms until when; the warden starts the
// command; the command ends; the candidate leaves; all is closed.
//
// Failure modes are events of the state. One needs nothing here: a process that
// was stopped or starved, and goes on with what it believed. The warden has
// ended the command in time, and starts none after that time.

#include "ctl/run/run.h"

#include <assert.h>
#include <errno.h>
#include <grpc/status.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "base/container_of.h"
#include "ctl/backoff.h"
#include "ctl/boot_clock.h"
#include "ctl/client.h"
#include "ctl/exit_code.h"
#include "ctl/failure.h"
#include "ctl/line.h"
#include "ctl/run/program.h"
#include "ctl/run/report.h"
#include "ctl/run/run_campaign.h"
#include "ctl/run/run_confirm.h"
#include "ctl/run/run_options.h"
#include "ctl/run/signals.h"
#include "ctl/run/state.h"
#include "ctl/run/terminal.h"
#include "ctl/run/timers.h"
#include "ctl/run/warden.h"
#include "ctl/say.h"

_Static_assert((int)RUN_REASON_CURRENT == ELECTD__V1__REASON__REASON_CURRENT &&
                   (int)RUN_REASON_REPLACED ==
                       ELECTD__V1__REASON__REASON_REPLACED,
               "the reasons have the numbers of the wire");

struct run {
    uv_loop_t loop;
    const struct run_options *options;
    struct run_candidacy candidacy;
    char instance[IDENTITY_INSTANCE_SIZE];
    struct run_state state;
    struct run_report report;
    struct warden warden;
    pid_t front_pgid;
    struct client client;
    struct run_campaign campaign;
    struct run_confirm confirm;
    struct backoff backoff;
    struct run_timers timers;
    struct run_signals signals;
    int exit_code;
};

static void run_feed(struct run *run, struct run_event event);

static void run_timer_cb(struct run_timers *timers, enum run_timer which)
{
    static const enum run_event_kind events[] = {
        [RUN_TIMER_PAUSE] = RUN_PAUSE_OVER,
        [RUN_TIMER_QUIET] = RUN_QUIET,
        [RUN_TIMER_WAIT] = RUN_WAIT_OVER,
        [RUN_TIMER_HOLD] = RUN_HOLD_OVER,
    };
    struct run *run = container_of(timers, struct run, timers);

    if (which == RUN_TIMER_BEAT) {
        run_report_beat(&run->report);
        warden_beat(&run->warden);
    } else {
        run_feed(run, (struct run_event){.kind = events[which]});
    }
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
static void run_close(struct run *run, int exit_code)
{
    run->exit_code = exit_code;
    run_timers_close(&run->timers);
    run_signals_close(&run->signals);
    run_confirm_close(&run->confirm);
    warden_close(&run->warden, run_warden_closed_cb);
    client_close(&run->client, run_client_closed_cb);
}

static void run_act(struct run *run, const struct run_action *action)
{
    switch (action->kind) {
    case RUN_CONNECT:
        run_campaign_open(&run->campaign);
        run_confirm_open(&run->confirm);
        return;
    case RUN_RENEW:
        identity_instance(run->instance);
        return;
    case RUN_PAUSE:
        run_timers_start(&run->timers, RUN_TIMER_PAUSE,
                         backoff_next_ms(&run->backoff));
        return;
    case RUN_STAND_BACK:
        run_timers_start(&run->timers, RUN_TIMER_PAUSE, action->time_ms);
        return;
    case RUN_CANCEL:
        run_campaign_cancel(&run->campaign);
        return;
    case RUN_AWAIT_QUIET:
        run_timers_start(&run->timers, RUN_TIMER_QUIET, action->time_ms);
        return;
    case RUN_START:
        run_report_starting(action->term);
        warden_start(&run->warden, action->term, run->confirm.life,
                     action->time_ms);
        return;
    case RUN_EXTEND:
        warden_extend(&run->warden, action->time_ms);
        return;
    case RUN_END:
        warden_end(&run->warden, action->number,
                   boot_clock_ms() + run->options->times.kill_after_ms);
        return;
    case RUN_PASS_ON:
        warden_pass_on(&run->warden, action->number);
        return;
    case RUN_LEAVE:
        run_campaign_leave(&run->campaign);
        return;
    case RUN_AWAIT_HOLD:
        run_report_holding(action->time_ms);
        run_timers_start(&run->timers, RUN_TIMER_HOLD, action->time_ms);
        return;
    case RUN_EXIT:
        run_close(run, action->number);
        return;
    }
}

static void run_feed(struct run *run, struct run_event event)
{
    bool had_given_up = run->state.has_given_up;
    struct run_actions actions;

    event.now_ms = boot_clock_ms();
    run_state_step(&run->state, &event, &actions);
    if (run->state.has_given_up && !had_given_up) {
        run_report_gave_up(&run->report, &run->state);
    }
    for (size_t i = 0; i < actions.count; i++) {
        run_act(run, &actions.array[i]);
    }
}

// Likewise, for an event that may be the end of the leadership.
static void run_feed_loss(struct run *run, enum run_event_kind kind,
                          const char *reason)
{
    struct run_state before = run->state;

    run_feed(run, (struct run_event){.kind = kind});
    run_report_lost(&run->report, &before, &run->state, reason);
}

static void run_answered_cb(struct run_campaign *campaign,
                            const Electd__V1__CampaignResponse *answer)
{
    struct run *run = container_of(campaign, struct run, campaign);
    struct run_state before = run->state;
    const Google__Protobuf__Duration *earlier = answer->earlier_leader_until;
    bool is_earlier_known =
        earlier != NULL && earlier->seconds >= 0 && earlier->nanos >= 0;
    // No grace is longer than that.
    uint64_t earlier_ms = request_duration_ms(earlier);

    run_report_leader(&run->report, answer->term->leader);
    run_feed(run, (struct run_event){
                      .kind = RUN_ANSWERED,
                      .leads = answer->leads,
                      .term = answer->term->term,
                      .revision = answer->revision,
                      .reason = (enum run_reason)answer->reason,
                      .is_earlier_known = is_earlier_known,
                      .earlier_ms = earlier_ms < REQUEST_GRACE_MS_MAX
                                        ? earlier_ms
                                        : REQUEST_GRACE_MS_MAX,
                  });
    if (run->state.phase == RUN_EXITED) {
        return;
    }
    run_report_answer(&run->report, &before, &run->state, answer->term,
                      run_timers_due_in_ms(&run->timers, RUN_TIMER_QUIET));
    run_confirm_hear(&run->confirm, answer->life, answer->term->term);
}

static void run_over_cb(struct run_campaign *campaign, int code,
                        const char *message)
{
    struct run *run = container_of(campaign, struct run, campaign);
    struct run_state before = run->state;

    run_confirm_stop(&run->confirm);
    run_feed(run, (struct run_event){.kind = RUN_STREAM_OVER, .number = code});
    run_report_over(&run->report, &before, &run->state, code, message);
}

static void run_left_cb(struct run_campaign *campaign, int code,
                        const char *message)
{
    struct run *run = container_of(campaign, struct run, campaign);
    struct run_state before = run->state;

    run_feed(run, (struct run_event){.kind = RUN_LEFT, .number = code});
    if (run->state.stream == RUN_STREAM_PAUSED) {
        run_report_over(&run->report, &before, &run->state, code, message);
    }
}

static const struct run_campaign_callbacks run_campaign_callbacks = {
    .answered_cb = run_answered_cb,
    .over_cb = run_over_cb,
    .left_cb = run_left_cb,
};

static void run_denied(struct run *run, uint64_t term)
{
    struct run_state before = run->state;

    run_feed(run, (struct run_event){.kind = RUN_DENIED, .term = term});
    run_report_lost(&run->report, &before, &run->state, "the daemon says so");
}

// A stream's answer alone may be of a daemon that none of the Confirms reach.
static void run_counts(struct run *run)
{
    run->backoff = (struct backoff){.step_ms = 0};
    run_report_confirmed(&run->report);
}

static void run_silent(struct run *run)
{
    struct run_state before = run->state;

    run_feed_loss(run, RUN_UNCONFIRMED, "the daemon does not answer");
    run_report_makes_way(&run->report, &before, &run->state);
}

static void run_confirm_result_cb(struct run_confirm *confirm,
                                  const struct run_confirm_result *result)
{
    struct run *run = container_of(confirm, struct run, confirm);

    switch (result->news) {
    case RUN_CONFIRM_LEADS:
        run_counts(run);
        run_feed(run, (struct run_event){.kind = RUN_CONFIRMED,
                                         .term = result->term,
                                         .until_ms = result->until_ms});
        return;
    case RUN_CONFIRM_NOT:
        run_counts(run);
        run_denied(run, result->term);
        return;
    case RUN_CONFIRM_FAILED:
        run_report_confirm_failed(&run->report, &run->state, result->code,
                                  result->message);
        return;
    case RUN_CONFIRM_SHORT:
        run_report_confirm_short(&run->report, &run->state);
        return;
    case RUN_CONFIRM_SILENT:
        run_silent(run);
        return;
    case RUN_CONFIRM_OTHER_LIFE:
        run_report_other_life(&run->report);
        run_feed_loss(run, RUN_UNCONFIRMED,
                      "another daemon, or a restarted one, answers");
        return;
    case RUN_CONFIRM_UNKNOWN:
        if (run->state.phase < RUN_FINISHING) {
            run_say("the daemon is older than this electctl: it has no "
                    "Confirm");
        }
        run_feed(run, (struct run_event){.kind = RUN_TOO_OLD});
        return;
    }
}

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
    run_feed_loss(container_of(warden, struct run, warden), RUN_OVERDUE,
                  "it was not confirmed in time");
}

static void run_lost_cb(struct warden *warden)
{
    struct run *run = container_of(warden, struct run, warden);

    run_say("the process that watches over the program has ended%s",
            run->state.group != RUN_GROUP_NONE ? ": the program is killed"
                                               : "");
    run_feed(run, (struct run_event){.kind = RUN_WARDEN_LOST});
}

static const struct warden_callbacks run_warden_callbacks = {
    .ended_cb = run_ended_cb,
    .gone_cb = run_gone_cb,
    .overdue_cb = run_overdue_cb,
    .lost_cb = run_lost_cb,
};

static void run_signal_cb(struct run_signals *signals, int number)
{
    struct run *run = container_of(signals, struct run, signals);

    if (number == SIGCHLD) {
        warden_reap(&run->warden);
    } else {
        run_feed(run,
                 (struct run_event){.kind = RUN_SIGNALLED, .number = number});
    }
}

static void run_init_timers(struct run *run)
{
    const struct run_options *options = run->options;

    run_timers_init(&run->timers, &run->loop, run_timer_cb);
    run_timers_start(&run->timers, RUN_TIMER_BEAT, options->times.beat_ms);
    if (options->wait_ms > 0 && options->wait_ms != RUN_OPTIONS_WAIT_FOREVER) {
        run_timers_start(&run->timers, RUN_TIMER_WAIT, options->wait_ms);
    }
}

static void run_begin(struct run *run)
{
    const struct run_options *options = run->options;
    const struct run_confirm_options confirm_options = {
        .client = &run->client,
        .election = options->election,
        .candidate = options->candidate,
        .instance = run->instance,
        .times = &options->times,
        .opening_ms = options->common.timeout_ms,
    };
    const struct run_rules rules = {
        .retries = options->retries,
        .never_waits = options->wait_ms == 0,
        .start_delay_ms = options->start_delay_ms,
        .start_room_ms = options->times.start_room_ms,
        .stand_back_ms = options->times.stand_back_ms,
        .hold_ms = options->hold_ms,
    };

    run_report_beat(&run->report);
    run_signals_init(&run->signals, &run->loop, run_signal_cb);
    run_init_timers(run);
    run_campaign_init(&run->campaign, &run->client, &run->candidacy,
                      &run_campaign_callbacks);
    run_confirm_init(&run->confirm, &run->loop, &confirm_options,
                     run_confirm_result_cb);
    run_state_init(&run->state, &rules);
    run_feed(run, (struct run_event){.kind = RUN_BEGUN});
}

// Opens what can fail. Returns 0, or an error of libuv.
static int run_open(struct run *run)
{
    const struct client_options client_options = {
        .endpoint = run->options->common.endpoint,
        .keepalive_time_ms = CLIENT_KEEPALIVE_TIME_MS,
        .keepalive_timeout_ms = CLIENT_KEEPALIVE_TIMEOUT_MS,
    };
    const struct warden_options warden_options = {
        .command =
            {
                .arguments = run->options->command,
                .election = run->options->election,
                .candidate = run->options->candidate,
                .front_pgid = run->front_pgid,
            },
        .kill_after_ms = run->options->times.kill_after_ms,
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
                .grace_ms = options->times.grace_ms,
                .confirm_within_ms = options->times.confirm_within_ms,
                .creates = options->creates,
                .timeout_ms = options->common.timeout_ms,
            },
        .report = {.options = options},
    };
    int status;

    if (!run_terminal_leave()) {
        run_say("cannot read /dev/null: %s", strerror(errno));
        return EXIT_CODE_FAILED;
    }
    run.front_pgid = run_terminal_front();
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
    int status;

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
    status = program_find(run_options.command[0]);
    if (status != 0) {
        run_say("cannot run '%s': %s", run_options.command[0],
                strerror(status));
        return program_exit_code(status);
    }
    return run_options_run(&run_options);
}
