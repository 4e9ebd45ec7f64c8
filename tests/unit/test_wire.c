// SPDX-License-Identifier: Apache-2.0
//
// Which bytes are a message, before they are unpacked. For the notation see
// wire_test.h.

#include <stdio.h>
#include <string.h>

#include "support/test.h"

#include "wire_test.h"

static void test_message_as_clients_send_it_is_ok(void **state)
{
    (void)state;
    expect_ok(ENTER, "0a03 0a01 'x' 1201 'n'");
    expect_ok(CREATE, "0a03 0a01 'x' 1202 'ab' 1200 1201 'c'");
    expect_ok(REFLECT, "0a09 'localhost' 3a00");
    expect_ok(REFLECT, "2a05 0a01 't' 1007");
}

static void test_empty_message_is_ok(void **state)
{
    (void)state;
    expect_ok(ENTER, "");
    expect_ok(ENTER, "0a00");
    expect_ok(ENTER, "0a02 0a00 1200");
}

static void test_fields_in_any_order_are_ok(void **state)
{
    (void)state;
    expect_ok(ENTER, "1201 'n' 0a03 0a01 'x'");
}

static void test_unknown_fields_are_skipped(void **state)
{
    (void)state;
    // Of each type that there is; what is in them is not looked at.
    expect_ok(ENTER, "18ff01 0a03 0a01 'x'");
    expect_ok(ENTER, "19 0001020304050607 0a03 0a01 'x'");
    expect_ok(ENTER, "1a03 fffe00 0a03 0a01 'x'");
    expect_ok(ENTER, "1d 00010203 0a03 0a01 'x'");
    expect_ok(ENTER, "0a06 0a01 'x' 1201 ff");
    // The last field that is allowed: 2^29 - 1.
    expect_ok(ENTER, "faffffff0f 00 0a03 0a01 'x'");
}

static void test_truncated_varint_is_malformed(void **state)
{
    (void)state;
    expect_malformed(ENTER, "80");
    expect_malformed(ENTER, "8a");
    expect_malformed(ENTER, "12");
    expect_malformed(ENTER, "1280");
    expect_malformed(ENTER, "18");
    expect_malformed(ENTER, "18ff");
    expect_malformed(ENTER, "0a02 0a80 1201 'n'");
}

static void
test_varint_of_ten_bytes_is_ok_and_a_longer_one_malformed(void **state)
{
    (void)state;
    expect_ok(ENTER, "18 ffffffffffffffffff01");
    expect_malformed(ENTER, "18 ffffffffffffffffffff");
    expect_malformed(ENTER, "18 8080808080808080808000");
}

static void test_field_number_zero_is_malformed(void **state)
{
    (void)state;
    expect_malformed(ENTER, "00");
    expect_malformed(ENTER, "0000");
    expect_malformed(ENTER, "0201 'n'");
    expect_malformed(ENTER, "1201 'n' 0000");
    expect_malformed(ENTER, "0a02 0000");
}

static void test_field_number_of_over_29_bits_is_malformed(void **state)
{
    (void)state;
    // 2^29, and field 2 with bits that a short sum would lose.
    expect_malformed(ENTER, "8280808010 00");
    expect_malformed(ENTER, "9280808010 01 'n'");
    expect_malformed(ENTER, "92808080808001 01 'n'");
}

static void test_group_is_malformed(void **state)
{
    (void)state;
    // Known or unknown, begun or ended.
    expect_malformed(ENTER, "0b0c");
    expect_malformed(ENTER, "1b1c");
    expect_malformed(ENTER, "1c");
    expect_malformed(ENTER, "0a02 1b1c");
}

static void test_type_that_does_not_exist_is_malformed(void **state)
{
    (void)state;
    expect_malformed(ENTER, "1e00");
    expect_malformed(ENTER, "1f00");
}

static void test_string_or_message_of_another_type_is_malformed(void **state)
{
    (void)state;
    expect_malformed(ENTER, "1001");
    expect_malformed(ENTER, "11 0001020304050607");
    expect_malformed(ENTER, "15 00010203");
    expect_malformed(ENTER, "0801");
    expect_malformed(ENTER, "0d 00010203");
    expect_malformed(ENTER, "0a02 0801");
}

static void test_sized_field_beyond_the_end_is_malformed(void **state)
{
    (void)state;
    expect_malformed(ENTER, "1202 'n'");
    expect_malformed(ENTER, "1a01");
    expect_malformed(ENTER, "0a05 0a01 'x'");
    // Sizes that are 1 in 32 bits, or wrap around added to an address.
    expect_malformed(ENTER, "12 8180808010 'n'");
    expect_malformed(ENTER, "12 ffffffff07 'n'");
    expect_malformed(ENTER, "12 ffffffff0f 'n'");
    expect_malformed(ENTER, "12 ffffffffffffffff7f 'n'");
    expect_malformed(ENTER, "12 ffffffffffffffffff01 'n'");
}

static void test_fixed_field_beyond_the_end_is_malformed(void **state)
{
    (void)state;
    expect_malformed(ENTER, "19 00010203040506");
    expect_malformed(ENTER, "1d 000102");
    expect_malformed(ENTER, "0a04 1d 000102 1201 'n'");
}

static void test_message_inside_must_end_where_its_size_says(void **state)
{
    (void)state;
    // The name reaches over the end of the id, into what follows it.
    expect_malformed(ENTER, "0a03 0a02 'x' 1201 'n'");
    expect_malformed(ENTER, "0a01 0a 1201 'n'");
    expect_malformed(REFLECT, "2a04 0a01 't' 10 3a00");
}

static void test_depth_is_limited(void **state)
{
    char text[256] = "";
    char level[8];

    (void)state;
    // nested_type { nested_type { ... } }, the innermost one empty.
    for (unsigned inner = 8; inner-- > 0;) {
        snprintf(level, sizeof level, "1a%02x ", 2 * inner);
        strcat(text, level);
    }
    expect_ok(NESTED, text);
    text[0] = '\0';
    for (unsigned inner = 9; inner-- > 0;) {
        snprintf(level, sizeof level, "1a%02x ", 2 * inner);
        strcat(text, level);
    }
    expect_malformed(NESTED, text);
}

static void test_no_cut_of_a_message_is_read_beyond(void **state)
{
    static const char whole[] =
        "0a06 0a04 'name' 1804 1202 'no' 1d 00010203 1a02 'zz'";
    uint8_t bytes[WIRE_TEST_SIZE_MAX];
    size_t size = wire_test_read(whole, bytes);
    struct wire_problem problem;
    unsigned ok = 0;

    (void)state;
    for (size_t cut = 0; cut < size; cut++) {
        enum wire_result result =
            wire_test_check_bytes(ENTER, bytes, cut, &problem);

        assert_int_not_equal(result, WIRE_BAD_STRING);
        ok += result == WIRE_OK;
    }
    // Only between two fields: before each of the five.
    assert_int_equal(ok, 5);
}

static void
test_field_number_that_ends_like_a_known_one_is_unknown(void **state)
{
    (void)state;
    // Fields 2^29 - 8 + 2, 2^28 + 2, and 18 are not field 2.
    expect_ok(ENTER, "9280808008 01 ff");
    expect_ok(ENTER, "d2ffffff0f 01 ff");
    expect_ok(ENTER, "9201 01 ff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_as_clients_send_it_is_ok),
        cmocka_unit_test(test_empty_message_is_ok),
        cmocka_unit_test(test_fields_in_any_order_are_ok),
        cmocka_unit_test(test_unknown_fields_are_skipped),
        cmocka_unit_test(
            test_field_number_that_ends_like_a_known_one_is_unknown),
        cmocka_unit_test(test_truncated_varint_is_malformed),
        cmocka_unit_test(
            test_varint_of_ten_bytes_is_ok_and_a_longer_one_malformed),
        cmocka_unit_test(test_field_number_zero_is_malformed),
        cmocka_unit_test(test_field_number_of_over_29_bits_is_malformed),
        cmocka_unit_test(test_group_is_malformed),
        cmocka_unit_test(test_type_that_does_not_exist_is_malformed),
        cmocka_unit_test(test_string_or_message_of_another_type_is_malformed),
        cmocka_unit_test(test_sized_field_beyond_the_end_is_malformed),
        cmocka_unit_test(test_fixed_field_beyond_the_end_is_malformed),
        cmocka_unit_test(test_message_inside_must_end_where_its_size_says),
        cmocka_unit_test(test_depth_is_limited),
        cmocka_unit_test(test_no_cut_of_a_message_is_read_beyond),
    };

    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
