// SPDX-License-Identifier: Apache-2.0
//
// Happy path: the Campaign is heard -> Confirm at once, and again a third of
// the promised time, or of the grace, after each was sent; each answer allows
// some time.
//
// Failure modes: a call that fails, or does not come back, allows nothing and
// is made again; what the one before it allowed runs out. An answer that the
// instance does not lead takes back what is left. A daemon without Confirm is
// refused. After a suspend, timers are late: the clock is looked at first.

#include "ctl/confirmer.h"

#include <assert.h>
#include <grpc/status.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "ctl/boot_clock.h"
#include "ctl/failure.h"
#include "ctl/say.h"

// So many calls are sent within the promised time, and within the grace.
#define CONFIRMER_CALLS 3

int confirmer_init(struct confirmer *confirmer, uv_loop_t *loop,
                   struct client *client, const struct confirmer_plan *plan,
                   void (*refused_cb)(struct confirmer *confirmer,
                                      int exit_code))
{
    *confirmer = (struct confirmer){
        .plan = plan,
        .client = client,
        .phase = CONFIRMER_NOT_LEADING,
        .refused_cb = refused_cb,
    };
    return uv_timer_init(loop, &confirmer->timer);
}

void confirmer_close(struct confirmer *confirmer)
{
    confirmer->is_closed = true;
    uv_close((uv_handle_t *)&confirmer->timer, NULL);
}

static bool confirmer_can_move(enum confirmer_phase from,
                               enum confirmer_phase to)
{
    switch (to) {
    case CONFIRMER_NOT_LEADING:
        return true;
    case CONFIRMER_ASKING:
    case CONFIRMER_UNBOUND:
        return from == CONFIRMER_NOT_LEADING;
    case CONFIRMER_ALLOWED:
    case CONFIRMER_OVER:
        return from == CONFIRMER_ASKING || from == CONFIRMER_ALLOWED ||
               from == CONFIRMER_OVER;
    }
    return false;
}

static void confirmer_move(struct confirmer *confirmer,
                           enum confirmer_phase phase)
{
    assert(confirmer_can_move(confirmer->phase, phase));
    confirmer->phase = phase;
}

static void confirmer_allow(struct confirmer *confirmer, uint64_t until_ms)
{
    if (confirmer->phase == CONFIRMER_OVER) {
        run_say("leadership is confirmed again (term %" PRIu64 ")",
                confirmer->term);
    }
    confirmer_move(confirmer, CONFIRMER_ALLOWED);
    confirmer->confirmed_ms = confirmer->sent_ms;
    confirmer->act_until_ms = until_ms;
}

static void confirmer_forbid(struct confirmer *confirmer, uint64_t now_ms)
{
    uint64_t since_ms = now_ms - confirmer->confirmed_ms;

    if (confirmer->phase != CONFIRMER_OVER) {
        run_say("leadership not confirmed for %" PRIu64 ".%" PRIu64
                "s: stop acting (term %" PRIu64 ")",
                since_ms / 1000, since_ms % 1000 / 100, confirmer->term);
    }
    confirmer_move(confirmer, CONFIRMER_OVER);
}

// Looks at the clock.
static void confirmer_expire(struct confirmer *confirmer)
{
    uint64_t now_ms = boot_clock_ms();
    bool is_timed = confirmer->phase == CONFIRMER_ASKING ||
                    confirmer->phase == CONFIRMER_ALLOWED;

    if (is_timed && now_ms >= confirmer->act_until_ms) {
        confirmer_forbid(confirmer, now_ms);
    }
}

static void confirmer_tick_cb(uv_timer_t *timer);

// Until the next call is due, or the allowed time is over.
static void confirmer_wait(struct confirmer *confirmer)
{
    uint64_t now_ms = boot_clock_ms();
    uint64_t until_ms = confirmer->due_ms;
    int status;

    if ((confirmer->phase == CONFIRMER_ASKING ||
         confirmer->phase == CONFIRMER_ALLOWED) &&
        (confirmer->act_until_ms < until_ms || confirmer->is_asking)) {
        until_ms = confirmer->act_until_ms;
    } else if (confirmer->is_asking) {
        uv_timer_stop(&confirmer->timer);
        return;
    }
    status = uv_timer_start(&confirmer->timer, confirmer_tick_cb,
                            until_ms > now_ms ? until_ms - now_ms : 0, 0);
    assert(status == 0);
}

static void confirmer_message_cb(struct client_call *call,
                                 const ProtobufCMessage *message)
{
    struct confirmer *confirmer = container_of(call, struct confirmer, call);
    const Electd__V1__ConfirmResponse *answer =
        (const Electd__V1__ConfirmResponse *)message;
    uint64_t now_ms = boot_clock_ms();
    uint64_t until_ms;

    // What was asked may be about what no longer is.
    if (confirmer->is_closed || confirmer->phase == CONFIRMER_NOT_LEADING ||
        confirmer->phase == CONFIRMER_UNBOUND ||
        confirmer->request.message.confirm.term != confirmer->term) {
        return;
    }
    until_ms = confirmer->sent_ms + request_duration_ms(answer->valid_for);
    if (!answer->leads) {
        confirmer_forbid(confirmer, now_ms);
    } else if (until_ms > now_ms &&
               strcmp(answer->life, confirmer->life) == 0) {
        confirmer_allow(confirmer, until_ms);
    }
}

static void confirmer_over_cb(struct client_call *call, int code,
                              const char *message)
{
    struct confirmer *confirmer = container_of(call, struct confirmer, call);

    confirmer->is_asking = false;
    if (confirmer->is_closed) {
        return;
    }
    if (code == GRPC_STATUS_UNIMPLEMENTED) {
        confirmer->refused_cb(confirmer, failure_report(code, message));
        return;
    }
    confirmer_expire(confirmer);
    confirmer_wait(confirmer);
}

// What comes later than this is of no use: the candidate is taken for dead, or
// what the answer allows is over.
static uint64_t confirmer_limit_ms(const struct confirmer_plan *plan)
{
    bool has_short_grace =
        plan->grace_ms > 0 && plan->grace_ms < plan->within_ms;

    return has_short_grace ? plan->grace_ms : plan->within_ms;
}

static void confirmer_ask(struct confirmer *confirmer)
{
    static const struct client_call_callbacks callbacks = {
        .message_cb = confirmer_message_cb,
        .over_cb = confirmer_over_cb,
    };
    const struct confirmer_plan *plan = confirmer->plan;

    request_confirm(&confirmer->request, plan->election, plan->candidate,
                    plan->instance, confirmer->term);
    confirmer->request.client.timeout_ms = confirmer_limit_ms(plan);
    confirmer->is_asking = true;
    confirmer->sent_ms = boot_clock_ms();
    confirmer->due_ms =
        confirmer->sent_ms + confirmer_limit_ms(plan) / CONFIRMER_CALLS;
    client_call_start(confirmer->client, &confirmer->call,
                      &confirmer->request.client, &callbacks);
}

static void confirmer_tick_cb(uv_timer_t *timer)
{
    struct confirmer *confirmer = container_of(timer, struct confirmer, timer);

    confirmer_expire(confirmer);
    if (!confirmer->is_asking && boot_clock_ms() >= confirmer->due_ms) {
        confirmer_ask(confirmer);
    }
    confirmer_wait(confirmer);
}

static void confirmer_warn(struct confirmer *confirmer)
{
    if (!confirmer->has_warned) {
        run_say("nothing tells this candidate when to stop acting: give %s",
                confirmer->plan->grace_ms == 0 ? "--grace 10s"
                                               : "--confirm-within 3s");
        confirmer->has_warned = true;
    }
}

// It leads in a term in which it did not.
static void confirmer_begin(struct confirmer *confirmer)
{
    const struct confirmer_plan *plan = confirmer->plan;

    if (plan->grace_ms == 0 || plan->within_ms == 0) {
        confirmer_move(confirmer, CONFIRMER_UNBOUND);
        confirmer_warn(confirmer);
        return;
    }
    confirmer_move(confirmer, CONFIRMER_ASKING);
    confirmer->confirmed_ms = boot_clock_ms();
    // To be told soon if there is no answer at all.
    confirmer->act_until_ms =
        confirmer->confirmed_ms + confirmer_limit_ms(plan);
}

void confirmer_hear(struct confirmer *confirmer,
                    const Electd__V1__CampaignResponse *change)
{
    uint64_t term = change->term != NULL ? change->term->term : 0;
    bool is_other;

    if (confirmer->is_closed) {
        return;
    }
    is_other =
        term != confirmer->term ||
        strncmp(change->life, confirmer->life, sizeof confirmer->life - 1) != 0;

    confirmer->term = term;
    snprintf(confirmer->life, sizeof confirmer->life, "%s", change->life);
    if (!change->leads || is_other) {
        confirmer_move(confirmer, CONFIRMER_NOT_LEADING);
    }
    if (change->leads && confirmer->phase == CONFIRMER_NOT_LEADING) {
        confirmer_begin(confirmer);
        confirmer->due_ms = boot_clock_ms();
    }
    if (confirmer->plan->within_ms > 0) {
        confirmer_wait(confirmer);
    }
}
