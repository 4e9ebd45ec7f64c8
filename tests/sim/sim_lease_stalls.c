// SPDX-License-Identifier: Apache-2.0
//
// A simulation of leases on a loop that stands still: stall_world.c makes the
// world, and stall_check.c says what must hold whenever a lease is over:
//
// - no lease is over early, nor before min(the stall, its period) has passed
//   again;
// - none is prolonged by more than 100 ms and the stall, and none by the length
//   of another;
// - a renewal that was on the wire before its read pass began has won;
// - nobody who renews in time is removed, and who does not is.
//
// Bugs that were planted, each of which it found: a lease joins the pass that
// is on; there is no rest after a stall; it is as long as the stall where the
// period is shorter, or as the period where the stall is; a stall from before
// the lease counts; only the last stall counts, however short; any lease that
// is short makes the loop forget its stalls; a renewal leaves the lease in its
// list; a rest is not followed by a pass; a pass has no limit, or one of time
// instead of ticks; a timer is a millisecond short; a stall is measured by the
// loop's stale time.
//
//     sim_lease_stalls                      many fixed seeds, and one new one
//     sim_lease_stalls --seed 7             that seed
//     sim_lease_stalls --runs 1000          that many new seeds
//     sim_lease_stalls --seed 7 --runs 10   the seeds from 7 to 16

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/test.h"

#include "stall_world.h"

#define FIXED_SEEDS 300
#define STEPS 1500
// Of the longest lease there is less.
#define REST_STEPS_MAX 20000

// 0 for what the command line does not say.
static struct {
    uint64_t seed;
    uint64_t runs;
} options;

static struct stall_world world;
static bool is_running;

static void run_seed(uint64_t seed, struct stall_coverage *coverage)
{
    is_running = true;
    stall_world_open(&world, seed, coverage);
    for (world.step = 0; world.step < STEPS; world.step++) {
        stall_world_step(&world);
    }
    // Every second run ends with much under way.
    if (seed % 2 == 0) {
        stall_world_calm(&world);
        while (!stall_world_is_at_rest(&world)) {
            assert_true(world.step < STEPS + REST_STEPS_MAX);
            stall_world_step(&world);
            world.step++;
        }
    }
    stall_world_close(&world);
    is_running = false;
}

// Says how to see a failure again.
static int run_teardown(void **state)
{
    (void)state;
    if (is_running) {
        print_message("# failed in step %u: repeat with --seed %" PRIu64 "\n",
                      world.step, world.seed);
        is_running = false;
    }
    return 0;
}

static uint64_t seed_of_the_clock(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void check_coverage(const struct stall_coverage *coverage)
{
    assert_true(coverage->stalls > FIXED_SEEDS);
    assert_true(coverage->renewed > FIXED_SEEDS);
    assert_true(coverage->renewed_when_due > FIXED_SEEDS);
    assert_true(coverage->over > FIXED_SEEDS);
    assert_true(coverage->over_after_a_stall > FIXED_SEEDS);
    assert_true(coverage->over_without_a_pass > FIXED_SEEDS);
    assert_true(coverage->overdue > FIXED_SEEDS);
    assert_true(coverage->graces > FIXED_SEEDS);
}

static void test_fixed_seeds_keep_to_the_rule(void **state)
{
    struct stall_coverage coverage = {0};

    (void)state;
    print_message("# seeds 1 to %d\n", FIXED_SEEDS);
    for (uint64_t seed = 1; seed <= FIXED_SEEDS; seed++) {
        run_seed(seed, &coverage);
    }
    print_message("# %u turns, %u stalls, %u renewed (%u when due), %u over "
                  "(%u after a stall, %u without a pass), %u overdue\n",
                  coverage.turns, coverage.stalls, coverage.renewed,
                  coverage.renewed_when_due, coverage.over,
                  coverage.over_after_a_stall, coverage.over_without_a_pass,
                  coverage.overdue);
    check_coverage(&coverage);
}

static void test_new_seed_keeps_to_the_rule(void **state)
{
    uint64_t seed = seed_of_the_clock();
    struct stall_coverage coverage = {0};

    (void)state;
    print_message("# seed %" PRIu64 "\n", seed);
    run_seed(seed, &coverage);
}

// Else --seed would not show what failed.
static void test_one_seed_makes_one_run(void **state)
{
    struct stall_coverage coverages[2] = {{0}};

    (void)state;
    run_seed(7, &coverages[0]);
    run_seed(7, &coverages[1]);
    assert_memory_equal(&coverages[0], &coverages[1], sizeof coverages[0]);
    run_seed(8, &coverages[1]);
    assert_memory_not_equal(&coverages[0], &coverages[1], sizeof coverages[0]);
}

static void test_chosen_seeds_keep_to_the_rule(void **state)
{
    struct stall_coverage coverage = {0};

    (void)state;
    for (uint64_t run = 0; run < options.runs || run == 0; run++) {
        uint64_t seed =
            options.seed > 0 ? options.seed + run : seed_of_the_clock();

        print_message("# seed %" PRIu64 "\n", seed);
        run_seed(seed, &coverage);
    }
}

static int read_options(int argc, char **argv)
{
    uint64_t value;
    char *end;

    for (int i = 1; i < argc; i += 2) {
        value = i + 1 < argc ? strtoull(argv[i + 1], &end, 10) : 0;
        if (value == 0 || *end != '\0') {
            return -1;
        }
        if (strcmp(argv[i], "--seed") == 0) {
            options.seed = value;
        } else if (strcmp(argv[i], "--runs") == 0) {
            options.runs = value;
        } else {
            return -1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest standard[] = {
        cmocka_unit_test_teardown(test_fixed_seeds_keep_to_the_rule,
                                  run_teardown),
        cmocka_unit_test_teardown(test_one_seed_makes_one_run, run_teardown),
        cmocka_unit_test_teardown(test_new_seed_keeps_to_the_rule,
                                  run_teardown),
    };
    const struct CMUnitTest chosen[] = {
        cmocka_unit_test_teardown(test_chosen_seeds_keep_to_the_rule,
                                  run_teardown),
    };

    if (read_options(argc, argv) != 0) {
        (void)fprintf(stderr, "usage: %s [--seed N] [--runs N]\n", argv[0]);
        return 2;
    }
    if (options.seed > 0 || options.runs > 0) {
        return cmocka_run_group_tests_name("lease stalls", chosen, NULL, NULL);
    }
    return cmocka_run_group_tests_name("lease stalls", standard, NULL, NULL);
}
