// SPDX-License-Identifier: Apache-2.0
//
// `electctl run` whose connection is cut: what it starts afterwards, and in
// which term.

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "support/test.h"

#include "contender.h"
#include "relay.h"
#include "support/child_process.h"
#include "support/daemon_process.h"
#include "support/scratch.h"

static const char stays[] = "echo $ELECTD_TERM >> terms; echo $$ >> pids; "
                            "while :; do sleep 1; done";

struct fixture {
    struct daemon daemon;
    struct scratch scratch;
    struct contender run;
    char daemon_path[RELAY_PATH_SIZE];
    char relay_path[RELAY_PATH_SIZE];
    pid_t relay;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    char arguments[160];
    char endpoint[160];

    fixture = (struct fixture){.relay = 0};
    *state = &fixture;
    scratch_make(&fixture.scratch);
    snprintf(fixture.daemon_path, RELAY_PATH_SIZE, "%s/d.sock",
             fixture.scratch.path);
    snprintf(fixture.relay_path, RELAY_PATH_SIZE, "%s/r.sock",
             fixture.scratch.path);
    snprintf(arguments, sizeof arguments, "--listen unix:%s",
             fixture.daemon_path);
    daemon_spawn(&fixture.daemon,
                 &(struct child_start){.arguments = arguments});
    daemon_await_ready(&fixture.daemon);
    fixture.relay = relay_spawn(fixture.relay_path, fixture.daemon_path);
    snprintf(endpoint, sizeof endpoint, "unix:%s", fixture.relay_path);
    contender_set_endpoint(endpoint);
    return 0;
}

static void end_relay(struct fixture *fixture)
{
    kill(fixture->relay, SIGKILL);
    waitpid(fixture->relay, NULL, 0);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    bool is_fine;

    contender_dispose(&fixture->run);
    end_relay(fixture);
    is_fine = daemon_dispose(&fixture->daemon);
    scratch_remove(&fixture->scratch);
    return is_fine ? 0 : -1;
}

// The daemon keeps the place, so that it leads again at once.
static void test_no_program_starts_twice_in_one_term(void **state)
{
    static const char *const arguments[] = {
        "run", "--create", "--candidate", "a",  "--retry", "--start-delay",
        "0",   "e",        "--",          "sh", "-c",      stays,
        NULL,
    };
    struct fixture *fixture = *state;
    long terms[3];

    contender_spawn(&fixture->run, &fixture->scratch, "a", -1, arguments);
    for (unsigned i = 0; i < 3; i++) {
        terms[i] = scratch_await_number(&fixture->scratch, "terms", i + 1);
        end_relay(fixture);
        group_await_gone(
            (pid_t)scratch_await_number(&fixture->scratch, "pids", i + 1));
        fixture->relay = relay_spawn(fixture->relay_path, fixture->daemon_path);
    }
    assert_true(terms[0] < terms[1]);
    assert_true(terms[1] < terms[2]);
    child_signal(&fixture->run.process, SIGTERM);
    contender_await_exit(&fixture->run);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_no_program_starts_twice_in_one_term),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
