// SPDX-License-Identifier: Apache-2.0
//
// The daemon as a process: what it is told, what it says, and how it ends.

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

#include "crowd.h"
#include "fixture.h"
#include "json.h"
#include "support/child_process.h"
#include "support/raw_socket.h"
#include "support/story.h"

#define EXIT_DEADLINE_MS 20000
// Of what happens at once.
#define SOON_MS 10000
// Of a log that is not read.
#define STALLED_ROUNDS 2000

// Runs it to its end; `words` are arguments, or variables.
static struct daemon *run(struct fixture *fixture, const char *arguments,
                          const char *environment)
{
    struct daemon *daemon = &fixture->daemons[1];

    daemon_dispose(daemon);
    daemon_spawn(daemon, &(struct child_start){.arguments = arguments,
                                               .environment = environment});
    daemon_await_exit(daemon, EXIT_DEADLINE_MS);
    return daemon;
}

static void test_help_names_every_flag_and_variable(void **state)
{
    static const char *const words[] = {
        "Usage: electd",           "--listen ADDR",     "--max-elections N",
        "--max-candidates N",      "--max-watchers N",  "--watch-backlog N",
        "--watch-backlog-bytes N", "--drain-timeout D", "--log-level L",
        "--log-format F",          "--version",         "--help",
        "ELECTD_LISTEN",           "ELECTD_LOG_LEVEL",  "127.0.0.1:5678",
    };
    struct daemon *daemon = run(*state, "--help", NULL);

    assert_int_equal(daemon->process.wait_status, 0);
    assert_string_equal(daemon->process.err.text, "");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strstr(daemon->process.out.text, words[i]) == NULL) {
            fail_msg("no '%s' in:\n%s", words[i], daemon->process.out.text);
        }
    }
}

static void test_version_is_printed(void **state)
{
    struct daemon *daemon = run(*state, "--version", NULL);

    assert_int_equal(daemon->process.wait_status, 0);
    assert_string_equal(daemon->process.err.text, "");
    assert_string_equal(daemon->process.out.text,
                        "electd " ELECTD_VERSION "\n");
}

// Exit status 2, and one line that names the culprit.
static void expect_usage(struct fixture *fixture, const char *arguments,
                         const char *environment, const char *part)
{
    struct daemon *daemon = run(fixture, arguments, environment);

    if (!WIFEXITED(daemon->process.wait_status) ||
        WEXITSTATUS(daemon->process.wait_status) != 2 ||
        daemon_log_count(daemon, "\n") != 1 ||
        strncmp(daemon->process.err.text, "electd: ", 8) != 0 ||
        strstr(daemon->process.err.text, part) == NULL ||
        daemon->process.out.size != 0) {
        fail_msg("%s %s: not status 2 and one line with '%s': %d\n%s",
                 arguments, environment != NULL ? environment : "", part,
                 daemon->process.wait_status, daemon->process.err.text);
    }
}

static void test_bad_flag_is_one_line_and_status_2(void **state)
{
    expect_usage(*state, "--nonsense", NULL, "'--nonsense'");
    expect_usage(*state, "--max-elections=none", NULL, "--max-elections");
    expect_usage(*state, "--max-elections=0", NULL, "--max-elections");
    expect_usage(*state, "--max-watchers", NULL, "--max-watchers");
    expect_usage(*state, "--watch-backlog=65537", NULL, "65536");
    expect_usage(*state, "--drain-timeout=5", NULL, "--drain-timeout");
    expect_usage(*state, "--drain-timeout=2h", NULL, "1h");
    expect_usage(*state, "--log-level=loud", NULL, "loud");
    expect_usage(*state, "--log-format=xml", NULL, "xml");
    expect_usage(*state, "--listen=127.0.0.1", NULL, "has no port");
    expect_usage(*state, "--listen=::1:80", NULL, "--listen");
    expect_usage(*state, "--listen=127.0.0.1:0 --listen=127.0.0.1:0", NULL,
                 "given twice");
    expect_usage(*state, "serve", NULL, "'serve'");
}

static void test_bad_variable_is_one_line_and_status_2(void **state)
{
    expect_usage(*state, "", "ELECTD_LISTEN=nowhere", "ELECTD_LISTEN");
    expect_usage(*state, "", "ELECTD_MAX_WATCHERS=-1", "ELECTD_MAX_WATCHERS");
    expect_usage(*state, "", "ELECTD_LOG_FORMAT=xml", "ELECTD_LOG_FORMAT");
}

static struct client *start_with(struct fixture *fixture,
                                 const struct child_start *start)
{
    daemon_spawn(&fixture->daemons[0], start);
    daemon_await_ready(&fixture->daemons[0]);
    return fixture_connect(fixture);
}

static void test_variables_do_what_flags_do_and_flags_win(void **state)
{
    struct client *client = start_with(
        *state, &(struct child_start){
                    .arguments = "--max-candidates=2",
                    .environment = "ELECTD_LISTEN=127.0.0.1:0,127.0.0.2:0 "
                                   "ELECTD_MAX_ELECTIONS=1 "
                                   "ELECTD_MAX_CANDIDATES=1 "
                                   "ELECTD_MAX_WATCHERS= "
                                   "ELECTD_LOG_LEVEL=debug",
                });

    assert_int_equal(((struct fixture *)*state)->daemons[0].listen_count, 2);
    tell(client, "Create a; Enter a n1; Enter a n2");
    expect_part(client, "Create b", "1 elections (--max-elections)");
    expect_part(client, "Enter a n3", "2 candidates");
    watch(client, "a");
    daemon_await_log(&((struct fixture *)*state)->daemons[0],
                     "level=debug event=queue_changed election=a term=1 "
                     "leader=n1 reason=entered\n");
}

static void test_changes_of_the_leader_are_logged_as_one_line_each(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    struct client *client = fixture_start(fixture, NULL);

    tell(client, "Create a; Enter a n1; Enter a n2; Withdraw a n1");
    // What comes from outside cannot pass for something else.
    tell(client, "Create b\"=level=fake; Enter b\"=level=fake \\n");
    tell(client, "Evict a n2");
    daemon_await_log(daemon, " level=info event=leader_changed election=a "
                             "term=1 leader=n1 reason=entered\n");
    daemon_await_log(daemon, " level=info event=leader_changed election=a "
                             "term=2 leader=n2 previous=n1 reason=withdrawn\n");
    daemon_await_log(daemon, " election=\"b\\\"=level=fake\" term=1 "
                             "leader=\"\\\\n\" reason=entered\n");
    daemon_await_log(daemon, " level=info event=leader_changed election=a "
                             "term=2 previous=n2 reason=evicted\n");
    assert_int_equal(daemon_log_count(daemon, "\n"), 1 + 4);
}

static void test_log_level_holds_back_what_is_below_it(void **state)
{
    struct daemon *daemon = &((struct fixture *)*state)->daemons[0];
    struct client *client;
    char listen[128];

    snprintf(listen, sizeof listen, "--log-level=warn --listen=unix:%s",
             fixture_path(*state, "socket"));
    daemon_spawn(daemon, &(struct child_start){.arguments = listen});
    assert_true(raw_await_listener(strstr(listen, "unix:"), SOON_MS));
    client = fixture_connect_to(*state, strstr(listen, "unix:"));
    tell(client, "Create a; Enter a n1");
    fixture_stop(*state);
    assert_string_equal(daemon->process.err.text, "");
}

static void test_json_log_is_one_object_a_line(void **state)
{
    struct daemon *daemon = &((struct fixture *)*state)->daemons[0];
    struct client *client;
    char arguments[160];
    char *rest;
    char *line;

    snprintf(arguments, sizeof arguments,
             "--log-format=json --log-level=debug --listen=127.0.0.1:0 "
             "--listen=unix:%s",
             fixture_path(*state, "socket"));
    daemon_spawn(daemon, &(struct child_start){.arguments = arguments});
    daemon_await_log(daemon, "\"event\":\"ready\"");
    client = fixture_connect_to(*state, strstr(arguments, "unix:"));
    tell(client, "Create a\"\\{; Enter a\"\\{ нет\"; Enter a\"\\{ n2");
    tell(client, "Close a\"\\{");
    fixture_stop(*state);
    assert_int_equal(daemon_log_count(daemon, "\"event\":\"ready\""), 1);
    assert_int_equal(
        daemon_log_count(daemon,
                         "\"event\":\"leader_changed\",\"election\":"
                         "\"a\\\"\\\\{\",\"term\":1,\"leader\":\"нет\\\"\","
                         "\"reason\":\"entered\"}"),
        1);
    for (line = strtok_r(daemon->process.err.text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (!json_is_object(line)) {
            fail_msg("not a JSON object: %s", line);
        }
    }
}

static void test_signals_end_it_with_status_0(void **state)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];

    for (unsigned i = 0; i < 2; i++) {
        tell(fixture_start(fixture, NULL), "Create a; Enter a n1");
        fixture_disconnect(fixture, fixture->clients[0]);
        daemon_signal(daemon, numbers[i]);
        assert_int_equal(daemon_await_exit(daemon, SOON_MS), 0);
        daemon_await_log(daemon, i == 0 ? "event=stopping reason=SIGTERM\n"
                                        : "event=stopping reason=SIGINT\n");
        assert_int_equal(daemon_log_count(daemon, "\n"), 3);
        assert_int_equal(access(fixture_path(fixture, "socket"), F_OK), -1);
        daemon_dispose(daemon);
    }
}

// A stalled stream holds the first one up.
static void test_second_signal_ends_it_at_once(void **state)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    struct client *client;
    struct crowd crowd;

    for (unsigned i = 0; i < 2; i++) {
        client = fixture_start(fixture, "--drain-timeout=1h");
        crowd_init(&crowd, client);
        watch(client, "crowd");
        daemon_signal(daemon, SIGTERM);
        daemon_await_log(daemon, "event=stopping");
        daemon_signal(daemon, numbers[i]);
        assert_int_equal(daemon_await_exit(daemon, SOON_MS), 128 + numbers[i]);
        assert_int_equal(access(fixture_path(fixture, "socket"), F_OK), -1);
        daemon_dispose(daemon);
    }
}

// Starts it with a standard error that nobody hears, and lets it say things.
static void serve_unheard(struct fixture *fixture, enum child_output_kind kind)
{
    struct daemon *daemon = &fixture->daemons[0];
    struct client *client;
    char arguments[160];

    snprintf(arguments, sizeof arguments, "--log-level=debug --listen=unix:%s",
             fixture_path(fixture, "socket"));
    daemon_spawn(daemon, &(struct child_start){.arguments = arguments,
                                               .err_kind = kind});
    assert_true(raw_await_listener(strstr(arguments, "unix:"), SOON_MS));
    client = fixture_connect_to(fixture, strstr(arguments, "unix:"));
    tell(client, "Create a; Enter a n1; Enter a n2; Withdraw a n1; Close a");
    expect(fixture_connect_to(fixture, strstr(arguments, "unix:")), "GetTerm a",
           "2 - []");
}

static void test_closed_standard_error_changes_nothing(void **state)
{
    struct daemon *daemon = &((struct fixture *)*state)->daemons[0];
    char path[64];
    char target[64] = "";

    serve_unheard(*state, CHILD_OUTPUT_CLOSED);
    // No connection got that number, to receive the log.
    snprintf(path, sizeof path, "/proc/%d/fd/2", (int)daemon->process.pid);
    assert_true(readlink(path, target, sizeof target - 1) > 0);
    assert_string_equal(target, "/dev/null");
    fixture_stop(*state);
}

static void test_log_reader_that_is_gone_changes_nothing(void **state)
{
    serve_unheard(*state, CHILD_OUTPUT_BROKEN);
    fixture_stop(*state);
}

static void
test_log_reader_that_stalls_costs_lines_and_nothing_else(void **state)
{
    struct fixture *fixture = *state;
    struct daemon *daemon = &fixture->daemons[0];
    struct client *client = fixture_start(fixture, NULL);

    // More than that and the daemon's own buffer take.
    assert_true(fcntl(daemon->process.err.fd, F_SETPIPE_SZ, 16384) > 0);
    tell(client, "Create a");
    for (unsigned i = 0; i < STALLED_ROUNDS; i++) {
        tell(client, "Enter a n1; Withdraw a n1");
    }
    expect(client, "GetTerm a", "2000 - []");
    assert_true(daemon_log_has(daemon, "event=leader_changed"));
    assert_false(daemon_log_has(daemon, "term=2000 "));
    // It is read again: what was lost is said, and the next line comes through.
    daemon_await_log(daemon, "level=warn event=log_lines_dropped count=");
    tell(client, "Enter a n2");
    daemon_await_log(daemon, " term=2001 leader=n2 ");
    assert_int_equal(daemon_log_count(daemon, "event=log_lines_dropped"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_TCP(test_help_names_every_flag_and_variable),
        OVER_TCP(test_version_is_printed),
        OVER_TCP(test_bad_flag_is_one_line_and_status_2),
        OVER_TCP(test_bad_variable_is_one_line_and_status_2),
        OVER_TCP(test_variables_do_what_flags_do_and_flags_win),
        OVER_TCP(test_changes_of_the_leader_are_logged_as_one_line_each),
        OVER_TCP(test_log_level_holds_back_what_is_below_it),
        OVER_TCP(test_json_log_is_one_object_a_line),
        OVER_BOTH(test_signals_end_it_with_status_0),
        OVER_BOTH(test_second_signal_ends_it_at_once),
        OVER_UNIX(test_closed_standard_error_changes_nothing),
        OVER_UNIX(test_log_reader_that_is_gone_changes_nothing),
        OVER_TCP(test_log_reader_that_stalls_costs_lines_and_nothing_else),
    };

    return fixture_run(tests);
}
