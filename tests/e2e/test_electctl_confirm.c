// SPDX-License-Identifier: Apache-2.0
//
// `electctl confirm`, and what `electctl campaign` says of the time for which
// its candidate may act.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

#include "ctl_process.h"
#include "fixture.h"
#include "relay.h"
#include "support/child_process.h"

#define OVER "s: stop acting (term 1)\n"
#define AGAIN "electctl: leadership is confirmed again (term 1)\n"
#define UNBOUND "electctl: nothing tells this candidate when to stop acting: "

static const char *endpoint(const struct fixture *fixture)
{
    return fixture->daemons[0].listen[0];
}

static void spawn(const char *at, struct child_process *ctl, const char *words)
{
    ctl_spawn(ctl, at, &(struct child_start){.arguments = words});
}

static void expect_end(struct child_process *ctl)
{
    child_signal(ctl, SIGTERM);
    assert_int_equal(ctl_await_exit(ctl), 0);
}

static void expect_term(const struct fixture *fixture, const char *expected)
{
    static struct child_process ctl;

    assert_int_equal(ctl_run(&ctl, endpoint(fixture), "term a"), 0);
    assert_string_equal(ctl.out.text, expected);
}

static void expect_refusal(const struct fixture *fixture, const char *words,
                           const char *out)
{
    static struct child_process ctl;

    assert_int_equal(ctl_run(&ctl, endpoint(fixture), words), 5);
    assert_int_equal(strncmp(ctl.out.text, out, strlen(out)), 0);
    assert_string_equal(ctl.err.text, "");
}

static void test_confirm_tells_how_long_a_leader_may_act(void **state)
{
    static const char out[] = "term 1  leader n1  queue -  leads yes  valid ";
    static struct child_process campaign;
    static struct child_process ctl;
    struct fixture *fixture = *state;
    char *end;
    long valid_ms;

    fixture_start(fixture, NULL);
    spawn(endpoint(fixture), &campaign,
          "campaign --create --candidate n1 --grace 5m --instance i1 a");
    child_await(&campaign, &campaign.out, "term 1  leader n1");
    assert_int_equal(
        ctl_run(&ctl, endpoint(fixture), "confirm --instance i1 --term 1 a n1"),
        0);
    assert_int_equal(strncmp(ctl.out.text, out, strlen(out)), 0);
    // Four fifths of the grace, less the time that asking took.
    valid_ms = strtol(ctl.out.text + strlen(out), &end, 10);
    assert_in_range(valid_ms, 180000, 240000);
    assert_int_equal(strncmp(end, "ms  life ", 9), 0);
    assert_int_equal(ctl_run(&ctl, endpoint(fixture),
                             "confirm -o json --instance i1 --term 1 a n1"),
                     0);
    assert_non_null(strstr(ctl.out.text, "\"leads\":true,\"valid_for_ms\":2"));
    expect_end(&campaign);
}

static void test_confirm_refuses_whoever_must_not_act(void **state)
{
    static const char refused[] =
        "term 1  leader n1  queue -  leads no  valid 0ms  life ";
    static struct child_process campaign;
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    spawn(endpoint(fixture), &campaign,
          "campaign --create --candidate n1 --grace 5m --instance i1 a");
    child_await(&campaign, &campaign.out, "term 1  leader n1");
    expect_refusal(fixture, "confirm --instance i2 --term 1 a n1", refused);
    expect_refusal(fixture, "confirm --instance i1 --term 2 a n1", refused);
    expect_refusal(fixture, "confirm --instance i1 --term 1 a n2", refused);
    expect_end(&campaign);
}

static void test_no_grace_bounds_nothing_and_allows_nothing(void **state)
{
    static struct child_process campaign;
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    spawn(endpoint(fixture), &campaign,
          "campaign --create --candidate n1 --instance i1 a");
    child_await(&campaign, &campaign.err, UNBOUND "give --grace 10s\n");
    expect_refusal(fixture, "confirm --instance i1 --term 1 a n1",
                   "term 1  leader n1  queue -  leads yes  valid 0ms  life ");
    expect_end(&campaign);
    assert_string_equal(campaign.err.text, UNBOUND "give --grace 10s\n");
}

static void test_campaign_that_never_confirms_says_so(void **state)
{
    static struct child_process campaign;
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    spawn(endpoint(fixture), &campaign,
          "campaign --create --candidate n1 --grace 5m --confirm-within 0 a");
    child_await(&campaign, &campaign.err, UNBOUND "give --confirm-within 3s\n");
    expect_end(&campaign);
}

static void test_campaign_that_waits_confirms_as_well(void **state)
{
    static struct child_process leader;
    static struct child_process campaign;
    struct fixture *fixture = *state;

    fixture_start(fixture, NULL);
    spawn(endpoint(fixture), &leader,
          "campaign --create --candidate n1 --confirm-within 2s a");
    child_await(&leader, &leader.out, "term 1  leader n1");
    spawn(endpoint(fixture), &campaign,
          "campaign --candidate n2 --grace 5m --confirm-within 2s a");
    child_await(&campaign, &campaign.out, "term 1  leader n1  queue n2");
    // Longer than either may be silent.
    usleep(2500 * 1000);
    expect_term(fixture, "term 1  leader n1  queue n2\n");
    expect_end(&leader);
    expect_end(&campaign);
    assert_string_equal(campaign.err.text, "");
}

// A campaign of n1 through a relay, which leads and has been confirmed.
static pid_t begin_behind_relay(struct fixture *fixture,
                                struct child_process *campaign,
                                const char *arguments, const char *words)
{
    char path[RELAY_PATH_SIZE];
    char at[RELAY_PATH_SIZE + 8];
    pid_t relay;

    fixture_start(fixture, arguments);
    snprintf(path, sizeof path, "%s", fixture_path(fixture, "relay"));
    snprintf(at, sizeof at, "unix:%s", path);
    relay = relay_spawn(path, endpoint(fixture) + strlen("unix:"));
    spawn(at, campaign, words);
    child_await(campaign, &campaign->out, "term 1  leader n1  queue -");
    return relay;
}

static void end_relay(const struct fixture *fixture, pid_t relay)
{
    assert_int_equal(unlink(fixture_path(fixture, "relay")), 0);
    kill(relay, SIGKILL);
    assert_int_equal(waitpid(relay, NULL, 0), relay);
}

static void
test_frozen_campaign_says_stop_before_the_next_one_leads(void **state)
{
    static struct child_process campaign;
    static struct child_process rival;
    struct fixture *fixture = *state;
    pid_t relay = begin_behind_relay(
        fixture, &campaign, NULL,
        "campaign --create --candidate n1 --grace 5s --confirm-within 1s a");

    spawn(endpoint(fixture), &rival, "campaign --candidate n2 a");
    child_await(&campaign, &campaign.out, "term 1  leader n1  queue n2");
    kill(relay, SIGSTOP);
    child_await(&campaign, &campaign.err, OVER);
    expect_term(fixture, "term 1  leader n1  queue n2\n");
    child_await(&rival, &rival.out,
                "term 2  leader n2  queue -  reason "
                "disconnected  previous n1");
    kill(relay, SIGCONT);
    // It is not told before it comes back that it has lost.
    child_await(&campaign, &campaign.out, "term 2  leader n2  queue n1");
    assert_null(strstr(campaign.err.text, AGAIN));
    expect_end(&campaign);
    expect_end(&rival);
    end_relay(fixture, relay);
}

static void test_campaign_that_is_confirmed_again_says_so(void **state)
{
    static struct child_process campaign;
    struct fixture *fixture = *state;
    // The daemon takes nobody for dead.
    pid_t relay = begin_behind_relay(
        fixture, &campaign, "--keepalive-time=1h",
        "campaign --create --candidate n1 --grace 2s --confirm-within 10m a");

    kill(relay, SIGSTOP);
    child_await(&campaign, &campaign.err, OVER);
    kill(relay, SIGCONT);
    child_await(&campaign, &campaign.err, AGAIN);
    expect_end(&campaign);
    end_relay(fixture, relay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_confirm_tells_how_long_a_leader_may_act),
        OVER_UNIX(test_confirm_refuses_whoever_must_not_act),
        OVER_UNIX(test_no_grace_bounds_nothing_and_allows_nothing),
        OVER_UNIX(test_campaign_that_never_confirms_says_so),
        OVER_UNIX(test_campaign_that_waits_confirms_as_well),
        OVER_UNIX(test_frozen_campaign_says_stop_before_the_next_one_leads),
        OVER_UNIX(test_campaign_that_is_confirmed_again_says_so),
    };

    return fixture_run(tests);
}
