// SPDX-License-Identifier: Apache-2.0

#include <grpc/status.h>
#include <string.h>

#include "support/test.h"

#include "ctl/backoff.h"
#include "ctl/exit_code.h"
#include "ctl/failure.h"
#include "ctl/identity.h"

static void test_codes_have_the_names_of_grpc(void **state)
{
    (void)state;
    assert_string_equal(failure_name(0), "OK");
    assert_string_equal(failure_name(5), "NOT_FOUND");
    assert_string_equal(failure_name(16), "UNAUTHENTICATED");
    assert_string_equal(failure_name(17), "UNKNOWN");
    assert_string_equal(failure_name(-1), "UNKNOWN");
    for (int code = 0; code <= 16; code++) {
        assert_non_null(failure_name(code));
    }
}

static void test_failure_is_one_line(void **state)
{
    char text[FAILURE_SIZE];
    char message[FAILURE_SIZE * 2];

    (void)state;
    failure_format(GRPC_STATUS_NOT_FOUND, "no\nelection\x1b", text);
    assert_string_equal(text, "NOT_FOUND: no election ");
    failure_format(GRPC_STATUS_INTERNAL, "", text);
    assert_string_equal(text, "INTERNAL");
    memset(message, 'x', sizeof message);
    message[sizeof message - 1] = '\0';
    failure_format(GRPC_STATUS_INTERNAL, message, text);
    assert_int_equal(strlen(text), FAILURE_SIZE - 1);
}

static void test_unreachable_daemon_has_its_exit_code(void **state)
{
    (void)state;
    assert_int_equal(failure_report(GRPC_STATUS_UNAVAILABLE, "x"),
                     EXIT_CODE_UNREACHABLE);
    assert_int_equal(failure_report(GRPC_STATUS_DEADLINE_EXCEEDED, "x"),
                     EXIT_CODE_UNREACHABLE);
    assert_int_equal(failure_report(GRPC_STATUS_NOT_FOUND, "x"),
                     EXIT_CODE_FAILED);
}

static void test_what_was_decided_does_not_pass(void **state)
{
    (void)state;
    assert_true(failure_is_passing(GRPC_STATUS_UNAVAILABLE));
    assert_true(failure_is_passing(GRPC_STATUS_DEADLINE_EXCEEDED));
    assert_false(failure_is_passing(GRPC_STATUS_NOT_FOUND));
    assert_false(failure_is_passing(GRPC_STATUS_INVALID_ARGUMENT));
    assert_false(failure_is_passing(GRPC_STATUS_ALREADY_EXISTS));
    assert_false(failure_is_passing(GRPC_STATUS_ABORTED));
    assert_false(failure_is_passing(GRPC_STATUS_UNIMPLEMENTED));
    assert_false(failure_is_passing(GRPC_STATUS_RESOURCE_EXHAUSTED));
}

static void test_pauses_double_up_to_the_longest(void **state)
{
    static const uint64_t steps_ms[] = {100, 200, 400, 800, 1600, 2000, 2000};
    struct backoff backoff = {.step_ms = 0};
    uint64_t pause_ms;

    (void)state;
    for (size_t i = 0; i < sizeof steps_ms / sizeof steps_ms[0]; i++) {
        pause_ms = backoff_next_ms(&backoff);
        assert_in_range(pause_ms, steps_ms[i] / 2, steps_ms[i]);
    }
}

static void test_instances_differ(void **state)
{
    char a[IDENTITY_INSTANCE_SIZE];
    char b[IDENTITY_INSTANCE_SIZE];

    (void)state;
    identity_instance(a);
    identity_instance(b);
    assert_int_equal(strlen(a), IDENTITY_INSTANCE_SIZE - 1);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_have_the_names_of_grpc),
        cmocka_unit_test(test_failure_is_one_line),
        cmocka_unit_test(test_unreachable_daemon_has_its_exit_code),
        cmocka_unit_test(test_what_was_decided_does_not_pass),
        cmocka_unit_test(test_pauses_double_up_to_the_longest),
        cmocka_unit_test(test_instances_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
