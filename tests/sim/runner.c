// SPDX-License-Identifier: Apache-2.0

#include "runner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/test.h"

// 0 for what the command line does not say.
static struct {
    uint64_t seed;
    uint64_t runs;
    unsigned steps;
} runner_options;

static const struct runner *runner;
// Of the run that is on; 0 if none is.
static uint64_t runner_seed;

static void runner_run(uint64_t seed, void *coverage)
{
    runner_seed = seed;
    runner->run_cb(
        seed, runner_options.steps > 0 ? runner_options.steps : runner->steps,
        coverage);
    runner_seed = 0;
}

// Says what led to a failure, and how to see it again.
static int runner_teardown(void **state)
{
    (void)state;
    if (runner_seed != 0) {
        runner->explain_cb();
        print_message("# repeat with --seed %" PRIu64 "\n", runner_seed);
        runner_seed = 0;
    }
    return 0;
}

static uint64_t runner_seed_of_the_clock(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// Returns owned.
static void *runner_coverage(void)
{
    void *coverage = calloc(1, runner->coverage_size);

    assert_non_null(coverage);
    return coverage;
}

// Fixed seeds, so that what is covered is known.
static void test_fixed_seeds_break_nothing(void **state)
{
    void *coverage = runner_coverage();

    (void)state;
    print_message("# seeds 1 to %u\n", runner->fixed_seeds);
    for (uint64_t seed = 1; seed <= runner->fixed_seeds; seed++) {
        runner_run(seed, coverage);
    }
    runner->print_coverage_cb(coverage);
    if (runner_options.steps == 0) {
        runner->check_coverage_cb(coverage);
    }
    free(coverage);
}

static void test_new_seed_breaks_nothing(void **state)
{
    uint64_t seed = runner_seed_of_the_clock();
    void *coverage = runner_coverage();

    (void)state;
    print_message("# seed %" PRIu64 "\n", seed);
    runner_run(seed, coverage);
    free(coverage);
}

// Else --seed would not show what failed.
static void test_one_seed_makes_one_run(void **state)
{
    void *once = runner_coverage();
    void *again = runner_coverage();

    (void)state;
    runner_run(7, once);
    runner_run(7, again);
    assert_memory_equal(once, again, runner->coverage_size);
    runner_run(8, again);
    assert_memory_not_equal(once, again, runner->coverage_size);
    free(once);
    free(again);
}

static void test_chosen_seeds_break_nothing(void **state)
{
    void *coverage = runner_coverage();

    (void)state;
    for (uint64_t run = 0; run < runner_options.runs || run == 0; run++) {
        uint64_t seed = runner_options.seed > 0 ? runner_options.seed + run
                                                : runner_seed_of_the_clock();

        print_message("# seed %" PRIu64 "\n", seed);
        runner_run(seed, coverage);
    }
    free(coverage);
}

static int runner_read_options(int argc, char **argv)
{
    uint64_t value;
    char *end;

    for (int i = 1; i < argc; i += 2) {
        value = i + 1 < argc ? strtoull(argv[i + 1], &end, 10) : 0;
        if (value == 0 || *end != '\0') {
            return -1;
        }
        if (strcmp(argv[i], "--seed") == 0) {
            runner_options.seed = value;
        } else if (strcmp(argv[i], "--runs") == 0) {
            runner_options.runs = value;
        } else if (strcmp(argv[i], "--steps") == 0) {
            runner_options.steps = (unsigned)value;
        } else {
            return -1;
        }
    }
    return 0;
}

int runner_main(const struct runner *simulation, int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_teardown(name, runner_teardown)
    const struct CMUnitTest standard[] = {
        TEST(test_fixed_seeds_break_nothing),
        TEST(test_one_seed_makes_one_run),
        TEST(test_new_seed_breaks_nothing),
    };
    const struct CMUnitTest chosen[] = {
        TEST(test_chosen_seeds_break_nothing),
    };

    runner = simulation;
    if (runner_read_options(argc, argv) != 0) {
        (void)fprintf(stderr, "usage: %s [--seed N] [--runs N] [--steps N]\n",
                      argv[0]);
        return 2;
    }
    if (runner_options.seed > 0 || runner_options.runs > 0) {
        return cmocka_run_group_tests_name(runner->name, chosen, NULL, NULL);
    }
    return cmocka_run_group_tests_name(runner->name, standard, NULL, NULL);
}
