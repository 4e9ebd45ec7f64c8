// SPDX-License-Identifier: Apache-2.0

#include <stdio.h>
#include <string.h>

#include "support/test.h"

#include "ctl/target.h"

static void expect_target(const char *endpoint, const char *expected)
{
    char target[TARGET_SIZE];
    const char *reason = NULL;

    assert_true(target_parse(endpoint, target, &reason));
    assert_string_equal(target, expected);
    assert_null(reason);
}

static void expect_refused(const char *endpoint, const char *part)
{
    char target[TARGET_SIZE];
    const char *reason = "";

    assert_false(target_parse(endpoint, target, &reason));
    if (strstr(reason, part) == NULL) {
        fail_msg("'%s' %s", endpoint, reason);
    }
}

static void test_host_and_port_are_looked_up_by_dns(void **state)
{
    (void)state;
    expect_target("127.0.0.1:5678", "dns:///127.0.0.1:5678");
    expect_target("localhost:1", "dns:///localhost:1");
    expect_target("[::1]:65535", "dns:///[::1]:65535");
}

static void test_host_is_no_scheme_of_grpc(void **state)
{
    (void)state;
    expect_target("xds:5678", "dns:///xds:5678");
    expect_refused("dns:///localhost:5678", "has no such host");
    expect_refused("ipv4:127.0.0.1:5678", "has no such host");
}

static void test_path_is_escaped_for_a_uri(void **state)
{
    (void)state;
    expect_target("unix:/run/electd.sock", "unix:/run/electd.sock");
    expect_target("unix:a b%?#.sock", "unix:a%20b%25%3F%23.sock");
    expect_target("unix:///run/e-1_~.sock", "unix:///run/e-1_~.sock");
    expect_target("unix:\xc3\xa4", "unix:%C3%A4");
}

static void test_path_is_as_long_as_a_socket_takes(void **state)
{
    char endpoint[160];

    (void)state;
    memset(endpoint, 'x', sizeof endpoint);
    memcpy(endpoint, "unix:", 5);
    endpoint[5 + 107] = '\0';
    expect_target(endpoint, endpoint);
    endpoint[5 + 107] = 'x';
    endpoint[5 + 108] = '\0';
    expect_refused(endpoint, "has a path of more than 107 bytes");
    expect_refused("unix:", "has no path");
    expect_refused("unix://host/path", "has two slashes");
}

static void test_longest_path_of_escaped_bytes_fits(void **state)
{
    char endpoint[5 + 107 + 1];
    char target[TARGET_SIZE];
    const char *reason;

    (void)state;
    memset(endpoint, ' ', sizeof endpoint);
    memcpy(endpoint, "unix:", 5);
    endpoint[5 + 107] = '\0';
    assert_true(target_parse(endpoint, target, &reason));
    assert_int_equal(strlen(target), 5 + 3 * 107);
}

static void test_port_must_be_there_and_in_range(void **state)
{
    (void)state;
    expect_refused("localhost", "has no port: ");
    expect_refused("localhost:", "has no port from 1 to 65535");
    expect_refused("localhost:0", "has no port from 1 to 65535");
    expect_refused("localhost:65536", "has no port from 1 to 65535");
    expect_refused("localhost:00000080", "has no port from 1 to 65535");
    expect_refused("localhost:80x", "has no port from 1 to 65535");
    expect_refused("", "has no port");
}

static void test_host_is_a_name_or_an_address_in_brackets(void **state)
{
    (void)state;
    expect_refused(":5678", "has no such host");
    expect_refused("[]:5678", "has no such host");
    expect_refused("::1:5678", "has no such host");
    expect_refused("a b:5678", "has no such host");
    expect_refused("user@host:5678", "has no such host");
    expect_refused("host/path:5678", "has no such host");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_and_port_are_looked_up_by_dns),
        cmocka_unit_test(test_host_is_no_scheme_of_grpc),
        cmocka_unit_test(test_path_is_escaped_for_a_uri),
        cmocka_unit_test(test_path_is_as_long_as_a_socket_takes),
        cmocka_unit_test(test_longest_path_of_escaped_bytes_fits),
        cmocka_unit_test(test_port_must_be_there_and_in_range),
        cmocka_unit_test(test_host_is_a_name_or_an_address_in_brackets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
