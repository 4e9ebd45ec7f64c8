// SPDX-License-Identifier: Apache-2.0
//
// What the wire says of each status.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "daemon/options_table.h"
#include "services/failure.h"

static const struct service_limits limits = {
    .elections_max = 11,
    .candidates_max = 22,
    .watchers_max = 33,
    .backlog = {44, 45},
};

static enum rpc_code fail_with(enum electd_status status, const char *election,
                               char *text)
{
    struct electd_name name = {election, strlen(election)};

    memset(text, 'x', FAILURE_TEXT_SIZE);
    return failure_of(status, &limits, name, text);
}

static void expect(enum electd_status status, enum rpc_code code,
                   const char *sentence)
{
    char text[FAILURE_TEXT_SIZE];

    assert_int_equal(fail_with(status, "x", text), code);
    assert_string_equal(text, sentence);
}

static void test_unknown_election_is_not_found(void **state)
{
    (void)state;
    expect(ELECTD_NO_ELECTION, RPC_NOT_FOUND,
           "election 'x' does not exist: call Create first");
}

static void test_limit_is_named_with_its_flag(void **state)
{
    (void)state;
    expect(ELECTD_ELECTIONS_MAX, RPC_RESOURCE_EXHAUSTED,
           "the limit of 11 elections (--max-elections) is reached");
    expect(ELECTD_CANDIDATES_MAX, RPC_RESOURCE_EXHAUSTED,
           "the limit of 22 candidates in an election (--max-candidates) is "
           "reached");
    expect(ELECTD_WATCHERS_MAX, RPC_RESOURCE_EXHAUSTED,
           "the limit of 33 watchers (--max-watchers) is reached");
}

static void test_want_of_memory_is_resource_exhausted(void **state)
{
    (void)state;
    expect(ELECTD_NO_MEMORY, RPC_RESOURCE_EXHAUSTED, "out of memory");
}

static void test_closing_store_is_unavailable(void **state)
{
    (void)state;
    expect(ELECTD_UNAVAILABLE, RPC_UNAVAILABLE, "shutting down");
}

static void test_every_status_has_a_code_and_a_sentence(void **state)
{
    static const enum electd_status statuses[] = {
#define STATUS(name, value, text) ELECTD_##name,
        ELECTD_STATUS_MAP(STATUS)
#undef STATUS
    };
    char text[FAILURE_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i] == ELECTD_OK) {
            continue;
        }
        assert_int_not_equal(fail_with(statuses[i], "x", text), RPC_OK);
        assert_int_not_equal(fail_with(statuses[i], "x", text), RPC_INTERNAL);
        assert_non_null(memchr(text, '\0', sizeof text));
        assert_true(strlen(text) > 0);
        // A sentence's own marks are not the status's.
        assert_int_not_equal(text[strlen(text) - 1], '.');
    }
}

static void test_election_is_named_in_full(void **state)
{
    char name[ELECTD_NAME_SIZE_MAX + 1] = "";
    char text[FAILURE_TEXT_SIZE];
    char expected[FAILURE_TEXT_SIZE];

    (void)state;
    memset(name, 'n', ELECTD_NAME_SIZE_MAX);
    fail_with(ELECTD_NO_ELECTION, name, text);
    snprintf(expected, sizeof expected,
             "election '%s' does not exist: call Create first", name);
    assert_string_equal(text, expected);
}

static void test_election_needs_no_nul_behind_its_name(void **state)
{
    char text[FAILURE_TEXT_SIZE];

    (void)state;
    failure_of(ELECTD_NO_ELECTION, &limits, (struct electd_name){"abcdef", 3},
               text);
    assert_string_equal(text,
                        "election 'abc' does not exist: call Create first");
}

static void test_every_flag_that_is_named_exists(void **state)
{
    char text[FAILURE_TEXT_SIZE];
    unsigned named = 0;

    (void)state;
    for (int status = -1; status >= ELECTD_UNAVAILABLE; status--) {
        const char *flag;
        bool exists = false;
        size_t size;

        fail_with((enum electd_status)status, "x", text);
        flag = strstr(text, "--");
        if (flag == NULL) {
            continue;
        }
        size = strcspn(flag, ")");
        for (size_t i = 0; i < options_rows_count; i++) {
            exists |= strlen(options_rows[i].flag) == size &&
                      memcmp(options_rows[i].flag, flag, size) == 0;
        }
        assert_true(exists);
        named++;
    }
    assert_int_equal(named, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_election_is_not_found),
        cmocka_unit_test(test_limit_is_named_with_its_flag),
        cmocka_unit_test(test_want_of_memory_is_resource_exhausted),
        cmocka_unit_test(test_closing_store_is_unavailable),
        cmocka_unit_test(test_every_status_has_a_code_and_a_sentence),
        cmocka_unit_test(test_election_is_named_in_full),
        cmocka_unit_test(test_election_needs_no_nul_behind_its_name),
        cmocka_unit_test(test_every_flag_that_is_named_exists),
    };

    return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
