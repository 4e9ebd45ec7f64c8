// SPDX-License-Identifier: Apache-2.0
//
// Happy path: the stream's first answer has the daemon's life and a term, which
// is asked about at once, and then once in each period. The time that an answer
// allows counts from before its question was handed to gRPC.
//
// Failure modes:
// - A Confirm that is not answered in time is repeated at once; one that fails
//   sooner, with the next period.
// - None is answered for as long as the stream has promised to confirm: the
//   daemon has given the stream up, or is not there.
// - The stream itself is not answered: the same, after the time of a call.
// - Answers to an earlier stream come later: they are dropped.

#include "ctl/run/run_confirm.h"

#include <assert.h>
#include <grpc/status.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "ctl/boot_clock.h"

static void confirm_timer_cb(uv_timer_t *timer);

static void confirm_start_timer(struct run_confirm *confirm)
{
    int status;

    uv_update_time(confirm->timer.loop);
    status = uv_timer_start(&confirm->timer, confirm_timer_cb,
                            confirm->options.times->confirm_period_ms, 0);
    assert(status == 0);
}

void run_confirm_init(struct run_confirm *confirm, uv_loop_t *loop,
                      const struct run_confirm_options *options,
                      run_confirm_cb *result_cb)
{
    int status;

    *confirm =
        (struct run_confirm){.options = *options, .result_cb = result_cb};
    status = uv_timer_init(loop, &confirm->timer);
    assert(status == 0);
}

static void confirm_tell(struct run_confirm *confirm,
                         struct run_confirm_result result)
{
    confirm->result_cb(confirm, &result);
}

// Have they failed for too long?
static void confirm_judge(struct run_confirm *confirm)
{
    uint64_t within_ms = confirm->options.times->confirm_within_ms;

    if (confirm->is_open && boot_clock_ms() > confirm->heard_ms + within_ms) {
        confirm_tell(confirm,
                     (struct run_confirm_result){.news = RUN_CONFIRM_SILENT});
    }
}

static bool confirm_is_life(const struct run_confirm *confirm, const char *life)
{
    return strcmp(confirm->life, life) == 0;
}

// No lease gives the place away sooner than the grace that was asked for, and
// none was promised more.
static uint64_t confirm_valid_ms(const struct run_confirm *confirm,
                                 const Electd__V1__ConfirmResponse *answer)
{
    uint64_t valid_ms = request_duration_ms(answer->valid_for);
    uint64_t most_ms = run_times_valid_ms(confirm->options.times->grace_ms);

    return valid_ms < most_ms ? valid_ms : most_ms;
}

// A leader that may act too shortly to start its program is not answered: the
// daemon may be stopping, say.
static void confirm_message_cb(struct client_call *call,
                               const ProtobufCMessage *message)
{
    struct run_confirm *confirm = container_of(call, struct run_confirm, call);
    const Electd__V1__ConfirmResponse *answer =
        (const Electd__V1__ConfirmResponse *)message;
    uint64_t valid_ms = confirm_valid_ms(confirm, answer);

    if (confirm->is_stale) {
        return;
    }
    if (!confirm_is_life(confirm, answer->life)) {
        confirm_tell(confirm, (struct run_confirm_result){
                                  .news = RUN_CONFIRM_OTHER_LIFE});
        return;
    }
    if (!answer->leads || valid_ms >= confirm->options.times->start_room_ms) {
        confirm->heard_ms = boot_clock_ms();
        confirm_tell(confirm, (struct run_confirm_result){
                                  .news = answer->leads ? RUN_CONFIRM_LEADS
                                                        : RUN_CONFIRM_NOT,
                                  .term = confirm->asked_term,
                                  .until_ms = confirm->sent_ms + valid_ms,
                              });
    } else {
        confirm_tell(confirm,
                     (struct run_confirm_result){.news = RUN_CONFIRM_SHORT});
        confirm_judge(confirm);
    }
}

static void confirm_ask_if_due(struct run_confirm *confirm);

static void confirm_failed(struct run_confirm *confirm, int code,
                           const char *message)
{
    // Later on, it is a proxy's.
    bool is_unknown = code == GRPC_STATUS_UNIMPLEMENTED &&
                      strcmp(confirm->known_life, confirm->life) != 0;

    confirm_tell(confirm, (struct run_confirm_result){
                              .news = is_unknown ? RUN_CONFIRM_UNKNOWN
                                                 : RUN_CONFIRM_FAILED,
                              .code = code,
                              .message = message,
                          });
    confirm_judge(confirm);
}

static void confirm_over_cb(struct client_call *call, int code,
                            const char *message)
{
    struct run_confirm *confirm = container_of(call, struct run_confirm, call);

    confirm->is_asking = false;
    if (code != GRPC_STATUS_OK && !confirm->is_stale) {
        confirm_failed(confirm, code, message);
    }
    if (!confirm->is_stale) {
        memcpy(confirm->known_life, confirm->life, sizeof confirm->life);
    }
    confirm->is_stale = false;
    confirm_ask_if_due(confirm);
}

static const struct client_call_callbacks confirm_callbacks = {
    .message_cb = confirm_message_cb,
    .over_cb = confirm_over_cb,
};

static void confirm_ask_if_due(struct run_confirm *confirm)
{
    const struct run_confirm_options *options = &confirm->options;

    if (!confirm->is_open || !confirm->is_due || confirm->is_asking ||
        confirm->life[0] == '\0' || options->client->closing) {
        return;
    }
    confirm->is_due = false;
    confirm->is_asking = true;
    confirm->asked_term = confirm->term;
    request_confirm(&confirm->request, options->election, options->candidate,
                    options->instance, confirm->term);
    confirm->request.client.timeout_ms = options->times->confirm_timeout_ms;
    confirm_start_timer(confirm);
    confirm->sent_ms = boot_clock_ms();
    client_call_start(options->client, &confirm->call, &confirm->request.client,
                      &confirm_callbacks);
}

static void confirm_timer_cb(uv_timer_t *timer)
{
    struct run_confirm *confirm =
        container_of(timer, struct run_confirm, timer);
    uint64_t opening_ms = confirm->options.opening_ms;

    confirm->is_due = true;
    confirm_ask_if_due(confirm);
    if (confirm->life[0] == '\0') {
        confirm_start_timer(confirm);
        if (opening_ms > 0 &&
            boot_clock_ms() > confirm->heard_ms + opening_ms) {
            confirm_tell(confirm, (struct run_confirm_result){
                                      .news = RUN_CONFIRM_SILENT});
        }
    }
}

void run_confirm_open(struct run_confirm *confirm)
{
    confirm->is_open = true;
    confirm->life[0] = '\0';
    confirm->term = 0;
    confirm->is_due = false;
    confirm->heard_ms = boot_clock_ms();
    confirm_start_timer(confirm);
}

void run_confirm_hear(struct run_confirm *confirm, const char *life,
                      uint64_t term)
{
    bool is_first = confirm->life[0] == '\0';

    if (is_first) {
        confirm->heard_ms = boot_clock_ms();
        // A daemon that has no life has no Confirm either, and says so.
        snprintf(confirm->life, sizeof confirm->life, "%s",
                 life[0] != '\0' ? life : "-");
    }
    if (is_first || term != confirm->term) {
        confirm->term = term;
        confirm->is_due = true;
        confirm_ask_if_due(confirm);
    }
}

void run_confirm_stop(struct run_confirm *confirm)
{
    confirm->is_open = false;
    uv_timer_stop(&confirm->timer);
    if (confirm->is_asking && !confirm->is_stale) {
        confirm->is_stale = true;
        client_call_cancel(&confirm->call);
    }
}

void run_confirm_close(struct run_confirm *confirm)
{
    confirm->is_open = false;
    uv_close((uv_handle_t *)&confirm->timer, NULL);
}
