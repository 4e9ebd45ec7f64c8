// SPDX-License-Identifier: Apache-2.0
//
// What `electctl run` is told, and the times that follow from it.

#include <string.h>

#include "support/test.h"

#include "ctl/run/run_options.h"

#define WORDS_MAX 16

static const struct ctl_options common = {
    .endpoint = "127.0.0.1:5678",
    .timeout_ms = 5000,
};

// Reads words that are separated by one blank.
static enum run_options_result read_words(const char *text,
                                          struct run_options *options,
                                          char error[RUN_OPTIONS_ERROR_SIZE])
{
    static char copy[256];
    static char *words[WORDS_MAX + 1];
    char *rest = copy;
    int count = 0;

    assert_true(strlen(text) < sizeof copy);
    memcpy(copy, text, strlen(text) + 1);
    while (rest != NULL && count < WORDS_MAX) {
        words[count] = strsep(&rest, " ");
        count++;
    }
    words[count] = NULL;
    return run_options_parse(options, &common, count, words, error);
}

// A Confirm that is lost is repeated, and answered, before the program would be
// told to end; and all is over when the daemon may have somebody else lead.
static void expect_room(const struct run_times *times)
{
    uint64_t valid_ms = times->grace_ms - times->grace_ms / 5;
    uint64_t end_ms = valid_ms - RUN_TIMES_KILL_MS - times->kill_after_ms;

    assert_true(times->confirm_period_ms * 2 + times->confirm_timeout_ms <=
                end_ms);
    assert_true(times->confirm_period_ms + times->confirm_timeout_ms <
                times->confirm_within_ms);
    assert_true(times->start_room_ms >=
                times->kill_after_ms + RUN_TIMES_KILL_MS);
    assert_true(times->start_room_ms + 2 * times->confirm_period_ms <=
                valid_ms);
    // A warden that is stopped is noticed by then, too.
    assert_true(times->beat_ms * 8 <= end_ms);
}

static struct run_options expect_run(const char *text, const char *warning)
{
    struct run_options options;
    char error[RUN_OPTIONS_ERROR_SIZE];

    assert_int_equal(read_words(text, &options, error), RUN_OPTIONS_RUN);
    assert_string_equal(error, warning);
    expect_room(&options.times);
    return options;
}

static void expect_error(const char *text, const char *expected)
{
    struct run_options options;
    char error[RUN_OPTIONS_ERROR_SIZE];

    assert_int_equal(read_words(text, &options, error), RUN_OPTIONS_ERROR);
    assert_string_equal(error, expected);
}

static void test_the_defaults_leave_room(void **state)
{
    struct run_options options = expect_run("e -- cmd --x", "");

    (void)state;
    assert_string_equal(options.election, "e");
    assert_string_equal(options.command[0], "cmd");
    assert_string_equal(options.command[1], "--x");
    assert_null(options.command[2]);
    assert_true(strchr(options.candidate, '-') != NULL);
    assert_false(options.creates || options.retries);
    assert_int_equal(options.start_delay_ms, 10000);
    assert_int_equal(options.times.kill_after_ms, 5000);
    assert_int_equal(options.times.grace_ms, 10000);
    assert_int_equal(options.times.confirm_within_ms, 3000);
    assert_int_equal(options.times.confirm_period_ms, 625);
    assert_int_equal(options.times.confirm_timeout_ms, 1250);
}

static void test_the_times_follow_kill_after(void **state)
{
    struct run_options options = expect_run("--kill-after=30s e -- cmd", "");

    (void)state;
    assert_int_equal(options.times.grace_ms, 41250);
    assert_int_equal(options.start_delay_ms, 41250);
    options = expect_run("e --kill-after 0 -- cmd", "");
    assert_int_equal(options.times.grace_ms, 3750);
    options = expect_run("e --kill-after 1ms -- cmd", "");
    assert_int_equal(options.times.grace_ms, 3752);
}

static void test_a_short_grace_makes_it_confirm_more_often(void **state)
{
    struct run_options options =
        expect_run("e --kill-after 200ms --grace 2125ms -- cmd", "");

    (void)state;
    assert_int_equal(options.times.confirm_within_ms, 1500);
    assert_int_equal(options.times.confirm_period_ms, 250);
    assert_int_equal(options.times.confirm_timeout_ms, 500);
    assert_int_equal(options.start_delay_ms, 2125);
}

static void test_a_long_grace_does_not_make_it_confirm_less_often(void **state)
{
    struct run_options options = expect_run("e --grace 10m -- cmd", "");

    (void)state;
    assert_int_equal(options.times.confirm_within_ms, 3000);
}

static void test_a_grace_that_is_too_short_is_refused(void **state)
{
    (void)state;
    expect_run("e --grace 8125ms -- cmd", "");
    expect_error("e --grace 8124ms -- cmd",
                 "--grace 8124ms is too short: with --kill-after 5s it must "
                 "be 8125ms at least, which is 5/4 of kill-after and 1.5s");
    expect_error("e --grace 0 -- cmd",
                 "--grace 0s is too short: with --kill-after 5s it must be "
                 "8125ms at least, which is 5/4 of kill-after and 1.5s");
}

static void test_a_start_delay_that_is_too_short_is_warned_of(void **state)
{
    (void)state;
    expect_run("e --start-delay 8s -- cmd", "");
    expect_run("e --start-delay 0 -- cmd",
               "--start-delay 0s is less than 8s, 4/5 of the grace: an earlier "
               "leader's program "
               "may still run when this one starts");
}

static void test_flags_stand_in_front_of_the_election_or_behind_it(void **state)
{
    struct run_options options = expect_run(
        "--create e --candidate n1 --retry --timeout 1s --endpoint=unix:/x -- "
        "cmd",
        "");

    (void)state;
    assert_true(options.creates && options.retries);
    assert_string_equal(options.candidate, "n1");
    assert_int_equal(options.common.timeout_ms, 1000);
    assert_string_equal(options.common.endpoint, "unix:/x");
    options = expect_run("e --retry --once -- cmd", "");
    assert_false(options.retries);
}

static void test_what_makes_no_sense_is_said(void **state)
{
    static const char usage[] = "run needs more: electctl run [FLAG]... "
                                "ELECTION -- PROGRAM [ARGUMENT]...";

    (void)state;
    expect_error("e", usage);
    expect_error("e --", usage);
    expect_error("-- cmd", usage);
    expect_error("e f -- cmd", "run: unexpected argument 'f': the program "
                               "stands behind --");
    expect_error("e --nope -- cmd", "run: unknown flag '--nope'");
    expect_error("e --create=1 -- cmd", "--create takes no value");
    expect_error("e --grace -- cmd", "--grace needs a value: --grace DURATION");
    expect_error("e --grace 5 -- cmd", "--grace: '5' has no unit: write 500ms, "
                                       "2s, 1m or 1h");
    expect_error("e --grace 11m -- cmd",
                 "--grace: '11m' is not a duration from 0s to 10m");
    expect_error("e --kill-after 10m -- cmd",
                 "--kill-after leaves no room for a grace, which has 10m at "
                 "most");
    expect_error("e --candidate= -- cmd",
                 "--candidate: a name has 1 to 253 bytes");
}

static void test_it_waits_for_ever_unless_it_is_told_otherwise(void **state)
{
    (void)state;
    assert_true(expect_run("e -- cmd", "").wait_ms == RUN_OPTIONS_WAIT_FOREVER);
    assert_int_equal(expect_run("e --no-wait -- cmd", "").wait_ms, 0);
    assert_int_equal(expect_run("e --wait 0 -- cmd", "").wait_ms, 0);
    assert_int_equal(expect_run("e --wait 168h -- cmd", "").wait_ms, 604800000);
    expect_error("e --wait 169h -- cmd",
                 "--wait: '169h' is not a duration from 0s to 168h");
    expect_error("e --wait 1s --no-wait -- cmd",
                 "--no-wait and --wait exclude each other");
}

static void test_it_waits_for_less_than_it_holds(void **state)
{
    (void)state;
    assert_int_equal(expect_run("e -- cmd", "").hold_ms, 0);
    assert_int_equal(expect_run("e --hold 12h --no-wait -- cmd", "").hold_ms,
                     43200000);
    expect_run("e --hold 2s --wait 1999ms -- cmd", "");
    expect_error("e --hold 2s --wait 2s -- cmd",
                 "--wait 2s is not shorter than --hold 2s: the program would "
                 "run again when the hold is over");
}

// In a container the process id is always 1.
static void test_two_runs_never_have_the_same_name(void **state)
{
    struct run_options one = expect_run("e -- cmd", "");
    struct run_options other = expect_run("e -- cmd", "");

    (void)state;
    assert_string_not_equal(one.candidate, other.candidate);
}

static void test_help_needs_nothing_else(void **state)
{
    struct run_options options;
    char error[RUN_OPTIONS_ERROR_SIZE];

    (void)state;
    assert_int_equal(read_words("--help", &options, error), RUN_OPTIONS_HELP);
    assert_int_equal(read_words("e -h", &options, error), RUN_OPTIONS_HELP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_defaults_leave_room),
        cmocka_unit_test(test_the_times_follow_kill_after),
        cmocka_unit_test(test_a_short_grace_makes_it_confirm_more_often),
        cmocka_unit_test(test_a_long_grace_does_not_make_it_confirm_less_often),
        cmocka_unit_test(test_a_grace_that_is_too_short_is_refused),
        cmocka_unit_test(test_a_start_delay_that_is_too_short_is_warned_of),
        cmocka_unit_test(test_it_waits_for_ever_unless_it_is_told_otherwise),
        cmocka_unit_test(test_it_waits_for_less_than_it_holds),
        cmocka_unit_test(test_two_runs_never_have_the_same_name),
        cmocka_unit_test(
            test_flags_stand_in_front_of_the_election_or_behind_it),
        cmocka_unit_test(test_what_makes_no_sense_is_said),
        cmocka_unit_test(test_help_needs_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
