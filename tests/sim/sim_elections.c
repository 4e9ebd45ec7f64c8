// SPDX-License-Identifier: Apache-2.0
//
// A simulation of the rooms core, store and watch: random commands of sessions
// that come and go, in elections that are watched by streams of every pace.
// After each step all is compared with a naive model (model.h, slow_stream.h)
// and the invariants are checked (world.c, slow_stream.c); after each run the
// same commands are done twice more (replay.h).
//
// runner.h has the options.

#include "support/test.h"

#include "coverage.h"
#include "journal.h"
#include "replay.h"
#include "runner.h"
#include "world.h"

#define FIXED_SEEDS 100
#define STEPS 1500

static struct world world;
static struct journal journal;

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

static void run_cb(uint64_t seed, unsigned steps, void *coverage)
{
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
}

static void explain_cb(void)
{
    world_explain(&world);
}

static void check_coverage_cb(const void *argument)
{
    const struct coverage *coverage = argument;

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

static void print_coverage_cb(const void *argument)
{
    const struct coverage *coverage = argument;

    print_message("# %u commands, %u sent, %u overflows\n", coverage->commands,
                  coverage->sent, coverage->overflowed);
}

int main(int argc, char **argv)
{
    static const struct runner runner = {
        .name = "elections",
        .fixed_seeds = FIXED_SEEDS,
        .steps = STEPS,
        .coverage_size = sizeof(struct coverage),
        .run_cb = run_cb,
        .explain_cb = explain_cb,
        .check_coverage_cb = check_coverage_cb,
        .print_coverage_cb = print_coverage_cb,
    };

    return runner_main(&runner, argc, argv);
}
