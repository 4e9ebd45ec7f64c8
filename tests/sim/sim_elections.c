// SPDX-License-Identifier: Apache-2.0
//
// A simulation of the rooms core, store and watch: random commands of sessions
// that come and go, in elections that are watched by streams of every pace.
// After each step all is compared with a naive model (model.h, slow_stream.h)
// and the invariants are checked (world.c, slow_stream.c); after each run the
// same commands are done twice more (replay.h).
//
//     sim_elections                      a few fixed seeds, and one new one
//     sim_elections --seed 7             that seed
//     sim_elections --runs 1000          that many new seeds
//     sim_elections --seed 7 --runs 10   the seeds from 7 to 16
//     sim_elections --steps 100          runs of that length (default 1500)

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/test.h"

#include "coverage.h"
#include "journal.h"
#include "replay.h"
#include "world.h"

#define FIXED_SEEDS 100

// 0 for what the command line does not say.
static struct {
    uint64_t seed;
    uint64_t runs;
    unsigned steps;
} options;

static struct world world;
static struct journal journal;
static bool is_running;

static void run_ask(bool joins)
{
    struct sim_command command = commands_next(&world.commands);

    if (joins) {
        command.operation = ELECTD_GET_TERM;
    }
    world_ask(&world, &command, joins);
}

static void run_step(void)
{
    unsigned action = prng_below(&world.prng, 100);

    if (action < 80) {
        for (unsigned i = prng_between(&world.prng, 1, 4); i > 0; i--) {
            run_ask(false);
        }
    } else if (action < 92) {
        run_ask(true);
    } else if (action < 98) {
        audience_leave(&world.audience);
    } else {
        audience_disconnect(&world.audience,
                            commands_disconnect(&world.commands));
    }
    if (prng_percent(&world.prng, 70)) {
        world_turn(&world);
    }
    audience_turn(&world.audience);
}

// Everybody reads to the end, and only then does it end.
static void run_end_quietly(void)
{
    while (world.pending > 0) {
        world_turn(&world);
    }
    audience_drain(&world.audience);
    audience_end(&world.audience);
    audience_drain(&world.audience);
    journal_add_elections(&journal, world.store.elections);
    world_close_store(&world);
}

// It ends with requests that wait and readers who lag.
static void run_end_abruptly(void)
{
    if (prng_percent(&world.prng, 50)) {
        audience_end(&world.audience);
        run_ask(true);
        world_turn(&world);
    }
    for (unsigned i = prng_below(&world.prng, 20); i > 0; i--) {
        run_ask(prng_percent(&world.prng, 10));
    }
    journal_add_elections(&journal, world.store.elections);
    world_close_store(&world);
    if (!world.audience.hub.ended) {
        audience_turn(&world.audience);
        audience_end(&world.audience);
    }
    audience_drain(&world.audience);
}

static void run_seed(uint64_t seed, struct coverage *coverage)
{
    unsigned steps = options.steps > 0 ? options.steps : 1500;

    print_message("# seed %" PRIu64 "\n", seed);
    is_running = true;
    journal_init(&journal);
    world_open(&world, seed, coverage, &journal);
    for (world.step = 0; world.step < steps; world.step++) {
        run_step();
    }
    if (prng_percent(&world.prng, 50)) {
        run_end_quietly();
    } else {
        run_end_abruptly();
    }
    audience_empty(&world.audience);
    replay_check(&journal, world.limits, 0);
    replay_check(&journal, world.limits, seed + 1);
    world_close(&world);
    journal_close(&journal);
    is_running = false;
}

// Says what led to a failure, and how to see it again.
static int run_teardown(void **state)
{
    (void)state;
    if (is_running) {
        world_explain(&world);
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

static void check_coverage(const struct coverage *coverage)
{
    for (size_t i = 0; i < COVERAGE_OPERATIONS; i++) {
        // sim_leases.c has those.
        if (i == ELECTD_EXPIRE) {
            continue;
        }
        assert_int_equal(coverage->changed[i] > 0,
                         model_reason((enum electd_operation)i) !=
                             ELECTD_UNCHANGED);
        assert_true(coverage->unchanged[i] > 0);
    }
    assert_true(coverage->statuses[-ELECTD_NO_ELECTION] > 0);
    assert_true(coverage->statuses[-ELECTD_ELECTIONS_MAX] > 0);
    assert_true(coverage->statuses[-ELECTD_CANDIDATES_MAX] > 0);
    assert_true(coverage->statuses[-ELECTD_UNAVAILABLE] > 0);
    assert_int_equal(coverage->statuses[-ELECTD_NO_MEMORY], 0);
    assert_true(coverage->elected > 1000);
    assert_true(coverage->replaced > 1000);
    assert_true(coverage->joined > 1000);
    assert_true(coverage->joined_full_hub > 0);
    assert_true(coverage->joined_ended_hub > 0);
    assert_true(coverage->overflowed > 1000);
    assert_true(coverage->saw_everything > 0);
    assert_true(coverage->closed > 0);
    assert_true(coverage->shut_down > 0);
    assert_true(coverage->left_idle > 0);
    assert_true(coverage->left_under_way > 0);
    assert_true(coverage->left_while_ending > 0);
    assert_true(coverage->left_as_it_ended > 0);
}

// Fixed seeds, so that what is covered is known.
static void test_fixed_seeds_keep_to_the_model(void **state)
{
    struct coverage coverage = {0};

    (void)state;
    for (uint64_t seed = 1; seed <= FIXED_SEEDS; seed++) {
        run_seed(seed, &coverage);
    }
    if (options.steps == 0) {
        check_coverage(&coverage);
    }
    print_message("# %u commands, %u sent, %u overflows\n", coverage.commands,
                  coverage.sent, coverage.overflowed);
}

static void test_new_seed_keeps_to_the_model(void **state)
{
    struct coverage coverage = {0};

    (void)state;
    run_seed(seed_of_the_clock(), &coverage);
}

// Else --seed would not show what failed.
static void test_one_seed_makes_one_run(void **state)
{
    struct coverage coverages[2] = {{0}};

    (void)state;
    run_seed(7, &coverages[0]);
    run_seed(7, &coverages[1]);
    assert_memory_equal(&coverages[0], &coverages[1], sizeof coverages[0]);
    run_seed(8, &coverages[1]);
    assert_memory_not_equal(&coverages[0], &coverages[1], sizeof coverages[0]);
}

static void test_chosen_seeds_keep_to_the_model(void **state)
{
    uint64_t seed = options.seed;
    struct coverage coverage = {0};

    (void)state;
    for (uint64_t run = 0; run < options.runs || run == 0; run++) {
        run_seed(seed > 0 ? seed + run : seed_of_the_clock(), &coverage);
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
        return cmocka_run_group_tests_name("elections", chosen, NULL, NULL);
    }
    return cmocka_run_group_tests_name("elections", standard, NULL, NULL);
}
