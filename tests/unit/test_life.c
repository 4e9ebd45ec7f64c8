// SPDX-License-Identifier: Apache-2.0
//
// The id of a daemon's life.

#include <string.h>

#include "support/test.h"

#include "daemon/life.h"

static void test_life_is_32_hexadecimal_digits(void **state)
{
    char life[LIFE_SIZE];

    (void)state;
    memset(life, 'x', sizeof life);
    assert_int_equal(life_make(life), 0);
    assert_int_equal(strlen(life), 32);
    assert_int_equal(strspn(life, "0123456789abcdef"), 32);
}

static void test_no_two_lives_are_the_same(void **state)
{
    char lives[100][LIFE_SIZE];

    (void)state;
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(life_make(lives[i]), 0);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(lives[i], lives[j]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life_is_32_hexadecimal_digits),
        cmocka_unit_test(test_no_two_lives_are_the_same),
    };

    return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
