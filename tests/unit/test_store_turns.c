// SPDX-License-Identifier: Apache-2.0
//
// A crowd of requests does not keep the loop from its other work: the memory
// store works it off in short turns, and in order.

#include <stdlib.h>
#include <uv.h>

#include "support/test.h"

#include "store/memory.h"

#define REQUESTS 1000

struct crowd {
    uv_loop_t loop;
    struct store_memory store;
    struct store_request *requests;
    size_t done;
};

static struct crowd crowd;

static void crowd_done_cb(struct store_request *request,
                          enum electd_status status,
                          const struct electd_outcome *outcome)
{
    (void)status;
    (void)outcome;
    assert_ptr_equal(request, &crowd.requests[crowd.done]);
    crowd.done++;
    // Not all of them fit into a turn, however fast the machine is.
    if (crowd.done % 100 == 0) {
        uv_sleep(1);
    }
}

static void crowd_closed_cb(struct store *store)
{
    (void)store;
}

static void test_crowd_of_requests_is_worked_off_in_turns(void **state)
{
    unsigned turns = 0;

    (void)state;
    crowd.requests = calloc(REQUESTS, sizeof *crowd.requests);
    assert_non_null(crowd.requests);
    assert_int_equal(uv_loop_init(&crowd.loop), 0);
    assert_int_equal(store_memory_init(&crowd.store, &crowd.loop,
                                       (struct electd_limits){1, 1}),
                     ELECTD_OK);
    for (size_t i = 0; i < REQUESTS; i++) {
        crowd.requests[i].command.operation = ELECTD_CREATE;
        crowd.requests[i].command.election = (struct electd_name){"x", 1};
        crowd.requests[i].done_cb = crowd_done_cb;
        store_submit(&crowd.store.base, &crowd.requests[i]);
    }
    while (crowd.done < REQUESTS) {
        size_t before = crowd.done;

        (void)uv_run(&crowd.loop, UV_RUN_NOWAIT);
        assert_true(crowd.done > before);
        turns++;
    }
    // Each hundred takes a millisecond, of the five that a turn has.
    assert_true(turns >= 2);
    store_close(&crowd.store.base, crowd_closed_cb);
    (void)uv_run(&crowd.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&crowd.loop), 0);
    free(crowd.requests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crowd_of_requests_is_worked_off_in_turns),
    };

    return cmocka_run_group_tests_name("store turns", tests, NULL, NULL);
}
