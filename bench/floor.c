// SPDX-License-Identifier: Apache-2.0
//
// The floor: what gRPC C-core costs by itself. A server that answers the calls
// of LeaderElection with constant bytes: it parses nothing and knows nothing.
// One thread waits for completions and starts the batches. Anoint sends one
// slice to every open Watch.
//
//     floor [--listen HOST:PORT]
//
// Serves until it is killed, and says where in a line of electd's form.

#include <assert.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>

// As many of each method as electd arms: RPC_ARMED_CALLS.
#define ARMED_CALLS 8
#define SERVICE "/atomix.runtime.election.v1.LeaderElection/"

// A Term of a leader "n1" and a queue of "n2", in the field `term`.
static const char answer_bytes[] = "\x0a\x0a\x08\x01\x12\x02n1\x1a\x02n2";

static const char *const paths[] = {
    SERVICE "Create",  SERVICE "Close",   SERVICE "Enter",  SERVICE "Withdraw",
    SERVICE "Anoint",  SERVICE "Promote", SERVICE "Demote", SERVICE "Evict",
    SERVICE "GetTerm", SERVICE "Watch",
};

enum {
    ANOINT = 4,
    WATCH = 9,
    METHODS = sizeof paths / sizeof paths[0],
};

// What a completion is about. Its address is the tag.
enum step {
    ARRIVED,
    OPENED,
    SENT,
    ENDED,
    STEPS,
};

struct call;

struct tag {
    struct call *call;
    enum step step;
};

struct call {
    struct tag tags[STEPS];
    unsigned method;
    unsigned pending;
    bool has_ended;
    bool is_sending;
    // Messages that wait until the one before them is sent.
    unsigned waiting;
    grpc_call *call;
    grpc_metadata_array metadata;
    gpr_timespec deadline;
    grpc_byte_buffer *received;
    int cancelled;
    // The open streams.
    struct call *prev;
    struct call *next;
};

static grpc_server *server;
static grpc_completion_queue *queue;
static void *methods[METHODS];
static grpc_slice answer;
static struct call *streams;

static void arm(unsigned method)
{
    struct call *call = calloc(1, sizeof *call);
    grpc_call_error error;

    assert(call != NULL);
    for (unsigned i = 0; i < STEPS; i++) {
        call->tags[i] = (struct tag){call, (enum step)i};
    }
    call->method = method;
    call->pending = 1;
    grpc_metadata_array_init(&call->metadata);
    error = grpc_server_request_registered_call(
        server, methods[method], &call->call, &call->deadline, &call->metadata,
        &call->received, queue, queue, &call->tags[ARRIVED]);
    assert(error == GRPC_CALL_OK);
}

static void start(struct call *call, const grpc_op *ops, size_t count,
                  enum step step)
{
    grpc_call_error error =
        grpc_call_start_batch(call->call, ops, count, &call->tags[step], NULL);

    assert(error == GRPC_CALL_OK);
    call->pending++;
}

static void send_answer(struct call *call)
{
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&answer, 1);
    grpc_op ops[4] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = message},
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER},
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
         .data.recv_close_on_server.cancelled = &call->cancelled},
    };

    start(call, ops, 4, ENDED);
    grpc_byte_buffer_destroy(message);
}

static void open_stream(struct call *call)
{
    grpc_op close = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                     .data.recv_close_on_server.cancelled = &call->cancelled};
    grpc_op open = {.op = GRPC_OP_SEND_INITIAL_METADATA};

    start(call, &close, 1, ENDED);
    start(call, &open, 1, OPENED);
    call->next = streams;
    if (streams != NULL) {
        streams->prev = call;
    }
    streams = call;
}

static void close_stream(struct call *call)
{
    if (call->prev != NULL) {
        call->prev->next = call->next;
    } else {
        streams = call->next;
    }
    if (call->next != NULL) {
        call->next->prev = call->prev;
    }
}

static void send_message(struct call *call)
{
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&answer, 1);
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE,
                  .data.send_message.send_message = message};

    call->is_sending = true;
    start(call, &op, 1, SENT);
    grpc_byte_buffer_destroy(message);
}

static void fan_out(void)
{
    for (struct call *call = streams; call != NULL; call = call->next) {
        if (call->is_sending) {
            call->waiting++;
        } else {
            send_message(call);
        }
    }
}

// A client may ask for the next change before the completion of the last one
// has been seen here.
static void message_sent(struct call *call)
{
    call->is_sending = false;
    if (call->waiting > 0 && !call->has_ended) {
        call->waiting--;
        send_message(call);
    }
}

static void release(struct call *call)
{
    grpc_call_unref(call->call);
    grpc_metadata_array_destroy(&call->metadata);
    free(call);
}

static void begin(struct call *call)
{
    arm(call->method);
    if (call->received != NULL) {
        grpc_byte_buffer_destroy(call->received);
    }
    if (call->method == WATCH) {
        open_stream(call);
        return;
    }
    if (call->method == ANOINT) {
        fan_out();
    }
    send_answer(call);
}

static void step(struct tag *tag)
{
    struct call *call = tag->call;

    call->pending--;
    switch (tag->step) {
    case ARRIVED:
        begin(call);
        break;
    case SENT:
        message_sent(call);
        break;
    case ENDED:
        call->has_ended = true;
        if (call->method == WATCH) {
            close_stream(call);
        }
        break;
    case OPENED:
    case STEPS:
        break;
    }
    if (call->has_ended && call->pending == 0) {
        release(call);
    }
}

static void listen_on(const char *address)
{
    grpc_server_credentials *credentials =
        grpc_insecure_server_credentials_create();
    char host[128];
    char *colon;
    int port = grpc_server_add_http2_port(server, address, credentials);

    grpc_server_credentials_release(credentials);
    if (port == 0) {
        (void)fprintf(stderr, "floor: cannot listen on %s\n", address);
        exit(1);
    }
    (void)snprintf(host, sizeof host, "%s", address);
    colon = strrchr(host, ':');
    if (colon != NULL) {
        *colon = '\0';
    }
    grpc_server_start(server);
    (void)fprintf(stderr, "event=ready listen=%s:%d\n", host, port);
}

int main(int argc, char **argv)
{
    const char *address = "127.0.0.1:0";
    grpc_arg reuse = {.type = GRPC_ARG_INTEGER,
                      .key = (char *)(uintptr_t)GRPC_ARG_ALLOW_REUSEPORT,
                      .value.integer = 0};
    grpc_channel_args arguments = {1, &reuse};
    grpc_event event;

    if (argc == 3 && strcmp(argv[1], "--listen") == 0) {
        address = argv[2];
    } else if (argc != 1) {
        (void)fprintf(stderr, "usage: %s [--listen HOST:PORT]\n", argv[0]);
        return 2;
    }
    grpc_init();
    answer =
        grpc_slice_from_static_buffer(answer_bytes, sizeof answer_bytes - 1);
    queue = grpc_completion_queue_create_for_next(NULL);
    server = grpc_server_create(&arguments, NULL);
    grpc_server_register_completion_queue(server, queue, NULL);
    for (unsigned i = 0; i < METHODS; i++) {
        methods[i] = grpc_server_register_method(
            server, paths[i], NULL, GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER,
            0);
    }
    listen_on(address);
    for (unsigned i = 0; i < METHODS * ARMED_CALLS; i++) {
        arm(i % METHODS);
    }
    for (;;) {
        event = grpc_completion_queue_next(
            queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        if (event.type == GRPC_OP_COMPLETE) {
            step(event.tag);
        }
    }
}
