// SPDX-License-Identifier: Apache-2.0
//
// What `electctl run` decides, as stories: each line is an event and what is
// done about it. At the end, all short stories at once, by what must never
// happen in any.

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <grpc/status.h>

#include "ctl/run_state.h"

#define TEXT_SIZE 256

struct line {
    struct run_event event;
    const char *actions;
};

#define BEGUN                                                                  \
    {                                                                          \
        .kind = RUN_BEGUN                                                      \
    }
// The revision counts up unless a change was missed: it is the term's, here.
#define LEADS(in_term, because)                                                \
    {                                                                          \
        .kind = RUN_ANSWERED, .leads = true, .term = (in_term),                \
        .revision = (in_term), .reason = RUN_REASON_##because                  \
    }
#define WAITS(in_term, because)                                                \
    {                                                                          \
        .kind = RUN_ANSWERED, .leads = false, .term = (in_term),               \
        .revision = (in_term), .reason = RUN_REASON_##because                  \
    }
#define OVER(code)                                                             \
    {                                                                          \
        .kind = RUN_STREAM_OVER, .number = GRPC_STATUS_##code                  \
    }
#define PAUSE_OVER                                                             \
    {                                                                          \
        .kind = RUN_PAUSE_OVER                                                 \
    }
#define QUIET                                                                  \
    {                                                                          \
        .kind = RUN_QUIET                                                      \
    }
#define ENDED(code)                                                            \
    {                                                                          \
        .kind = RUN_COMMAND_ENDED, .number = (code)                            \
    }
#define GONE                                                                   \
    {                                                                          \
        .kind = RUN_GROUP_GONE                                                 \
    }
#define SIGNALLED(signal)                                                      \
    {                                                                          \
        .kind = RUN_SIGNALLED, .number = (signal)                              \
    }
#define STALLED                                                                \
    {                                                                          \
        .kind = RUN_STALLED                                                    \
    }
#define WARDEN_LOST                                                            \
    {                                                                          \
        .kind = RUN_WARDEN_LOST                                                \
    }
#define LEFT                                                                   \
    {                                                                          \
        .kind = RUN_LEFT                                                       \
    }

// How most stories begin: it leads in term 1, and its command runs.
#define RUNS                                                                   \
    {BEGUN, "connect"}, {LEADS(1, CURRENT), "await"},                          \
    {                                                                          \
        QUIET, "start 1"                                                       \
    }
// It is second in line behind the leader of term 1, and has been for long.
#define QUEUES                                                                 \
    {BEGUN, "connect"}, {WAITS(1, CURRENT), "await"},                          \
    {                                                                          \
        QUIET, ""                                                              \
    }

static void append(char text[TEXT_SIZE], const struct run_action *action)
{
    static const char *const names[] = {
        [RUN_CONNECT] = "connect", [RUN_PAUSE] = "pause",
        [RUN_CANCEL] = "cancel",   [RUN_AWAIT_QUIET] = "await",
        [RUN_START] = "start",     [RUN_END] = "end",
        [RUN_PASS_ON] = "pass on", [RUN_LEAVE] = "leave",
        [RUN_EXIT] = "exit",
    };
    size_t size = strlen(text);
    unsigned long long number = action->kind == RUN_START
                                    ? action->term
                                    : (unsigned long long)action->number;
    bool has_number = action->kind == RUN_START || action->kind == RUN_END ||
                      action->kind == RUN_PASS_ON || action->kind == RUN_EXIT;

    size += (size_t)snprintf(text + size, TEXT_SIZE - size, "%s%s",
                             size > 0 ? ", " : "", names[action->kind]);
    if (has_number) {
        snprintf(text + size, TEXT_SIZE - size, " %llu", number);
    }
}

static void tell(bool retries, const struct line *lines, size_t count)
{
    struct run_state state;
    struct run_actions actions;
    char text[TEXT_SIZE];

    run_state_init(&state, retries);
    for (size_t i = 0; i < count; i++) {
        run_state_step(&state, &lines[i].event, &actions);
        text[0] = '\0';
        for (size_t j = 0; j < actions.count; j++) {
            append(text, &actions.array[j]);
        }
        if (strcmp(text, lines[i].actions) != 0) {
            fail_msg("line %zu: '%s' instead of '%s'", i, text,
                     lines[i].actions);
        }
    }
}

#define ONCE(...)                                                              \
    do {                                                                       \
        static const struct line lines[] = {__VA_ARGS__};                      \
        tell(false, lines, sizeof lines / sizeof lines[0]);                    \
    } while (0)
#define RETRY(...)                                                             \
    do {                                                                       \
        static const struct line lines[] = {__VA_ARGS__};                      \
        tell(true, lines, sizeof lines / sizeof lines[0]);                     \
    } while (0)

static void test_the_first_leader_waits_before_it_starts(void **state)
{
    (void)state;
    ONCE({BEGUN, "connect"}, {LEADS(1, CURRENT), "await"}, {QUIET, "start 1"});
}

static void test_the_commands_code_is_passed_on_after_leaving(void **state)
{
    (void)state;
    ONCE(RUNS, {ENDED(3), ""}, {GONE, "leave"}, {LEFT, "exit 3"});
}

static void
test_a_leader_that_left_by_its_lease_is_followed_at_once(void **state)
{
    (void)state;
    ONCE(QUEUES, {LEADS(2, DISCONNECTED), "start 2"});
    ONCE(QUEUES, {LEADS(2, EXPIRED), "start 2"});
}

static void test_after_any_other_change_of_the_leader_it_waits(void **state)
{
    (void)state;
    ONCE(QUEUES, {LEADS(2, UNSPECIFIED), "await"}, {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, CURRENT), "await"}, {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, ENTERED), "await"}, {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, WITHDRAWN), "await"}, {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, EVICTED), "await"}, {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, ANOINTED), "await"}, {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, PROMOTED), "await"}, {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, DEMOTED), "await"}, {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, CLOSED), "await"}, {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, UNSPECIFIED + 99), "await"}, {QUIET, "start 2"});
}

// The leader of term 1 was deposed, and may be running; the one of term 2 left
// at once.
static void test_a_change_among_others_is_waited_out_too(void **state)
{
    (void)state;
    ONCE(QUEUES, {WAITS(2, ANOINTED), "await"}, {LEADS(3, DISCONNECTED), ""},
         {QUIET, "start 3"});
    ONCE(QUEUES, {WAITS(2, DISCONNECTED), ""},
         {LEADS(3, DISCONNECTED), "start 3"});
}

static void test_a_change_that_was_missed_is_waited_out(void **state)
{
    (void)state;
    ONCE(QUEUES, {LEADS(4, DISCONNECTED), "await"}, {QUIET, "start 4"});
}

static void test_a_lost_leadership_exits_with_5_and_leaves(void **state)
{
    (void)state;
    ONCE(RUNS, {WAITS(2, ANOINTED), "end 15, await"}, {ENDED(143), ""},
         {GONE, "leave"}, {LEFT, "exit 5"});
}

static void test_a_new_term_of_its_own_is_a_loss_too(void **state)
{
    (void)state;
    ONCE(RUNS, {LEADS(3, ANOINTED), "end 15, await"}, {ENDED(0), ""},
         {QUIET, ""}, {GONE, "leave"}, {LEFT, "exit 5"});
    RETRY(RUNS, {LEADS(3, ANOINTED), "end 15, await"}, {ENDED(0), ""},
          {GONE, ""}, {QUIET, "start 3"});
}

static void test_an_eviction_exits_with_5(void **state)
{
    (void)state;
    ONCE(RUNS, {WAITS(2, EVICTED), "end 15, await"}, {OVER(ABORTED), ""},
         {ENDED(143), ""}, {GONE, "exit 5"});
    ONCE(QUEUES, {OVER(ABORTED), "exit 5"});
}

static void test_with_retry_an_evicted_one_queues_again(void **state)
{
    (void)state;
    RETRY(RUNS, {OVER(ABORTED), "end 15"}, {ENDED(143), ""}, {GONE, "pause"},
          {PAUSE_OVER, "connect"}, {WAITS(9, CURRENT), "await"});
    RETRY(QUEUES, {OVER(ABORTED), "pause"}, {PAUSE_OVER, "connect"});
}

static void test_with_retry_a_deposed_one_stays_in_the_queue(void **state)
{
    (void)state;
    RETRY(RUNS, {WAITS(2, ANOINTED), "end 15, await"}, {ENDED(143), ""},
          {GONE, ""}, {QUIET, ""}, {LEADS(3, DISCONNECTED), "start 3"});
    RETRY(RUNS, {WAITS(2, ANOINTED), "end 15, await"},
          {LEADS(3, DISCONNECTED), ""}, {QUIET, ""}, {ENDED(143), ""},
          {GONE, "start 3"});
}

static void test_a_lost_connection_ends_the_command_at_once(void **state)
{
    (void)state;
    ONCE(RUNS, {OVER(UNAVAILABLE), "end 15"}, {ENDED(143), ""},
         {GONE, "exit 5"});
    RETRY(RUNS, {OVER(UNAVAILABLE), "end 15"}, {ENDED(143), ""},
          {GONE, "pause"}, {PAUSE_OVER, "connect"},
          {LEADS(1, CURRENT), "await"}, {QUIET, "start 1"});
}

static void test_a_lost_connection_is_retried_while_waiting(void **state)
{
    (void)state;
    ONCE(QUEUES, {OVER(UNAVAILABLE), "pause"}, {QUIET, ""},
         {PAUSE_OVER, "connect"}, {OVER(UNAVAILABLE), "pause"},
         {PAUSE_OVER, "connect"}, {LEADS(2, CURRENT), "await"},
         {QUIET, "start 2"});
    ONCE({BEGUN, "connect"}, {OVER(UNAVAILABLE), "pause"});
}

static void test_a_leader_that_has_not_started_loses_nothing(void **state)
{
    (void)state;
    ONCE({BEGUN, "connect"}, {LEADS(1, CURRENT), "await"},
         {WAITS(2, ANOINTED), "await"}, {QUIET, ""},
         {LEADS(3, DISCONNECTED), "start 3"});
    ONCE({BEGUN, "connect"}, {LEADS(1, CURRENT), "await"},
         {OVER(UNAVAILABLE), "pause"}, {QUIET, ""}, {PAUSE_OVER, "connect"});
}

static void test_what_cannot_succeed_is_not_tried_again(void **state)
{
    (void)state;
    ONCE({BEGUN, "connect"}, {OVER(INVALID_ARGUMENT), "exit 1"});
    RETRY({BEGUN, "connect"}, {OVER(NOT_FOUND), "exit 1"});
    RETRY({BEGUN, "connect"}, {OVER(UNIMPLEMENTED), "exit 1"});
}

static void test_an_election_that_was_there_may_come_back(void **state)
{
    (void)state;
    ONCE(QUEUES, {OVER(UNAVAILABLE), "pause"}, {PAUSE_OVER, "connect"},
         {OVER(NOT_FOUND), "pause"}, {PAUSE_OVER, "connect"});
}

static void test_a_name_that_is_taken_is_tried_for_a_while(void **state)
{
    struct run_state run;
    struct run_actions actions;
    static const struct run_event begun = BEGUN;
    static const struct run_event taken = OVER(ALREADY_EXISTS);
    static const struct run_event pause_over = PAUSE_OVER;

    (void)state;
    run_state_init(&run, true);
    run_state_step(&run, &begun, &actions);
    for (unsigned i = 0; i < RUN_NAME_TAKEN_MAX; i++) {
        run_state_step(&run, &taken, &actions);
        assert_int_equal(actions.array[0].kind, RUN_PAUSE);
        run_state_step(&run, &pause_over, &actions);
    }
    run_state_step(&run, &taken, &actions);
    assert_int_equal(actions.array[0].kind, RUN_EXIT);
    assert_int_equal(actions.array[0].number, 1);
}

static void test_a_signal_reaches_the_command_whose_code_counts(void **state)
{
    (void)state;
    ONCE(RUNS, {SIGNALLED(SIGINT), "end 2"}, {ENDED(0), ""}, {GONE, "leave"},
         {LEFT, "exit 0"});
    RETRY(RUNS, {SIGNALLED(SIGTERM), "end 15"},
          {SIGNALLED(SIGTERM), "pass on 15"}, {ENDED(143), ""}, {GONE, "leave"},
          {LEFT, "exit 143"});
    RETRY(RUNS, {SIGNALLED(SIGHUP), "end 1"}, {OVER(UNAVAILABLE), ""},
          {ENDED(7), ""}, {GONE, "exit 7"});
}

static void test_a_signal_ends_one_that_waits(void **state)
{
    (void)state;
    ONCE(QUEUES, {SIGNALLED(SIGTERM), "leave"}, {LEFT, "exit 143"});
    ONCE(QUEUES, {SIGNALLED(SIGQUIT), "leave"},
         {SIGNALLED(SIGQUIT), "exit 131"});
    ONCE({BEGUN, "connect"}, {SIGNALLED(SIGINT), "exit 130"});
    ONCE({BEGUN, "connect"}, {OVER(UNAVAILABLE), "pause"},
         {SIGNALLED(SIGINT), "exit 130"});
}

// Who comes next would think that all is quiet.
static void test_a_leader_that_never_was_quiet_does_not_say_so(void **state)
{
    (void)state;
    ONCE({BEGUN, "connect"}, {LEADS(1, CURRENT), "await"},
         {SIGNALLED(SIGTERM), "exit 143"});
    ONCE({BEGUN, "connect"}, {WAITS(1, CURRENT), "await"},
         {SIGNALLED(SIGTERM), "leave"}, {LEFT, "exit 143"});
}

static void test_other_signals_are_for_the_command(void **state)
{
    (void)state;
    ONCE(RUNS, {SIGNALLED(SIGUSR1), "pass on 10"},
         {SIGNALLED(SIGCONT), "pass on 18"}, {ENDED(0), ""});
    ONCE(QUEUES, {SIGNALLED(SIGUSR2), ""});
}

static void test_a_signal_during_the_end_ends_a_retry(void **state)
{
    (void)state;
    RETRY(RUNS, {OVER(UNAVAILABLE), "end 15"}, {SIGNALLED(SIGINT), "pass on 2"},
          {ENDED(0), ""}, {GONE, "exit 130"});
    ONCE(RUNS, {OVER(UNAVAILABLE), "end 15"}, {SIGNALLED(SIGINT), "pass on 2"},
         {ENDED(0), ""}, {GONE, "exit 5"});
}

static void test_a_stall_is_a_loss_of_all_that_is_known(void **state)
{
    (void)state;
    ONCE(RUNS, {STALLED, "end 15, cancel"}, {QUIET, ""}, {OVER(CANCELLED), ""},
         {ENDED(143), ""}, {GONE, "exit 5"});
    RETRY(RUNS, {STALLED, "end 15, cancel"}, {ENDED(143), ""}, {GONE, ""},
          {OVER(CANCELLED), "pause"}, {PAUSE_OVER, "connect"});
    ONCE({BEGUN, "connect"}, {LEADS(1, CURRENT), "await"}, {STALLED, "cancel"},
         {QUIET, ""}, {LEADS(2, DISCONNECTED), ""}, {OVER(CANCELLED), "pause"},
         {PAUSE_OVER, "connect"});
    ONCE({BEGUN, "connect"}, {STALLED, "cancel"},
         {OVER(INVALID_ARGUMENT), "pause"});
}

static void test_without_its_warden_it_fails(void **state)
{
    (void)state;
    RETRY(RUNS, {WARDEN_LOST, ""}, {GONE, "leave"}, {LEFT, "exit 1"});
    RETRY(QUEUES, {WARDEN_LOST, "leave"}, {LEFT, "exit 1"});
    ONCE(RUNS, {SIGNALLED(SIGTERM), "end 15"}, {ENDED(0), ""},
         {WARDEN_LOST, ""}, {GONE, "leave"}, {LEFT, "exit 1"});
}

static void test_nothing_follows_the_exit(void **state)
{
    (void)state;
    ONCE({BEGUN, "connect"}, {SIGNALLED(SIGINT), "exit 130"},
         {OVER(CANCELLED), ""}, {LEADS(1, CURRENT), ""}, {QUIET, ""},
         {SIGNALLED(SIGINT), ""});
}

// All stories of that many events.
#define DEPTH 6

static const struct run_event alphabet[] = {
    LEADS(1, CURRENT),
    LEADS(2, DISCONNECTED),
    LEADS(3, ANOINTED),
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
    SIGNALLED(SIGUSR1),
    STALLED,
    WARDEN_LOST,
    LEFT,
};

// What the world is like, for an event to be possible.
static bool is_possible(const struct run_state *state,
                        const struct run_event *event)
{
    switch (event->kind) {
    case RUN_ANSWERED:
    case RUN_STREAM_OVER:
        return state->stream >= RUN_STREAM_OPENING;
    case RUN_PAUSE_OVER:
        return state->stream == RUN_STREAM_PAUSED;
    case RUN_COMMAND_ENDED:
    case RUN_GROUP_GONE:
        return state->group != RUN_GROUP_NONE;
    case RUN_LEFT:
        return state->is_leaving;
    case RUN_BEGUN:
    case RUN_QUIET:
    case RUN_SIGNALLED:
    case RUN_STALLED:
    case RUN_WARDEN_LOST:
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
        assert_true(after->leads && after->is_quiet && !after->is_finishing);
        assert_int_equal(after->stream, RUN_STREAM_IN);
        assert_int_equal(action->term, after->term);
        return;
    case RUN_LEAVE:
        assert_int_equal(after->group, RUN_GROUP_NONE);
        assert_true(after->is_quiet || !after->leads);
        return;
    case RUN_EXIT:
    case RUN_CONNECT:
    case RUN_PAUSE:
        assert_int_equal(after->group, RUN_GROUP_NONE);
        return;
    case RUN_END:
        assert_int_equal(before->group, RUN_GROUP_RUNNING);
        assert_int_equal(after->group, RUN_GROUP_ENDING);
        return;
    case RUN_CANCEL:
        assert_true(before->stream >= RUN_STREAM_OPENING);
        return;
    case RUN_PASS_ON:
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
        if (before->has_exited) {
            assert_int_equal(actions.count, 0);
            continue;
        }
        count += explore(&after, depth - 1);
    }
    return count;
}

static void test_no_short_story_ends_badly(void **state)
{
    static const struct run_event begun = BEGUN;
    struct run_state run;
    struct run_actions actions;

    (void)state;
    for (int retries = 0; retries < 2; retries++) {
        run_state_init(&run, retries == 1);
        run_state_step(&run, &begun, &actions);
        assert_true(explore(&run, DEPTH) > 10000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_leader_waits_before_it_starts),
        cmocka_unit_test(test_the_commands_code_is_passed_on_after_leaving),
        cmocka_unit_test(
            test_a_leader_that_left_by_its_lease_is_followed_at_once),
        cmocka_unit_test(test_after_any_other_change_of_the_leader_it_waits),
        cmocka_unit_test(test_a_change_among_others_is_waited_out_too),
        cmocka_unit_test(test_a_change_that_was_missed_is_waited_out),
        cmocka_unit_test(test_a_lost_leadership_exits_with_5_and_leaves),
        cmocka_unit_test(test_a_new_term_of_its_own_is_a_loss_too),
        cmocka_unit_test(test_an_eviction_exits_with_5),
        cmocka_unit_test(test_with_retry_an_evicted_one_queues_again),
        cmocka_unit_test(test_with_retry_a_deposed_one_stays_in_the_queue),
        cmocka_unit_test(test_a_lost_connection_ends_the_command_at_once),
        cmocka_unit_test(test_a_lost_connection_is_retried_while_waiting),
        cmocka_unit_test(test_a_leader_that_has_not_started_loses_nothing),
        cmocka_unit_test(test_what_cannot_succeed_is_not_tried_again),
        cmocka_unit_test(test_an_election_that_was_there_may_come_back),
        cmocka_unit_test(test_a_name_that_is_taken_is_tried_for_a_while),
        cmocka_unit_test(test_a_signal_reaches_the_command_whose_code_counts),
        cmocka_unit_test(test_a_signal_ends_one_that_waits),
        cmocka_unit_test(test_a_leader_that_never_was_quiet_does_not_say_so),
        cmocka_unit_test(test_other_signals_are_for_the_command),
        cmocka_unit_test(test_a_signal_during_the_end_ends_a_retry),
        cmocka_unit_test(test_a_stall_is_a_loss_of_all_that_is_known),
        cmocka_unit_test(test_without_its_warden_it_fails),
        cmocka_unit_test(test_nothing_follows_the_exit),
        cmocka_unit_test(test_no_short_story_ends_badly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
