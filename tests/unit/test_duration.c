// SPDX-License-Identifier: Apache-2.0

#include <string.h>

#include "support/test.h"

#include "base/duration.h"

static void expect_ms(const char *text, uint64_t expected_ms)
{
    uint64_t duration_ms = 12345;
    const char *reason = NULL;

    assert_true(duration_parse(text, strlen(text), &duration_ms, &reason));
    assert_int_equal(duration_ms, expected_ms);
    assert_null(reason);
}

static void expect_reason(const char *text, const char *expected)
{
    uint64_t duration_ms = 12345;
    const char *reason = "";

    assert_false(duration_parse(text, strlen(text), &duration_ms, &reason));
    assert_string_equal(reason, expected);
    assert_int_equal(duration_ms, 12345);
}

static void expect_text(uint64_t duration_ms, const char *expected)
{
    char text[DURATION_TEXT_SIZE];

    duration_format(duration_ms, text);
    assert_string_equal(text, expected);
}

static void test_each_unit_has_its_length(void **state)
{
    (void)state;
    expect_ms("500ms", 500);
    expect_ms("2s", 2000);
    expect_ms("1m", 60000);
    expect_ms("3h", 10800000);
}

static void test_zero_is_a_duration_when_it_has_a_unit(void **state)
{
    (void)state;
    expect_ms("0s", 0);
    expect_ms("0ms", 0);
    expect_reason("0", "has no unit: write 500ms, 2s, 1m or 1h");
}

static void test_a_bare_number_is_told_the_units(void **state)
{
    (void)state;
    expect_reason("5", "has no unit: write 500ms, 2s, 1m or 1h");
}

static void test_what_has_no_digit_in_front_is_no_duration(void **state)
{
    static const char *const texts[] = {"",    "s", "-1s", "+1s",
                                        " 1s", "x", ".5s"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect_reason(texts[i], "is not a duration: write 500ms, 2s, 1m or 1h");
    }
}

static void test_other_units_and_anything_behind_are_refused(void **state)
{
    static const char *const texts[] = {"1d",   "1S",   "1 s",  "1s ",
                                        "1m5s", "1mss", "1sec", "1us"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect_reason(texts[i],
                      "has an unknown unit: write 500ms, 2s, 1m or 1h");
    }
}

static void test_a_fraction_is_told_what_to_write(void **state)
{
    (void)state;
    expect_reason("1.5s",
                  "has a fraction: write 1500ms for one and a half seconds");
}

static void test_the_longest_duration_is_read_and_one_more_refused(void **state)
{
    (void)state;
    expect_ms("18446744073709551614ms", UINT64_MAX - 1);
    expect_reason("18446744073709551616ms", "is too long");
    expect_reason("99999999999999999999999999s", "is too long");
    // 2^64 ms are 5124095576030.43 h.
    expect_ms("5124095576030h", UINT64_C(5124095576030) * 3600000);
    expect_reason("5124095576031h", "is too long");
}

static void test_only_the_bytes_given_are_read(void **state)
{
    uint64_t duration_ms = 0;
    const char *reason;

    (void)state;
    assert_true(duration_parse("2ms", 2, &duration_ms, &reason));
    assert_int_equal(duration_ms, 120000);
    assert_false(duration_parse("2s\0", 3, &duration_ms, &reason));
}

static void test_a_duration_is_written_in_its_largest_whole_unit(void **state)
{
    (void)state;
    expect_text(0, "0s");
    expect_text(1, "1ms");
    expect_text(1500, "1500ms");
    expect_text(5000, "5s");
    expect_text(90000, "90s");
    expect_text(120000, "2m");
    expect_text(3600000, "1h");
    expect_text(UINT64_MAX, "18446744073709551615ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_unit_has_its_length),
        cmocka_unit_test(test_zero_is_a_duration_when_it_has_a_unit),
        cmocka_unit_test(test_a_bare_number_is_told_the_units),
        cmocka_unit_test(test_what_has_no_digit_in_front_is_no_duration),
        cmocka_unit_test(test_other_units_and_anything_behind_are_refused),
        cmocka_unit_test(test_a_fraction_is_told_what_to_write),
        cmocka_unit_test(
            test_the_longest_duration_is_read_and_one_more_refused),
        cmocka_unit_test(test_only_the_bytes_given_are_read),
        cmocka_unit_test(test_a_duration_is_written_in_its_largest_whole_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
