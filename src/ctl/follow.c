// SPDX-License-Identifier: Apache-2.0
//
// Happy path: attempt -> (create ->) stream, a line for each message; at a
// signal (leave ->) end, which closes everything.
//
// The loop never waits for whoever reads the output, so that the daemon's pings
// are answered and signals heard: a line that there is no room for is tried
// again now and then, and the stream is paused until it is written. The stream
// is not over before, either: its last lines are printed.
//
// Failure modes: a failure that may pass is told once and tried again after a
// pause that grows, until a message came or the stream has been open for a
// while; a stream that was only answered may have been refused. Any other
// failure ends it. Once it ends, what calls still say is not listened to. A
// second signal does not wait for the first one's leaving.

#include "ctl/follow.h"

#include <assert.h>
#include <grpc/status.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "base/container_of.h"
#include "ctl/backoff.h"
#include "ctl/exit_code.h"
#include "ctl/failure.h"
#include "ctl/line.h"
#include "ctl/say.h"

// A stream that lasts that long was accepted.
#define FOLLOW_SETTLE_MS 200
// How long leaving may take if calls may take for ever.
#define FOLLOW_LEAVE_MS 5000
// In the initial metadata of every stream.
#define FOLLOW_LIFE_KEY "electd-life"
// How often output that nobody reads is tried again.
#define FOLLOW_OUTPUT_MS 20

struct follow {
    const struct follow_plan *plan;
    uv_loop_t loop;
    struct client client;
    struct client_call create;
    struct client_call stream;
    struct client_call leave;
    struct confirmer confirmer;
    // The daemon's, as the last stream told; empty: it did not.
    char life[CONFIRMER_LIFE_SIZE];
    uv_signal_t interrupt;
    uv_signal_t terminate;
    // Runs until the next attempt, or until a stream counts as accepted.
    uv_timer_t timer;
    struct backoff backoff;
    // The line that was begun last, how much of it is written, and where to;
    // the timer runs while it waits for its reader.
    struct line last;
    size_t written;
    int out_fd;
    uv_timer_t output;
    // The stream is open, and was accepted.
    bool is_connected;
    bool was_connected;
    // An outage was told, and its end was not.
    bool is_lost;
    bool is_leaving;
    bool is_ending;
    int exit_code;
};

static void follow_closed_cb(struct client *client)
{
    // Then the loop has nothing left to run for.
    (void)client;
}

static void follow_stop_confirming(struct follow *follow)
{
    if (follow->plan->confirm != NULL && !follow->confirmer.is_closed) {
        confirmer_close(&follow->confirmer);
    }
}

static void follow_end(struct follow *follow, int exit_code)
{
    if (follow->is_ending) {
        return;
    }
    follow->is_ending = true;
    follow->exit_code = exit_code;
    uv_close((uv_handle_t *)&follow->interrupt, NULL);
    uv_close((uv_handle_t *)&follow->terminate, NULL);
    uv_close((uv_handle_t *)&follow->timer, NULL);
    follow_stop_confirming(follow);
    uv_close((uv_handle_t *)&follow->output, NULL);
    client_close(&follow->client, follow_closed_cb);
}

static void follow_no_message_cb(struct client_call *call,
                                 const ProtobufCMessage *message)
{
    // That it came is all there is to it.
    (void)call;
    (void)message;
}

static void follow_left_cb(struct client_call *call, int code,
                           const char *message)
{
    struct follow *follow = container_of(call, struct follow, leave);
    char text[FAILURE_SIZE];

    if (code != GRPC_STATUS_OK && !follow->is_ending) {
        failure_format(code, message, text);
        run_say("the candidate was not withdrawn (%s)", text);
    }
    follow_end(follow, follow->exit_code);
}

// Ends in good order.
static void follow_stop(struct follow *follow, int exit_code)
{
    static const struct client_call_callbacks callbacks = {
        .message_cb = follow_no_message_cb,
        .over_cb = follow_left_cb,
    };
    struct client_request request;

    if (follow->is_leaving || follow->plan->leave == NULL ||
        !follow->is_connected) {
        follow_end(follow, exit_code);
        return;
    }
    follow->is_leaving = true;
    // That it does not lead any more is what was asked for.
    follow_stop_confirming(follow);
    follow->exit_code = exit_code;
    request = *follow->plan->leave;
    request.timeout_ms = follow->plan->options->timeout_ms;
    if (request.timeout_ms == 0) {
        request.timeout_ms = FOLLOW_LEAVE_MS;
    }
    client_call_start(&follow->client, &follow->leave, &request, &callbacks);
}

static void follow_attempt(struct follow *follow);

static void follow_attempt_cb(uv_timer_t *timer)
{
    follow_attempt(container_of(timer, struct follow, timer));
}

static void follow_timer_start(struct follow *follow, uv_timer_cb cb,
                               uint64_t delay_ms)
{
    int status = uv_timer_start(&follow->timer, cb, delay_ms, 0);

    assert(status == 0);
}

// The create call or the stream is over, and nobody has asked for that.
static void follow_failed(struct follow *follow, int code, const char *message)
{
    char text[FAILURE_SIZE];

    follow->is_connected = false;
    if (follow->is_ending || follow->is_leaving) {
        return;
    }
    if (!failure_is_passing(code)) {
        failure_format(code, message, text);
        run_say("%s", text);
        follow_end(follow, EXIT_CODE_FAILED);
        return;
    }
    if (!follow->is_lost) {
        failure_format(code, message, text);
        run_say("%s (%s), trying again",
                follow->was_connected ? "connection lost" : "no connection",
                text);
        follow->is_lost = true;
    }
    follow_timer_start(follow, follow_attempt_cb,
                       backoff_next_ms(&follow->backoff));
}

static void follow_connected(struct follow *follow)
{
    if (follow->is_connected || follow->is_ending) {
        return;
    }
    follow->is_connected = true;
    follow->was_connected = true;
    follow->backoff = (struct backoff){.step_ms = 0};
    uv_timer_stop(&follow->timer);
    if (follow->is_lost) {
        run_say("connected");
        follow->is_lost = false;
    }
}

static void follow_settled_cb(uv_timer_t *timer)
{
    follow_connected(container_of(timer, struct follow, timer));
}

// Terms, and all that was told under them, hold for one life of the daemon.
static void follow_learn_life(struct follow *follow)
{
    char life[CONFIRMER_LIFE_SIZE];

    if (!client_call_metadata(&follow->stream, FOLLOW_LIFE_KEY, life,
                              sizeof life)) {
        return;
    }
    if (follow->life[0] != '\0' && strcmp(life, follow->life) != 0) {
        run_say("another daemon, or a restarted one: terms begin again");
    }
    memcpy(follow->life, life, sizeof life);
}

static void follow_opened_cb(struct client_call *call)
{
    struct follow *follow = container_of(call, struct follow, stream);

    if (!follow->is_ending) {
        follow_learn_life(follow);
    }
    if (!follow->is_ending && !follow->is_connected) {
        follow_timer_start(follow, follow_settled_cb, FOLLOW_SETTLE_MS);
    }
}

static void follow_output_cb(uv_timer_t *timer);

// Writes the line, or what is left of it. True: it is written.
static bool follow_write(struct follow *follow)
{
    int status;

    switch (line_write_some(&follow->last, follow->out_fd, &follow->written)) {
    case LINE_WRITTEN:
        return true;
    case LINE_FAILED:
        follow_stop(follow, EXIT_CODE_FAILED);
        return true;
    case LINE_WAITS:
        break;
    }
    status =
        uv_timer_start(&follow->output, follow_output_cb, FOLLOW_OUTPUT_MS, 0);
    assert(status == 0);
    return false;
}

static void follow_output_cb(uv_timer_t *timer)
{
    struct follow *follow = container_of(timer, struct follow, output);

    if (follow_write(follow)) {
        client_call_resume(&follow->stream);
    }
}

static void follow_print(struct follow *follow, const ProtobufCMessage *message)
{
    struct line line;

    follow->plan->put_cb(line_begin(&line), follow->plan, message,
                         follow->life);
    line_end(&line);
    if (line_equal(&line, &follow->last)) {
        line_free(&line);
        return;
    }
    line_free(&follow->last);
    follow->last = line;
    follow->written = 0;
    if (!follow_write(follow)) {
        client_call_pause(&follow->stream);
    }
}

static void follow_message_cb(struct client_call *call,
                              const ProtobufCMessage *message)
{
    struct follow *follow = container_of(call, struct follow, stream);

    if (follow->is_ending) {
        return;
    }
    follow_connected(follow);
    // Whoever reads the line must find that confirming has begun.
    if (follow->plan->confirm != NULL) {
        confirmer_hear(&follow->confirmer,
                       (const Electd__V1__CampaignResponse *)message);
    }
    follow_print(follow, message);
}

// The daemon takes no Confirm, and never will.
static void follow_refused_cb(struct confirmer *confirmer, int exit_code)
{
    follow_stop(container_of(confirmer, struct follow, confirmer), exit_code);
}

static void follow_over_cb(struct client_call *call, int code,
                           const char *message)
{
    struct follow *follow = container_of(call, struct follow, stream);

    if (code == GRPC_STATUS_OK) {
        message = "the stream ended";
    }
    follow_failed(follow, code, message);
}

static void follow_open(struct follow *follow)
{
    static const struct client_call_callbacks callbacks = {
        .opened_cb = follow_opened_cb,
        .message_cb = follow_message_cb,
        .over_cb = follow_over_cb,
    };

    client_call_start(&follow->client, &follow->stream, follow->plan->stream,
                      &callbacks);
}

static void follow_created_cb(struct client_call *call, int code,
                              const char *message)
{
    struct follow *follow = container_of(call, struct follow, create);

    if (code != GRPC_STATUS_OK) {
        follow_failed(follow, code, message);
    } else if (!follow->is_ending) {
        follow_open(follow);
    }
}

static void follow_attempt(struct follow *follow)
{
    static const struct client_call_callbacks callbacks = {
        .message_cb = follow_no_message_cb,
        .over_cb = follow_created_cb,
    };
    struct client_request request;

    if (follow->plan->create == NULL) {
        follow_open(follow);
        return;
    }
    request = *follow->plan->create;
    request.timeout_ms = follow->plan->options->timeout_ms;
    client_call_start(&follow->client, &follow->create, &request, &callbacks);
}

static void follow_interrupt_cb(uv_signal_t *signal, int number)
{
    (void)number;
    follow_stop(container_of(signal, struct follow, interrupt), EXIT_CODE_DONE);
}

static void follow_terminate_cb(uv_signal_t *signal, int number)
{
    (void)number;
    follow_stop(container_of(signal, struct follow, terminate), EXIT_CODE_DONE);
}

// These fail only when the process has no descriptor left.
static int follow_init_handles(struct follow *follow)
{
    int status = uv_signal_init(&follow->loop, &follow->interrupt);

    if (status == 0) {
        status = uv_signal_init(&follow->loop, &follow->terminate);
    }
    if (status == 0) {
        status = uv_timer_init(&follow->loop, &follow->timer);
    }
    if (status == 0) {
        status = uv_timer_init(&follow->loop, &follow->output);
    }
    if (status == 0) {
        status =
            uv_signal_start(&follow->interrupt, follow_interrupt_cb, SIGINT);
    }
    if (status == 0) {
        status =
            uv_signal_start(&follow->terminate, follow_terminate_cb, SIGTERM);
    }
    return status;
}

int follow_run(const struct follow_plan *plan)
{
    struct follow follow = {.plan = plan, .out_fd = line_descriptor()};
    struct client_options client_options = {
        .endpoint = plan->options->endpoint,
        .keepalive_time_ms = CLIENT_KEEPALIVE_TIME_MS,
        .keepalive_timeout_ms = CLIENT_KEEPALIVE_TIMEOUT_MS,
    };
    int status;

    status = uv_loop_init(&follow.loop);
    if (status == 0) {
        status = follow_init_handles(&follow);
    }
    if (status == 0) {
        status = client_init(&follow.client, &follow.loop, &client_options);
    }
    if (status == 0 && plan->confirm != NULL) {
        status = confirmer_init(&follow.confirmer, &follow.loop, &follow.client,
                                plan->confirm, follow_refused_cb);
    }
    if (status != 0) {
        // The process ends with all of this as it is.
        fprintf(stderr, "electctl: cannot begin: %s\n", uv_strerror(status));
        return EXIT_CODE_FAILED;
    }
    follow_attempt(&follow);
    uv_run(&follow.loop, UV_RUN_DEFAULT);
    status = uv_loop_close(&follow.loop);
    assert(status == 0);
    line_free(&follow.last);
    return follow.exit_code;
}
