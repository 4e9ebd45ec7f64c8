// SPDX-License-Identifier: Apache-2.0
//
// A change of an election for which there is no memory: its watchers cannot be
// told, so that their streams end. The calls are fakes, which write into a log
// what is done with them; elections and watchers are real.

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "atomix/runtime/election/v1/election.pb-c.h"
#include "services/watching.h"
#include "story.h"
#include "text.h"

#include "fake_rpc.h"

#include "failing_alloc_on.h"

#include "base/payload.c"
#include "services/election_service.c"
#include "services/term.c"

#define WATCHERS 3

static struct {
    struct story *story;
    struct election_service service;
    struct rpc_call rpcs[WATCHERS];
    struct watching watchings[WATCHERS];
} test;

static int setup(void **state)
{
    const struct service_limits limits = {
        .watchers_max = WATCHERS,
        .backlog = {4, UINT32_MAX},
    };
    void *story = NULL;

    (void)state;
    memset(&test, 0, sizeof test);
    text_clear(&fake_rpc_log);
    assert_int_equal(
        election_service_init(&test.service, NULL, NULL, NULL, &limits),
        ELECTD_OK);
    story_setup(&story);
    test.story = story;
    tell(test.story, "y: create; create");
    return 0;
}

static int teardown(void **state)
{
    void *story = test.story;

    (void)state;
    for (size_t i = 0; i < WATCHERS; i++) {
        watch_hub_remove(&test.watchings[i].watcher);
    }
    election_service_close(&test.service);
    story_teardown(&story);
    return failing_alloc_live() == 0 ? 0 : -1;
}

// The stream of that index, and its name, which is A, B, ...
static void watch(size_t index, const char *election)
{
    uint64_t topic = electd_election_number(story_find(test.story, election));
    struct watching *watching = &test.watchings[index];

    test.rpcs[index].name = (char)('A' + index);
    watching->call.rpc = &test.rpcs[index];
    assert_int_equal(watching_begin(watching, &test.service.watchers, topic,
                                    test.service.limits.backlog, NULL),
                     ELECTD_OK);
}

// One command, which is a change, is done and told.
static void change(const char *command)
{
    tell(test.story, command);
    assert_true(test.story->outcome.reason != ELECTD_UNCHANGED);
    election_service_change(&test.service, &test.story->outcome);
}

static void change_without_memory(const char *command)
{
    tell(test.story, command);
    failing_alloc_arm_all();
    election_service_change(&test.service, &test.story->outcome);
    assert_true(failing_alloc_disarm());
}

static void expect_log(const char *log)
{
    assert_string_equal(fake_rpc_log.bytes, log);
    text_clear(&fake_rpc_log);
}

static void sent(size_t index)
{
    test.watchings[index].call.sent_cb(&test.watchings[index].call);
}

#define UNTOLD "end:8:out of memory: a change could not be told: watch again"

static void test_watchers_that_cannot_be_told_are_ended(void **state)
{
    (void)state;
    watch(0, "x");
    watch(1, "x");
    watch(2, "y");
    change("enter a");
    expect_log(" A:7 B:7");
    sent(0);
    sent(1);
    change_without_memory("enter b");
    expect_log(" A:" UNTOLD " B:" UNTOLD);
    // The other election's have missed nothing.
    change("y: enter a");
    expect_log(" C:7");
    // There is a place for those who watch again.
    watch(0, "x");
    change("enter c");
    expect_log(" A:13");
}

static void test_slow_watcher_that_cannot_be_told_ends_when_it_can(void **state)
{
    (void)state;
    watch(0, "x");
    change("enter a");
    change("enter b");
    expect_log(" A:7");
    change_without_memory("enter c");
    change("enter d");
    // Not `enter d` without `enter c`.
    expect_log("");
    sent(0);
    expect_log(" A:" UNTOLD);
}

static void test_change_that_nobody_watches_needs_no_memory(void **state)
{
    (void)state;
    watch(0, "y");
    tell(test.story, "enter a");
    failing_alloc_arm_all();
    election_service_change(&test.service, &test.story->outcome);
    assert_false(failing_alloc_disarm());
    expect_log("");
}

static void test_change_gives_back_what_was_kept_of_the_term(void **state)
{
    size_t live;

    (void)state;
    change("enter a");
    live = failing_alloc_live();
    assert_non_null(
        term_cache_get(&test.service.terms, story_find(test.story, "x")));
    assert_int_equal(failing_alloc_live(), live + 1);
    change("withdraw a");
    assert_int_equal(failing_alloc_live(), live);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_watchers_that_cannot_be_told_are_ended),
        TEST(test_slow_watcher_that_cannot_be_told_ends_when_it_can),
        TEST(test_change_that_nobody_watches_needs_no_memory),
        TEST(test_change_gives_back_what_was_kept_of_the_term),
    };

    return cmocka_run_group_tests_name("untold", tests, NULL, NULL);
}
