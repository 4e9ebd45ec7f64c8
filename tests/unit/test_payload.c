// SPDX-License-Identifier: Apache-2.0
//
// A payload goes with its last reference, whoever gives that back.

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "failing_alloc_on.h"

#include "base/payload.c"

#define THREADS 4
#define ROUNDS 1000000

static void test_new_payload_has_one_reference(void **state)
{
    struct payload *payload = payload_create(3);

    (void)state;
    assert_non_null(payload);
    assert_int_equal(atomic_load(&payload->references), 1);
    assert_int_equal(payload->size, 3);
    memcpy(payload->bytes, "abc", 3);
    payload_unref(payload);
    assert_int_equal(failing_alloc_live(), 0);
}

static void test_payload_of_no_bytes_is_one_too(void **state)
{
    struct payload *payload = payload_create(0);

    (void)state;
    assert_non_null(payload);
    assert_int_equal(payload->size, 0);
    payload_unref(payload);
    assert_int_equal(failing_alloc_live(), 0);
}

static void test_payload_goes_with_its_last_reference(void **state)
{
    struct payload *payload = payload_create(1);

    (void)state;
    assert_non_null(payload);
    payload->bytes[0] = 'x';
    assert_ptr_equal(payload_ref(payload), payload);
    assert_ptr_equal(payload_ref(payload), payload);
    payload_unref(payload);
    payload_unref(payload);
    assert_int_equal(failing_alloc_live(), 1);
    assert_int_equal(payload->bytes[0], 'x');
    payload_unref(payload);
    assert_int_equal(failing_alloc_live(), 0);
}

static void test_giving_back_no_payload_is_allowed(void **state)
{
    (void)state;
    payload_unref(NULL);
    assert_int_equal(failing_alloc_live(), 0);
}

static void test_payload_without_memory_is_none(void **state)
{
    (void)state;
    failing_alloc_arm(1);
    assert_null(payload_create(1));
    assert_true(failing_alloc_disarm());
}

static pthread_barrier_t start;

// Takes and gives back references, and in the end the one it was started with.
static void *share(void *argument)
{
    struct payload *payload = argument;

    (void)pthread_barrier_wait(&start);
    for (int i = 0; i < ROUNDS; i++) {
        payload_unref(payload_ref(payload));
    }
    payload_unref(payload);
    return NULL;
}

static void test_references_may_be_taken_on_any_thread(void **state)
{
    struct payload *payload = payload_create(1);
    pthread_t threads[THREADS];

    (void)state;
    assert_non_null(payload);
    assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (size_t i = 0; i < THREADS; i++) {
        payload_ref(payload);
        assert_int_equal(pthread_create(&threads[i], NULL, share, payload), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(pthread_barrier_destroy(&start), 0);
    assert_int_equal(atomic_load(&payload->references), 1);
    payload_unref(payload);
    assert_int_equal(failing_alloc_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_payload_has_one_reference),
        cmocka_unit_test(test_payload_of_no_bytes_is_one_too),
        cmocka_unit_test(test_payload_goes_with_its_last_reference),
        cmocka_unit_test(test_giving_back_no_payload_is_allowed),
        cmocka_unit_test(test_payload_without_memory_is_none),
        cmocka_unit_test(test_references_may_be_taken_on_any_thread),
    };

    return cmocka_run_group_tests_name("payload", tests, NULL, NULL);
}
