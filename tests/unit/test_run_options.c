// SPDX-License-Identifier: Apache-2.0
//
// What `electctl run` is told, and the times that follow from it.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/run_options.h"

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

static struct run_options expect_run(const char *text, const char *warning)
{
    struct run_options options;
    char error[RUN_OPTIONS_ERROR_SIZE];

    assert_int_equal(read_words(text, &options, error), RUN_OPTIONS_RUN);
    assert_string_equal(error, warning);
    // What a leader that is cut off takes at worst is over before the grace.
    if (warning[0] == '\0') {
        assert_true((uint64_t)options.keepalive_time_ms +
                        (uint64_t)options.keepalive_timeout_ms +
                        options.silence_ms_max + options.kill_after_ms +
                        2 * (uint64_t)options.keepalive_timeout_ms <=
                    options.grace_ms);
    }
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
    assert_int_equal(options.kill_after_ms, 5000);
    assert_int_equal(options.grace_ms, 10000);
    assert_int_equal(options.start_delay_ms, 10000);
    assert_int_equal(options.keepalive_time_ms, 1000);
    assert_int_equal(options.keepalive_timeout_ms, 1000);
    assert_int_equal(options.silence_ms_max, 1000);
}

static void test_the_times_follow_kill_after(void **state)
{
    struct run_options options = expect_run("--kill-after=30s e -- cmd", "");

    (void)state;
    assert_int_equal(options.grace_ms, 35000);
    assert_int_equal(options.start_delay_ms, 35000);
    options = expect_run("e --kill-after 0 -- cmd", "");
    assert_int_equal(options.grace_ms, 5000);
}

static void test_a_short_grace_makes_it_notice_sooner(void **state)
{
    struct run_options options =
        expect_run("e --kill-after 200ms --grace 2200ms -- cmd", "");

    (void)state;
    assert_int_equal(options.keepalive_timeout_ms, 250);
    assert_int_equal(options.silence_ms_max, 250);
    options = expect_run("e --kill-after 1s --grace 4s -- cmd", "");
    assert_int_equal(options.keepalive_timeout_ms, 500);
    assert_int_equal(options.start_delay_ms, 4000);
}

static void test_what_is_too_short_is_warned_of_once(void **state)
{
    (void)state;
    expect_run("e --grace 6s -- cmd",
               "--grace 6s is less than 7s: a program that is cut off may "
               "still run when the next one starts");
    expect_run("e --start-delay 0 -- cmd",
               "--start-delay 0s is less than 7s: a program that is cut off "
               "may still run when the next one starts");
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
        cmocka_unit_test(test_a_short_grace_makes_it_notice_sooner),
        cmocka_unit_test(test_what_is_too_short_is_warned_of_once),
        cmocka_unit_test(
            test_flags_stand_in_front_of_the_election_or_behind_it),
        cmocka_unit_test(test_what_makes_no_sense_is_said),
        cmocka_unit_test(test_help_needs_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
