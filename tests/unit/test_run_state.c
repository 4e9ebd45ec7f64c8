// SPDX-License-Identifier: Apache-2.0
//
// What `electctl run` decides about its command and its place in the election.

#include <signal.h>

#include "support/test.h"

#include "run_story.h"

static void test_the_first_leader_waits_before_it_starts(void **state)
{
    (void)state;
    ONCE({BEGUN, "connect"}, {LEADS(1, CURRENT), "await 9000"},
         {CONFIRMED(1), ""}, {QUIET, "start 1"});
}

static void test_it_waits_as_long_as_an_earlier_leader_may_act(void **state)
{
    (void)state;
    ONCE({BEGUN, "connect"}, {LEADS_AFTER(3200, 4, CURRENT), "await 3200"},
         {CONFIRMED(4), ""}, {QUIET, "start 4"});
    ONCE({BEGUN, "connect"}, {LEADS_AFTER(0, 1, CURRENT), ""},
         {CONFIRMED(1), "start 1"});
    ONCE({BEGUN, "connect"}, {WAITS_AFTER(0, 1, CURRENT), ""},
         {LEADS_AFTER(8000, 2, ANOINTED), "await 8000"}, {CONFIRMED(2), ""},
         {QUIET, "start 2"});
}

// The earlier leader's command has ended, and it has left.
static void test_the_newest_answer_says_how_long_to_wait(void **state)
{
    (void)state;
    ONCE({BEGUN, "connect"}, {LEADS_AFTER(8000, 2, CURRENT), "await 8000"},
         {CONFIRMED(2), ""}, {LEADS_AFTER(500, 2, ENTERED), "await 500"},
         {LEADS_AFTER(0, 2, DISCONNECTED), "start 2"});
    ONCE({BEGUN, "connect"}, {LEADS(2, CURRENT), "await 9000"},
         {CONFIRMED(2), ""}, {LEADS_AFTER(0, 2, ENTERED), "start 2"});
}

static void test_it_starts_only_when_it_is_confirmed(void **state)
{
    (void)state;
    ONCE({BEGUN, "connect"}, {LEADS(1, CURRENT), "await 9000"}, {QUIET, ""},
         {CONFIRMED(1), "start 1"});
    // Of another term, or too short, or too old by now.
    ONCE({BEGUN, "connect"}, {LEADS(2, CURRENT), "await 9000"},
         {CONFIRMED(1), ""}, {QUIET, ""}, {CONFIRMED_UNTIL(499, 2), ""},
         {CONFIRMED_UNTIL(500, 2), "start 2"});
    ONCE({BEGUN, "connect"}, {LEADS(1, CURRENT), "await 9000"},
         {CONFIRMED_UNTIL(1000, 1), ""}, {QUIET_AT(600), ""},
         {CONFIRMED_UNTIL(1500, 1), "start 1"});
    // Of an earlier stream: the daemon may be another one.
    ONCE({BEGUN, "connect"}, {LEADS(1, CURRENT), "await 9000"},
         {CONFIRMED(1), ""}, {OVER(UNAVAILABLE), "pause"},
         {PAUSE_OVER, "connect"}, {LEADS(1, CURRENT), "await 9000"},
         {QUIET, ""}, {CONFIRMED(1), "start 1"});
}

static void test_each_confirm_lets_the_command_run_longer(void **state)
{
    (void)state;
    ONCE(RUNS, {CONFIRMED_UNTIL(1500, 1), "extend 1500"},
         {CONFIRMED_UNTIL(1400, 1), ""}, {CONFIRMED_UNTIL(9000, 2), ""},
         {CONFIRMED_UNTIL(2000, 1), "extend 2000"}, {ENDED(0), ""},
         {CONFIRMED_UNTIL(3000, 1), ""});
}

static void test_whoever_is_denied_does_not_lead(void **state)
{
    (void)state;
    ONCE(RUNS, {DENIED(1), "end 15"}, {WAITS(2, EVICTED), "await 9000"},
         {ENDED(143), ""}, {GONE, "leave"}, {LEFT(OK), "exit 5"});
    ONCE(RUNS, {DENIED(0), ""});
    // It is right only until the next Confirm, if nothing was started.
    ONCE({BEGUN, "connect"}, {LEADS(1, CURRENT), "await 9000"},
         {CONFIRMED(1), ""}, {DENIED(1), ""}, {QUIET, ""},
         {CONFIRMED_UNTIL(999, 2), ""}, {CONFIRMED(1), "start 1"});
    ONCE({BEGUN, "connect"}, {LEADS_AFTER(0, 1, CURRENT), ""}, {DENIED(1), ""},
         {WAITS(1, CURRENT), ""}, {CONFIRMED(1), ""});
    RETRY(RUNS, {DENIED(1), "end 15"}, {CONFIRMED_UNTIL(2000, 1), ""},
          {ENDED(143), ""}, {GONE, "cancel"});
    ONCE(QUEUES, {DENIED(1), ""});
}

static void test_an_unconfirmed_stream_is_given_up(void **state)
{
    (void)state;
    ONCE(RUNS, {UNCONFIRMED, "cancel, end 15"}, {OVER(CANCELLED), ""},
         {ENDED(143), ""}, {GONE, "exit 5"});
    RETRY(RUNS, {UNCONFIRMED, "cancel, end 15"}, {ENDED(143), ""}, {GONE, ""},
          {OVER(CANCELLED), "leave"}, {LEFT(OK), "renew, connect"});
    ONCE(QUEUES, {UNCONFIRMED, "cancel"}, {LEADS(2, DISCONNECTED), ""},
         {OVER(CANCELLED), "pause"}, {PAUSE_OVER, "connect"});
    ONCE({BEGUN, "connect"}, {UNCONFIRMED, "cancel"},
         {OVER(INVALID_ARGUMENT), "pause"});
}

// Campaigning again and again, it would keep the place of somebody who hears.
static void test_whoever_is_never_confirmed_makes_way(void **state)
{
    (void)state;
    ONCE({BEGUN, "connect"}, {LEADS(1, CURRENT), "await 9000"},
         {UNCONFIRMED, "cancel"}, {OVER(CANCELLED), "pause"},
         {PAUSE_OVER, "connect"}, {LEADS(1, CURRENT), "await 9000"},
         {UNCONFIRMED, "cancel"}, {OVER(CANCELLED), "stand back 14000"},
         {PAUSE_OVER, "connect"}, {LEADS(2, CURRENT), "await 9000"},
         {UNCONFIRMED, "cancel"}, {OVER(CANCELLED), "stand back 14000"},
         {SIGNALLED(SIGTERM), "exit 143"});
    // It was waiting, and does not hear that it leads.
    ONCE(QUEUES, {UNCONFIRMED, "cancel"}, {OVER(CANCELLED), "pause"},
         {PAUSE_OVER, "connect"}, {UNCONFIRMED, "cancel"},
         {OVER(CANCELLED), "stand back 14000"}, {PAUSE_OVER, "connect"});
    // A Confirm that counts, between the two.
    ONCE(QUEUES, {UNCONFIRMED, "cancel"}, {OVER(CANCELLED), "pause"},
         {PAUSE_OVER, "connect"}, {WAITS(1, CURRENT), "await 9000"},
         {DENIED(1), ""}, {UNCONFIRMED, "cancel"}, {OVER(CANCELLED), "pause"});
    // With a command, it says that the command is gone.
    RETRY(QUEUES, {UNCONFIRMED, "cancel"}, {OVER(CANCELLED), "pause"},
          {PAUSE_OVER, "connect"}, {LEADS_AFTER(0, 1, CURRENT), ""},
          {CONFIRMED(1), "start 1"}, {UNCONFIRMED, "cancel, end 15"},
          {OVER(CANCELLED), ""}, {ENDED(143), ""}, {GONE, "leave"});
}

static void test_a_command_that_was_overdue_is_a_loss(void **state)
{
    (void)state;
    ONCE(RUNS, {OVERDUE, ""}, {ENDED(143), ""}, {GONE, "leave"},
         {LEFT(OK), "exit 5"});
    // It was not started at all.
    RETRY(RUNS, {OVERDUE, ""}, {GONE, "cancel"}, {OVER(CANCELLED), "leave"},
          {LEFT(OK), "renew, connect"});
}

static void test_a_daemon_without_confirm_is_too_old(void **state)
{
    (void)state;
    ONCE({BEGUN, "connect"}, {LEADS(1, CURRENT), "await 9000"},
         {TOO_OLD, "exit 1"});
    RETRY(QUEUES, {TOO_OLD, "leave"}, {LEFT(OK), "exit 1"});
    RETRY(RUNS, {TOO_OLD, "end 15"}, {ENDED(143), ""}, {GONE, "leave"},
          {LEFT(OK), "exit 1"});
}

// It makes way under the old instance, which tells the daemon that its command
// is gone, until that has reached it.
static void test_each_command_has_its_own_instance(void **state)
{
    (void)state;
    RETRY(RUNS, {OVER(UNAVAILABLE), "end 15"}, {ENDED(143), ""},
          {GONE, "leave"}, {LEFT(UNAVAILABLE), "pause"}, {PAUSE_OVER, "leave"},
          {LEFT(OK), "renew, connect"}, {LEADS(2, CURRENT), "await 9000"},
          {CONFIRMED(2), ""}, {QUIET, "start 2"});
    // Nobody knows it any more.
    RETRY(RUNS, {OVER(UNAVAILABLE), "end 15"}, {ENDED(143), ""},
          {GONE, "leave"}, {LEFT(NOT_FOUND), "renew, connect"});
    RETRY(RUNS, {OVER(UNAVAILABLE), "end 15"}, {ENDED(143), ""},
          {GONE, "leave"}, {SIGNALLED(SIGTERM), "exit 143"});
    // Without a command there is nothing to tell.
    RETRY(QUEUES, {OVER(UNAVAILABLE), "pause"}, {PAUSE_OVER, "connect"});
}

static void test_the_commands_code_is_passed_on_after_leaving(void **state)
{
    (void)state;
    ONCE(RUNS, {ENDED(3), ""}, {GONE, "leave"}, {LEFT(OK), "exit 3"});
}

static void
test_a_leader_that_left_by_its_lease_is_followed_at_once(void **state)
{
    (void)state;
    ONCE(QUEUES, {LEADS(2, DISCONNECTED), ""}, {CONFIRMED(2), "start 2"});
    ONCE(QUEUES, {LEADS(2, EXPIRED), ""}, {CONFIRMED(2), "start 2"});
}

static void test_after_any_other_change_of_the_leader_it_waits(void **state)
{
    (void)state;
    ONCE(QUEUES, {LEADS(2, UNSPECIFIED), "await 9000"}, {CONFIRMED(2), ""},
         {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, CURRENT), "await 9000"}, {CONFIRMED(2), ""},
         {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, ENTERED), "await 9000"}, {CONFIRMED(2), ""},
         {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, WITHDRAWN), "await 9000"}, {CONFIRMED(2), ""},
         {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, EVICTED), "await 9000"}, {CONFIRMED(2), ""},
         {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, ANOINTED), "await 9000"}, {CONFIRMED(2), ""},
         {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, PROMOTED), "await 9000"}, {CONFIRMED(2), ""},
         {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, DEMOTED), "await 9000"}, {CONFIRMED(2), ""},
         {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, REPLACED), "await 9000"}, {CONFIRMED(2), ""},
         {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, CLOSED), "await 9000"}, {CONFIRMED(2), ""},
         {QUIET, "start 2"});
    ONCE(QUEUES, {LEADS(2, UNSPECIFIED + 99), "await 9000"}, {CONFIRMED(2), ""},
         {QUIET, "start 2"});
}

// The leader of term 1 was deposed, and may be running; the one of term 2 left
// at once.
static void test_a_change_among_others_is_waited_out_too(void **state)
{
    (void)state;
    ONCE(QUEUES, {WAITS(2, ANOINTED), "await 9000"},
         {LEADS(3, DISCONNECTED), ""}, {CONFIRMED(3), ""}, {QUIET, "start 3"});
    ONCE(QUEUES, {WAITS(2, DISCONNECTED), ""}, {LEADS(3, DISCONNECTED), ""},
         {CONFIRMED(3), "start 3"});
}

static void test_a_change_that_was_missed_is_waited_out(void **state)
{
    (void)state;
    ONCE(QUEUES, {LEADS(4, DISCONNECTED), "await 9000"}, {CONFIRMED(4), ""},
         {QUIET, "start 4"});
}

static void test_a_lost_leadership_exits_with_5_and_leaves(void **state)
{
    (void)state;
    ONCE(RUNS, {WAITS(2, ANOINTED), "await 9000, end 15"}, {ENDED(143), ""},
         {GONE, "leave"}, {LEFT(OK), "exit 5"});
}

static void test_a_new_term_of_its_own_is_a_loss_too(void **state)
{
    (void)state;
    ONCE(RUNS, {LEADS(3, ANOINTED), "await 9000, end 15"}, {ENDED(0), ""},
         {QUIET, ""}, {GONE, "leave"}, {LEFT(OK), "exit 5"});
    RETRY(RUNS, {LEADS(3, ANOINTED), "await 9000, end 15"}, {ENDED(0), ""},
          {CONFIRMED(3), ""}, {QUIET, ""}, {GONE, "cancel"});
}

static void test_an_eviction_exits_with_5(void **state)
{
    (void)state;
    ONCE(RUNS, {WAITS(2, EVICTED), "await 9000, end 15"}, {OVER(ABORTED), ""},
         {ENDED(143), ""}, {GONE, "exit 5"});
    ONCE(QUEUES, {OVER(ABORTED), "exit 5"});
}

static void test_with_retry_an_evicted_one_queues_again(void **state)
{
    (void)state;
    RETRY(RUNS, {OVER(ABORTED), "end 15"}, {ENDED(143), ""}, {GONE, "leave"},
          {LEFT(OK), "renew, connect"}, {WAITS(9, CURRENT), "await 9000"});
    RETRY(QUEUES, {OVER(ABORTED), "pause"}, {PAUSE_OVER, "connect"});
}

static void test_with_retry_a_deposed_one_queues_again(void **state)
{
    (void)state;
    RETRY(RUNS, {WAITS(2, ANOINTED), "await 9000, end 15"}, {ENDED(143), ""},
          {GONE, "cancel"}, {OVER(CANCELLED), "leave"},
          {LEFT(OK), "renew, connect"}, {WAITS(2, CURRENT), "await 9000"});
}

static void test_a_lost_connection_ends_the_command_at_once(void **state)
{
    (void)state;
    ONCE(RUNS, {OVER(UNAVAILABLE), "end 15"}, {ENDED(143), ""},
         {GONE, "exit 5"});
}

static void test_a_lost_connection_is_retried_while_waiting(void **state)
{
    (void)state;
    ONCE(QUEUES, {OVER(UNAVAILABLE), "pause"}, {QUIET, ""},
         {PAUSE_OVER, "connect"}, {OVER(UNAVAILABLE), "pause"},
         {PAUSE_OVER, "connect"}, {LEADS(2, CURRENT), "await 9000"},
         {CONFIRMED(2), ""}, {QUIET, "start 2"});
    ONCE({BEGUN, "connect"}, {OVER(UNAVAILABLE), "pause"});
}

static void test_a_leader_that_has_not_started_loses_nothing(void **state)
{
    (void)state;
    ONCE({BEGUN, "connect"}, {LEADS(1, CURRENT), "await 9000"},
         {WAITS(2, ANOINTED), "await 9000"}, {QUIET, ""},
         {LEADS(3, DISCONNECTED), ""}, {CONFIRMED(3), "start 3"});
    ONCE({BEGUN, "connect"}, {LEADS(1, CURRENT), "await 9000"},
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
    static const struct run_rules rules = {.retries = true};
    static const struct run_event begun = BEGUN;
    static const struct run_event taken = OVER(ALREADY_EXISTS);
    static const struct run_event pause_over = PAUSE_OVER;

    (void)state;
    run_state_init(&run, &rules);
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
         {LEFT(OK), "exit 0"});
    RETRY(RUNS, {SIGNALLED(SIGTERM), "end 15"},
          {SIGNALLED(SIGTERM), "pass on 15"}, {ENDED(143), ""}, {GONE, "leave"},
          {LEFT(OK), "exit 143"});
    RETRY(RUNS, {SIGNALLED(SIGHUP), "end 1"}, {OVER(UNAVAILABLE), ""},
          {ENDED(7), ""}, {GONE, "exit 7"});
}

static void test_a_signal_ends_one_that_waits(void **state)
{
    (void)state;
    ONCE(QUEUES, {SIGNALLED(SIGTERM), "leave"}, {LEFT(OK), "exit 143"});
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
    ONCE({BEGUN, "connect"}, {LEADS(1, CURRENT), "await 9000"},
         {SIGNALLED(SIGTERM), "exit 143"});
    // Unless the daemon knows what that one was promised.
    ONCE({BEGUN, "connect"}, {LEADS_AFTER(7, 1, CURRENT), "await 7"},
         {SIGNALLED(SIGTERM), "leave"}, {LEFT(OK), "exit 143"});
    ONCE({BEGUN, "connect"}, {WAITS(1, CURRENT), "await 9000"},
         {SIGNALLED(SIGTERM), "leave"}, {LEFT(OK), "exit 143"});
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

static void test_without_its_warden_it_fails(void **state)
{
    (void)state;
    RETRY(RUNS, {WARDEN_LOST, ""}, {GONE, "leave"}, {LEFT(OK), "exit 1"});
    RETRY(QUEUES, {WARDEN_LOST, "leave"}, {LEFT(OK), "exit 1"});
    ONCE(RUNS, {SIGNALLED(SIGTERM), "end 15"}, {ENDED(0), ""},
         {WARDEN_LOST, ""}, {GONE, "leave"}, {LEFT(OK), "exit 1"});
}

static void test_nothing_follows_the_exit(void **state)
{
    (void)state;
    ONCE({BEGUN, "connect"}, {SIGNALLED(SIGINT), "exit 130"},
         {OVER(CANCELLED), ""}, {LEADS(1, CURRENT), ""}, {QUIET, ""},
         {SIGNALLED(SIGINT), ""});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_leader_waits_before_it_starts),
        cmocka_unit_test(test_it_waits_as_long_as_an_earlier_leader_may_act),
        cmocka_unit_test(test_the_newest_answer_says_how_long_to_wait),
        cmocka_unit_test(test_it_starts_only_when_it_is_confirmed),
        cmocka_unit_test(test_each_confirm_lets_the_command_run_longer),
        cmocka_unit_test(test_whoever_is_denied_does_not_lead),
        cmocka_unit_test(test_an_unconfirmed_stream_is_given_up),
        cmocka_unit_test(test_whoever_is_never_confirmed_makes_way),
        cmocka_unit_test(test_a_command_that_was_overdue_is_a_loss),
        cmocka_unit_test(test_a_daemon_without_confirm_is_too_old),
        cmocka_unit_test(test_each_command_has_its_own_instance),
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
        cmocka_unit_test(test_with_retry_a_deposed_one_queues_again),
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
        cmocka_unit_test(test_without_its_warden_it_fails),
        cmocka_unit_test(test_nothing_follows_the_exit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
