// SPDX-License-Identifier: Apache-2.0
//
// The memory store: the contract of every store, and what is its own. The
// store and the core are compiled into this test, as failing_alloc.h explains,
// so that they can run out of memory and what they hold can be counted.

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "store_contract.h"

#include "failing_alloc_on.h"

#include "core/candidates.c"
#include "core/election.c"
#include "core/elections.c"
#include "store/memory.c"

#define OWN_TESTS 7

static struct store *memory_create(uv_loop_t *loop, struct electd_limits limits)
{
    struct store_memory *store = malloc(sizeof *store);

    assert_non_null(store);
    if (store_memory_init(store, loop, limits) != ELECTD_OK) {
        free(store);
        return NULL;
    }
    return &store->base;
}

static void memory_destroy(struct store *store)
{
    free(container_of(store, struct store_memory, base));
}

static const struct store_factory memory_factory = {
    memory_create,
    memory_destroy,
};

// A test's last look: of the elections nothing is left.
static int memory_teardown(void **state)
{
    int result = store_test_teardown(state);

    assert_int_equal(failing_alloc_live(), 0);
    return result;
}

static void test_all_that_waits_is_done_in_one_turn(void **state)
{
    struct store_test *test = *state;

    (void)store_ask(test, 'a', "create");
    (void)store_ask(test, 'b', "enter p");
    (void)store_ask(test, 'c', "enter q");
    store_run(test);
    assert_int_equal(test->turn, 1);
    store_expect(test, "a x1 b x2 c ");
}

static void test_loop_does_not_sleep_while_requests_wait(void **state)
{
    struct store_test *test = *state;

    (void)store_ask(test, 'a', "create");
    assert_int_equal(uv_backend_timeout(&test->loop), 0);
    assert_true(uv_loop_alive(&test->loop));
}

static void test_idle_store_lets_the_loop_sleep(void **state)
{
    struct store_test *test = *state;

    assert_false(uv_loop_alive(&test->loop));
    (void)store_ask(test, 'a', "create");
    store_run(test);
    assert_false(uv_loop_alive(&test->loop));
    assert_int_equal(uv_run(&test->loop, UV_RUN_DEFAULT), 0);
}

static void test_store_that_closes_comes_to_no_request(void **state)
{
    struct store_test *test = *state;

    (void)store_ask(test, 'a', "create");
    (void)store_ask(test, 'b', "enter p");
    store_ask_close(test);
    store_run_close(test);
    store_expect(test, "a!UNAVAILABLE b!UNAVAILABLE closed ");
}

static void ask_and_close(struct store_job *job)
{
    (void)store_ask(job->test, 'e', "enter q");
    store_ask_close(job->test);
}

static void test_store_closed_in_a_done_cb_comes_to_no_more(void **state)
{
    struct store_test *test = *state;

    (void)store_ask(test, 'a', "create");
    store_ask(test, 'b', "enter p")->then = ask_and_close;
    (void)store_ask(test, 'c', "evict p");
    (void)store_ask(test, 'd', "get_term");
    store_run_close(test);
    store_expect(test, "a x1 b c!UNAVAILABLE d!UNAVAILABLE e!UNAVAILABLE "
                       "closed ");
}

static void test_request_without_memory_is_done_with_that_status(void **state)
{
    struct store_test *test = *state;

    (void)store_ask(test, 'a', "create");
    store_run(test);
    failing_alloc_arm(1);
    (void)store_ask(test, 'b', "enter p");
    (void)store_ask(test, 'c', "enter p");
    store_run(test);
    assert_true(failing_alloc_disarm());
    store_expect(test, "a b!NO_MEMORY x1 c ");
}

static void test_store_without_memory_is_none(void **state)
{
    struct store_memory store;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    failing_alloc_arm(1);
    assert_int_equal(
        store_memory_init(&store, &loop, (struct electd_limits){1, 1}),
        ELECTD_NO_MEMORY);
    assert_true(failing_alloc_disarm());
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
#define OWN(name)                                                              \
    cmocka_unit_test_prestate_setup_teardown(                                  \
        name, store_test_setup, memory_teardown,                               \
        (void *)(uintptr_t)&memory_factory)
    const struct CMUnitTest own[] = {
        OWN(test_all_that_waits_is_done_in_one_turn),
        OWN(test_loop_does_not_sleep_while_requests_wait),
        OWN(test_idle_store_lets_the_loop_sleep),
        OWN(test_store_that_closes_comes_to_no_request),
        OWN(test_store_closed_in_a_done_cb_comes_to_no_more),
        OWN(test_request_without_memory_is_done_with_that_status),
        cmocka_unit_test(test_store_without_memory_is_none),
    };
#undef OWN
    struct CMUnitTest tests[STORE_CONTRACT_TESTS + OWN_TESTS];

    _Static_assert(sizeof own / sizeof own[0] == OWN_TESTS,
                   "all of its own tests are run");
    store_contract_tests(&memory_factory, tests);
    for (size_t i = 0; i < STORE_CONTRACT_TESTS; i++) {
        tests[i].teardown_func = memory_teardown;
    }
    memcpy(tests + STORE_CONTRACT_TESTS, own, sizeof own);
    return cmocka_run_group_tests_name("memory store", tests, NULL, NULL);
}
