// SPDX-License-Identifier: Apache-2.0

#include "fixture.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

#include "support/child_process.h"
#include "support/stopwatch.h"

static int fixture_setup(void **state, bool is_unix)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    fixture->is_unix = is_unix;
    scratch_make(&fixture->scratch);
    *state = fixture;
    return 0;
}

int fixture_setup_tcp(void **state)
{
    return fixture_setup(state, false);
}

int fixture_setup_unix(void **state)
{
    return fixture_setup(state, true);
}

const char *fixture_path(const struct fixture *fixture, const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/%s", fixture->scratch.path, name);
    return path;
}

static struct client *fixture_add(struct fixture *fixture,
                                  struct client *client)
{
    assert_non_null(client);
    assert_true(fixture->clients_count < FIXTURE_CLIENTS_MAX);
    fixture->clients[fixture->clients_count++] = client;
    return client;
}

struct client *fixture_connect_to(struct fixture *fixture, const char *listen)
{
    return fixture_add(fixture, client_connect(listen));
}

struct client *fixture_connect(struct fixture *fixture)
{
    return fixture_connect_to(fixture, fixture->daemons[0].listen[0]);
}

struct client *fixture_connect_once(struct fixture *fixture)
{
    return fixture_add(fixture,
                       client_connect_once(fixture->daemons[0].listen[0]));
}

struct client *fixture_start(struct fixture *fixture, const char *arguments)
{
    struct child_start start = {.environment = fixture->environment};
    char text[512];

    snprintf(text, sizeof text, "--listen=%s%s %s",
             fixture->is_unix ? "unix:" : "",
             fixture->is_unix ? fixture_path(fixture, "socket") : "127.0.0.1:0",
             arguments != NULL ? arguments : "");
    start.arguments = text;
    daemon_spawn(&fixture->daemons[0], &start);
    daemon_await_ready(&fixture->daemons[0]);
    return fixture_connect(fixture);
}

void fixture_disconnect(struct fixture *fixture, struct client *client)
{
    unsigned i = 0;

    while (fixture->clients[i] != client) {
        i++;
        assert_true(i < fixture->clients_count);
    }
    fixture->clients[i] = fixture->clients[--fixture->clients_count];
    client_close(client);
}

void fixture_disconnect_all(struct fixture *fixture)
{
    while (fixture->clients_count > 0) {
        client_close(fixture->clients[--fixture->clients_count]);
    }
}

void fixture_stop(struct fixture *fixture)
{
    // gRPC's client notices a shutdown only while it is waited on; one that is
    // idle would make the daemon wait.
    fixture_disconnect_all(fixture);
    daemon_signal(&fixture->daemons[0], SIGTERM);
    assert_int_equal(
        daemon_await_exit(&fixture->daemons[0], STOPWATCH_DEADLINE_MS), 0);
}

// Says what a daemon has left behind, and removes it.
static bool fixture_clean(const struct fixture *fixture)
{
    DIR *directory = opendir(fixture->scratch.path);
    const struct dirent *entry;
    bool is_clean = true;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') {
            print_error("left behind: %s\n", entry->d_name);
            unlink(fixture_path(fixture, entry->d_name));
            is_clean = false;
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
    return rmdir(fixture->scratch.path) == 0 && is_clean;
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    bool is_fine = true;

    fixture_disconnect_all(fixture);
    for (unsigned i = 0; i < FIXTURE_DAEMONS_MAX; i++) {
        is_fine &= daemon_dispose(&fixture->daemons[i]);
    }
    is_fine &= fixture_clean(fixture);
    free(fixture);
    return is_fine ? 0 : 1;
}

int fixture_group_setup(void **state)
{
    (void)state;
    grpc_init();
    return 0;
}

int fixture_group_teardown(void **state)
{
    (void)state;
    grpc_shutdown_blocking();
    return 0;
}
