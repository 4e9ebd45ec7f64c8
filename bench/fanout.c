// SPDX-License-Identifier: Apache-2.0
//
// Many open streams, and how long a change takes to reach them.
//
//     fanout --server HOST:PORT --watchers N --connections C [OPTION]...
//         --watch PATH MESSAGES --change PATH MESSAGES
//
// Opens the streams, evenly over the connections, and waits until each has its
// response's headers, and with --greeting its first message. Then makes the
// changes, one after the other, on a connection of their own: each until the
// expected number of messages has come to the watchers and the change itself
// was answered. A time counts from just before the change was written until the
// message was read.
//
// Stalled streams have a connection each and never allow the server a byte of a
// message. With --interactive the program waits for a line on stdin, or its
// end, before the changes and again before it closes everything.
//
// A stream that ends, a change that fails, a message that nobody expects and a
// server that is silent for long are failures: exit status 1.

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load/arguments.h"
#include "load/dial.h"
#include "load/h2_client.h"
#include "load/messages.h"
#include "load/samples.h"
#include "support/stopwatch.h"

// A path, and what is sent to it.
struct target {
    const char *path;
    struct messages messages;
};

static struct {
    const char *server;
    size_t watchers;
    size_t connections;
    size_t changes;
    size_t expect;
    bool has_expect;
    size_t stalled;
    int has_greeting;
    int is_interactive;
    struct target watch;
    struct target change;
    const char *watch_file;
    const char *change_file;
} options = {.changes = 10};

// Its stream has opened: it has its headers, and its greeting if there is one.
struct watcher {
    struct h2_call call;
    bool is_stalled;
    bool has_headers;
    bool has_opened;
};

static struct {
    struct h2_loop loop;
    // Those of the watchers, one for each stalled one, and the changes'.
    struct h2_client *clients;
    size_t clients_count;
    struct h2_client *changer;
    struct watcher *watchers;
    size_t opened;
    bool has_failed;
    struct h2_call change;
    bool is_changing;
    int64_t change_ns;
    // Those of one change after those of the other.
    int64_t *arrivals_ns;
    size_t arrived;
    size_t expected;
} run;

// Keeps the first failure; what follows from it says nothing.
static void fail(const char *what, int status)
{
    static const char *const names[] = {"lost connection", "reset"};

    if (run.has_failed) {
        return;
    }
    run.has_failed = true;
    if (status > 0) {
        (void)fprintf(stderr, "fanout: %s: grpc-status %d\n", what, status);
    } else if (status < 0) {
        (void)fprintf(stderr, "fanout: %s: %s\n", what,
                      names[status == H2_STATUS_RESET]);
    } else {
        (void)fprintf(stderr, "fanout: %s\n", what);
    }
}

static void *allocate(size_t count, size_t size)
{
    // calloc() may return NULL for nothing.
    void *memory = calloc(count > 0 ? count : 1, size);

    if (memory == NULL) {
        perror("fanout");
        exit(1);
    }
    return memory;
}

static void on_opened(struct h2_call *call)
{
    struct watcher *watcher = (struct watcher *)call;

    watcher->has_headers = true;
    if (!options.has_greeting || watcher->is_stalled) {
        watcher->has_opened = true;
        run.opened++;
    }
}

static void on_message(struct h2_call *call)
{
    struct watcher *watcher = (struct watcher *)call;

    if (!watcher->has_opened) {
        watcher->has_opened = true;
        run.opened++;
    } else if (run.arrived == run.expected) {
        fail("more messages than expected: see --greeting and --expect", 0);
    } else {
        run.arrivals_ns[run.arrived++] = stopwatch_ns() - run.change_ns;
    }
}

static void on_watch_ended(struct h2_call *call, int status)
{
    (void)call;
    fail("a watcher's stream has ended", status);
}

static void on_change_ended(struct h2_call *call, int status)
{
    (void)call;
    run.is_changing = false;
    if (status != 0) {
        fail("a change was refused", status);
    }
}

static bool connect_all(void)
{
    size_t count = options.connections + options.stalled + 1;

    run.clients = allocate(count, sizeof *run.clients);
    for (size_t i = 0; i < count; i++) {
        bool is_stalled = i >= options.connections && i < count - 1;

        if (!h2_client_connect(&run.clients[i], &run.loop, options.server,
                               is_stalled ? H2_WINDOWS_CLOSED
                                          : H2_WINDOWS_OPEN)) {
            return false;
        }
        run.clients_count++;
    }
    run.changer = &run.clients[count - 1];
    return h2_loop_await_ready(&run.loop, count);
}

// Turns the loop until that is so. False if something has failed.
static bool await(bool (*is_so)(void), const char *what)
{
    while (!run.has_failed && !is_so()) {
        if (!h2_loop_turn(&run.loop)) {
            fail(what, 0);
        }
    }
    return !run.has_failed;
}

static bool all_are_open(void)
{
    return run.opened == options.watchers + options.stalled;
}

static bool change_is_over(void)
{
    return !run.is_changing && run.arrived == run.expected;
}

static bool open_streams(void)
{
    static const struct h2_call_callbacks callbacks = {
        .opened_cb = on_opened,
        .message_cb = on_message,
        .ended_cb = on_watch_ended,
    };
    const struct messages *messages = &options.watch.messages;
    size_t count = options.watchers + options.stalled;

    run.watchers = allocate(count, sizeof *run.watchers);
    for (size_t i = 0; i < count; i++) {
        struct watcher *watcher = &run.watchers[i];
        size_t client = i % options.connections;

        watcher->is_stalled = i >= options.watchers;
        if (watcher->is_stalled) {
            client = options.connections + i - options.watchers;
        }
        watcher->call.callbacks = &callbacks;
        if (!h2_call_start(&run.clients[client], &watcher->call,
                           options.watch.path,
                           &messages->all[i % messages->count])) {
            fail("a stream cannot be opened", 0);
            return false;
        }
    }
    for (size_t i = 0; i < run.clients_count; i++) {
        h2_client_flush(&run.clients[i]);
    }
    if (!await(all_are_open, "the server is silent")) {
        (void)fprintf(stderr, "fanout: %zu of %zu streams were open\n",
                      run.opened, count);
        return false;
    }
    return true;
}

static bool make_changes(void)
{
    static const struct h2_call_callbacks callbacks = {
        .ended_cb = on_change_ended,
    };
    const struct messages *messages = &options.change.messages;

    run.change.callbacks = &callbacks;
    for (size_t i = 0; i < options.changes; i++) {
        run.is_changing = true;
        run.expected += options.expect;
        run.change_ns = stopwatch_ns();
        if (!h2_call_start(run.changer, &run.change, options.change.path,
                           &messages->all[i % messages->count])) {
            fail("a change cannot be sent", 0);
            return false;
        }
        h2_client_flush(run.changer);
        if (!await(change_is_over, "the server is silent")) {
            (void)fprintf(stderr,
                          "fanout: change %zu: %zu of %zu messages came\n", i,
                          run.arrived - i * options.expect, options.expect);
            return false;
        }
    }
    return true;
}

// Waits for a line while the loop turns: a server may want its pings answered.
static bool await_line(void)
{
    // What cannot be waited for, a plain file, is always ready.
    bool is_waited_for = h2_loop_add(&run.loop, STDIN_FILENO);
    char byte = '\0';

    while (!run.has_failed && byte != '\n') {
        (void)h2_loop_turn(&run.loop);
        if (run.loop.is_woken || !is_waited_for) {
            while (byte != '\n' && read(STDIN_FILENO, &byte, 1) == 1) {
            }
            // The line, or the end of the file.
            byte = '\n';
        }
    }
    if (is_waited_for) {
        h2_loop_remove(&run.loop, STDIN_FILENO);
    }
    return !run.has_failed;
}

// The first, the median and the last time of sorted ones, in that order.
static void print_times(const double us[3])
{
    samples_print("first_us", us[0]);
    printf(",");
    samples_print("median_us", us[1]);
    printf(",");
    samples_print("last_us", us[2]);
}

static void print_results(void)
{
    static const unsigned per_mille[] = {0, 500, 1000};
    int64_t *medians_ns = allocate(3 * options.changes, sizeof *medians_ns);
    double us[3];

    printf("{\"event\":\"measured\",\"changes\":[");
    for (size_t i = 0; i < options.changes; i++) {
        int64_t *arrivals_ns = run.arrivals_ns + i * options.expect;

        samples_sort(arrivals_ns, options.expect);
        for (unsigned j = 0; j < 3; j++) {
            us[j] =
                samples_per_mille_us(arrivals_ns, options.expect, per_mille[j]);
            medians_ns[j * options.changes + i] =
                options.expect > 0 ? (int64_t)(us[j] * 1000) : 0;
        }
        printf("%s{", i > 0 ? "," : "");
        print_times(us);
        printf("}");
    }
    for (unsigned j = 0; j < 3; j++) {
        samples_sort(medians_ns + j * options.changes, options.changes);
        us[j] =
            samples_per_mille_us(medians_ns + j * options.changes,
                                 options.expect > 0 ? options.changes : 0, 500);
    }
    printf("],");
    print_times(us);
    samples_sort(run.arrivals_ns, run.arrived);
    printf(",");
    samples_print("p99_us",
                  samples_per_mille_us(run.arrivals_ns, run.arrived, 990));
    printf("}\n");
    (void)fflush(stdout);
    free(medians_ns);
}

static bool measure(void)
{
    int64_t start_ns = stopwatch_ns();

    if (!connect_all() || !open_streams()) {
        return false;
    }
    printf("{\"event\":\"open\",\"seconds\":%.6f}\n",
           stopwatch_ms_since(start_ns) / 1000);
    (void)fflush(stdout);
    if (options.is_interactive && !await_line()) {
        return false;
    }
    run.arrivals_ns =
        allocate(options.changes * options.expect, sizeof *run.arrivals_ns);
    if (!make_changes()) {
        return false;
    }
    print_results();
    return !options.is_interactive || await_line();
}

static bool read_option(int option, char **argv)
{
    switch (option) {
    case 0:
        return true;
    case 's':
        options.server = optarg;
        return true;
    case 'n':
        return argument_count(optarg, 0, &options.watchers);
    case 'c':
        return argument_count(optarg, 1, &options.connections);
    case 'k':
        return argument_count(optarg, 0, &options.changes);
    case 'e':
        options.has_expect = true;
        return argument_count(optarg, 0, &options.expect);
    case 'z':
        return argument_count(optarg, 0, &options.stalled);
    case 'W':
        options.watch.path = optarg;
        options.watch_file = argv[optind++];
        return options.watch_file != NULL;
    case 'C':
        options.change.path = optarg;
        options.change_file = argv[optind++];
        return options.change_file != NULL;
    default:
        return false;
    }
}

static bool read_options(int argc, char **argv)
{
    static const struct option names[] = {
        {"server", required_argument, NULL, 's'},
        {"watchers", required_argument, NULL, 'n'},
        {"connections", required_argument, NULL, 'c'},
        {"changes", required_argument, NULL, 'k'},
        {"expect", required_argument, NULL, 'e'},
        {"stalled", required_argument, NULL, 'z'},
        {"greeting", no_argument, &options.has_greeting, 1},
        {"interactive", no_argument, &options.is_interactive, 1},
        {"watch", required_argument, NULL, 'W'},
        {"change", required_argument, NULL, 'C'},
        {NULL, 0, NULL, 0},
    };
    bool has_watchers = false;
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "+", names, NULL)) != -1) {
        if (!read_option(option, argv)) {
            return false;
        }
        has_watchers = has_watchers || option == 'n';
    }
    if (!options.has_expect) {
        options.expect = options.watchers;
    }
    return optind == argc && options.server != NULL && has_watchers &&
           options.connections > 0 && options.watch_file != NULL &&
           options.change_file != NULL;
}

static void release(void)
{
    for (size_t i = 0; i < run.clients_count; i++) {
        h2_client_close(&run.clients[i]);
    }
    h2_loop_close(&run.loop);
    free(run.clients);
    free(run.watchers);
    free(run.arrivals_ns);
    messages_free(&options.watch.messages);
    messages_free(&options.change.messages);
}

int main(int argc, char **argv)
{
    bool is_good;

    if (!read_options(argc, argv)) {
        (void)fprintf(stderr,
                      "usage: %s --server HOST:PORT --watchers N\n"
                      "  --connections C [--changes K] [--expect E]\n"
                      "  [--stalled S] [--greeting] [--interactive]\n"
                      "  --watch PATH MESSAGES --change PATH MESSAGES\n",
                      argv[0]);
        return 2;
    }
    dial_raise_limit();
    h2_loop_init(&run.loop);
    is_good = messages_read(&options.watch.messages, options.watch_file) &&
              messages_read(&options.change.messages, options.change_file) &&
              measure();
    release();
    return is_good ? 0 : 1;
}
