// SPDX-License-Identifier: Apache-2.0
//
// What a test stands on: a directory of its own, the daemons that it started,
// and its clients. The teardown closes the clients, stops the daemons that run,
// and fails if one of them did not end well or left something behind.
//
//     static void test_something(void **state)
//     {
//         struct fixture *fixture = *state;
//         struct client *client = fixture_start(fixture, "--max-watchers=1");
//         ...
//     }
//
//     int main(void)
//     {
//         const struct CMUnitTest tests[] = {OVER_BOTH(test_something)};
//
//         return fixture_run(tests);
//     }

#ifndef E2E_FIXTURE_H
#define E2E_FIXTURE_H

#include "support/client.h"
#include "support/daemon_process.h"
#include "support/scratch.h"

#define FIXTURE_CLIENTS_MAX 256
#define FIXTURE_DAEMONS_MAX 4

struct fixture {
    bool is_unix;
    struct scratch scratch;
    // What fixture_start() starts the daemon with, as daemon_start has it.
    const char *environment;
    // daemons[0] is the one that fixture_start() starts.
    struct daemon daemons[FIXTURE_DAEMONS_MAX];
    struct client *clients[FIXTURE_CLIENTS_MAX];
    unsigned clients_count;
};

// Starts a daemon on a port of its own, or on a Unix socket in the directory,
// waits until it is ready, and returns a client. Of the arguments, which
// spaces separate, NULL stands for none.
struct client *fixture_start(struct fixture *fixture, const char *arguments);

// One more client, of the same daemon: another connection.
struct client *fixture_connect(struct fixture *fixture);

// A client of any address. Lives as long as the fixture.
struct client *fixture_connect_to(struct fixture *fixture, const char *listen);

// One more client whose connection is there already, and the only one.
struct client *fixture_connect_once(struct fixture *fixture);

// Closes a client before the end.
void fixture_disconnect(struct fixture *fixture, struct client *client);
void fixture_disconnect_all(struct fixture *fixture);

// Closes all clients and stops the daemon, which must end well. Its log stays.
void fixture_stop(struct fixture *fixture);

// A path in the directory; static, until the next but three calls.
const char *fixture_path(const struct fixture *fixture, const char *name);

int fixture_setup_tcp(void **state);
int fixture_setup_unix(void **state);
int fixture_teardown(void **state);

// A test over TCP, over a Unix socket, and over each of them.
#define OVER_TCP(test)                                                         \
    {                                                                          \
#test, test, fixture_setup_tcp, fixture_teardown, NULL                 \
    }
#define OVER_UNIX(test)                                                        \
    {                                                                          \
#test, test, fixture_setup_unix, fixture_teardown, NULL                \
    }
#define OVER_BOTH(test)                                                        \
    {#test " over TCP", test, fixture_setup_tcp, fixture_teardown, NULL},      \
    {                                                                          \
#test " over a Unix socket", test, fixture_setup_unix,                 \
            fixture_teardown, NULL                                             \
    }

int fixture_group_setup(void **state);
int fixture_group_teardown(void **state);

#define fixture_run(tests)                                                     \
    cmocka_run_group_tests(tests, fixture_group_setup, fixture_group_teardown)

// A sanitizer is compiled in: memory and time mean nothing.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FIXTURE_IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FIXTURE_IS_SANITIZED true
#endif
#endif
#ifndef FIXTURE_IS_SANITIZED
#define FIXTURE_IS_SANITIZED false
#endif

#endif
