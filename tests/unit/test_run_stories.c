// SPDX-License-Identifier: Apache-2.0
//
// All short stories of `electctl run` at once, by what must never happen in
// any.

#include <signal.h>

#include "support/test.h"

#include "run_story.h"

// All stories of that many events, and as many more of a command that runs.
#define DEPTH 5

static const struct run_event alphabet[] = {
    LEADS(1, CURRENT),
    LEADS(2, DISCONNECTED),
    LEADS_AFTER(0, 3, ANOINTED),
    WAITS(1, CURRENT),
    WAITS(2, ANOINTED),
    WAITS(3, DISCONNECTED),
    OVER(UNAVAILABLE),
    OVER(ABORTED),
    PAUSE_OVER,
    QUIET,
    ENDED(7),
    GONE,
    SIGNALLED(SIGTERM),
    CONFIRMED(1),
    CONFIRMED(3),
    DENIED(1),
    UNCONFIRMED,
    OVERDUE,
    WARDEN_LOST,
    LEFT(OK),
    LEFT(UNAVAILABLE),
    WAIT_OVER,
    HOLD_OVER,
};

// What the world is like, for an event to be possible.
static bool is_possible(const struct run_state *state,
                        const struct run_event *event)
{
    switch (event->kind) {
    case RUN_ANSWERED:
    case RUN_STREAM_OVER:
    case RUN_UNCONFIRMED:
        return state->stream == RUN_STREAM_OPENING ||
               state->stream == RUN_STREAM_IN ||
               state->stream == RUN_STREAM_CANCELLED;
    case RUN_PAUSE_OVER:
        return state->stream == RUN_STREAM_PAUSED;
    case RUN_COMMAND_ENDED:
    case RUN_GROUP_GONE:
        return state->group != RUN_GROUP_NONE;
    case RUN_OVERDUE:
        return state->group == RUN_GROUP_RUNNING;
    case RUN_LEFT:
        return state->phase == RUN_LEAVING ||
               state->stream == RUN_STREAM_LEAVING;
    case RUN_HOLD_OVER:
        return state->phase >= RUN_HOLDING;
    case RUN_BEGUN:
    case RUN_QUIET:
    case RUN_CONFIRMED:
    case RUN_DENIED:
    case RUN_TOO_OLD:
    case RUN_SIGNALLED:
    case RUN_WARDEN_LOST:
    case RUN_WAIT_OVER:
        break;
    }
    return true;
}

static void check_action(const struct run_state *before,
                         const struct run_state *after,
                         const struct run_action *action)
{
    switch (action->kind) {
    case RUN_START:
        assert_true(after->leads && after->is_quiet);
        assert_int_equal(after->phase, RUN_SEEKING);
        assert_int_equal(after->stream, RUN_STREAM_IN);
        assert_int_equal(action->term, after->term);
        assert_true(action->time_ms >= RUN_STORY_ROOM_MS);
        // Each instance starts one at most.
        assert_false(before->is_used);
        return;
    case RUN_RENEW:
        assert_true(before->is_used && !after->is_used);
        return;
    case RUN_LEAVE:
        assert_int_equal(after->group, RUN_GROUP_NONE);
        assert_true(after->is_quiet || after->is_earlier_known ||
                    !after->leads);
        return;
    case RUN_EXIT:
    case RUN_CONNECT:
    case RUN_PAUSE:
    case RUN_STAND_BACK:
        assert_int_equal(after->group, RUN_GROUP_NONE);
        return;
    case RUN_END:
        assert_int_equal(before->group, RUN_GROUP_RUNNING);
        assert_int_equal(after->group, RUN_GROUP_ENDING);
        return;
    case RUN_CANCEL:
        assert_true(before->stream == RUN_STREAM_OPENING ||
                    before->stream == RUN_STREAM_IN);
        return;
    case RUN_AWAIT_HOLD:
        assert_int_equal(before->group, RUN_GROUP_RUNNING);
        assert_int_equal(after->phase, RUN_HOLDING);
        return;
    case RUN_PASS_ON:
    case RUN_EXTEND:
    case RUN_AWAIT_QUIET:
        return;
    }
}

static unsigned long explore(const struct run_state *before, unsigned depth)
{
    unsigned long count = 1;

    for (size_t i = 0; i < sizeof alphabet / sizeof alphabet[0]; i++) {
        struct run_state after = *before;
        struct run_actions actions;

        if (depth == 0 || !is_possible(before, &alphabet[i])) {
            continue;
        }
        run_state_step(&after, &alphabet[i], &actions);
        for (size_t j = 0; j < actions.count; j++) {
            check_action(before, &after, &actions.array[j]);
        }
        if (after.group == RUN_GROUP_RUNNING) {
            assert_true(after.leads && after.stream == RUN_STREAM_IN);
            assert_int_equal(after.command_term, after.term);
        }
        if (before->phase == RUN_EXITED) {
            assert_int_equal(actions.count, 0);
            continue;
        }
        count += explore(&after, depth - 1);
    }
    return count;
}

static void test_no_short_story_ends_badly(void **state)
{
    static const struct run_rules rules[] = {
        {RUN_STORY_RULES, .retries = false},
        {RUN_STORY_RULES, .retries = true},
        {RUN_STORY_RULES, .never_waits = true, .hold_ms = 1},
    };
    static const struct run_event begun = BEGUN;
    static const struct run_event leads = LEADS_AFTER(0, 1, CURRENT);
    static const struct run_event confirmed = CONFIRMED(1);
    struct run_state run;
    struct run_actions actions;

    (void)state;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        run_state_init(&run, &rules[i]);
        run_state_step(&run, &begun, &actions);
        assert_true(explore(&run, DEPTH) > 1000);
        run_state_step(&run, &leads, &actions);
        run_state_step(&run, &confirmed, &actions);
        assert_int_equal(run.group, RUN_GROUP_RUNNING);
        assert_true(explore(&run, DEPTH) > 10000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_short_story_ends_badly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
