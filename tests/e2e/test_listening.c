// SPDX-License-Identifier: Apache-2.0
//
// Where the daemon listens: what it says about it, what it refuses, and what it
// leaves alone.

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/test.h"

#include "fixture.h"
#include "support/child_process.h"
#include "support/raw_socket.h"
#include "support/story.h"

#define EXIT_DEADLINE_MS 20000

// Starts another daemon, of which more arguments are made as printf does.
__attribute__((format(printf, 3, 4))) static struct daemon *
spawn(struct fixture *fixture, unsigned index, const char *format, ...)
{
    struct daemon *daemon = &fixture->daemons[index];
    char arguments[1024];
    va_list values;

    va_start(values, format);
    vsnprintf(arguments, sizeof arguments, format, values);
    va_end(values);
    daemon_spawn(daemon, &(struct child_start){.arguments = arguments});
    return daemon;
}

// The daemon refuses to start: one line, status 1.
static void expect_refusal(struct daemon *daemon, const char *part)
{
    assert_int_equal(daemon_await_exit(daemon, EXIT_DEADLINE_MS), 1);
    assert_string_equal(daemon->process.out.text, "");
    if (daemon_log_count(daemon, "\n") != 1 ||
        strstr(daemon->process.err.text, " level=error event=listen_failed ") ==
            NULL ||
        strstr(daemon->process.err.text, part) == NULL) {
        fail_msg("not one line with '%s':\n%s", part, daemon->process.err.text);
    }
}

static void test_ready_is_said_once_with_the_real_port(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    struct client *client = fixture_start(fixture, NULL);

    assert_int_equal(daemon->listen_count, 1);
    if (!fixture->is_unix) {
        assert_memory_equal(daemon->listen[0], "127.0.0.1:", 10);
        assert_in_range(strtoul(daemon->listen[0] + 10, NULL, 10), 1, 65535);
    }
    tell(client, "Create a; Enter a n1");
    fixture_stop(fixture);
    assert_int_equal(daemon_log_count(daemon, "event=ready"), 1);
    assert_int_equal(daemon_log_count(daemon, "event=not_encrypted"), 0);
}

static void test_all_addresses_lead_to_the_same_elections(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon =
        spawn(fixture, 0,
              "--listen=127.0.0.1:0 --listen=unix:%s --listen unix:%s "
              "--listen=127.0.0.2:0",
              fixture_path(fixture, "one"), fixture_path(fixture, "two"));
    struct client *client;
    char line[32];

    daemon_await_ready(daemon);
    assert_int_equal(daemon->listen_count, 4);
    assert_memory_equal(daemon->listen[1] + strlen(daemon->listen[1]) - 4,
                        "/one", 4);
    client = fixture_connect_to(fixture, daemon->listen[0]);
    tell(client, "Create a");
    for (unsigned i = 0; i < 4; i++) {
        snprintf(line, sizeof line, "Enter a n%u", i);
        tell(fixture_connect_to(fixture, daemon->listen[i]), line);
    }
    expect(client, "GetTerm a", "1 n0 [n1 n2 n3]");
}

static void test_ipv6_is_listened_on(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon =
        spawn(fixture, 0, "--listen=[::1]:0 --listen=127.0.0.1:0");
    struct client *client;

    while (daemon_is_alive(daemon) && !daemon_log_has(daemon, "\n")) {
        usleep(1000);
    }
    if (daemon_log_has(daemon, "not an address of this machine") ||
        daemon_log_has(daemon, "ddress family not supported")) {
        daemon_await_exit(daemon, EXIT_DEADLINE_MS);
        skip();
    }
    daemon_await_ready(daemon);
    assert_memory_equal(daemon->listen[0], "[::1]:", 6);
    client = fixture_connect_to(fixture, daemon->listen[0]);
    tell(client, "Create a; Enter a n1");
    client = fixture_connect_to(fixture, daemon->listen[1]);
    expect(client, "GetTerm a", "1 n1 []");
    assert_false(daemon_log_has(daemon, "not_encrypted"));
}

static void test_address_that_others_reach_is_warned_of(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon =
        spawn(fixture, 0, "--listen=127.0.0.1:0 --listen=0.0.0.0:0");
    const char *port;
    char listen[64];

    daemon_await_ready(daemon);
    assert_int_equal(daemon_log_count(daemon, " level=warn event=not_encrypted "
                                              "listen=0.0.0.0:0 "),
                     1);
    assert_int_equal(daemon_log_count(daemon, "not_encrypted"), 1);
    port = strrchr(daemon->listen[1], ':');
    snprintf(listen, sizeof listen, "127.0.0.1%s", port);
    tell(fixture_connect_to(fixture, listen), "Create a");
}

static void test_port_of_another_electd_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct client *client = fixture_start(fixture, NULL);
    const char *listen = fixture->daemons[0].listen[0];
    char part[256];

    tell(client, "Create a; Enter a n1");
    snprintf(part, sizeof part,
             "\"cannot listen on %s: address already in use\" hint=\"give "
             "another --listen, or stop the program that listens there\"\n",
             listen);
    expect_refusal(spawn(fixture, 1, "--listen=%s", listen), part);
    // Nor with a wildcard, or by way of a name.
    expect_refusal(
        spawn(fixture, 2, "--listen=0.0.0.0%s", strrchr(listen, ':')),
        "address already in use");
    expect_refusal(
        spawn(fixture, 3, "--listen=localhost%s", strrchr(listen, ':')),
        "address already in use");
    expect(client, "GetTerm a", "1 n1 []");
    expect(fixture_connect(fixture), "GetTerm a", "1 n1 []");
}

static void test_socket_of_another_electd_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct client *client = fixture_start(fixture, NULL);
    const char *listen = fixture->daemons[0].listen[0];

    tell(client, "Create a; Enter a n1");
    expect_refusal(spawn(fixture, 1, "--listen=%s", listen),
                   "another electd holds");
    // Another way to the same file.
    expect_refusal(spawn(fixture, 2, "--listen=unix:%s/../%s/socket",
                         fixture->scratch.path, fixture->scratch.path + 5),
                   "another electd holds");
    expect(client, "GetTerm a", "1 n1 []");
    expect(fixture_connect(fixture), "GetTerm a", "1 n1 []");
}

#define STARTS 5

// Waits until one of them is ready and the others have given up.
static struct daemon *await_winner(struct fixture *fixture)
{
    struct daemon *winner = NULL;

    for (unsigned i = 0; i < FIXTURE_DAEMONS_MAX; i++) {
        struct daemon *daemon = &fixture->daemons[i];

        daemon_await_log(daemon, "\n");
        if (daemon_log_has(daemon, "event=ready")) {
            // Two of them would be two leaders.
            assert_null(winner);
            winner = daemon;
        } else {
            expect_refusal(daemon, "cannot listen on");
        }
    }
    assert_non_null(winner);
    return winner;
}

static void test_of_many_that_start_at_once_one_gets_the_address(void **state)
{
    struct fixture *fixture = *state;
    char listen[128];

    // A port that is free.
    fixture_start(fixture, NULL);
    strcpy(listen, fixture->daemons[0].listen[0]);
    fixture_stop(fixture);
    for (unsigned i = 0; i < STARTS; i++) {
        for (unsigned j = 0; j < FIXTURE_DAEMONS_MAX; j++) {
            daemon_dispose(&fixture->daemons[j]);
            spawn(fixture, j, "--listen=%s", listen);
        }
        daemon_await_ready(await_winner(fixture));
        tell(fixture_connect_to(fixture, listen), "Create a");
        fixture_disconnect_all(fixture);
        for (unsigned j = 0; j < FIXTURE_DAEMONS_MAX; j++) {
            assert_true(daemon_dispose(&fixture->daemons[j]));
        }
    }
}

static void test_address_that_fails_takes_back_those_before_it(void **state)
{
    struct fixture *fixture = *state;
    const char *path = fixture_path(fixture, "socket");
    const char *listen;

    fixture_start(fixture, NULL);
    listen = fixture->daemons[0].listen[0];
    expect_refusal(
        spawn(fixture, 1, "--listen=unix:%s --listen=%s", path, listen),
        "address already in use");
    assert_int_equal(access(path, F_OK), -1);
}

static void test_socket_that_a_killed_electd_left_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct client *client = fixture_start(fixture, NULL);
    struct daemon *daemon = &fixture->daemons[0];
    char listen[128];

    tell(client, "Create a");
    strcpy(listen, daemon->listen[0]);
    daemon_signal(daemon, SIGKILL);
    assert_int_equal(daemon_await_exit(daemon, EXIT_DEADLINE_MS),
                     256 + SIGKILL);
    assert_int_equal(access(listen + 5, F_OK), 0);
    assert_int_equal(raw_connect(listen), -1);
    daemon_dispose(daemon);
    spawn(fixture, 0, "--listen=%s", listen);
    daemon_await_ready(daemon);
    expect_part(fixture_connect(fixture), "GetTerm a", "NOT_FOUND");
}

static void test_file_that_is_no_socket_is_refused_and_kept(void **state)
{
    struct fixture *fixture = *state;
    const char *path = fixture_path(fixture, "data");
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    char data[8] = {0};

    assert_int_equal(write(fd, "data", 4), 4);
    expect_refusal(spawn(fixture, 0, "--listen=unix:%s", path),
                   "a file that is not a socket is there");
    assert_int_equal(pread(fd, data, sizeof data, 0), 4);
    assert_string_equal(data, "data");
    close(fd);
    assert_int_equal(unlink(path), 0);
}

static void test_directory_that_does_not_exist_is_refused(void **state)
{
    struct fixture *fixture = *state;

    expect_refusal(spawn(fixture, 0, "--listen=unix:%s",
                         fixture_path(fixture, "no/socket")),
                   "its directory does not exist");
}

static void test_address_of_another_machine_is_refused(void **state)
{
    // An address for documentation, which is nobody's (RFC 5737).
    expect_refusal(spawn(*state, 0, "--listen=192.0.2.1:0"),
                   "cannot listen on 192.0.2.1:0: not an address of this "
                   "machine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_ready_is_said_once_with_the_real_port),
        OVER_TCP(test_all_addresses_lead_to_the_same_elections),
        OVER_TCP(test_ipv6_is_listened_on),
        OVER_TCP(test_address_that_others_reach_is_warned_of),
        OVER_TCP(test_port_of_another_electd_is_refused),
        OVER_UNIX(test_socket_of_another_electd_is_refused),
        OVER_BOTH(test_of_many_that_start_at_once_one_gets_the_address),
        OVER_TCP(test_address_that_fails_takes_back_those_before_it),
        OVER_UNIX(test_socket_that_a_killed_electd_left_is_replaced),
        OVER_UNIX(test_file_that_is_no_socket_is_refused_and_kept),
        OVER_UNIX(test_directory_that_does_not_exist_is_refused),
        OVER_TCP(test_address_of_another_machine_is_refused),
    };

    return fixture_run(tests);
}
