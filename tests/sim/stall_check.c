// SPDX-License-Identifier: Apache-2.0
//
// The rule says by how much a lease may be prolonged; here it is computed from
// what really happened to the loop, of which the table of leases knows less.

#include "stall_check.h"

#include "support/test.h"

#include "unit/virtual_time.h"

#define STALL_NS_PER_MS UINT64_C(1000000)
// The loop's clock counts in milliseconds: of a timer, a rest and a pass.
#define STALL_GRAIN_MS 4
#define STALL_PASS_MS 100

// What happened to a loop in the life of a lease.
struct stall_life {
    uint64_t found_ms;
    // The longest stall until it was found due, and the longest silence, of
    // which two stalls may be one; all stalls after that.
    uint64_t longest_ms;
    uint64_t silent_ms;
    uint64_t parked_ms;
};

uint64_t stall_now_ms(void)
{
    return virtual_time_ns() / STALL_NS_PER_MS;
}

static struct stall_life stall_life(const struct stall_world *world,
                                    const struct stall_lease *lease)
{
    uint64_t begun_ms = lease->begun_ns / STALL_NS_PER_MS;
    uint64_t due_ms = begun_ms + lease->period_ms + 1;
    struct stall_life life = {.found_ms = UINT64_MAX};
    unsigned turn = world->turns;

    // Back to the turn after the one in which it began.
    while (turn > 0 && world->turned_ms[turn - 1] > begun_ms) {
        turn--;
    }
    for (; turn < world->turns; turn++) {
        if (life.found_ms != UINT64_MAX) {
            life.parked_ms += world->stalled_ms[turn];
            continue;
        }
        if (world->stalled_ms[turn] > life.longest_ms) {
            life.longest_ms = world->stalled_ms[turn];
        }
        if (world->silent_ms[turn] > life.silent_ms) {
            life.silent_ms = world->silent_ms[turn];
        }
        if (!world->is_midway[turn] && world->turned_ms[turn] >= due_ms) {
            life.found_ms = world->turned_ms[turn];
        }
    }
    return life;
}

static uint64_t stall_min(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

static void stall_check_times(const struct stall_world *world,
                              const struct stall_lease *lease,
                              const struct stall_life *life)
{
    uint64_t waited_ms = stall_now_ms() - life->found_ms;
    uint64_t known_ms = STALLS_HEARTBEAT_MS + STALLS_TOLERANCE_MS;

    // Never early, and not before the stall, or the period, has passed again.
    assert_true(virtual_time_ns() - lease->begun_ns >=
                lease->period_ms * STALL_NS_PER_MS);
    if (life->longest_ms > known_ms) {
        assert_true(waited_ms + 1 >=
                    stall_min(life->longest_ms, lease->period_ms));
    }
    // By no more than the stall and 100 ms, whatever others do.
    assert_true(waited_ms <= STALL_PASS_MS + life->silent_ms + life->parked_ms +
                                 STALL_GRAIN_MS);
    // If passes end: by its own rest, and two of them.
    if (!world->never_pauses) {
        assert_true(
            waited_ms <=
            stall_min(life->silent_ms + STALLS_HEARTBEAT_MS, lease->period_ms) +
                2 * world->pass_ms_max + life->parked_ms + STALL_GRAIN_MS);
    }
}

// What was on the wire when the pass began that served it has won.
static void stall_check_wire(const struct stall_world *world,
                             const struct stall_lease *lease,
                             const struct stall_life *life)
{
    const struct stall_client *client = &world->clients[lease->client];

    if (!world->is_telling) {
        world->coverage->over_without_a_pass++;
        assert_true(world->never_pauses);
        return;
    }
    assert_true(world->pass_begun_ms >= life->found_ms);
    assert_false(client->is_sent && client->send_ms <= world->pass_begun_ms &&
                 client->sent_number <= world->pass_number &&
                 lease->is_in_force);
    // Who renews in time stays.
    assert_true(lease->is_doomed);
}

void stall_check_over(struct stall_world *world, uint64_t entry)
{
    struct stall_lease *lease = &world->by_entry[entry];
    struct stall_life life;

    assert_true(lease->is_in_force);
    life = stall_life(world, lease);
    assert_int_not_equal(life.found_ms, UINT64_MAX);
    stall_check_times(world, lease, &life);
    stall_check_wire(world, lease, &life);
    world->coverage->over++;
    world->coverage->over_after_a_stall += life.longest_ms > 100;
    lease->is_in_force = false;
}
