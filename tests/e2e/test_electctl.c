// SPDX-License-Identifier: Apache-2.0
//
// electctl against electd: what each command prints, and how it exits.

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "support/test.h"

#include "ctl_process.h"
#include "fixture.h"
#include "support/child_process.h"
#include "support/stopwatch.h"

#define NOT_CREATED                                                            \
    "electctl: NOT_FOUND: election 'a' does not exist: call Create first\n"
#define UNKNOWN_NX                                                             \
    "electctl: nothing changed: candidate 'nx' neither leads nor waits in "    \
    "election 'a'\n"

// One run of electctl and all that it must do.
struct run {
    const char *words;
    const char *out;
    // NULL: whatever.
    const char *err;
    int status;
};

static const char *endpoint(const struct fixture *fixture)
{
    return fixture->daemons[0].listen[0];
}

static void expect(const char *at, const struct run *run)
{
    static struct child_process ctl;
    int status = ctl_run(&ctl, at, run->words);

    if (status != run->status || strcmp(ctl.out.text, run->out) != 0 ||
        (run->err != NULL && strcmp(ctl.err.text, run->err) != 0)) {
        fail_msg("electctl %s: %d\n%s%s", run->words, status, ctl.out.text,
                 ctl.err.text);
    }
}

static void expect_all(const char *at, const struct run *runs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        expect(at, &runs[i]);
    }
}

#define EXPECT_ALL(at, runs)                                                   \
    expect_all(at, runs, sizeof(runs) / sizeof((runs)[0]))

static void test_commands_print_one_line_for_people(void **state)
{
    static const struct run runs[] = {
        {"term a", "", NOT_CREATED, 1},
        {"create --tag t1 --tag=t2 a", "", "", 0},
        {"create a", "", "", 0},
        {"term a", "term 0  leader -  queue -\n", "", 0},
        {"enter a n1", "term 1  leader n1  queue -\n", "", 0},
        {"enter a n2", "term 1  leader n1  queue n2\n", "", 0},
        {"enter a n3", "term 1  leader n1  queue n2, n3\n", "", 0},
        {"promote a n3", "term 1  leader n1  queue n3, n2\n", "", 0},
        {"demote a n1", "term 2  leader n3  queue n1, n2\n", "", 0},
        {"anoint a n2", "term 3  leader n2  queue n3, n1\n", "", 0},
        {"withdraw a n2", "term 4  leader n3  queue n1\n", "", 0},
        {"evict a n1", "term 4  leader n3  queue -\n", "", 0},
        {"close a", "", "", 0},
        {"term a", "term 4  leader n3  queue -\n", "", 0},
        {"health", "SERVING\n", "", 0},
        {"health electd.v1.Candidacy", "SERVING\n", "", 0},
    };
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    EXPECT_ALL(endpoint(fixture), runs);
}

static void test_commands_print_one_object_a_line_as_json(void **state)
{
    static const struct run runs[] = {
        {"-o json create a", "{\"election\":\"a\"}\n", "", 0},
        {"term -o json a",
         "{\"election\":\"a\",\"term\":0,\"leader\":null,"
         "\"candidates\":[]}\n",
         "", 0},
        {"enter a --output=json -- -\"1",
         "{\"election\":\"a\",\"term\":1,\"leader\":\"-\\\"1\","
         "\"candidates\":[]}\n",
         "", 0},
        {"-ojson enter a n2",
         "{\"election\":\"a\",\"term\":1,\"leader\":\"-\\\"1\","
         "\"candidates\":[\"n2\"]}\n",
         "", 0},
        {"withdraw a nx -o json",
         "{\"election\":\"a\",\"term\":1,\"leader\":\"-\\\"1\","
         "\"candidates\":[\"n2\"]}\n",
         UNKNOWN_NX, 3},
        {"close a -ojson", "{\"election\":\"a\"}\n", "", 0},
        {"health -ojson", "{\"service\":\"\",\"status\":\"SERVING\"}\n", "", 0},
    };
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    EXPECT_ALL(endpoint(fixture), runs);
}

static void test_unknown_candidate_is_status_3(void **state)
{
    static const char term[] = "term 1  leader n1  queue n2\n";
    static const struct run runs[] = {
        {"create a", "", "", 0},
        {"enter a n1", "term 1  leader n1  queue -\n", "", 0},
        {"enter a n2", term, "", 0},
        {"withdraw a nx", term, UNKNOWN_NX, 3},
        {"anoint a nx", term, UNKNOWN_NX, 3},
        {"promote a nx", term, UNKNOWN_NX, 3},
        {"demote a nx", term, UNKNOWN_NX, 3},
        {"evict a nx", term, UNKNOWN_NX, 3},
        // Known, though there is nothing to be done for them.
        {"promote a n1", term, "", 0},
        {"anoint a n1", term, "", 0},
        {"demote a n2", term, "", 0},
    };
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    EXPECT_ALL(endpoint(fixture), runs);
}

static void test_refused_call_is_status_1_and_names_the_code(void **state)
{
    static const struct run runs[] = {
        {"enter a n1", "", NOT_CREATED, 1},
        {"withdraw a n1", "", NOT_CREATED, 1},
        {"promote a n1", "", NOT_CREATED, 1},
        {"close a", "", NOT_CREATED, 1},
        {"watch a", "", NOT_CREATED, 1},
        {"campaign a", "", NOT_CREATED, 1},
        {"create a", "", "", 0},
        {"create b", "",
         "electctl: RESOURCE_EXHAUSTED: the limit of 1 elections "
         "(--max-elections) is reached\n",
         1},
        {"health nothing", "", NULL, 1},
    };
    struct fixture *fixture = *state;

    fixture_start(fixture, "--max-elections=1");
    EXPECT_ALL(endpoint(fixture), runs);
}

static void test_bad_command_line_is_status_2_without_a_daemon(void **state)
{
    static const struct run runs[] = {
        {"nothing", "",
         "electctl: unknown command 'nothing': see electctl "
         "--help\n",
         2},
        {"-x", "", "electctl: unknown flag '-x': see electctl --help\n", 2},
        {"term", "", NULL, 2},
        {"term a b", "", NULL, 2},
        {"enter a", "", NULL, 2},
        {"enter a n1 n2", "", NULL, 2},
        {"enter --ttl 99ms a n1", "",
         "electctl: --ttl: '99ms' is not a duration from 100ms to 1h: see "
         "electctl --help\n",
         2},
        {"--timeout 5 term a", "", NULL, 2},
        {"--endpoint nowhere term a", "", NULL, 2},
        {"-o xml term a", "", NULL, 2},
        {"term --ttl 1s a", "", NULL, 2},
        {"campaign --grace 11m a", "", NULL, 2},
        {"campaign --confirm-within 99ms a", "",
         "electctl: --confirm-within: '99ms' is not a duration from 100ms to "
         "10m: see electctl --help\n",
         2},
        {"confirm --instance i a n1", "",
         "electctl: confirm needs --instance and --term: see electctl "
         "--help\n",
         2},
        {"confirm --term 1 a n1", "", NULL, 2},
        {"confirm --instance= --term 1 a n1", "", NULL, 2},
        {"confirm --instance i --term 0 a n1", "",
         "electctl: --term: '0' is not a term: 1 or more: see electctl "
         "--help\n",
         2},
        {"confirm --instance i --term 1x a n1", "", NULL, 2},
        {"confirm --instance i --term -1 a n1", "", NULL, 2},
        {"confirm --instance i --term 18446744073709551616 a n1", "", NULL, 2},
        {"confirm --instance i --term 1 a", "", NULL, 2},
        {"term a -o", "", NULL, 2},
        {"", "", NULL, 2},
        {"help nothing", "", NULL, 2},
    };

    (void)state;
    EXPECT_ALL(NULL, runs);
    expect("nowhere", &(struct run){"term a", "", NULL, 2});
}

static void test_absent_daemon_is_status_4(void **state)
{
    struct fixture *fixture = *state;
    char at[160];

    snprintf(at, sizeof at, "unix:%s", fixture_path(fixture, "nobody"));
    expect(at, &(struct run){"term a", "", NULL, 4});
    expect(at, &(struct run){"health", "", NULL, 4});
    // Port 1 is nobody's.
    expect("127.0.0.1:1", &(struct run){"create a", "", NULL, 4});
}

static void test_silent_daemon_is_status_4_after_the_timeout(void **state)
{
    struct fixture *fixture = *state;
    long long begun_ms;

    fixture_start(fixture, NULL);
    daemon_signal(&fixture->daemons[0], SIGSTOP);
    begun_ms = stopwatch_now_ms();
    expect(endpoint(fixture),
           &(struct run){"--timeout 300ms term a", "", NULL, 4});
    assert_in_range(stopwatch_now_ms() - begun_ms, 200, 20000);
    daemon_signal(&fixture->daemons[0], SIGCONT);
}

static void expect_narrow(const char *text)
{
    for (size_t size; *text != '\0'; text += size + 1) {
        size = strcspn(text, "\n");
        assert_in_range(size, 0, 80);
    }
}

static void test_help_and_version_need_no_daemon(void **state)
{
    static const char *const commands[] = {
        "create",  "close",    "enter",  "withdraw", "anoint",
        "promote", "demote",   "evict",  "term",     "confirm",
        "watch",   "campaign", "health", "version",  "help",
    };
    static struct child_process ctl;
    static struct child_process all;
    char words[64];

    (void)state;
    assert_int_equal(ctl_run(&all, "nowhere", "--help"), 0);
    assert_int_equal(ctl_run(&ctl, NULL, "help"), 0);
    assert_string_equal(ctl.out.text, all.out.text);
    expect_narrow(all.out.text);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        assert_non_null(strstr(all.out.text, commands[i]));
        snprintf(words, sizeof words, "%s --help", commands[i]);
        assert_int_equal(ctl_run(&ctl, "nowhere", words), 0);
        assert_non_null(strstr(ctl.out.text, commands[i]));
        expect_narrow(ctl.out.text);
        assert_string_equal(ctl.err.text, "");
    }
    assert_int_equal(ctl_run(&ctl, "nowhere", "--version"), 0);
    assert_int_equal(strncmp(ctl.out.text, "electctl ", 9), 0);
    assert_int_equal(ctl_run(&ctl, NULL, "-o json version"), 0);
    assert_int_equal(strncmp(ctl.out.text, "{\"version\":\"", 12), 0);
}

static void test_flag_wins_over_the_variable(void **state)
{
    struct fixture *fixture = *state;
    char words[256];

    fixture_start(fixture, NULL);
    snprintf(words, sizeof words, "--endpoint=%s create a", endpoint(fixture));
    expect("nowhere", &(struct run){words, "", "", 0});
}

static void test_time_to_live_takes_a_candidate_out(void **state)
{
    static struct child_process watch;
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    expect(endpoint(fixture), &(struct run){"create a", "", "", 0});
    ctl_spawn(&watch, endpoint(fixture),
              &(struct child_start){.arguments = "watch a"});
    expect(endpoint(fixture),
           &(struct run){"enter --ttl 400ms a n1",
                         "term 1  leader n1  queue -\n", "", 0});
    child_await(&watch, &watch.out, "term 1  leader -  queue -\n");
    child_signal(&watch, SIGTERM);
    assert_int_equal(ctl_await_exit(&watch), 0);
}

static void test_output_that_cannot_be_written_is_status_1(void **state)
{
    static struct child_process ctl;
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    expect(endpoint(fixture), &(struct run){"create a", "", "", 0});
    ctl_spawn(&ctl, endpoint(fixture),
              &(struct child_start){.arguments = "term a",
                                    .out_kind = CHILD_OUTPUT_BROKEN});
    assert_int_equal(ctl_await_exit(&ctl), 1);
    assert_string_equal(ctl.err.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_commands_print_one_line_for_people),
        OVER_BOTH(test_commands_print_one_object_a_line_as_json),
        OVER_BOTH(test_unknown_candidate_is_status_3),
        OVER_BOTH(test_refused_call_is_status_1_and_names_the_code),
        OVER_UNIX(test_bad_command_line_is_status_2_without_a_daemon),
        OVER_UNIX(test_absent_daemon_is_status_4),
        OVER_BOTH(test_silent_daemon_is_status_4_after_the_timeout),
        OVER_UNIX(test_help_and_version_need_no_daemon),
        OVER_TCP(test_flag_wins_over_the_variable),
        OVER_BOTH(test_time_to_live_takes_a_candidate_out),
        OVER_UNIX(test_output_that_cannot_be_written_is_status_1),
    };

    return fixture_run(tests);
}
