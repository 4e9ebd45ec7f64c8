// SPDX-License-Identifier: Apache-2.0
//
// Two sides never run at once. Goal: whatever happens to contenders, their
// programs, their network and the daemon, no program of `electctl run` starts
// while another one is left over anywhere, in its process group or out of it,
// and no term has two starts.
//
// Method: exclusion_trial.h has what a trial is, exclusion_program.h what finds
// two at once. ELECTD_TEST_TRIALS is how many trials there are, and
// ELECTD_TEST_SEED the first one's seed. With ELECTD_TEST_TELL each trial tells
// what has happened, and not only one that fails. Each is a process, and
// several run at a time, as they spend most of it waiting.

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

#include "exclusion_program.h"
#include "exclusion_trial.h"
#include "support/child_process.h"
#include "support/stopwatch.h"

// Trials at a time.
#define LANES 10
#define TICK_MS 10
#define TRIALS 10

static unsigned long environment_number(const char *name, unsigned long preset)
{
    const char *text = getenv(name);

    return text != NULL ? strtoul(text, NULL, 10) : preset;
}

static char self_path[256];
static unsigned long trial_seed;
static unsigned trial_starts;

// How a trial exits in which nothing was tested.
#define TRIAL_IDLE 77

static void run_trial(void **state)
{
    (void)state;
    trial_starts = exclusion_run_trial(self_path, trial_seed);
}

static void spawn_trial(struct child_process *trial, unsigned long seed)
{
    char arguments[32];

    snprintf(arguments, sizeof arguments, "--trial %lu", seed);
    // What a trial prints is no test of its own.
    child_spawn(trial, &(struct child_start){.path = self_path,
                                             .arguments = arguments,
                                             .without = "CMOCKA_MESSAGE_OUTPUT",
                                             .out_fd = STDERR_FILENO,
                                             .err_fd = STDERR_FILENO});
}

// Waits until one of them has ended.
static struct child_process *await_one(struct child_process lanes[LANES])
{
    for (unsigned i = 0;; i = (i + 1) % LANES) {
        if (lanes[i].name[0] != '\0' && !child_is_alive(&lanes[i])) {
            return &lanes[i];
        }
        stopwatch_pause(i == 0 ? TICK_MS : 0);
    }
}

static void test_two_sides_never_run_at_once(void **state)
{
    static struct child_process lanes[LANES];
    unsigned long trials = environment_number("ELECTD_TEST_TRIALS", TRIALS);
    unsigned long seed = environment_number("ELECTD_TEST_SEED", 1);
    unsigned long begun = 0;
    unsigned failed = 0;
    unsigned idle = 0;

    (void)state;
    for (; begun < trials && begun < LANES; begun++) {
        spawn_trial(&lanes[begun], seed + begun);
    }
    for (unsigned long ended = 0; ended < trials; ended++) {
        struct child_process *lane = await_one(lanes);
        int status = child_exit_status(lane);

        idle += status == TRIAL_IDLE;
        failed += status != 0 && status != TRIAL_IDLE;
        child_dispose(lane);
        if (begun < trials) {
            spawn_trial(lane, seed + begun++);
        }
    }
    assert_int_equal(failed, 0);
    // A few may have had bad luck all along.
    assert_true(idle < (trials + 1) / 2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_sides_never_run_at_once),
    };
    const struct CMUnitTest trial_tests[] = {
        cmocka_unit_test(run_trial),
    };

    if (argc == 2 && strcmp(argv[1], EXCLUSION_HOLD) == 0) {
        return exclusion_hold(false);
    }
    if (argc == 2 && strcmp(argv[1], EXCLUSION_HOLD_APART) == 0) {
        return exclusion_hold(true);
    }
    if (readlink("/proc/self/exe", self_path, sizeof self_path - 1) <= 0) {
        return 1;
    }
    if (argc == 3 && strcmp(argv[1], "--trial") == 0) {
        trial_seed = strtoul(argv[2], NULL, 10);
        if (cmocka_run_group_tests(trial_tests, NULL, NULL) != 0) {
            return 1;
        }
        return trial_starts == 0 ? TRIAL_IDLE : 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
