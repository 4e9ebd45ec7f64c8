// SPDX-License-Identifier: Apache-2.0
//
// Two sides never run at once. Goal: whatever happens to contenders, their
// commands, their network and the daemon, no command of `electctl run` starts
// while another one is left over anywhere.
//
// Method: a trial is an election of its own, with contenders whose command
// takes a lock without waiting, and says so if it cannot; its children hold the
// lock too. Meanwhile things happen by a seeded choice. ELECTD_TEST_TRIALS is
// how many trials there are, ELECTD_TEST_SEED the first one's seed. Trials run
// in several processes, as most of their time is spent waiting.

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "contender.h"
#include "daemon_process.h"
#include "relay.h"

#define CONTENDERS 3
#define LANES 10
#define TRIALS 10
#define TRIAL_MS 15000
#define TICK_NS 5000000
// By then whoever is left has done its work.
#define REST_MS 1500

// The shortest times that electctl does not warn of.
#define KILL_AFTER "200ms"
#define GRACE "2200ms"

struct side {
    struct contender contender;
    // Whoever is listening in between.
    pid_t relay;
    char relay_path[RELAY_PATH_SIZE];
    char name[8];
    // Due times; 0 is never.
    long long spawn_at_ms;
    long long go_on_at_ms;
    long long relay_go_on_at_ms;
};

struct trial {
    uint64_t random;
    const char *self;
    struct scratch scratch;
    struct daemon daemon;
    char daemon_path[RELAY_PATH_SIZE];
    long long daemon_start_at_ms;
    long long daemon_go_on_at_ms;
    struct side sides[CONTENDERS];
    // Until then contenders, or wardens, are left alone: one watches over the
    // other, and that both fail at once is not promised to be survived.
    long long contenders_rest_until_ms;
    long long wardens_rest_until_ms;
    unsigned happened;
};

// splitmix64
static unsigned below(struct trial *trial, unsigned bound)
{
    uint64_t z;

    trial->random += UINT64_C(0x9e3779b97f4a7c15);
    z = trial->random;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)((z ^ (z >> 31)) % bound);
}

static long long later(struct trial *trial, unsigned min_ms, unsigned max_ms)
{
    return daemon_now_ms() + min_ms + below(trial, max_ms - min_ms + 1);
}

static void put_line(const char *file, const char *line)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ssize_t size = write(fd, line, strlen(line));

    (void)size;
    close(fd);
}

// The command. Some of them, and some of their children, ignore SIGTERM; some
// children leave the process group; some commands end by themselves, and may
// leave a child behind.
static int hold(void)
{
    int fd = open("lock", O_RDWR | O_CREAT, 0600);
    unsigned kind = (unsigned)getpid() % 12;
    char line[160];

    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        snprintf(line, sizeof line, "%s in term %s\n",
                 getenv("ELECTD_CANDIDATE"), getenv("ELECTD_TERM"));
        put_line("violations", line);
        return 1;
    }
    snprintf(line, sizeof line, "%ld %ld %s %s\n", (long)getpid(),
             (long)getppid(), getenv("ELECTD_CANDIDATE"),
             getenv("ELECTD_TERM"));
    put_line("starts", line);
    if (kind % 3 == 0) {
        signal(SIGTERM, SIG_IGN);
    }
    if (kind % 2 == 0 && fork() == 0) {
        if (getpid() % 2 == 0) {
            (void)setsid();
        }
        signal(SIGTERM, kind % 4 == 0 ? SIG_IGN : SIG_DFL);
        for (;;) {
            pause();
        }
    }
    if (kind >= 9) {
        usleep(300000);
        return 0;
    }
    for (;;) {
        pause();
    }
}

static void start_daemon(struct trial *trial)
{
    char arguments[200];

    // Quick to notice, which is the harder case.
    snprintf(arguments, sizeof arguments,
             "--listen unix:%s --keepalive-time 500ms "
             "--keepalive-timeout 250ms",
             trial->daemon_path);
    daemon_spawn(&trial->daemon,
                 &(struct daemon_start){.arguments = arguments});
    daemon_await_ready(&trial->daemon);
    trial->daemon_start_at_ms = 0;
    trial->daemon_go_on_at_ms = 0;
}

static void kill_daemon(struct trial *trial)
{
    daemon_signal(&trial->daemon, SIGKILL);
    daemon_await_exit(&trial->daemon, DAEMON_DEADLINE_MS);
    daemon_dispose(&trial->daemon);
    trial->daemon_start_at_ms = later(trial, 0, 1500);
    trial->daemon_go_on_at_ms = 0;
}

static void start_side(struct trial *trial, struct side *side)
{
    const char *const arguments[] = {
        "run",          "--create",  "--retry", "--candidate", side->name,
        "--kill-after", KILL_AFTER,  "--grace", GRACE,         "e",
        "--",           trial->self, "--hold",  NULL,
    };
    char endpoint[RELAY_PATH_SIZE + 8];

    snprintf(endpoint, sizeof endpoint, "unix:%s", side->relay_path);
    contender_set_endpoint(endpoint);
    contender_spawn(&side->contender, &trial->scratch, side->name, -1,
                    arguments);
    side->spawn_at_ms = 0;
    side->go_on_at_ms = 0;
}

static void start_relay(const struct trial *trial, struct side *side)
{
    side->relay = relay_spawn(side->relay_path, trial->daemon_path);
    side->relay_go_on_at_ms = 0;
}

static void end_relay(struct side *side)
{
    kill(side->relay, SIGKILL);
    waitpid(side->relay, NULL, 0);
}

static void call(struct trial *trial, const char *method, const char *name)
{
    const char *const arguments[] = {"--timeout", "300ms", method,
                                     "e",         name,    NULL};
    char endpoint[RELAY_PATH_SIZE + 8];

    snprintf(endpoint, sizeof endpoint, "unix:%s", trial->daemon_path);
    contender_set_endpoint(endpoint);
    // The daemon may be away.
    (void)contender_call(&trial->scratch, arguments);
}

// Of the command that was started last, and its warden; 0 if it is over.
static pid_t last_group(const struct trial *trial, pid_t *warden)
{
    const char *text = scratch_read(&trial->scratch, "starts");
    const char *last = text;
    char *end;
    long pgid;

    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
        last = at[1] != '\0' ? at + 1 : last;
    }
    pgid = strtol(last, &end, 10);
    *warden = (pid_t)strtol(end, NULL, 10);
    return pgid > 1 && kill((pid_t)-pgid, 0) == 0 ? (pid_t)pgid : 0;
}

static void happen_to_command(struct trial *trial, unsigned what)
{
    pid_t warden;
    pid_t pgid = last_group(trial, &warden);

    if (pgid == 0) {
        return;
    }
    if (what == 0) {
        kill(-pgid, SIGSTOP);
    } else if (what == 1) {
        kill(pgid, SIGKILL);
    } else if (kill(warden, 0) == 0 &&
               daemon_now_ms() > trial->wardens_rest_until_ms) {
        // It has the group to look after, so that it is no other process.
        trial->contenders_rest_until_ms = daemon_now_ms() + REST_MS;
        kill(warden, below(trial, 2) == 0 ? SIGKILL : SIGSTOP);
    }
}

static void happen_to_contender(struct trial *trial, struct side *side,
                                unsigned what)
{
    if (side->contender.pid == 0 || side->go_on_at_ms != 0 ||
        daemon_now_ms() < trial->contenders_rest_until_ms) {
        return;
    }
    trial->wardens_rest_until_ms = daemon_now_ms() + REST_MS;
    if (what == 0) {
        kill(side->contender.pid, SIGKILL);
    } else if (what == 1) {
        kill(side->contender.pid, SIGTERM);
    } else {
        kill(side->contender.pid, SIGSTOP);
        side->go_on_at_ms = later(trial, 20, 4000);
    }
}

static void happen_to_network(struct trial *trial, struct side *side,
                              unsigned what)
{
    if (what == 0) {
        end_relay(side);
        start_relay(trial, side);
    } else if (side->relay_go_on_at_ms == 0) {
        kill(side->relay, SIGSTOP);
        side->relay_go_on_at_ms = later(trial, 20, 5000);
    }
}

static void happen_to_daemon(struct trial *trial, unsigned what)
{
    if (trial->daemon.pid == 0 || trial->daemon_go_on_at_ms != 0) {
        return;
    }
    if (what == 0) {
        kill_daemon(trial);
    } else {
        daemon_signal(&trial->daemon, SIGSTOP);
        trial->daemon_go_on_at_ms = later(trial, 20, 2500);
    }
}

static void happen(struct trial *trial)
{
    struct side *side = &trial->sides[below(trial, CONTENDERS)];
    unsigned what = below(trial, 100);

    trial->happened++;
    if (what < 25) {
        call(trial, "anoint", side->name);
    } else if (what < 32) {
        call(trial, "evict", side->name);
    } else if (what < 36) {
        call(trial, "withdraw", side->name);
    } else if (what < 60) {
        happen_to_contender(trial, side, below(trial, 4));
    } else if (what < 74) {
        happen_to_command(trial, below(trial, 3));
    } else if (what < 92) {
        happen_to_network(trial, side, below(trial, 3));
    } else {
        happen_to_daemon(trial, below(trial, 2));
    }
}

// Does what is due, and reaps.
static void catch_up(struct trial *trial)
{
    long long now_ms = daemon_now_ms();

    for (unsigned i = 0; i < CONTENDERS; i++) {
        struct side *side = &trial->sides[i];

        if (side->go_on_at_ms != 0 && now_ms >= side->go_on_at_ms) {
            kill(side->contender.pid, SIGCONT);
            side->go_on_at_ms = 0;
        }
        if (side->relay_go_on_at_ms != 0 && now_ms >= side->relay_go_on_at_ms) {
            kill(side->relay, SIGCONT);
            side->relay_go_on_at_ms = 0;
        }
        if (side->contender.pid != 0 && !contender_is_alive(&side->contender)) {
            contender_await_exit(&side->contender);
            side->spawn_at_ms = later(trial, 0, 1000);
        }
        if (side->contender.pid == 0 && now_ms >= side->spawn_at_ms) {
            start_side(trial, side);
        }
    }
    if (trial->daemon_go_on_at_ms != 0 && now_ms >= trial->daemon_go_on_at_ms) {
        daemon_signal(&trial->daemon, SIGCONT);
        trial->daemon_go_on_at_ms = 0;
    }
    if (trial->daemon.pid == 0 && now_ms >= trial->daemon_start_at_ms) {
        start_daemon(trial);
    }
}

static void check(const struct trial *trial, uint64_t seed)
{
    const char *violations = scratch_read(&trial->scratch, "violations");

    if (violations[0] != '\0') {
        fail_msg("seed %llu: two at once: %s", (unsigned long long)seed,
                 violations);
    }
}

static unsigned end_trial(struct trial *trial)
{
    char text[16384];
    unsigned starts = 0;

    if (trial->daemon.pid != 0) {
        daemon_signal(&trial->daemon, SIGCONT);
    }
    for (unsigned i = 0; i < CONTENDERS; i++) {
        struct side *side = &trial->sides[i];

        kill(side->relay, SIGCONT);
        if (side->contender.pid != 0) {
            kill(side->contender.pid, SIGCONT);
            kill(side->contender.pid, SIGTERM);
            contender_await_exit(&side->contender);
        }
        end_relay(side);
    }
    daemon_dispose(&trial->daemon);
    snprintf(text, sizeof text, "%s", scratch_read(&trial->scratch, "starts"));
    for (char *rest = text, *line = strsep(&rest, "\n"); line != NULL;
         line = strsep(&rest, "\n")) {
        if (line[0] != '\0') {
            group_await_gone((pid_t)strtol(line, NULL, 10));
            starts++;
        }
    }
    return starts;
}

static unsigned run_trial(const char *self, uint64_t seed)
{
    struct trial trial = {.random = seed * 1000003, .self = self};
    struct timespec tick = {.tv_nsec = TICK_NS};
    long long end_ms = daemon_now_ms() + TRIAL_MS;
    long long next_ms;
    unsigned starts;

    scratch_make(&trial.scratch);
    snprintf(trial.daemon_path, RELAY_PATH_SIZE, "%s/d.sock",
             trial.scratch.path);
    start_daemon(&trial);
    for (unsigned i = 0; i < CONTENDERS; i++) {
        struct side *side = &trial.sides[i];

        snprintf(side->name, sizeof side->name, "c%u", i);
        snprintf(side->relay_path, RELAY_PATH_SIZE, "%s/r%u.sock",
                 trial.scratch.path, i);
        start_relay(&trial, side);
        start_side(&trial, side);
    }
    // Somebody is to have started, most of the time.
    next_ms = later(&trial, 0, 3000);
    while (daemon_now_ms() < end_ms) {
        catch_up(&trial);
        if (daemon_now_ms() >= next_ms) {
            happen(&trial);
            // Now and then several things at once.
            next_ms = later(&trial, 0, below(&trial, 3) == 0 ? 10 : 2500);
        }
        check(&trial, seed);
        nanosleep(&tick, NULL);
    }
    starts = end_trial(&trial);
    check(&trial, seed);
    print_message("seed %llu: %u things happened, %u commands started\n",
                  (unsigned long long)seed, trial.happened, starts);
    scratch_remove(&trial.scratch);
    return starts;
}

static unsigned long environment_number(const char *name, unsigned long preset)
{
    const char *text = getenv(name);

    return text != NULL ? strtoul(text, NULL, 10) : preset;
}

static char self_path[256];
static unsigned lane;
static unsigned lane_starts;
static bool lane_is_used;

// How a lane exits in which nothing was tested.
#define LANE_IDLE 77

static void run_lane(void **state)
{
    unsigned long trials = environment_number("ELECTD_TEST_TRIALS", TRIALS);
    unsigned long seed = environment_number("ELECTD_TEST_SEED", 1);

    (void)state;
    for (unsigned long i = lane; i < trials; i += LANES) {
        lane_starts += run_trial(self_path, seed + i);
        lane_is_used = true;
    }
}

static void test_two_sides_never_run_at_once(void **state)
{
    pid_t lanes[LANES];
    char number[8];
    unsigned failed = 0;
    unsigned idle = 0;
    int status;

    (void)state;
    for (unsigned i = 0; i < LANES; i++) {
        snprintf(number, sizeof number, "%u", i);
        lanes[i] = fork();
        if (lanes[i] == 0) {
            // What a lane prints is no test of its own.
            dup2(STDERR_FILENO, STDOUT_FILENO);
            unsetenv("CMOCKA_MESSAGE_OUTPUT");
            execl(self_path, self_path, "--lane", number, (char *)NULL);
            _exit(99);
        }
        assert_true(lanes[i] > 0);
    }
    for (unsigned i = 0; i < LANES; i++) {
        assert_int_equal(waitpid(lanes[i], &status, 0), lanes[i]);
        if (WIFEXITED(status) && WEXITSTATUS(status) == LANE_IDLE) {
            idle++;
        } else if (status != 0) {
            failed++;
        }
    }
    assert_int_equal(failed, 0);
    // A few may have had bad luck all along.
    assert_true(idle < LANES / 2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_sides_never_run_at_once),
    };
    const struct CMUnitTest lane_tests[] = {
        cmocka_unit_test(run_lane),
    };

    if (argc == 2 && strcmp(argv[1], "--hold") == 0) {
        return hold();
    }
    if (readlink("/proc/self/exe", self_path, sizeof self_path - 1) <= 0) {
        return 1;
    }
    if (argc == 3 && strcmp(argv[1], "--lane") == 0) {
        lane = (unsigned)strtoul(argv[2], NULL, 10);
        if (cmocka_run_group_tests(lane_tests, NULL, NULL) != 0) {
            return 1;
        }
        return lane_is_used && lane_starts == 0 ? LANE_IDLE : 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
