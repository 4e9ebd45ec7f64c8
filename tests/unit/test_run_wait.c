// SPDX-License-Identifier: Apache-2.0
//
// How long `electctl run` waits for the leadership (--wait, --no-wait), and
// holds it afterwards (--hold).

#include <signal.h>

#include "support/test.h"

#include "run_story.h"

// Its command has succeeded.
#define HOLDS                                                                  \
    RUNS, {ENDED(0), "hold 60000"},                                            \
    {                                                                          \
        GONE, ""                                                               \
    }

static void test_whoever_does_not_wait_leaves_to_who_leads(void **state)
{
    (void)state;
    NO_WAIT({BEGUN, "connect"}, {WAITS(1, CURRENT), "await 9000, leave"},
            {LEFT(OK), "exit 6"});
}

static void test_whoever_does_not_wait_asks_once(void **state)
{
    (void)state;
    NO_WAIT({BEGUN, "connect"}, {OVER(UNAVAILABLE), "exit 4"});
    NO_WAIT({BEGUN, "connect"}, {OVER(DEADLINE_EXCEEDED), "exit 4"});
    NO_WAIT({BEGUN, "connect"}, {UNCONFIRMED, "cancel"},
            {OVER(CANCELLED), "exit 4"});
    NO_WAIT({BEGUN, "connect"}, {LEADS(1, CURRENT), "await 9000"},
            {UNCONFIRMED, "cancel"}, {OVER(CANCELLED), "exit 4"});
    NO_WAIT({BEGUN, "connect"}, {OVER(NOT_FOUND), "exit 1"});
    NO_WAIT({BEGUN, "connect"}, {OVER(ALREADY_EXISTS), "exit 1"});
}

// It leads: nobody else does its work.
static void test_what_earlier_leaders_were_promised_is_waited_out(void **state)
{
    (void)state;
    NO_WAIT({BEGUN, "connect"}, {LEADS(1, CURRENT), "await 9000"},
            {CONFIRMED(1), ""}, {QUIET, "start 1"});
    NO_WAIT({BEGUN, "connect"}, {LEADS_AFTER(7, 1, CURRENT), "await 7"},
            {CONFIRMED(1), ""}, {WAITS(2, ANOINTED), "await 9000, leave"},
            {LEFT(OK), "exit 6"});
    NO_WAIT({BEGUN, "connect"}, {LEADS(1, CURRENT), "await 9000"},
            {OVER(UNAVAILABLE), "exit 4"});
}

static void test_a_wait_ends_the_queueing(void **state)
{
    (void)state;
    ONCE(QUEUES, {WAIT_OVER, "leave"}, {LEFT(OK), "exit 6"});
    ONCE(QUEUES, {OVER(UNAVAILABLE), "pause"}, {WAIT_OVER, "exit 6"});
    ONCE({BEGUN, "connect"}, {WAIT_OVER, "exit 4"});
    ONCE({BEGUN, "connect"}, {OVER(UNAVAILABLE), "pause"},
         {WAIT_OVER, "exit 4"});
    ONCE({BEGUN, "connect"}, {OVER(ALREADY_EXISTS), "pause"},
         {WAIT_OVER, "exit 1"});
}

static void test_a_wait_ends_whoever_makes_way(void **state)
{
    (void)state;
    ONCE({BEGUN, "connect"}, {LEADS(1, CURRENT), "await 9000"},
         {UNCONFIRMED, "cancel"}, {OVER(CANCELLED), "pause"},
         {PAUSE_OVER, "connect"}, {UNCONFIRMED, "cancel"},
         {OVER(CANCELLED), "stand back 14000"}, {WAIT_OVER, "exit 4"});
}

static void test_a_wait_ends_no_leader(void **state)
{
    (void)state;
    ONCE({BEGUN, "connect"}, {LEADS(1, CURRENT), "await 9000"}, {WAIT_OVER, ""},
         {CONFIRMED(1), ""}, {QUIET, "start 1"}, {ENDED(0), ""},
         {GONE, "leave"}, {LEFT(OK), "exit 0"});
    ONCE(RUNS, {WAIT_OVER, ""});
    RETRY(RUNS, {WAIT_OVER, ""}, {OVER(UNAVAILABLE), "end 15"},
          {ENDED(143), ""}, {GONE, "leave"}, {LEFT(OK), "renew, connect"},
          {WAITS(2, CURRENT), "await 9000"});
}

static void test_a_success_is_held(void **state)
{
    (void)state;
    HOLD(HOLDS, {CONFIRMED_UNTIL(2000, 1), ""}, {LEADS(1, ENTERED), ""},
         {HOLD_OVER, "leave"}, {LEFT(OK), "exit 0"});
    // What the command has left behind takes longer to end.
    HOLD(RUNS, {ENDED(0), "hold 60000"}, {HOLD_OVER, ""}, {GONE, "leave"},
         {LEFT(OK), "exit 0"});
}

static void test_a_failure_is_not_held(void **state)
{
    (void)state;
    HOLD(RUNS, {ENDED(1), ""}, {GONE, "leave"}, {LEFT(OK), "exit 1"});
    HOLD(RUNS, {WAITS(2, ANOINTED), "await 9000, end 15"}, {ENDED(0), ""},
         {GONE, "leave"}, {LEFT(OK), "exit 5"});
    HOLD(RUNS, {SIGNALLED(SIGTERM), "end 15"}, {ENDED(0), ""}, {GONE, "leave"},
         {LEFT(OK), "exit 0"});
}

static void test_whoever_loses_the_hold_has_succeeded(void **state)
{
    (void)state;
    HOLD(HOLDS, {WAITS(2, ANOINTED), "await 9000, leave"},
         {LEFT(OK), "exit 0"});
    HOLD(HOLDS, {DENIED(1), "leave"}, {LEFT(OK), "exit 0"});
    HOLD(HOLDS, {OVER(ABORTED), "exit 0"});
    HOLD(HOLDS, {TOO_OLD, "leave"}, {LEFT(OK), "exit 0"});
    HOLD(HOLDS, {WARDEN_LOST, ""}, {HOLD_OVER, "leave"}, {LEFT(OK), "exit 0"});
}

// The grace keeps its place meanwhile, for the same instance.
static void test_a_hold_outlives_its_stream(void **state)
{
    (void)state;
    HOLD(HOLDS, {OVER(UNAVAILABLE), "pause"}, {PAUSE_OVER, "connect"},
         {LEADS(1, CURRENT), "await 9000"}, {QUIET, ""}, {HOLD_OVER, "leave"},
         {LEFT(OK), "exit 0"});
    HOLD(HOLDS, {UNCONFIRMED, "cancel"}, {OVER(CANCELLED), "pause"},
         {PAUSE_OVER, "connect"}, {WAITS(2, CURRENT), "await 9000, leave"},
         {LEFT(OK), "exit 0"});
    HOLD(HOLDS, {OVER(UNAVAILABLE), "pause"}, {HOLD_OVER, "exit 0"});
}

static void test_a_signal_ends_the_hold(void **state)
{
    (void)state;
    HOLD(HOLDS, {SIGNALLED(SIGUSR1), ""}, {SIGNALLED(SIGTERM), "leave"},
         {SIGNALLED(SIGTERM), "exit 0"});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whoever_does_not_wait_leaves_to_who_leads),
        cmocka_unit_test(test_whoever_does_not_wait_asks_once),
        cmocka_unit_test(test_what_earlier_leaders_were_promised_is_waited_out),
        cmocka_unit_test(test_a_wait_ends_the_queueing),
        cmocka_unit_test(test_a_wait_ends_whoever_makes_way),
        cmocka_unit_test(test_a_wait_ends_no_leader),
        cmocka_unit_test(test_a_success_is_held),
        cmocka_unit_test(test_a_failure_is_not_held),
        cmocka_unit_test(test_whoever_loses_the_hold_has_succeeded),
        cmocka_unit_test(test_a_hold_outlives_its_stream),
        cmocka_unit_test(test_a_signal_ends_the_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
