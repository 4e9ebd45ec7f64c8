// SPDX-License-Identifier: Apache-2.0
//
// Unary calls, and how long each takes.
//
//     calls --server HOST:PORT [OPTION]... PATH MESSAGES [PATH MESSAGES]...
//
// Call number i goes to path i mod P, with message (i div P) mod n of that
// path's file. So many calls are in flight on each connection; with one at a
// time on one connection each waits for the one before it.
//
// Closed loop: as soon as a call has ended, its connection starts the next one.
// Open loop (--rate): calls are due at fixed times and start then; one that
// finds as many in flight as may be waits, and its latency counts from when it
// was due, so that a server that stands still is charged for all of them.
//
// A lost connection ends its calls as "lost" and starts no more.

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <utlist.h>

#include "load/arguments.h"
#include "load/dial.h"
#include "load/h2_client.h"
#include "load/messages.h"
#include "load/samples.h"
#include "support/stopwatch.h"

#define PATHS_MAX 64
#define NS_PER_S INT64_C(1000000000)
#define NO_LATENCY INT64_C(-1)

// Room for one call in flight.
struct slot {
    struct h2_call call;
    struct h2_client *client;
    size_t number;
    int64_t start_ns;
    // The slots without a call in an open loop.
    struct slot *prev;
    struct slot *next;
};

static struct {
    const char *server;
    const char *latencies_file;
    size_t connections;
    size_t in_flight;
    size_t count;
    double rate;
    size_t paths_count;
    const char *paths[PATHS_MAX];
    struct messages messages[PATHS_MAX];
} options = {.connections = 1, .in_flight = 1};

static struct {
    struct h2_loop loop;
    struct h2_client *clients;
    struct slot *slots;
    struct slot *idle;
    int timer_fd;
    // The call for which the timer is set.
    size_t timed;
    // The next call's number, and how many are in flight.
    size_t next;
    size_t open;
    int64_t start_ns;
    int64_t end_ns;
    // By number of the call; NO_LATENCY of those that were lost.
    int64_t *latencies_ns;
    size_t statuses[H2_STATUS_MAX + 1];
    size_t reset;
    size_t lost;
} run = {.timed = SIZE_MAX};

static bool is_open_loop(void)
{
    return options.rate > 0;
}

static int64_t due_ns(size_t number)
{
    return run.start_ns +
           (int64_t)((double)number * (double)NS_PER_S / options.rate);
}

// Does nothing if there is no call left or the connection takes none.
static void start_next(struct slot *slot, int64_t now_ns)
{
    size_t path = run.next % options.paths_count;
    const struct messages *messages = &options.messages[path];
    size_t message = run.next / options.paths_count % messages->count;

    if (run.next == options.count ||
        !h2_call_start(slot->client, &slot->call, options.paths[path],
                       &messages->all[message])) {
        return;
    }
    slot->number = run.next;
    slot->start_ns = is_open_loop() ? due_ns(run.next) : now_ns;
    run.next++;
    run.open++;
}

// Sets the timer to when the next call is due.
static void set_timer(void)
{
    struct itimerspec at = {.it_value.tv_sec = 0};
    int64_t next_ns;

    if (run.timed == run.next || run.next == options.count) {
        return;
    }
    next_ns = due_ns(run.next);
    at.it_value.tv_sec = next_ns / NS_PER_S;
    at.it_value.tv_nsec = next_ns % NS_PER_S;
    (void)timerfd_settime(run.timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
    run.timed = run.next;
}

// Starts what is due, each call on the slot that has been idle for longest.
static void start_due(void)
{
    int64_t now_ns = stopwatch_ns();
    struct h2_client *written = NULL;

    while (run.idle != NULL && run.next < options.count &&
           due_ns(run.next) <= now_ns) {
        struct slot *slot = run.idle;

        DL_DELETE(run.idle, slot);
        if (written != NULL && written != slot->client) {
            h2_client_flush(written);
        }
        written = slot->client;
        start_next(slot, now_ns);
    }
    if (written != NULL) {
        h2_client_flush(written);
    }
    if (run.idle != NULL) {
        set_timer();
    }
}

static void count_status(int status)
{
    if (status == H2_STATUS_LOST) {
        run.lost++;
    } else if (status == H2_STATUS_RESET) {
        run.reset++;
    } else {
        run.statuses[status]++;
    }
}

static void on_ended(struct h2_call *call, int status)
{
    struct slot *slot = (struct slot *)call;
    int64_t now_ns = stopwatch_ns();

    run.open--;
    run.end_ns = now_ns;
    run.latencies_ns[slot->number] =
        status == H2_STATUS_LOST ? NO_LATENCY : now_ns - slot->start_ns;
    count_status(status);
    if (is_open_loop() && run.next < options.count &&
        due_ns(run.next) > now_ns) {
        DL_APPEND(run.idle, slot);
        set_timer();
    } else {
        start_next(slot, now_ns);
    }
}

static bool connect_all(void)
{
    run.clients = calloc(options.connections, sizeof *run.clients);
    if (run.clients == NULL) {
        perror("calls");
        exit(1);
    }
    for (size_t i = 0; i < options.connections; i++) {
        if (!h2_client_connect(&run.clients[i], &run.loop, options.server,
                               H2_WINDOWS_OPEN)) {
            // Those that are not there count as closed.
            options.connections = i;
            return false;
        }
    }
    return h2_loop_await_ready(&run.loop, options.connections);
}

static void make_slots(void)
{
    static const struct h2_call_callbacks callbacks = {.ended_cb = on_ended};
    size_t count = options.connections * options.in_flight;

    run.slots = calloc(count, sizeof *run.slots);
    run.latencies_ns = calloc(options.count, sizeof *run.latencies_ns);
    run.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (run.slots == NULL || run.latencies_ns == NULL || run.timer_fd == -1 ||
        !h2_loop_add(&run.loop, run.timer_fd)) {
        perror("calls");
        exit(1);
    }
    for (size_t i = 0; i < count; i++) {
        run.slots[i].call.callbacks = &callbacks;
        run.slots[i].client = &run.clients[i / options.in_flight];
        // The open loop takes them in turn, one of each connection.
        if (is_open_loop()) {
            size_t turn = i % options.connections * options.in_flight +
                          i / options.connections;

            DL_APPEND(run.idle, &run.slots[turn]);
        }
    }
}

static bool make_calls(void)
{
    bool is_patient = true;

    run.start_ns = stopwatch_ns();
    run.end_ns = run.start_ns;
    if (is_open_loop()) {
        start_due();
    }
    for (size_t i = 0; i < options.connections && !is_open_loop(); i++) {
        for (size_t j = 0; j < options.in_flight; j++) {
            start_next(&run.slots[i * options.in_flight + j], stopwatch_ns());
        }
        h2_client_flush(&run.clients[i]);
    }
    while (run.open > 0 || (run.next < options.count && is_open_loop() &&
                            run.loop.clients_lost < options.connections)) {
        is_patient = h2_loop_turn(&run.loop);
        if (run.loop.is_woken) {
            start_due();
        }
        if (!is_patient && run.open > 0) {
            (void)fprintf(stderr, "calls: %zu calls are not answered\n",
                          run.open);
            return false;
        }
    }
    return true;
}

static bool write_latencies(void)
{
    FILE *file = fopen(options.latencies_file, "we");
    bool is_written = file != NULL;

    for (size_t i = 0; i < run.next && is_written; i++) {
        if (run.latencies_ns[i] != NO_LATENCY) {
            is_written =
                fprintf(file, "%.1f\n", (double)run.latencies_ns[i] / 1000) > 0;
        }
    }
    if (file != NULL && fclose(file) != 0) {
        is_written = false;
    }
    if (!is_written) {
        perror(options.latencies_file);
    }
    return is_written;
}

static void print_statuses(void)
{
    const char *comma = "";

    printf("\"statuses\":{");
    for (unsigned i = 0; i <= H2_STATUS_MAX; i++) {
        if (run.statuses[i] > 0) {
            printf("%s\"%u\":%zu", comma, i, run.statuses[i]);
            comma = ",";
        }
    }
    if (run.reset > 0) {
        printf("%s\"h2\":%zu", comma, run.reset);
        comma = ",";
    }
    if (run.lost > 0) {
        printf("%s\"lost\":%zu", comma, run.lost);
    }
    printf("}");
}

static void print_results(void)
{
    double seconds = (double)(run.end_ns - run.start_ns) / (double)NS_PER_S;
    size_t made = run.next - run.open;
    size_t answered = made - run.lost;
    const int64_t *sorted = run.latencies_ns + (run.next - answered);

    // Those without a latency come first.
    samples_sort(run.latencies_ns, run.next);
    printf("{\"calls\":%zu,", made);
    print_statuses();
    printf(",\"seconds\":%.6f,\"rate\":%.1f,", seconds,
           seconds > 0 ? (double)made / seconds : 0);
    samples_print("p50_us", samples_per_mille_us(sorted, answered, 500));
    printf(",");
    samples_print("p99_us", samples_per_mille_us(sorted, answered, 990));
    printf(",");
    samples_print("p999_us", samples_per_mille_us(sorted, answered, 999));
    printf(",");
    samples_print("max_us", samples_per_mille_us(sorted, answered, 1000));
    printf("}\n");
}

static bool read_option(int option)
{
    switch (option) {
    case 's':
        options.server = optarg;
        return true;
    case 'l':
        options.latencies_file = optarg;
        return true;
    case 'c':
        return argument_count(optarg, 1, &options.connections);
    case 'm':
        return argument_count(optarg, 1, &options.in_flight);
    case 'n':
        return argument_count(optarg, 1, &options.count);
    case 'r':
        return argument_rate(optarg, &options.rate);
    default:
        return false;
    }
}

static bool read_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"server", required_argument, NULL, 's'},
        {"connections", required_argument, NULL, 'c'},
        {"in-flight", required_argument, NULL, 'm'},
        {"count", required_argument, NULL, 'n'},
        {"rate", required_argument, NULL, 'r'},
        {"latencies", required_argument, NULL, 'l'},
        {NULL, 0, NULL, 0},
    };
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "+", names, NULL)) != -1) {
        if (!read_option(option)) {
            return false;
        }
    }
    if (options.server == NULL || optind == argc || (argc - optind) % 2 != 0 ||
        argc - optind > 2 * PATHS_MAX) {
        return false;
    }
    return true;
}

// PATH MESSAGES, once or more.
static bool read_paths(char **arguments)
{
    size_t longest = 0;

    for (; arguments[0] != NULL; arguments += 2) {
        struct messages *messages = &options.messages[options.paths_count];

        if (!messages_read(messages, arguments[1])) {
            return false;
        }
        options.paths[options.paths_count++] = arguments[0];
        if (messages->count > longest) {
            longest = messages->count;
        }
    }
    if (options.count == 0) {
        options.count = longest * options.paths_count;
    }
    return true;
}

static void release(void)
{
    for (size_t i = 0; i < options.connections; i++) {
        h2_client_close(&run.clients[i]);
    }
    h2_loop_close(&run.loop);
    if (run.slots != NULL) {
        close(run.timer_fd);
    }
    free(run.clients);
    free(run.slots);
    free(run.latencies_ns);
}

int main(int argc, char **argv)
{
    bool is_good;

    if (!read_options(argc, argv)) {
        (void)fprintf(stderr,
                      "usage: %s --server HOST:PORT [--connections C]\n"
                      "  [--in-flight M] [--count N] [--rate R]\n"
                      "  [--latencies FILE] PATH MESSAGES "
                      "[PATH MESSAGES]...\n",
                      argv[0]);
        return 2;
    }
    is_good = read_paths(argv + optind);
    if (is_good) {
        dial_raise_limit();
        h2_loop_init(&run.loop);
        is_good = connect_all();
        if (is_good) {
            make_slots();
            is_good = make_calls();
            if (options.latencies_file != NULL) {
                is_good = write_latencies() && is_good;
            }
            print_results();
        }
        release();
    }
    for (size_t i = 0; i < options.paths_count; i++) {
        messages_free(&options.messages[i]);
    }
    return is_good ? 0 : 1;
}
