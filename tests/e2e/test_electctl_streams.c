// SPDX-License-Identifier: Apache-2.0
//
// `electctl watch` and `electctl campaign`: what they print, what makes them
// come back, and what ends them.

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "support/test.h"

#include "ctl_process.h"
#include "fixture.h"
#include "support/child_process.h"
#include "support/stopwatch.h"

#define RESTARTED                                                              \
    "electctl: another daemon, or a restarted one: terms begin again\n"

static const char *endpoint(const struct fixture *fixture)
{
    return fixture->daemons[0].listen[0];
}

// Runs a command that must succeed.
static void tell(const struct fixture *fixture, const char *words)
{
    static struct child_process ctl;

    if (ctl_run(&ctl, endpoint(fixture), words) != 0) {
        fail_msg("electctl %s: %s", words, ctl.err.text);
    }
}

static void expect_term(const struct fixture *fixture, const char *expected)
{
    static struct child_process ctl;

    assert_int_equal(ctl_run(&ctl, endpoint(fixture), "term a"), 0);
    assert_string_equal(ctl.out.text, expected);
}

static void spawn(const struct fixture *fixture, struct child_process *ctl,
                  const char *words)
{
    ctl_spawn(ctl, endpoint(fixture),
              &(struct child_start){.arguments = words});
}

static void expect_end(struct child_process *ctl, int number)
{
    child_signal(ctl, number);
    assert_int_equal(ctl_await_exit(ctl), 0);
}

// Kills the daemon and starts another one in the same place.
static void restart(struct fixture *fixture)
{
    struct daemon *daemon = &fixture->daemons[0];
    char arguments[160];

    snprintf(arguments, sizeof arguments, "--listen=%s", endpoint(fixture));
    fixture_disconnect_all(fixture);
    daemon_signal(daemon, SIGKILL);
    assert_int_equal(daemon_await_exit(daemon, STOPWATCH_DEADLINE_MS),
                     256 + SIGKILL);
    (void)daemon_dispose(daemon);
    daemon_spawn(daemon, &(struct child_start){.arguments = arguments});
    daemon_await_ready(daemon);
}

static void test_watch_prints_each_change_once(void **state)
{
    static struct child_process watch;
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    tell(fixture, "create a");
    tell(fixture, "enter a n1");
    spawn(fixture, &watch, "watch a");
    child_await(&watch, &watch.out, "term 1  leader n1  queue -\n");
    tell(fixture, "enter a n2");
    tell(fixture, "enter a n2");
    tell(fixture, "withdraw a n1");
    child_await(&watch, &watch.out, "term 2  leader n2  queue -\n");
    expect_end(&watch, SIGINT);
    assert_string_equal(watch.out.text, "term 1  leader n1  queue -\n"
                                        "term 1  leader n1  queue n2\n"
                                        "term 2  leader n2  queue -\n");
    assert_string_equal(watch.err.text, "");
}

static void test_watch_prints_json(void **state)
{
    static struct child_process watch;
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    tell(fixture, "create a");
    tell(fixture, "enter a n1");
    spawn(fixture, &watch, "watch -o json a");
    child_await(&watch, &watch.out,
                "{\"election\":\"a\",\"term\":1,\"leader\":\"n1\","
                "\"candidates\":[],\"life\":\"");
    expect_end(&watch, SIGTERM);
}

static void test_watch_comes_back_when_the_daemon_restarts(void **state)
{
    static struct child_process watch;
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    tell(fixture, "create a");
    tell(fixture, "enter a n1");
    spawn(fixture, &watch, "watch --create a");
    child_await(&watch, &watch.out, "term 1  leader n1  queue -\n");
    restart(fixture);
    child_await(&watch, &watch.err, "electctl: connected\n");
    assert_non_null(
        strstr(watch.err.text, "electctl: connection lost (UNAVAILABLE: "));
    assert_non_null(strstr(watch.err.text, RESTARTED));
    assert_non_null(strstr(watch.err.text, "), trying again\n"));
    tell(fixture, "enter a n2");
    child_await(&watch, &watch.out, "term 1  leader n2  queue -\n");
    expect_end(&watch, SIGTERM);
}

static void test_watch_waits_for_a_daemon_that_is_not_there_yet(void **state)
{
    static struct child_process watch;
    struct fixture *fixture = *state;
    char at[160];

    snprintf(at, sizeof at, "unix:%s", fixture_path(fixture, "socket"));
    ctl_spawn(&watch, at,
              &(struct child_start){.arguments = "watch --create a"});
    child_await(&watch, &watch.err, "electctl: no connection (UNAVAILABLE: ");
    fixture_start(fixture, NULL);
    child_await(&watch, &watch.err, "electctl: connected\n");
    tell(fixture, "enter a n1");
    child_await(&watch, &watch.out, "term 1  leader n1  queue -\n");
    expect_end(&watch, SIGTERM);
}

static void test_watch_ends_when_its_election_is_gone(void **state)
{
    static struct child_process watch;
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    tell(fixture, "create a");
    tell(fixture, "enter a n1");
    spawn(fixture, &watch, "watch a");
    child_await(&watch, &watch.out, "term 1");
    restart(fixture);
    assert_int_equal(ctl_await_exit(&watch), 1);
    assert_non_null(strstr(watch.err.text, "electctl: NOT_FOUND: "));
}

static void test_watch_ends_when_nobody_reads_it(void **state)
{
    static struct child_process watch;
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    tell(fixture, "create a");
    tell(fixture, "enter a n1");
    ctl_spawn(&watch, endpoint(fixture),
              &(struct child_start){.arguments = "watch a",
                                    .out_kind = CHILD_OUTPUT_BROKEN});
    assert_int_equal(ctl_await_exit(&watch), 1);
    assert_string_equal(watch.err.text, "");
}

static void test_campaign_leads_and_withdraws_at_its_end(void **state)
{
    static struct child_process campaign;
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    spawn(fixture, &campaign, "campaign --create --candidate n1 --grace 5m a");
    child_await(&campaign, &campaign.out,
                "term 1  leader n1  queue -  reason current  previous -  "
                "revision 1  leads yes\n");
    tell(fixture, "enter a n2");
    child_await(&campaign, &campaign.out,
                "term 1  leader n1  queue n2  reason entered  previous n1  "
                "revision 2  leads yes\n");
    expect_end(&campaign, SIGTERM);
    assert_string_equal(campaign.err.text, "");
    expect_term(fixture, "term 2  leader n2  queue -\n");
}

static void test_campaign_prints_json(void **state)
{
    static struct child_process campaign;
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    spawn(fixture, &campaign, "-o json campaign --create --candidate n1 a");
    child_await(&campaign, &campaign.out,
                "{\"election\":\"a\",\"term\":1,\"leader\":\"n1\","
                "\"candidates\":[],\"reason\":\"current\","
                "\"previous_leader\":null,\"revision\":1,\"leads\":true,"
                "\"life\":\"");
    expect_end(&campaign, SIGINT);
    expect_term(fixture, "term 1  leader -  queue -\n");
}

static void test_campaign_that_is_killed_leaves(void **state)
{
    static struct child_process campaign;
    static struct child_process watch;
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    spawn(fixture, &campaign, "campaign --create --candidate n1 a");
    child_await(&campaign, &campaign.out, "term 1  leader n1");
    spawn(fixture, &watch, "watch a");
    child_await(&watch, &watch.out, "term 1  leader n1");
    child_signal(&campaign, SIGKILL);
    assert_int_equal(ctl_await_exit(&campaign), 256 + SIGKILL);
    child_await(&watch, &watch.out, "term 1  leader -  queue -\n");
    expect_end(&watch, SIGTERM);
}

static void test_campaign_comes_back_when_the_daemon_restarts(void **state)
{
    static struct child_process campaign;
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    spawn(fixture, &campaign, "campaign --create --candidate n1 a");
    child_await(&campaign, &campaign.out, "term 1  leader n1");
    restart(fixture);
    child_await(&campaign, &campaign.err, "electctl: connected\n");
    expect_term(fixture, "term 1  leader n1  queue -\n");
    expect_end(&campaign, SIGTERM);
    expect_term(fixture, "term 1  leader -  queue -\n");
}

static void test_campaign_ends_when_its_candidate_is_evicted(void **state)
{
    static struct child_process campaign;
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    spawn(fixture, &campaign, "campaign --create --candidate n1 a");
    child_await(&campaign, &campaign.out, "term 1  leader n1");
    tell(fixture, "evict a n1");
    assert_int_equal(ctl_await_exit(&campaign), 1);
    assert_non_null(strstr(campaign.err.text, "electctl: ABORTED: "));
    assert_non_null(strstr(campaign.out.text, "reason evicted"));
}

static void test_second_campaign_of_a_candidate_is_refused(void **state)
{
    static struct child_process campaign;
    static struct child_process second;
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    spawn(fixture, &campaign, "campaign --create --candidate n1 a");
    child_await(&campaign, &campaign.out, "term 1  leader n1");
    assert_int_equal(
        ctl_run(&second, endpoint(fixture), "campaign --candidate n1 a"), 1);
    assert_non_null(strstr(second.err.text, "electctl: ALREADY_EXISTS: "));
    expect_end(&campaign, SIGTERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_watch_prints_each_change_once),
        OVER_TCP(test_watch_prints_json),
        OVER_BOTH(test_watch_comes_back_when_the_daemon_restarts),
        OVER_UNIX(test_watch_waits_for_a_daemon_that_is_not_there_yet),
        OVER_UNIX(test_watch_ends_when_its_election_is_gone),
        OVER_UNIX(test_watch_ends_when_nobody_reads_it),
        OVER_BOTH(test_campaign_leads_and_withdraws_at_its_end),
        OVER_TCP(test_campaign_prints_json),
        OVER_BOTH(test_campaign_that_is_killed_leaves),
        OVER_BOTH(test_campaign_comes_back_when_the_daemon_restarts),
        OVER_UNIX(test_campaign_ends_when_its_candidate_is_evicted),
        OVER_UNIX(test_second_campaign_of_a_candidate_is_refused),
    };

    return fixture_run(tests);
}
