// SPDX-License-Identifier: Apache-2.0
//
// A simulation of leases that end: by time, by the end of a stream, late, twice
// and in any order with what else happens to their candidates. lease_world.c
// compares each outcome with a model; the invariants are checked in each tick;
// in the end nobody is left in whose lease is over.
//
//     sim_leases                      many fixed seeds, and one new one
//     sim_leases --seed 7             that seed
//     sim_leases --runs 1000          that many new seeds
//     sim_leases --seed 7 --runs 10   the seeds from 7 to 16
//     sim_leases --steps 100          runs of that length (default 200)

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/test.h"

#include "lease_world.h"

#define FIXED_SEEDS 1500
#define STEPS 200
// Of the longest lease and the longest delay there is less.
#define REST_STEPS_MAX 200

// 0 for what the command line does not say.
static struct {
    uint64_t seed;
    uint64_t runs;
    unsigned steps;
} options;

static struct lease_world world;
static bool is_running;

static void run_seed(uint64_t seed, struct lease_coverage *coverage)
{
    unsigned steps = options.steps > 0 ? options.steps : STEPS;

    is_running = true;
    lease_world_open(&world, seed, coverage);
    for (world.step = 0; world.step < steps; world.step++) {
        lease_world_step(&world, false);
    }
    // Every second run ends with much under way.
    if (seed % 2 == 0) {
        while (!lease_world_is_at_rest(&world)) {
            assert_true(world.step < steps + REST_STEPS_MAX);
            lease_world_step(&world, true);
            world.step++;
        }
        lease_world_check_rest(&world);
    }
    lease_world_close(&world);
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

static void check_coverage(const struct lease_coverage *coverage)
{
    assert_true(coverage->expired > FIXED_SEEDS);
    assert_true(coverage->disconnected > FIXED_SEEDS);
    assert_true(coverage->elected_by_expiry > FIXED_SEEDS);
    assert_true(coverage->expired_too_late > FIXED_SEEDS);
    assert_true(coverage->expired_when_out > FIXED_SEEDS);
    assert_true(coverage->expired_after_a_return > FIXED_SEEDS);
    assert_true(coverage->renewed > FIXED_SEEDS);
    assert_true(coverage->taken_over > FIXED_SEEDS);
    assert_true(coverage->replaced_by_none > FIXED_SEEDS);
    assert_true(coverage->closed_several > FIXED_SEEDS);
    assert_true(coverage->refused > 0);
    assert_true(coverage->unavailable > 0);
}

static void test_fixed_seeds_keep_to_the_model(void **state)
{
    struct lease_coverage coverage = {0};

    (void)state;
    print_message("# seeds 1 to %d\n", FIXED_SEEDS);
    for (uint64_t seed = 1; seed <= FIXED_SEEDS; seed++) {
        run_seed(seed, &coverage);
    }
    if (options.steps == 0) {
        check_coverage(&coverage);
    }
    print_message("# %u commands, %u expired, %u disconnected, %u expiries of "
                  "earlier entries\n",
                  coverage.commands, coverage.expired, coverage.disconnected,
                  coverage.expired_too_late);
}

static void test_new_seed_keeps_to_the_model(void **state)
{
    uint64_t seed = seed_of_the_clock();
    struct lease_coverage coverage = {0};

    (void)state;
    print_message("# seed %" PRIu64 "\n", seed);
    run_seed(seed, &coverage);
}

// Else --seed would not show what failed.
static void test_one_seed_makes_one_run(void **state)
{
    struct lease_coverage coverages[2] = {{0}};

    (void)state;
    run_seed(7, &coverages[0]);
    run_seed(7, &coverages[1]);
    assert_memory_equal(&coverages[0], &coverages[1], sizeof coverages[0]);
    run_seed(8, &coverages[1]);
    assert_memory_not_equal(&coverages[0], &coverages[1], sizeof coverages[0]);
}

static void test_chosen_seeds_keep_to_the_model(void **state)
{
    struct lease_coverage coverage = {0};

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
        } else if (strcmp(argv[i], "--steps") == 0) {
            options.steps = (unsigned)value;
        } else {
            return -1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest standard[] = {
        cmocka_unit_test_teardown(test_fixed_seeds_keep_to_the_model,
                                  run_teardown),
        cmocka_unit_test_teardown(test_one_seed_makes_one_run, run_teardown),
        cmocka_unit_test_teardown(test_new_seed_keeps_to_the_model,
                                  run_teardown),
    };
    const struct CMUnitTest chosen[] = {
        cmocka_unit_test_teardown(test_chosen_seeds_keep_to_the_model,
                                  run_teardown),
    };

    if (read_options(argc, argv) != 0) {
        (void)fprintf(stderr, "usage: %s [--seed N] [--runs N] [--steps N]\n",
                      argv[0]);
        return 2;
    }
    if (options.seed > 0 || options.runs > 0) {
        return cmocka_run_group_tests_name("leases", chosen, NULL, NULL);
    }
    return cmocka_run_group_tests_name("leases", standard, NULL, NULL);
}
