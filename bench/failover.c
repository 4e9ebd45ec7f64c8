// SPDX-License-Identifier: Apache-2.0
//
// How long nobody leads: from the moment at which a leader is gone until the
// next candidate has received the term in which it leads.
//
//     failover [--trials N] [--mode kill|stop|ttl] [--json] [electd's flags]
//
// kill: a process that leads by a Campaign is killed with SIGKILL.
// stop: it is stopped with SIGSTOP, and keepalive finds it.
// ttl:  a candidate that entered for 500 ms does not renew; the time counts
//       from the end of those.
// --json: one line for a program to read, instead of the histogram.

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

#include "support/campaigner.h"
#include "support/candidacy.h"
#include "support/child_process.h"
#include "support/daemon_process.h"
#include "support/stopwatch.h"
#include "support/story.h"
#include "support/timed_enter.h"

#define TRIALS_MAX 100000
#define TTL_MS 500
#define BAR_SIZE 50

enum mode {
    MODE_KILL,
    MODE_STOP,
    MODE_TTL,
};

static struct {
    enum mode mode;
    unsigned trials;
    bool is_json;
    char flags[512];
} options;

static struct daemon electd;
static double results_ms[TRIALS_MAX];

// Who leads before the trial is timed.
static void start_leader(struct child_process *leader, const char *election)
{
    struct campaigner campaigner = {
        .listen = electd.listen[0],
        .election = election,
        .candidate = "n1",
    };

    if (!campaigner_spawn(leader, &campaigner)) {
        fail_msg("the process that is to lead was refused");
    }
}

// One election a trial; returns milliseconds.
static double run_trial(struct client *client, unsigned number)
{
    struct candidacy_news news = {.term = 0};
    char election[32];
    char line[64];
    struct stream *stream;
    int64_t gone_ns = 0;
    double lasted_ms;
    struct child_process leader = {.pid = 0};

    (void)snprintf(election, sizeof election, "trial-%u", number);
    (void)snprintf(line, sizeof line, "Create %s", election);
    tell(client, line);
    if (options.mode == MODE_TTL) {
        gone_ns = stopwatch_ns() + TTL_MS * STOPWATCH_NS_PER_MS;
        free(timed_enter(electd.listen[0], election, "n1", "500"));
    } else {
        start_leader(&leader, election);
    }
    stream = campaign(client, candidacy_of(election, "n2", NULL));
    candidacy_read(stream, &news);
    assert_string_equal(news.leader, "n1");
    if (leader.pid > 0) {
        gone_ns = stopwatch_ns();
        child_signal(&leader, options.mode == MODE_KILL ? SIGKILL : SIGSTOP);
    }
    candidacy_read(stream, &news);
    lasted_ms = stopwatch_ms_since(gone_ns);
    assert_string_equal(news.leader, "n2");
    assert_int_equal(news.term, 2);
    child_dispose(&leader);
    stream_release(stream);
    return lasted_ms;
}

static int compare(const void *one, const void *other)
{
    double a = *(const double *)one;
    double b = *(const double *)other;

    return (a > b) - (a < b);
}

// The smallest result that so many in a hundred do not exceed.
static double percentile_ms(unsigned percent)
{
    unsigned rank = (options.trials * percent + 99) / 100;

    return results_ms[rank > 0 ? rank - 1 : 0];
}

// Bins on a 1-2-5 scale from a tenth of a millisecond on.
static void print_histogram(void)
{
    static const double steps[] = {2.0, 2.5, 2.0};
    double low_ms = 0;
    double high_ms = 0.1;
    unsigned next = 0;

    for (unsigned step = 0; next < options.trials; step++) {
        unsigned count = 0;
        char bar[BAR_SIZE + 1];
        unsigned size;

        while (next < options.trials && results_ms[next] < high_ms) {
            next++;
            count++;
        }
        assert(options.trials > 0);
        size = (count * BAR_SIZE + options.trials - 1) / options.trials;
        memset(bar, '#', size);
        bar[size] = '\0';
        if (next > 0) {
            printf("%8.1f to %8.1f ms %6u %s\n", low_ms, high_ms, count, bar);
        }
        low_ms = high_ms;
        high_ms *= steps[step % 3];
    }
}

static void print_results(void)
{
    static const char *const names[] = {"killed", "stopped", "500 ms over"};

    printf("%s, %u trials: min %.2f  median %.2f  p90 %.2f  p99 %.2f  max "
           "%.2f ms\n",
           names[options.mode], options.trials, results_ms[0],
           percentile_ms(50), percentile_ms(90), percentile_ms(99),
           results_ms[options.trials - 1]);
    print_histogram();
}

// The same, with every sample, from the shortest to the longest.
static void print_json(void)
{
    printf("{\"trials\":%u,\"min\":%.4f,\"median\":%.4f,\"p90\":%.4f,"
           "\"p99\":%.4f,\"max\":%.4f,\"samples_ms\":[",
           options.trials, results_ms[0], percentile_ms(50), percentile_ms(90),
           percentile_ms(99), results_ms[options.trials - 1]);
    for (unsigned i = 0; i < options.trials; i++) {
        printf("%s%.4f", i > 0 ? "," : "", results_ms[i]);
    }
    printf("]}\n");
}

static bool read_mode(const char *name)
{
    static const char *const names[] = {"kill", "stop", "ttl"};

    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(name, names[i]) == 0) {
            options.mode = (enum mode)i;
            return true;
        }
    }
    return false;
}

static bool read_trials(const char *number)
{
    char *end = NULL;

    options.trials = (unsigned)strtoul(number, &end, 10);
    return *end == '\0' && options.trials >= 1 && options.trials <= TRIALS_MAX;
}

// Those that are this program's own, up to the first one that is not. Returns
// where that one is, or 0 if an option is wrong.
static int read_own_options(int argc, char **argv)
{
    int i = 1;

    while (i < argc) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--json") == 0) {
            options.is_json = true;
            i++;
            continue;
        }
        if (strcmp(argv[i], "--trials") == 0) {
            if (!read_trials(value)) {
                return 0;
            }
        } else if (strcmp(argv[i], "--mode") != 0) {
            break;
        } else if (!read_mode(value)) {
            return 0;
        }
        i += 2;
    }
    return i;
}

static bool read_options(int argc, char **argv)
{
    int i = read_own_options(argc, argv);

    if (i == 0) {
        return false;
    }
    if (i == argc && options.mode == MODE_STOP) {
        (void)strcpy(options.flags, " --keepalive-time 200ms"
                                    " --keepalive-timeout 200ms");
    }
    for (; i < argc; i++) {
        size_t used = strlen(options.flags);

        (void)snprintf(options.flags + used, sizeof options.flags - used, " %s",
                       argv[i]);
    }
    if (options.trials == 0) {
        options.trials = options.mode == MODE_KILL ? 200 : 20;
    }
    return true;
}

// The daemon beside this program's directory, unless another one is named.
static void choose_daemon(void)
{
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 16);
    char *slash;

    if (size <= 0) {
        return;
    }
    path[size] = '\0';
    for (unsigned i = 0; i < 2 && (slash = strrchr(path, '/')) != NULL; i++) {
        *slash = '\0';
    }
    memcpy(path + strlen(path), "/electd", sizeof "/electd");
    (void)setenv("ELECTD_BIN", path, 0);
}

int main(int argc, char **argv)
{
    struct child_start start = {.environment = NULL};
    char arguments[600];
    struct client *client;

    if (campaigner_is_asked_for(argc, argv)) {
        return campaigner_main(argc, argv);
    }
    if (!read_options(argc, argv)) {
        (void)fprintf(stderr,
                      "usage: %s [--trials N] [--mode kill|stop|ttl] "
                      "[--json] [electd's flags]\n",
                      argv[0]);
        return 2;
    }
    choose_daemon();
    (void)snprintf(arguments, sizeof arguments, "--listen=127.0.0.1:0%s",
                   options.flags);
    start.arguments = arguments;
    grpc_init();
    daemon_spawn(&electd, &start);
    daemon_await_ready(&electd);
    client = client_connect(electd.listen[0]);
    for (unsigned i = 0; i < options.trials; i++) {
        results_ms[i] = run_trial(client, i);
    }
    client_close(client);
    qsort(results_ms, options.trials, sizeof results_ms[0], compare);
    if (options.is_json) {
        print_json();
    } else {
        print_results();
    }
    grpc_shutdown_blocking();
    return daemon_dispose(&electd) ? 0 : 1;
}
