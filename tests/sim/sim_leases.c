// SPDX-License-Identifier: Apache-2.0
//
// A simulation of leases that end: by time, by the end of a stream, late, twice
// and in any order with what else happens to their candidates. lease_world.c
// compares each outcome with a model; the invariants are checked in each tick;
// in the end nobody is left in whose lease is over. runner.h has the options.

#include "support/test.h"

#include "lease_world.h"
#include "runner.h"

#define FIXED_SEEDS 1500
#define STEPS 200
// Of the longest lease and the longest delay there is less.
#define REST_STEPS_MAX 200

static struct lease_world world;

static void run_cb(uint64_t seed, unsigned steps, void *coverage)
{
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
}

static void explain_cb(void)
{
    print_message("# failed in step %u\n", world.step);
}

static void check_coverage_cb(const void *argument)
{
    const struct lease_coverage *coverage = argument;

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

static void print_coverage_cb(const void *argument)
{
    const struct lease_coverage *coverage = argument;

    print_message("# %u commands, %u expired, %u disconnected, %u expiries of "
                  "earlier entries\n",
                  coverage->commands, coverage->expired, coverage->disconnected,
                  coverage->expired_too_late);
}

int main(int argc, char **argv)
{
    static const struct runner runner = {
        .name = "leases",
        .fixed_seeds = FIXED_SEEDS,
        .steps = STEPS,
        .coverage_size = sizeof(struct lease_coverage),
        .run_cb = run_cb,
        .explain_cb = explain_cb,
        .check_coverage_cb = check_coverage_cb,
        .print_coverage_cb = print_coverage_cb,
    };

    return runner_main(&runner, argc, argv);
}
