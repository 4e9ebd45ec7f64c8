// SPDX-License-Identifier: Apache-2.0

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/test.h"

#include "listen/endpoint.h"

// An address that is set aside for documentation: no machine has it.
#define FOREIGN "192.0.2.1"
#define FOUND_MAX 12

static struct address make_address(const char *host, uint16_t port)
{
    struct address address = {.kind = ADDRESS_TCP, .port = port};

    assert_true(strlen(host) < sizeof address.host);
    memcpy(address.host, host, strlen(host));
    return address;
}

static struct sockaddr_in make_in4(const char *host, uint16_t port)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(port)};

    assert_int_equal(inet_pton(AF_INET, host, &in4.sin_addr), 1);
    return in4;
}

// A socket that is bound as it is told; `option` is set, unless it is 0.
static int bind_socket(const char *host, uint16_t port, int option)
{
    struct sockaddr_in in4 = make_in4(host, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    assert_true(fd >= 0);
    if (option != 0) {
        assert_int_equal(setsockopt(fd, SOL_SOCKET, option, &on, sizeof on), 0);
    }
    assert_int_equal(bind(fd, (struct sockaddr *)&in4, sizeof in4), 0);
    return fd;
}

static int listen_on(const char *host, uint16_t port, int option)
{
    int fd = bind_socket(host, port, option);

    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage storage = {.ss_family = AF_UNSPEC};
    struct sockaddr_in6 in6;
    socklen_t size = sizeof storage;

    assert_int_equal(getsockname(fd, (struct sockaddr *)&storage, &size), 0);
    // The port is at the same place in IPv4.
    memcpy(&in6, &storage, sizeof in6);
    return ntohs(in6.sin6_port);
}

// As gRPC does it: IPv4 by way of an IPv6 socket. -1 if there is no IPv6.
static int listen_as_grpc(const char *host)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    int off = 0;

    assert_int_equal(inet_pton(AF_INET6, host, &in6.sin6_addr), 1);
    if (fd == -1) {
        return -1;
    }
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&in6, sizeof in6) != 0) {
        close(fd);
        return -1;
    }
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

// A port that nobody has, as far as can be told.
static uint16_t free_port(void)
{
    int fd = bind_socket("127.0.0.1", 0, SO_REUSEADDR);
    uint16_t port = port_of(fd);

    close(fd);
    return port;
}

static void expect_open(struct endpoint *endpoint, const char *host,
                        uint16_t port)
{
    struct address address = make_address(host, port);

    if (!endpoint_open(endpoint, &address)) {
        fail_msg("%s", endpoint->error);
    }
    assert_string_equal(endpoint->error, "");
}

static void expect_in_use(const char *host, uint16_t port)
{
    struct address address = make_address(host, port);
    struct endpoint endpoint;
    char text[ADDRESS_TEXT_SIZE];
    char expected[ADDRESS_TEXT_SIZE + 64];
    int size;

    address_format(&address, text);
    size = snprintf(expected, sizeof expected,
                    "cannot listen on %s: address already in use", text);
    assert_true(size > 0 && (size_t)size < sizeof expected);
    assert_false(endpoint_open(&endpoint, &address));
    assert_string_equal(endpoint.error, expected);
    assert_int_equal(endpoint.targets_count, 0);
    endpoint_close(&endpoint);
}

static void test_a_free_port_becomes_one_target(void **state)
{
    struct endpoint endpoint;
    uint16_t port = free_port();
    char expected[32];
    int size;

    (void)state;
    size = snprintf(expected, sizeof expected, "127.0.0.1:%u", port);
    assert_true(size > 0 && (size_t)size < sizeof expected);
    expect_open(&endpoint, "127.0.0.1", port);
    assert_int_equal(endpoint.targets_count, 1);
    assert_string_equal(endpoint.targets[0].uri, expected);
    assert_int_equal(endpoint.targets[0].address.port, port);
    assert_true(endpoint.is_loopback);
    // Nothing that closing would have to give back.
    assert_int_equal(endpoint.claim.lock_fd, -1);
    endpoint_close(&endpoint);
    assert_int_equal(endpoint.targets_count, 0);
}

static void test_a_port_that_was_tried_is_free_afterwards(void **state)
{
    struct endpoint endpoint;
    uint16_t port = free_port();

    (void)state;
    expect_open(&endpoint, "127.0.0.1", port);
    // Even for one that does not share it with anybody.
    close(listen_on("127.0.0.1", port, 0));
    endpoint_close(&endpoint);
}

static void test_port_0_is_left_to_whoever_binds_it(void **state)
{
    struct endpoint endpoint;

    (void)state;
    expect_open(&endpoint, "127.0.0.1", 0);
    assert_int_equal(endpoint.targets_count, 1);
    assert_string_equal(endpoint.targets[0].uri, "127.0.0.1:0");
    assert_int_equal(endpoint.targets[0].address.port, 0);
    endpoint_close(&endpoint);
}

static void test_a_port_on_which_somebody_listens_is_refused(void **state)
{
    static const int options[] = {0, SO_REUSEADDR, SO_REUSEPORT};

    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        int fd = listen_on("127.0.0.1", 0, options[i]);

        expect_in_use("127.0.0.1", port_of(fd));
        close(fd);
        fd = listen_on("0.0.0.0", 0, options[i]);
        expect_in_use("127.0.0.1", port_of(fd));
        close(fd);
        fd = listen_on("127.0.0.1", 0, options[i]);
        expect_in_use("0.0.0.0", port_of(fd));
        close(fd);
    }
}

static void test_a_port_on_which_a_grpc_server_listens_is_refused(void **state)
{
    int fd = listen_as_grpc("::ffff:127.0.0.1");
    int wildcard = listen_as_grpc("::");

    (void)state;
    if (fd == -1 || wildcard == -1) {
        skip();
    }
    expect_in_use("127.0.0.1", port_of(fd));
    expect_in_use("127.0.0.1", port_of(wildcard));
    expect_in_use("::1", port_of(wildcard));
    expect_in_use("0.0.0.0", port_of(wildcard));
    expect_in_use("::", port_of(fd));
    close(fd);
    close(wildcard);
}

static void test_a_port_that_is_bound_for_one_alone_is_refused(void **state)
{
    int fd = bind_socket("127.0.0.1", 0, 0);

    (void)state;
    expect_in_use("127.0.0.1", port_of(fd));
    close(fd);
}

// Method: the side that closes a connection first keeps it in TIME_WAIT.
static void test_connections_of_a_former_server_do_not_hinder(void **state)
{
    int server = listen_on("127.0.0.1", 0, SO_REUSEADDR);
    uint16_t port = port_of(server);
    struct sockaddr_in in4 = make_in4("127.0.0.1", port);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct endpoint endpoint;
    char byte;
    int accepted;
    int fd;

    (void)state;
    assert_int_equal(connect(client, (struct sockaddr *)&in4, sizeof in4), 0);
    accepted = accept(server, NULL, NULL);
    assert_true(accepted >= 0);
    close(accepted);
    close(server);
    assert_int_equal(read(client, &byte, 1), 0);
    close(client);
    // It is in the way of one that does not ask to share.
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in4, sizeof in4), -1);
    assert_int_equal(errno, EADDRINUSE);
    close(fd);
    expect_open(&endpoint, "127.0.0.1", port);
    endpoint_close(&endpoint);
}

static void test_an_address_of_another_machine_is_refused(void **state)
{
    struct address address = make_address(FOREIGN, 0);
    struct endpoint endpoint;

    (void)state;
    assert_false(endpoint_open(&endpoint, &address));
    assert_string_equal(endpoint.error,
                        "cannot listen on 192.0.2.1:0: not an address of this "
                        "machine");
}

static void test_a_host_that_does_not_resolve_is_refused(void **state)
{
    struct address address = make_address("fe80::1%nosuchinterface", 1);
    const char *expected = "cannot listen on [fe80::1%nosuchinterface]:1: "
                           "cannot resolve the host: name or service not known";
    struct endpoint endpoint;

    (void)state;
    assert_false(endpoint_open(&endpoint, &address));
    assert_string_equal(endpoint.error, expected);
    endpoint_close(&endpoint);
}

static void test_the_wildcard_is_no_loopback(void **state)
{
    struct endpoint endpoint;

    (void)state;
    expect_open(&endpoint, "0.0.0.0", 0);
    assert_false(endpoint.is_loopback);
    assert_string_equal(endpoint.targets[0].uri, "0.0.0.0:0");
    endpoint_close(&endpoint);
}

static void test_an_ipv6_target_has_brackets(void **state)
{
    struct address address = make_address("::1", 0);
    struct endpoint endpoint;

    (void)state;
    if (!endpoint_open(&endpoint, &address)) {
        assert_non_null(strstr(endpoint.error, "[::1]:0: "));
        skip();
    }
    assert_string_equal(endpoint.targets[0].uri, "[::1]:0");
    assert_true(endpoint.is_loopback);
    endpoint_close(&endpoint);
}

// What a resolver may have found for a name.
struct found {
    struct addrinfo items[FOUND_MAX];
    struct sockaddr_in addresses[FOUND_MAX];
};

static bool open_found(struct endpoint *endpoint, struct found *found,
                       uint16_t port, const char *const *hosts)
{
    struct address address = make_address("name", port);

    for (size_t i = 0; hosts[i] != NULL; i++) {
        found->addresses[i] = make_in4(hosts[i], 0);
        found->items[i] = (struct addrinfo){
            .ai_family = AF_INET,
            .ai_addr = (struct sockaddr *)&found->addresses[i],
            .ai_addrlen = sizeof found->addresses[i],
            .ai_next = hosts[i + 1] == NULL ? NULL : &found->items[i + 1],
        };
    }
    return endpoint_open_resolved(endpoint, &address, &found->items[0]);
}

static void test_all_addresses_of_a_name_are_targets_once(void **state)
{
    const char *const hosts[] = {"127.0.0.1", "127.0.0.2", "127.0.0.1", NULL};
    uint16_t port = free_port();
    struct endpoint endpoint;
    struct found found;

    (void)state;
    assert_true(open_found(&endpoint, &found, port, hosts));
    assert_int_equal(endpoint.targets_count, 2);
    assert_string_equal(endpoint.targets[0].address.host, "127.0.0.1");
    assert_string_equal(endpoint.targets[1].address.host, "127.0.0.2");
    assert_int_equal(endpoint.targets[1].address.port, port);
    assert_true(endpoint.is_loopback);
}

static void test_all_targets_of_port_0_have_the_same_port(void **state)
{
    const char *const hosts[] = {"127.0.0.1", "127.0.0.2", NULL};
    struct endpoint endpoint;
    struct found found;
    char expected[32];
    int size;

    (void)state;
    assert_true(open_found(&endpoint, &found, 0, hosts));
    assert_int_equal(endpoint.targets_count, 2);
    assert_int_not_equal(endpoint.targets[0].address.port, 0);
    assert_int_equal(endpoint.targets[0].address.port,
                     endpoint.targets[1].address.port);
    size = snprintf(expected, sizeof expected, "127.0.0.2:%u",
                    endpoint.targets[0].address.port);
    assert_true(size > 0 && (size_t)size < sizeof expected);
    assert_string_equal(endpoint.targets[1].uri, expected);
}

static void test_an_address_that_is_lacking_is_skipped(void **state)
{
    const char *const hosts[] = {FOREIGN, "127.0.0.1", FOREIGN, NULL};
    struct endpoint endpoint;
    struct found found;

    (void)state;
    assert_true(open_found(&endpoint, &found, 0, hosts));
    assert_int_equal(endpoint.targets_count, 1);
    assert_string_equal(endpoint.targets[0].uri, "127.0.0.1:0");
    assert_true(endpoint.is_loopback);
    assert_string_equal(endpoint.error, "");
}

static void test_a_name_whose_addresses_all_lack_is_refused(void **state)
{
    const char *const hosts[] = {FOREIGN, NULL};
    struct endpoint endpoint;
    struct found found;

    (void)state;
    assert_false(open_found(&endpoint, &found, 1, hosts));
    assert_string_equal(endpoint.error,
                        "cannot listen on name:1 (192.0.2.1:1): not an "
                        "address of this machine");
}

static void test_one_address_in_use_refuses_the_name(void **state)
{
    const char *const hosts[] = {"127.0.0.1", "127.0.0.2", NULL};
    int fd = listen_on("127.0.0.2", 0, 0);
    struct endpoint endpoint;
    struct found found;
    char expected[128];
    int size;

    (void)state;
    size = snprintf(expected, sizeof expected,
                    "cannot listen on name:%u (127.0.0.2:%u): address already "
                    "in use",
                    port_of(fd), port_of(fd));
    assert_true(size > 0 && (size_t)size < sizeof expected);
    assert_false(open_found(&endpoint, &found, port_of(fd), hosts));
    assert_string_equal(endpoint.error, expected);
    assert_int_equal(endpoint.targets_count, 0);
    close(fd);
}

static void test_a_name_with_too_many_addresses_is_refused(void **state)
{
    const char *const hosts[] = {
        "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5",
        "127.0.0.6", "127.0.0.7", "127.0.0.8", "127.0.0.8", NULL,
    };
    const char *const too_many[] = {
        "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5",
        "127.0.0.6", "127.0.0.7", "127.0.0.8", "127.0.0.9", NULL,
    };
    struct endpoint endpoint;
    struct found found;

    (void)state;
    assert_true(open_found(&endpoint, &found, 0, hosts));
    assert_int_equal(endpoint.targets_count, ENDPOINT_TARGETS_MAX);
    assert_false(open_found(&endpoint, &found, 0, too_many));
    assert_non_null(strstr(endpoint.error, "the host has too many addresses"));
}

static bool exists(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

// Goes to a new directory, and in the end removes it, which must be empty.
static void enter_directory(char *directory)
{
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
}

static void leave_directory(const char *directory)
{
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(directory), 0);
}

static void test_a_unix_path_is_claimed_while_it_is_open(void **state)
{
    char directory[] = "/tmp/electd-test-XXXXXX";
    struct address address = {.kind = ADDRESS_UNIX, .path = "s"};
    struct endpoint endpoint;
    struct endpoint second;

    (void)state;
    enter_directory(directory);
    assert_true(endpoint_open(&endpoint, &address));
    assert_int_equal(endpoint.targets_count, 1);
    assert_true(endpoint.is_loopback);
    assert_true(address_equal(&endpoint.targets[0].address, &address));
    assert_true(exists("s.lock"));
    assert_false(endpoint_open(&second, &address));
    assert_string_equal(second.error,
                        "cannot listen on unix:s: another electd holds s.lock");
    endpoint_close(&second);
    assert_true(exists("s.lock"));
    endpoint_close(&endpoint);
    assert_false(exists("s.lock"));
    leave_directory(directory);
}

static void test_a_unix_target_is_written_for_a_decoder(void **state)
{
    char directory[] = "/tmp/electd-test-XXXXXX";
    struct address address = {
        .kind = ADDRESS_UNIX,
        .path = "./a b%20?#\xc3\xa9:[~]_-.",
    };
    struct endpoint endpoint;

    (void)state;
    enter_directory(directory);
    assert_true(endpoint_open(&endpoint, &address));
    assert_string_equal(endpoint.targets[0].uri,
                        "unix:./a%20b%2520%3F%23%C3%A9:[~]_-.");
    endpoint_close(&endpoint);
    leave_directory(directory);
}

static void test_the_longest_unix_path_fits_in_every_text(void **state)
{
    struct address address = {.kind = ADDRESS_UNIX, .path = "no/"};
    struct endpoint endpoint;
    char directory[] = "/tmp/electd-test-XXXXXX";

    (void)state;
    enter_directory(directory);
    memset(address.path + 3, '%', ADDRESS_PATH_SIZE - 4);
    assert_false(endpoint_open(&endpoint, &address));
    assert_non_null(strstr(endpoint.error, "%%: its directory does not exist"));
    address.path[2] = '%';
    assert_true(endpoint_open(&endpoint, &address));
    assert_int_equal(strlen(endpoint.targets[0].uri), 5 + 2 + 105 * 3);
    endpoint_close(&endpoint);
    leave_directory(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_free_port_becomes_one_target),
        cmocka_unit_test(test_a_port_that_was_tried_is_free_afterwards),
        cmocka_unit_test(test_port_0_is_left_to_whoever_binds_it),
        cmocka_unit_test(test_a_port_on_which_somebody_listens_is_refused),
        cmocka_unit_test(test_a_port_on_which_a_grpc_server_listens_is_refused),
        cmocka_unit_test(test_a_port_that_is_bound_for_one_alone_is_refused),
        cmocka_unit_test(test_connections_of_a_former_server_do_not_hinder),
        cmocka_unit_test(test_an_address_of_another_machine_is_refused),
        cmocka_unit_test(test_a_host_that_does_not_resolve_is_refused),
        cmocka_unit_test(test_the_wildcard_is_no_loopback),
        cmocka_unit_test(test_an_ipv6_target_has_brackets),
        cmocka_unit_test(test_all_addresses_of_a_name_are_targets_once),
        cmocka_unit_test(test_all_targets_of_port_0_have_the_same_port),
        cmocka_unit_test(test_an_address_that_is_lacking_is_skipped),
        cmocka_unit_test(test_a_name_whose_addresses_all_lack_is_refused),
        cmocka_unit_test(test_one_address_in_use_refuses_the_name),
        cmocka_unit_test(test_a_name_with_too_many_addresses_is_refused),
        cmocka_unit_test(test_a_unix_path_is_claimed_while_it_is_open),
        cmocka_unit_test(test_a_unix_target_is_written_for_a_decoder),
        cmocka_unit_test(test_the_longest_unix_path_fits_in_every_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
