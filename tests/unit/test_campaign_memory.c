// SPDX-License-Identifier: Apache-2.0
//
// Campaigns without memory: whatever fails, a candidate that is in has a stream
// or a lease that will take it out, and nothing is kept. Core, store, leases
// and services are real, the calls are fakes.

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>
#include <uv.h>

#include "support/test.h"

#include "atomix/runtime/election/v1/election.pb-c.h"
#include "electd/v1/candidacy.pb-c.h"
#include "fake_rpc.h"
#include "services/candidacy_service.h"
#include "services/watching.h"
#include "store/memory.h"

#include "failing_alloc_on.h"

#include "base/payload.c"
#include "core/candidates.c"
#include "core/elections.c"
#include "services/campaign.c"
#include "services/campaign_answer.c"
#include "services/promises.c"
#include "services/term.c"
#include "watch/hub.c"

#define STREAMS 3

static struct {
    uv_loop_t loop;
    struct store_memory store;
    struct lease_table leases;
    struct term_cache terms;
    struct candidacy_service service;
    struct rpc_call rpcs[STREAMS];
    struct campaign campaigns[STREAMS];
    struct store_listener listener;
    struct store_request create;
} test;

static void test_change_cb(struct store_listener *listener,
                           const struct electd_outcome *outcome)
{
    const struct electd_candidate *departed = outcome->departed;

    (void)listener;
    for (; departed != NULL; departed = electd_candidate_next(departed)) {
        lease_end(&test.leases, electd_candidate_entry(departed));
    }
    term_cache_drop(&test.terms, outcome->election);
    candidacy_service_change(&test.service, outcome);
}

static void test_created_cb(struct store_request *request,
                            enum electd_status status,
                            const struct electd_outcome *outcome)
{
    (void)request;
    (void)outcome;
    assert_int_equal(status, ELECTD_OK);
}

static void turn(void)
{
    for (unsigned i = 0; i < 5; i++) {
        (void)uv_run(&test.loop, UV_RUN_NOWAIT);
    }
}

static int setup(void **state)
{
    const struct service_options options = {
        .limits = {.watchers_max = STREAMS, .backlog = {4, UINT32_MAX}},
        .life = "life",
    };

    (void)state;
    memset(&test, 0, sizeof test);
    text_clear(&fake_rpc_log);
    assert_int_equal(uv_loop_init(&test.loop), 0);
    assert_int_equal(store_memory_init(&test.store, &test.loop,
                                       (struct electd_limits){10, 10}),
                     ELECTD_OK);
    lease_table_init(&test.leases, &test.loop, &test.store.base);
    assert_true(term_cache_init(&test.terms));
    candidacy_service_init(&test.service, &test.store.base, &test.leases,
                           &test.terms, &options);
    test.listener.change_cb = test_change_cb;
    test.store.base.listener = &test.listener;
    test.create.command.operation = ELECTD_CREATE;
    test.create.command.election = (struct electd_name){"x", 1};
    test.create.done_cb = test_created_cb;
    store_submit(&test.store.base, &test.create);
    turn();
    return 0;
}

static void test_store_closed_cb(struct store *store)
{
    (void)store;
}

static void test_leases_closed_cb(struct lease_table *leases)
{
    (void)leases;
    store_close(&test.store.base, test_store_closed_cb);
}

static int teardown(void **state)
{
    (void)state;
    if (test.service.campaigns != NULL) {
        return -1;
    }
    candidacy_service_close(&test.service);
    lease_table_close(&test.leases, test_leases_closed_cb);
    (void)uv_run(&test.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&test.loop), 0);
    term_cache_close(&test.terms);
    return failing_alloc_live() == 0 ? 0 : -1;
}

static void begin(size_t index, const char *instance, int32_t grace_ms)
{
    Electd__V1__CampaignRequest request = ELECTD__V1__CAMPAIGN_REQUEST__INIT;
    Atomix__Runtime__V1__PrimitiveId id =
        ATOMIX__RUNTIME__V1__PRIMITIVE_ID__INIT;
    Google__Protobuf__Duration grace = GOOGLE__PROTOBUF__DURATION__INIT;
    struct campaign *campaign = &test.campaigns[index];

    id.name = (char *)(uintptr_t) "x";
    request.id = &id;
    request.candidate = (char *)(uintptr_t) "a";
    request.instance = (char *)(uintptr_t)instance;
    grace.nanos = grace_ms * 1000000;
    request.grace = &grace;
    memset(campaign, 0, sizeof *campaign);
    test.rpcs[index] = (struct rpc_call){.name = (char)('A' + index)};
    campaign->service = &test.service;
    campaign->watching.call.rpc = &test.rpcs[index];
    campaign_begin(campaign, &request);
}

// Its peer has gone.
static void close_call(size_t index)
{
    struct campaign *campaign = &test.campaigns[index];

    test.rpcs[index].is_closed = true;
    if (!test.rpcs[index].is_ended) {
        campaign->watching.call.closed_cb(&campaign->watching.call);
    }
}

// 0 if nobody leads.
static uint64_t leading_entry(void)
{
    const struct electd_election *election =
        electd_elections_first(test.store.elections);
    const struct electd_candidate *leader = electd_election_leading(election);

    return leader != NULL ? electd_candidate_entry(leader) : 0;
}

static struct campaign *stream_of(uint64_t entry)
{
    return campaign_of_entry(&test.service, (struct electd_name){"x", 1},
                             (struct electd_name){"a", 1}, entry);
}

// Whoever is in will leave.
static void expect_nobody_stuck(void)
{
    uint64_t entry = leading_entry();

    if (entry != 0 && stream_of(entry) == NULL) {
        assert_true(lease_left_ms(&test.leases, entry) > 0);
    }
}

static void expect_all_gone(void)
{
    for (size_t i = 0; i < STREAMS; i++) {
        if (test.rpcs[i].name != '\0') {
            close_call(i);
        }
    }
    turn();
    assert_int_equal(leading_entry(), 0);
    assert_int_equal(test.service.places, 0);
    assert_null(test.service.campaigns);
}

// Every allocation of a take-over fails once. False when there is none left.
static bool take_over_without(unsigned nth)
{
    bool has_failed;

    begin(0, "i", 0);
    turn();
    assert_ptr_equal(stream_of(leading_entry()), &test.campaigns[0]);
    failing_alloc_arm(nth);
    begin(1, "i", 0);
    turn();
    has_failed = failing_alloc_disarm();
    expect_nobody_stuck();
    // One of the two is the candidate's, or it has left.
    if (leading_entry() != 0) {
        assert_ptr_equal(stream_of(leading_entry()),
                         &test.campaigns[!test.rpcs[1].is_ended]);
        assert_int_equal(test.service.places, 1);
    }
    return has_failed;
}

static void test_take_over_without_memory_leaves_nobody_stuck(void **state)
{
    unsigned nth = 1;

    while (take_over_without(nth)) {
        expect_all_gone();
        (void)teardown(state);
        (void)setup(state);
        nth++;
    }
    assert_true(nth > 2);
    expect_all_gone();
}

static void test_refused_take_over_gives_the_place_back(void **state)
{
    (void)state;
    begin(0, "i", 0);
    turn();
    // The first allocation of the core: the instance's copy.
    failing_alloc_arm(1);
    begin(1, "i", 0);
    turn();
    assert_true(failing_alloc_disarm());
    assert_true(test.rpcs[1].is_ended);
    assert_false(test.rpcs[0].is_ended);
    assert_ptr_equal(stream_of(leading_entry()), &test.campaigns[0]);
    begin(2, "i", 0);
    turn();
    assert_ptr_equal(stream_of(leading_entry()), &test.campaigns[2]);
    expect_all_gone();
}

// A grace for which there is no memory is over at once.
static void test_end_without_memory_leaves_nobody_stuck(void **state)
{
    unsigned nth = 1;
    bool has_failed = true;

    while (has_failed) {
        begin(0, "i", 500);
        turn();
        failing_alloc_arm(nth);
        close_call(0);
        turn();
        has_failed = failing_alloc_disarm();
        expect_nobody_stuck();
        assert_true(test.rpcs[0].is_ended);
        assert_int_equal(test.service.places, 0);
        (void)teardown(state);
        (void)setup(state);
        nth++;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_take_over_without_memory_leaves_nobody_stuck),
        TEST(test_refused_take_over_gives_the_place_back),
        TEST(test_end_without_memory_leaves_nobody_stuck),
    };

    return cmocka_run_group_tests_name("campaign memory", tests, NULL, NULL);
}
