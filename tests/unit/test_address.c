// SPDX-License-Identifier: Apache-2.0

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "support/test.h"

#include "base/address.h"

static struct address parse(const char *text)
{
    struct address address;
    const char *reason = "";

    if (!address_parse(&address, text, strlen(text), &reason)) {
        fail_msg("'%s' %s", text, reason);
    }
    return address;
}

static void expect_tcp(const char *text, const char *host, uint16_t port)
{
    struct address address = parse(text);

    assert_int_equal(address.kind, ADDRESS_TCP);
    assert_string_equal(address.host, host);
    assert_int_equal(address.port, port);
    assert_string_equal(address.path, "");
}

static void expect_unix(const char *text, const char *path)
{
    struct address address = parse(text);

    assert_int_equal(address.kind, ADDRESS_UNIX);
    assert_string_equal(address.path, path);
    assert_string_equal(address.host, "");
}

static void expect_reason(const char *text, const char *expected)
{
    struct address address;
    const char *reason = "";

    assert_false(address_parse(&address, text, strlen(text), &reason));
    assert_non_null(strstr(reason, expected));
}

static void expect_text(const char *text, const char *expected)
{
    struct address address = parse(text);
    struct address again;
    char formatted[ADDRESS_TEXT_SIZE];

    address_format(&address, formatted);
    assert_string_equal(formatted, expected);
    again = parse(formatted);
    assert_true(address_equal(&address, &again));
}

static void test_a_host_and_a_port_are_a_tcp_address(void **state)
{
    (void)state;
    expect_tcp("127.0.0.1:5678", "127.0.0.1", 5678);
    expect_tcp("localhost:0", "localhost", 0);
    expect_tcp("my_host-1.example.:65535", "my_host-1.example.", 65535);
}

static void test_an_ipv6_address_stands_in_brackets(void **state)
{
    (void)state;
    expect_tcp("[::1]:5678", "::1", 5678);
    expect_tcp("[::]:0", "::", 0);
    expect_tcp("[fe80::1%eth0]:5678", "fe80::1%eth0", 5678);
}

static void test_an_ipv6_address_is_kept_in_its_canonical_form(void **state)
{
    struct address a = parse("[0:0:0:0:0:0:0:1]:1");
    struct address b = parse("[::1]:1");

    (void)state;
    assert_true(address_equal(&a, &b));
    expect_tcp("[2001:DB8::0:A%lo]:1", "2001:db8::a%lo", 1);
}

static void test_an_ipv6_address_without_brackets_is_told_of_them(void **state)
{
    (void)state;
    expect_reason("::1:5678", "has more than one colon: write an IPv6 address "
                              "in brackets, as in [::1]:5678");
    expect_reason("fe80::1", "has more than one colon");
}

static void test_brackets_hold_an_ipv6_address_and_nothing_else(void **state)
{
    (void)state;
    expect_reason("[127.0.0.1]:1", "has no IPv6 address between its brackets");
    expect_reason("[]:1", "has no IPv6 address");
    expect_reason("[localhost]:1", "has no IPv6 address");
    expect_reason("[::1%]:1", "has no IPv6 address");
    expect_reason("[::1%a b]:1", "has no IPv6 address");
    expect_reason("[::1", "has no closing bracket");
    expect_reason("[::1]", "has no port");
    expect_reason("[::1]5678", "has no port");
    expect_reason("[::1]:", "has no port");
    expect_reason("[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1",
                  "has no IPv6 address");
}

static void test_an_empty_host_is_told_of_the_wildcards(void **state)
{
    (void)state;
    expect_reason(":5678",
                  "has no host: write 0.0.0.0 or [::] for every address");
}

static void test_a_missing_port_is_named(void **state)
{
    (void)state;
    expect_reason("", "is empty");
    expect_reason("localhost", "has no port: write host:port");
    expect_reason("localhost:", "has no port");
}

static void test_a_port_is_a_whole_number_up_to_65535(void **state)
{
    static const char *const texts[] = {
        "h:65536",     "h:-1",         "h:+1",
        "h: 1",        "h:1 ",         "h:0x1",
        "h:http",      "h:4294967296", "h:99999999999999999999999999",
        "[::1]:65536", "[::1]:x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        expect_reason(texts[i],
                      "has a port that is not a whole number from 0 to 65535");
    }
}

static void test_a_url_is_refused_as_such(void **state)
{
    (void)state;
    expect_reason("http://localhost:5678", "is a URL: write host:port");
}

static void test_a_host_holds_only_what_a_name_does(void **state)
{
    (void)state;
    expect_reason("my host:1", "has a host with a character");
    expect_reason("a,b:1", "has a host with a character");
    expect_reason("h\xc3\xb6st:1", "has a host with a character");
    expect_reason("*:1", "has a host with a character");
}

static void test_a_host_has_at_most_253_bytes(void **state)
{
    char text[256 + 8];

    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text + 253, ":1", 3);
    assert_int_equal(strlen(parse(text).host), 253);
    memset(text, 'a', sizeof text);
    memcpy(text + 254, ":1", 3);
    expect_reason(text, "has a host longer than 253 bytes");
}

static void test_a_unix_path_may_be_absolute_or_relative(void **state)
{
    (void)state;
    expect_unix("unix:/run/electd.sock", "/run/electd.sock");
    expect_unix("unix:electd.sock", "electd.sock");
    expect_unix("unix:a b%20:c", "a b%20:c");
}

static void test_a_unix_path_may_be_written_as_a_uri(void **state)
{
    struct address a = parse("unix:///run/x");
    struct address b = parse("unix:/run/x");

    (void)state;
    expect_unix("unix:///run/electd.sock", "/run/electd.sock");
    assert_true(address_equal(&a, &b));
    expect_reason("unix://run/x", "has two slashes behind `unix:`");
    expect_reason("unix://", "has two slashes");
}

static void test_a_unix_path_has_1_to_107_bytes(void **state)
{
    char text[128] = "unix:";

    (void)state;
    expect_reason("unix:", "has no path");
    memset(text + 5, 'a', 107);
    assert_int_equal(strlen(parse(text).path), 107);
    text[5 + 107] = 'a';
    expect_reason(text, "has a path longer than 107 bytes");
}

static void test_abstract_sockets_are_refused(void **state)
{
    (void)state;
    expect_reason("unix-abstract:x", "is an abstract socket");
}

static void test_control_characters_are_refused_everywhere(void **state)
{
    struct address address;
    const char *reason = "";

    (void)state;
    expect_reason("unix:/a\nb", "holds a control character");
    expect_reason("local\thost:1", "holds a control character");
    expect_reason("unix:/a\x7f", "holds a control character");
    assert_false(address_parse(&address, "unix:a\0b", 8, &reason));
    assert_string_equal(reason, "holds a control character");
}

static void test_only_the_bytes_given_are_read(void **state)
{
    struct address address;
    const char *reason;

    (void)state;
    assert_true(address_parse(&address, "localhost:5678", 12, &reason));
    assert_int_equal(address.port, 56);
    assert_true(address_parse(&address, "[::1]:5678", 8, &reason));
    assert_int_equal(address.port, 56);
    assert_false(address_parse(&address, "[::1]:5678", 5, &reason));
    assert_non_null(strstr(reason, "has no port"));
    assert_false(address_parse(&address, "[::1]:5678", 4, &reason));
    assert_non_null(strstr(reason, "has no closing bracket"));
}

static void test_an_address_is_written_as_it_is_read(void **state)
{
    (void)state;
    expect_text("127.0.0.1:5678", "127.0.0.1:5678");
    expect_text("localhost:007", "localhost:7");
    expect_text("[0::1]:5678", "[::1]:5678");
    expect_text("[fe80::1%eth0]:0", "[fe80::1%eth0]:0");
    expect_text("unix:/run/electd.sock", "unix:/run/electd.sock");
    expect_text("unix:////run", "unix:/run");
    expect_text("unix:rel", "unix:rel");
}

static void test_addresses_differ_by_kind_host_port_and_path(void **state)
{
    struct address a = parse("localhost:1");
    struct address b = parse("LocalHost:1");
    struct address other_port = parse("localhost:2");
    struct address other_host = parse("localhos:1");
    struct address path = parse("unix:a");
    struct address other_path = parse("unix:A");

    (void)state;
    assert_true(address_equal(&a, &b));
    assert_false(address_equal(&a, &other_port));
    assert_false(address_equal(&a, &other_host));
    assert_false(address_equal(&a, &path));
    assert_false(address_equal(&path, &other_path));
}

static struct sockaddr_storage make_socket(const char *host, uint16_t port)
{
    struct sockaddr_storage storage = {.ss_family = AF_INET6};
    struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6,
        .sin6_port = htons(port),
    };
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(port)};

    if (inet_pton(AF_INET, host, &in4.sin_addr) == 1) {
        memcpy(&storage, &in4, sizeof in4);
    } else {
        assert_int_equal(inet_pton(AF_INET6, host, &in6.sin6_addr), 1);
        memcpy(&storage, &in6, sizeof in6);
    }
    return storage;
}

static bool is_loopback(const char *host)
{
    struct sockaddr_storage storage = make_socket(host, 1);

    return address_is_loopback((struct sockaddr *)&storage);
}

static void test_loopback_is_told_from_what_others_reach(void **state)
{
    (void)state;
    assert_true(is_loopback("127.0.0.1"));
    assert_true(is_loopback("127.255.0.3"));
    assert_true(is_loopback("::1"));
    assert_true(is_loopback("::ffff:127.0.0.1"));
    assert_false(is_loopback("0.0.0.0"));
    assert_false(is_loopback("128.0.0.1"));
    assert_false(is_loopback("10.0.0.127"));
    assert_false(is_loopback("::"));
    assert_false(is_loopback("::2"));
    assert_false(is_loopback("::ffff:10.0.0.1"));
    assert_false(is_loopback("2001:db8::7f00:1"));
}

static void expect_numeric(const char *host, socklen_t size)
{
    struct sockaddr_storage storage = make_socket(host, 5678);
    struct address address;

    assert_true(
        address_from_socket(&address, (struct sockaddr *)&storage, size));
    assert_int_equal(address.kind, ADDRESS_TCP);
    assert_string_equal(address.host, host);
    assert_int_equal(address.port, 5678);
}

static void test_a_socket_address_becomes_its_numeric_form(void **state)
{
    struct sockaddr_storage other = {.ss_family = AF_UNIX};
    struct address address;

    (void)state;
    expect_numeric("127.0.0.1", sizeof(struct sockaddr_in));
    expect_numeric("2001:db8::a", sizeof(struct sockaddr_in6));
    assert_false(
        address_from_socket(&address, (struct sockaddr *)&other, sizeof other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_host_and_a_port_are_a_tcp_address),
        cmocka_unit_test(test_an_ipv6_address_stands_in_brackets),
        cmocka_unit_test(test_an_ipv6_address_is_kept_in_its_canonical_form),
        cmocka_unit_test(test_an_ipv6_address_without_brackets_is_told_of_them),
        cmocka_unit_test(test_brackets_hold_an_ipv6_address_and_nothing_else),
        cmocka_unit_test(test_an_empty_host_is_told_of_the_wildcards),
        cmocka_unit_test(test_a_missing_port_is_named),
        cmocka_unit_test(test_a_port_is_a_whole_number_up_to_65535),
        cmocka_unit_test(test_a_url_is_refused_as_such),
        cmocka_unit_test(test_a_host_holds_only_what_a_name_does),
        cmocka_unit_test(test_a_host_has_at_most_253_bytes),
        cmocka_unit_test(test_a_unix_path_may_be_absolute_or_relative),
        cmocka_unit_test(test_a_unix_path_may_be_written_as_a_uri),
        cmocka_unit_test(test_a_unix_path_has_1_to_107_bytes),
        cmocka_unit_test(test_abstract_sockets_are_refused),
        cmocka_unit_test(test_control_characters_are_refused_everywhere),
        cmocka_unit_test(test_only_the_bytes_given_are_read),
        cmocka_unit_test(test_an_address_is_written_as_it_is_read),
        cmocka_unit_test(test_addresses_differ_by_kind_host_port_and_path),
        cmocka_unit_test(test_loopback_is_told_from_what_others_reach),
        cmocka_unit_test(test_a_socket_address_becomes_its_numeric_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
