// SPDX-License-Identifier: Apache-2.0
//
// What an election or a candidate may be called.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "services/name.h"

// Checks a copy in memory of just its size.
static bool check(const char *string, size_t *size,
                  struct name_problem *problem)
{
    size_t copy_size = strlen(string) + 1;
    char *copy = malloc(copy_size);
    struct electd_name name;
    bool ok;

    assert_non_null(copy);
    memcpy(copy, string, copy_size);
    memset(problem, 'x', sizeof *problem);
    ok = name_check("candidate", copy, &name, problem);
    if (ok) {
        assert_ptr_equal(name.bytes, copy);
    }
    *size = name.size;
    free(copy);
    return ok;
}

static void expect_ok(const char *string)
{
    struct name_problem problem;
    size_t size;

    assert_true(check(string, &size, &problem));
    assert_int_equal(size, strlen(string));
}

static void expect_refused(const char *string, const char *sentence)
{
    struct name_problem problem;
    size_t size;

    assert_false(check(string, &size, &problem));
    assert_string_equal(problem.text, sentence);
}

static void expect_control_at(const char *string, size_t position)
{
    char sentence[80];

    snprintf(sentence, sizeof sentence,
             "candidate holds a control character (at byte %zu)", position);
    expect_refused(string, sentence);
}

static void test_name_of_1_to_253_bytes_is_taken(void **state)
{
    char string[ELECTD_NAME_SIZE_MAX + 1] = "";

    (void)state;
    for (size_t size = 1; size <= ELECTD_NAME_SIZE_MAX; size++) {
        string[size - 1] = 'a';
        expect_ok(string);
    }
}

static void test_empty_name_is_refused(void **state)
{
    (void)state;
    expect_refused("", "candidate is empty: it takes 1 to 253 bytes");
}

static void test_name_of_254_bytes_is_refused(void **state)
{
    char string[ELECTD_NAME_SIZE_MAX + 2] = "";

    (void)state;
    memset(string, 'a', ELECTD_NAME_SIZE_MAX + 1);
    expect_refused(string, "candidate has 254 bytes: it takes 1 to 253");
}

static void test_size_counts_bytes_and_not_characters(void **state)
{
    char string[3 * 85 + 1] = "";

    (void)state;
    // U+20AC has three bytes.
    for (size_t i = 0; i < 84; i++) {
        memcpy(string + 3 * i, "\xe2\x82\xac", 3);
    }
    expect_ok(string);
    memcpy(string + 252, "\xe2\x82\xac", 3);
    expect_refused(string, "candidate has 255 bytes: it takes 1 to 253");
}

static void test_sentence_begins_with_the_field(void **state)
{
    struct electd_name name;
    struct name_problem problem;

    (void)state;
    assert_false(name_check("id.name", "", &name, &problem));
    assert_string_equal(problem.text,
                        "id.name is empty: it takes 1 to 253 bytes");
    assert_false(name_check("id.name", "\n", &name, &problem));
    assert_string_equal(problem.text,
                        "id.name holds a control character (at byte 0)");
}

static void test_every_control_character_of_ascii_is_refused(void **state)
{
    char string[] = "ab?c";

    (void)state;
    for (int byte = 1; byte < 0x80; byte++) {
        string[2] = (char)byte;
        if (byte < 0x20 || byte == 0x7f) {
            expect_control_at(string, 2);
        } else {
            expect_ok(string);
        }
    }
}

static void test_every_control_character_beyond_ascii_is_refused(void **state)
{
    char string[] = "ab\xc2?c";

    (void)state;
    // U+0080 to U+00BF, of which those below U+00A0 are controls.
    for (unsigned byte = 0x80; byte <= 0xbf; byte++) {
        string[3] = (char)byte;
        if (byte <= 0x9f) {
            expect_control_at(string, 2);
        } else {
            expect_ok(string);
        }
    }
}

static void test_other_characters_with_such_bytes_are_taken(void **state)
{
    (void)state;
    expect_ok("\xc3\x80");             // U+00C0
    expect_ok("\xdf\x82\xc3\x9f");     // ... 82 c3 9f
    expect_ok("\xe2\x82\x80");         // U+2080
    expect_ok("\xe0\xa0\x82\xc4\x80"); // ... 82 c4 80
    expect_ok("\xf0\x9f\x97\xb3");     // U+1F5F3, a ballot box
    expect_ok("\xe2\x80\x8b");         // U+200B is of category Cf
    expect_ok("\xe2\x80\xa8");         // U+2028 is of category Zl
    expect_ok("\xef\xbf\xbf");         // U+FFFF
    expect_ok("\xc2\xa0");             // a blank that does not break
}

static void test_control_is_found_first_and_last(void **state)
{
    char string[ELECTD_NAME_SIZE_MAX + 1] = "";

    (void)state;
    expect_control_at("\n", 0);
    expect_control_at("\xc2\x80", 0);
    memset(string, 'a', ELECTD_NAME_SIZE_MAX);
    string[ELECTD_NAME_SIZE_MAX - 1] = '\x7f';
    expect_control_at(string, ELECTD_NAME_SIZE_MAX - 1);
    memcpy(string + ELECTD_NAME_SIZE_MAX - 2, "\xc2\x9f", 2);
    expect_control_at(string, ELECTD_NAME_SIZE_MAX - 2);
    string[3] = '\t';
    expect_control_at(string, 3);
}

static void test_place_counts_bytes_and_not_characters(void **state)
{
    (void)state;
    expect_control_at("\xe2\x82\xac\xf0\x9f\x97\xb3\xc3\xa4\n", 9);
    expect_control_at("\xc3\xa4\xc2\x85", 2);
}

static void test_blanks_and_dots_are_taken(void **state)
{
    (void)state;
    expect_ok(" ");
    expect_ok(".");
    expect_ok("a/b c:d%00'\"\\");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_of_1_to_253_bytes_is_taken),
        cmocka_unit_test(test_empty_name_is_refused),
        cmocka_unit_test(test_name_of_254_bytes_is_refused),
        cmocka_unit_test(test_size_counts_bytes_and_not_characters),
        cmocka_unit_test(test_sentence_begins_with_the_field),
        cmocka_unit_test(test_every_control_character_of_ascii_is_refused),
        cmocka_unit_test(test_every_control_character_beyond_ascii_is_refused),
        cmocka_unit_test(test_other_characters_with_such_bytes_are_taken),
        cmocka_unit_test(test_control_is_found_first_and_last),
        cmocka_unit_test(test_place_counts_bytes_and_not_characters),
        cmocka_unit_test(test_blanks_and_dots_are_taken),
    };

    return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
