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
// runner.h has the options.

#include "support/test.h"

#include "runner.h"
#include "stall_world.h"

#define FIXED_SEEDS 300
#define STEPS 1500
// Of the longest lease there is less.
#define REST_STEPS_MAX 20000

static struct stall_world world;

static void run_cb(uint64_t seed, unsigned steps, void *coverage)
{
    stall_world_open(&world, seed, coverage);
    for (world.step = 0; world.step < steps; world.step++) {
        stall_world_step(&world);
    }
    // Every second run ends with much under way.
    if (seed % 2 == 0) {
        stall_world_calm(&world);
        while (!stall_world_is_at_rest(&world)) {
            assert_true(world.step < steps + REST_STEPS_MAX);
            stall_world_step(&world);
            world.step++;
        }
    }
    stall_world_close(&world);
}

static void explain_cb(void)
{
    print_message("# failed in step %u\n", world.step);
}

static void check_coverage_cb(const void *argument)
{
    const struct stall_coverage *coverage = argument;

    assert_true(coverage->stalls > FIXED_SEEDS);
    assert_true(coverage->renewed > FIXED_SEEDS);
    assert_true(coverage->renewed_when_due > FIXED_SEEDS);
    assert_true(coverage->over > FIXED_SEEDS);
    assert_true(coverage->over_after_a_stall > FIXED_SEEDS);
    assert_true(coverage->over_without_a_pass > FIXED_SEEDS);
    assert_true(coverage->overdue > FIXED_SEEDS);
    assert_true(coverage->graces > FIXED_SEEDS);
}

static void print_coverage_cb(const void *argument)
{
    const struct stall_coverage *coverage = argument;

    print_message("# %u turns, %u stalls, %u renewed (%u when due), %u over "
                  "(%u after a stall, %u without a pass), %u overdue\n",
                  coverage->turns, coverage->stalls, coverage->renewed,
                  coverage->renewed_when_due, coverage->over,
                  coverage->over_after_a_stall, coverage->over_without_a_pass,
                  coverage->overdue);
}

int main(int argc, char **argv)
{
    static const struct runner runner = {
        .name = "lease stalls",
        .fixed_seeds = FIXED_SEEDS,
        .steps = STEPS,
        .coverage_size = sizeof(struct stall_coverage),
        .run_cb = run_cb,
        .explain_cb = explain_cb,
        .check_coverage_cb = check_coverage_cb,
        .print_coverage_cb = print_coverage_cb,
    };

    return runner_main(&runner, argc, argv);
}
