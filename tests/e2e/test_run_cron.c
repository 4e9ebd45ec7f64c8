// SPDX-License-Identifier: Apache-2.0
//
// `electctl run` under cron: a job that all hosts start within a second is run
// by one of them.
//
// Method: rounds by a seed. In each, three contenders with --no-wait and --hold
// start within a second. The job takes an exclusive lock or notes a violation,
// and notes its start. In some rounds a contender that runs is killed, or the
// daemon is restarted; then it only counts that no two run at once. Rounds run
// in several processes, each with its daemon, as most of their time is spent
// waiting. ELECTD_TEST_ROUNDS is how many there are, ELECTD_TEST_SEED the
// first one's seed.

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "support/test.h"

#include "contender.h"
#include "support/child_process.h"
#include "support/daemon_process.h"
#include "support/prng.h"
#include "support/scratch.h"
#include "support/stopwatch.h"

#define HOSTS 3
#define ROUNDS 10
#define LANES 5
#define SKEW_MS 1000
#define JOB_MS_MAX 400
// On a busy machine a process begins later than it was started.
#define HOLD "4s"

enum fault {
    FAULT_NONE,
    FAULT_HOST_KILLED,
    FAULT_DAEMON_RESTARTED,
};

struct round {
    struct prng prng;
    const char *self;
    struct scratch scratch;
    struct daemon daemon;
    char listen[80];
    struct contender hosts[HOSTS];
    long long start_at_ms[HOSTS];
    enum fault fault;
    unsigned victim;
    long long fault_at_ms;
};

static void put_line(const char *file, const char *line)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ssize_t size = write(fd, line, strlen(line));

    (void)size;
    close(fd);
}

// The command.
static int work(const char *duration_ms)
{
    int fd = open("lock", O_RDWR | O_CREAT, 0600);
    char line[160];

    snprintf(line, sizeof line, "%s in term %s\n", getenv("ELECTD_CANDIDATE"),
             getenv("ELECTD_TERM"));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        put_line("violations", line);
        return 1;
    }
    put_line("starts", line);
    usleep((useconds_t)strtoul(duration_ms, NULL, 10) * 1000);
    return 0;
}

static void start_daemon(struct round *round)
{
    char arguments[120];

    snprintf(arguments, sizeof arguments, "--listen %s", round->listen);
    daemon_spawn(&round->daemon, &(struct child_start){.arguments = arguments});
    daemon_await_ready(&round->daemon);
}

static void start_host(struct round *round, unsigned i)
{
    char duration_ms[16];
    char name[8];
    const char *const arguments[] = {
        "run",       "--create", "--candidate", name,        "--kill-after",
        "200ms",     "--grace",  "2125ms",      "--no-wait", "--hold",
        HOLD,        "e",        "--",          round->self, "--work",
        duration_ms, NULL,
    };

    snprintf(duration_ms, sizeof duration_ms, "%u",
             prng_below(&round->prng, JOB_MS_MAX));
    snprintf(name, sizeof name, "host%u", i);
    contender_spawn(&round->hosts[i], &round->scratch, name, -1, arguments);
    round->start_at_ms[i] = 0;
}

static void do_fault(struct round *round)
{
    struct contender *victim = &round->hosts[round->victim];

    switch (round->fault) {
    case FAULT_NONE:
        break;
    case FAULT_HOST_KILLED:
        contender_dispose(victim);
        break;
    case FAULT_DAEMON_RESTARTED:
        daemon_signal(&round->daemon, SIGKILL);
        daemon_await_exit(&round->daemon, STOPWATCH_DEADLINE_MS);
        daemon_dispose(&round->daemon);
        start_daemon(round);
        break;
    }
    round->fault_at_ms = 0;
}

static void plan(struct round *round)
{
    long long now_ms = stopwatch_now_ms();

    for (unsigned i = 0; i < HOSTS; i++) {
        round->start_at_ms[i] = now_ms + prng_below(&round->prng, SKEW_MS);
    }
    if (prng_below(&round->prng, 3) == 0) {
        round->fault = 1 + prng_below(&round->prng, 2);
        round->victim = prng_below(&round->prng, HOSTS);
        // While they start, wait, run or hold.
        round->fault_at_ms = now_ms + prng_below(&round->prng, 5000);
    }
}

// One pass; false when all is over.
static bool go_on(struct round *round)
{
    long long now_ms = stopwatch_now_ms();
    bool is_over = round->fault_at_ms == 0;

    for (unsigned i = 0; i < HOSTS; i++) {
        if (round->start_at_ms[i] != 0 && now_ms >= round->start_at_ms[i]) {
            start_host(round, i);
        }
        is_over = is_over && round->start_at_ms[i] == 0 &&
                  !contender_is_alive(&round->hosts[i]);
    }
    if (round->fault_at_ms != 0 && now_ms >= round->fault_at_ms) {
        do_fault(round);
    }
    return !is_over;
}

static unsigned count_lines(const char *text)
{
    unsigned count = 0;

    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
        count++;
    }
    return count;
}

static void check(struct round *round, uint64_t seed)
{
    const char *violations = scratch_read(&round->scratch, "violations");
    unsigned starts;
    int code;

    if (violations[0] != '\0') {
        fail_msg("seed %llu: two at once: %s", (unsigned long long)seed,
                 violations);
    }
    starts = count_lines(scratch_read(&round->scratch, "starts"));
    print_message("seed %llu: fault %d, %u starts\n", (unsigned long long)seed,
                  (int)round->fault, starts);
    if (round->fault != FAULT_NONE) {
        return;
    }
    if (starts != 1) {
        fail_msg("seed %llu: %u starts: %s", (unsigned long long)seed, starts,
                 scratch_read(&round->scratch, "starts"));
    }
    for (unsigned i = 0; i < HOSTS; i++) {
        code = contender_await_exit(&round->hosts[i]);
        starts -= code == 0;
        if (code != 0 && code != 6) {
            fail_msg("seed %llu: exit code %d: %s", (unsigned long long)seed,
                     code, contender_error(&round->hosts[i]));
        }
    }
    assert_int_equal(starts, 0);
}

static void run_round(const char *self, uint64_t seed)
{
    struct round round = {.prng = {seed * 1000003}, .self = self};
    struct timespec tick = {.tv_nsec = 2000000};

    scratch_make(&round.scratch);
    snprintf(round.listen, sizeof round.listen, "unix:%s/d.sock",
             round.scratch.path);
    contender_set_endpoint(round.listen);
    start_daemon(&round);
    plan(&round);
    while (go_on(&round)) {
        nanosleep(&tick, NULL);
    }
    check(&round, seed);
    for (unsigned i = 0; i < HOSTS; i++) {
        contender_dispose(&round.hosts[i]);
    }
    daemon_dispose(&round.daemon);
    scratch_remove(&round.scratch);
}

static unsigned long environment_number(const char *name, unsigned long preset)
{
    const char *text = getenv(name);

    return text != NULL ? strtoul(text, NULL, 10) : preset;
}

static char self_path[256];
static unsigned lane;

static void run_lane(void **state)
{
    unsigned long rounds = environment_number("ELECTD_TEST_ROUNDS", ROUNDS);
    unsigned long seed = environment_number("ELECTD_TEST_SEED", 1);

    (void)state;
    for (unsigned long i = lane; i < rounds; i += LANES) {
        run_round(self_path, seed + i);
    }
}

static void test_one_of_the_hosts_runs_the_job(void **state)
{
    static struct child_process lanes[LANES];
    char arguments[16];
    unsigned failed = 0;

    (void)state;
    for (unsigned i = 0; i < LANES; i++) {
        snprintf(arguments, sizeof arguments, "--lane %u", i);
        // What a lane prints is no test of its own.
        child_spawn(&lanes[i],
                    &(struct child_start){.path = self_path,
                                          .arguments = arguments,
                                          .without = "CMOCKA_MESSAGE_OUTPUT",
                                          .out_fd = STDERR_FILENO,
                                          .err_fd = STDERR_FILENO});
    }
    for (unsigned i = 0; i < LANES; i++) {
        // However many rounds it is told to run.
        assert_true(child_has_ended(&lanes[i], UINT_MAX));
        failed += child_exit_status(&lanes[i]) != 0;
    }
    assert_int_equal(failed, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_of_the_hosts_runs_the_job),
    };
    const struct CMUnitTest lane_tests[] = {
        cmocka_unit_test(run_lane),
    };

    if (argc == 3 && strcmp(argv[1], "--work") == 0) {
        return work(argv[2]);
    }
    if (readlink("/proc/self/exe", self_path, sizeof self_path - 1) <= 0) {
        return 1;
    }
    if (argc == 3 && strcmp(argv[1], "--lane") == 0) {
        lane = (unsigned)strtoul(argv[2], NULL, 10);
        return cmocka_run_group_tests(lane_tests, NULL, NULL) != 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
