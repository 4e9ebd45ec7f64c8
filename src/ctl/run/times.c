// SPDX-License-Identifier: Apache-2.0

#include "ctl/run/times.h"

#include <assert.h>

#define RUN_TIMES_CONFIRM_MS 3000
#define RUN_TIMES_CONFIRM_MS_MIN 1500
// For requests that are under way.
#define RUN_TIMES_STAND_BACK_MS 1000
// Words that the warden may leave unanswered are one more than half of these:
// one that is stopped is noticed before the program would be told to end.
#define RUN_TIMES_BEATS 10

// 5/4, rounded up.
static uint64_t run_times_with_fifth(uint64_t valid_ms)
{
    return (valid_ms * 5 + 3) / 4;
}

uint64_t run_times_grace_ms_default(uint64_t kill_after_ms)
{
    return run_times_with_fifth(kill_after_ms + RUN_TIMES_CONFIRM_MS);
}

uint64_t run_times_grace_ms_min(uint64_t kill_after_ms)
{
    return run_times_with_fifth(kill_after_ms + RUN_TIMES_CONFIRM_MS_MIN);
}

uint64_t run_times_valid_ms(uint64_t grace_ms)
{
    return grace_ms - grace_ms / 5;
}

void run_times_derive(struct run_times *times, uint64_t kill_after_ms,
                      uint64_t grace_ms)
{
    uint64_t within_ms = run_times_valid_ms(grace_ms) - kill_after_ms;
    uint64_t slack_ms;

    assert(grace_ms >= run_times_grace_ms_min(kill_after_ms));
    if (within_ms > RUN_TIMES_CONFIRM_MS) {
        within_ms = RUN_TIMES_CONFIRM_MS;
    }
    slack_ms = within_ms - RUN_TIMES_KILL_MS;
    *times = (struct run_times){
        .kill_after_ms = kill_after_ms,
        .grace_ms = grace_ms,
        .confirm_within_ms = within_ms,
        .confirm_period_ms = slack_ms / 4,
        .confirm_timeout_ms = slack_ms / 2,
        .start_room_ms = kill_after_ms + RUN_TIMES_KILL_MS + slack_ms / 4,
        .stand_back_ms = grace_ms + within_ms + RUN_TIMES_STAND_BACK_MS,
        .beat_ms = slack_ms / RUN_TIMES_BEATS,
    };
}
