// SPDX-License-Identifier: Apache-2.0
//
// Which strings of a message are some, before they are unpacked. For the
// notation see wire_test.h.

#include <stdio.h>
#include <string.h>

#include "support/test.h"

#include "atomix/runtime/election/v1/election.pb-c.h"
#include "wire_test.h"

static void test_unknown_fields_do_not_hide_what_follows(void **state)
{
    (void)state;
    expect_bad_string(ENTER, "1a02 ffff 1202 'n' ff",
                      "candidate is not UTF-8 (at byte 1)");
    expect_bad_string(ENTER, "18ffffffffffffffffff01 1201 ff",
                      "candidate is not UTF-8 (at byte 0)");
    expect_bad_string(ENTER, "19 0001020304050607 1d 00010203 1201 ff",
                      "candidate is not UTF-8 (at byte 0)");
}

static void test_duplicated_id_is_checked_each_time(void **state)
{
    (void)state;
    expect_ok(ENTER, "0a03 0a01 'x' 0a03 0a01 'y'");
    expect_bad_string(ENTER, "0a03 0a01 ff 0a03 0a01 'y'",
                      "id.name is not UTF-8 (at byte 0)");
    expect_bad_string(ENTER, "0a03 0a01 'x' 0a04 0a02 'y' ff",
                      "id.name is not UTF-8 (at byte 1)");
    expect_bad_string(ENTER, "0a06 0a01 'x' 0a01 ff",
                      "id.name is not UTF-8 (at byte 0)");
    expect_malformed(ENTER, "0a03 0a01 'x' 0a01 0a");
}

static void test_duplicated_id_is_merged_when_it_is_unpacked(void **state)
{
    Atomix__Runtime__Election__V1__EnterRequest *request;
    uint8_t bytes[WIRE_TEST_SIZE_MAX];
    size_t size = wire_test_read("0a03 0a01 'x' 0a00 1201 'n' 0a05 0a03 'abc'"
                                 "0a03 1a01 ff",
                                 bytes);
    struct wire_problem problem;

    (void)state;
    assert_int_equal(wire_test_check_bytes(ENTER, bytes, size, &problem),
                     WIRE_OK);
    request =
        atomix__runtime__election__v1__enter_request__unpack(NULL, size, bytes);
    assert_non_null(request);
    assert_string_equal(request->id->name, "abc");
    assert_string_equal(request->candidate, "n");
    atomix__runtime__election__v1__enter_request__free_unpacked(request, NULL);
}

static void test_duplicated_string_is_checked_each_time(void **state)
{
    (void)state;
    expect_ok(ENTER, "1201 'n' 1201 'm'");
    expect_bad_string(ENTER, "1201 ff 1201 'm'",
                      "candidate is not UTF-8 (at byte 0)");
    expect_bad_string(ENTER, "1201 'n' 1201 ff",
                      "candidate is not UTF-8 (at byte 0)");
}

static void test_each_of_repeated_strings_is_checked(void **state)
{
    (void)state;
    expect_bad_string(CREATE, "1201 'a' 1202 'b' ff 1201 'c'",
                      "tags is not UTF-8 (at byte 1)");
    expect_bad_string(CREATE, "1201 'a' 1201 'b' 1201 00",
                      "tags holds a control character (at byte 0)");
}

static void test_each_string_of_a_oneof_is_checked(void **state)
{
    (void)state;
    expect_bad_string(REFLECT, "1a01 ff 2201 's'",
                      "file_by_filename is not UTF-8 (at byte 0)");
    expect_bad_string(REFLECT, "2a05 0a01 ff 1007",
                      "file_containing_extension.containing_type is not UTF-8 "
                      "(at byte 0)");
}

static void test_string_that_is_not_utf8_is_named_with_its_place(void **state)
{
    (void)state;
    expect_bad_string(ENTER, "0a06 0a04 'abc' ff 1201 'n'",
                      "id.name is not UTF-8 (at byte 3)");
    // A continuation alone, and a character without its last byte.
    expect_bad_string(ENTER, "1203 'ab' 80",
                      "candidate is not UTF-8 (at byte 2)");
    expect_bad_string(ENTER, "1203 'a' e282",
                      "candidate is not UTF-8 (at byte 1)");
    // A character without its last byte, and the next field.
    expect_bad_string(ENTER, "0a04 0a02 e282 1201 'n'",
                      "id.name is not UTF-8 (at byte 0)");
}

static void test_what_only_looks_like_utf8_is_refused(void **state)
{
    static const char *const strings[] = {
        "1202 c080",     // U+0000 in two bytes
        "1202 c1bf",     // U+007F in two bytes
        "1203 e09fbf",   // U+07FF in three bytes
        "1204 f08fbfbf", // U+FFFF in four bytes
        "1203 eda080",   // U+D800, half of a pair
        "1203 edbfbf",   // U+DFFF, the other half
        "1204 f4908080", // U+110000
        "1205 f888808080", "1201 fe", "1201 ff",
    };

    (void)state;
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        expect_bad_string(ENTER, strings[i],
                          "candidate is not UTF-8 (at byte 0)");
    }
}

static void test_utf8_of_every_size_is_ok(void **state)
{
    (void)state;
    expect_ok(ENTER, "1201 7f");
    expect_ok(ENTER, "1204 c280 dfbf");
    expect_ok(ENTER, "1206 e0a080 efbfbf");
    expect_ok(ENTER, "1206 ed9fbf ee8080");
    expect_ok(ENTER, "1208 f0908080 f48fbfbf");
}

static void test_nul_in_a_string_is_named_with_its_place(void **state)
{
    (void)state;
    expect_bad_string(ENTER, "1207 'lead' 00 'er'",
                      "candidate holds a control character (at byte 4)");
    expect_bad_string(ENTER, "0a03 0a01 00",
                      "id.name holds a control character (at byte 0)");
    expect_bad_string(ENTER, "1202 'n' 00",
                      "candidate holds a control character (at byte 1)");
    // Bytes of zero elsewhere do not matter.
    expect_ok(ENTER, "1800 1201 'n' 1a01 00");
}

static void test_long_path_is_cut_and_its_rule_kept(void **state)
{
    struct wire_problem problem;
    char text[256] = "";
    char level[8];

    (void)state;
    for (unsigned inner = 7; inner-- > 0;) {
        snprintf(level, sizeof level, "1a%02x ", 2 * inner + 3);
        strcat(text, level);
    }
    strcat(text, "0a01 ff");
    assert_int_equal(wire_test_check(NESTED, text, &problem), WIRE_BAD_STRING);
    assert_ptr_equal(strstr(problem.text, "nested_type.nested_type."),
                     problem.text);
    assert_non_null(strstr(problem.text, " is not UTF-8 (at byte 0)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_fields_do_not_hide_what_follows),
        cmocka_unit_test(test_duplicated_id_is_checked_each_time),
        cmocka_unit_test(test_duplicated_id_is_merged_when_it_is_unpacked),
        cmocka_unit_test(test_duplicated_string_is_checked_each_time),
        cmocka_unit_test(test_each_of_repeated_strings_is_checked),
        cmocka_unit_test(test_each_string_of_a_oneof_is_checked),
        cmocka_unit_test(test_string_that_is_not_utf8_is_named_with_its_place),
        cmocka_unit_test(test_what_only_looks_like_utf8_is_refused),
        cmocka_unit_test(test_utf8_of_every_size_is_ok),
        cmocka_unit_test(test_nul_in_a_string_is_named_with_its_place),
        cmocka_unit_test(test_long_path_is_cut_and_its_rule_kept),
    };

    return cmocka_run_group_tests_name("wire strings", tests, NULL, NULL);
}
