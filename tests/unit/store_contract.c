// SPDX-License-Identifier: Apache-2.0

#include "store_contract.h"

#include <stdlib.h>
#include <string.h>

#include "store_test.h"
#include "story.h"

static void test_nothing_happens_before_the_loop_turns(void **state)
{
    struct store_test *test = *state;

    (void)store_ask(test, 'a', "create");
    (void)store_ask(test, 'b', "enter p");
    store_expect(test, "");
    store_run(test);
    store_expect(test, "a x1 b ");
}

static void test_requests_are_done_in_the_order_of_submission(void **state)
{
    struct store_test *test = *state;

    (void)store_ask(test, 'a', "x: create");
    (void)store_ask(test, 'b', "y: create");
    (void)store_ask(test, 'c', "y: enter p");
    (void)store_ask(test, 'd', "x: enter p");
    (void)store_ask(test, 'e', "y: enter q");
    (void)store_ask(test, 'f', "x: get_term");
    store_run(test);
    store_expect(test, "a b y1 c x1 d y2 e f ");
}

static void test_many_requests_are_done_in_order(void **state)
{
    struct store_test *test = *state;

    (void)store_ask(test, 'a', "create");
    for (size_t i = 0; i < STORE_JOBS_MAX / 2 - 1; i++) {
        (void)store_ask(test, 'b', i % 2 == 0 ? "enter p" : "evict p");
        (void)store_ask(test, 'c', "get_term");
    }
    store_run(test);
    assert_int_equal(test->done, STORE_JOBS_MAX - 1);
}

static void test_requests_are_done_in_order_over_many_turns(void **state)
{
    struct store_test *test = *state;

    (void)store_ask(test, 'a', "create");
    for (size_t i = 0; i < 50; i++) {
        (void)store_ask(test, 'b', i % 2 == 0 ? "enter p" : "evict p");
        (void)store_ask(test, 'c', "get_term");
        store_turn(test);
    }
    store_run(test);
    assert_int_equal(test->done, 101);
}

static void test_only_changes_are_heard(void **state)
{
    struct store_test *test = *state;

    (void)store_ask(test, 'a', "create");
    (void)store_ask(test, 'b', "create");
    (void)store_ask(test, 'c', "enter p");
    (void)store_ask(test, 'd', "enter p");
    (void)store_ask(test, 'e', "demote p");
    (void)store_ask(test, 'f', "close @9");
    (void)store_ask(test, 'g', "close @1");
    (void)store_ask(test, 'h', "get_term");
    store_run(test);
    store_expect(test, "a b x1 c d e f x2 g h ");
}

static void test_refused_requests_are_done_with_their_status(void **state)
{
    struct store_test *test = *state;

    (void)store_ask(test, 'a', "z: enter p");
    (void)store_ask(test, 'b', "x: create");
    (void)store_ask(test, 'c', "y: create");
    (void)store_ask(test, 'd', "z: create");
    (void)store_ask(test, 'e', "enter p");
    (void)store_ask(test, 'f', "enter q");
    (void)store_ask(test, 'g', "enter r");
    (void)store_ask(test, 'h', "enter s");
    store_run(test);
    store_expect(test, "a!NO_ELECTION b c d!ELECTIONS_MAX "
                       "x1 e x2 f x3 g h!CANDIDATES_MAX ");
}

static struct text terms;

// Notes the election as it is when the request is done.
static void note_term_cb(struct store_request *request,
                         enum electd_status status,
                         const struct electd_outcome *outcome)
{
    story_add_term(outcome->election, &terms);
    text_add(&terms, "%s\n", outcome->elected ? " elected" : "");
    store_test_done_cb(request, status, outcome);
}

static void test_election_is_as_the_request_left_it_when_done(void **state)
{
    static const char *const lines[] = {"create", "enter p", "enter q",
                                        "anoint q", "evict p"};
    struct store_test *test = *state;

    text_clear(&terms);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        store_ask(test, 'a', lines[i])->request.done_cb = note_term_cb;
    }
    store_run(test);
    assert_string_equal(terms.bytes, "0 - []\n"
                                     "1 p [] elected\n"
                                     "1 p [q]\n"
                                     "2 q [p] elected\n"
                                     "2 q []\n");
}

static void test_nobody_need_listen(void **state)
{
    struct store_test *test = *state;

    test->store->listener = NULL;
    (void)store_ask(test, 'a', "create");
    (void)store_ask(test, 'b', "enter p");
    store_run(test);
    store_expect(test, "a b ");
}

static void ask_again(struct store_job *job)
{
    struct store_job *next;

    if (job->label < 'e') {
        next = store_ask(job->test, (char)(job->label + 1), "enter p");
        next->then = ask_again;
    }
}

static void
test_request_asked_for_in_done_cb_is_done_in_a_later_turn(void **state)
{
    struct store_test *test = *state;

    store_ask(test, 'a', "create")->then = ask_again;
    store_run(test);
    store_expect(test, "a x1 b c d e ");
    for (size_t i = 1; i < test->done; i++) {
        assert_true(test->jobs[i].turn > test->jobs[i - 1].turn);
    }
}

static void
test_request_asked_for_in_done_cb_comes_after_the_others(void **state)
{
    struct store_test *test = *state;

    (void)store_ask(test, '0', "create");
    store_ask(test, 'c', "enter p")->then = ask_again;
    (void)store_ask(test, '1', "enter q");
    (void)store_ask(test, '2', "evict p");
    store_run(test);
    store_expect(test, "0 x1 c x2 1 x3 2 x4 d e ");
}

static void submit_once_more(struct store_job *job)
{
    struct store_test *test = job->test;

    job->line = strdup("enter p");
    assert_non_null(job->line);
    story_read(job->line, &job->request.command);
    job->number = test->asked++;
    job->done = false;
    job->then = NULL;
    store_submit(test->store, &job->request);
}

static void test_request_can_be_submitted_again_in_its_done_cb(void **state)
{
    struct store_test *test = *state;

    store_ask(test, 'a', "create")->then = submit_once_more;
    (void)store_ask(test, 'b', "enter q");
    (void)store_ask(test, 'c', "enter r");
    store_run(test);
    store_expect(test, "a x1 b x2 c x3 a ");
}

static size_t released;

static void release_cb(struct store_request *request, enum electd_status status,
                       const struct electd_outcome *outcome)
{
    (void)outcome;
    released += status == ELECTD_OK;
    memset(request, 0xa5, sizeof *request);
    free(request);
}

static void test_request_can_be_released_in_its_done_cb(void **state)
{
    struct store_test *test = *state;
    struct store_request *request;

    released = 0;
    for (size_t i = 0; i < 3; i++) {
        request = calloc(1, sizeof *request);
        assert_non_null(request);
        request->command.election = (struct electd_name){"x", 1};
        request->command.operation = ELECTD_CREATE;
        request->done_cb = release_cb;
        store_submit(test->store, request);
    }
    (void)store_ask(test, 'a', "get_term");
    store_run(test);
    assert_int_equal(released, 3);
}

static void test_unused_store_closes_in_a_later_turn(void **state)
{
    struct store_test *test = *state;

    store_ask_close(test);
    store_expect(test, "");
    store_run_close(test);
    store_expect(test, "closed ");
}

static void test_used_store_closes_once_it_is_idle(void **state)
{
    struct store_test *test = *state;

    (void)store_ask(test, 'a', "create");
    (void)store_ask(test, 'b', "enter p");
    store_run(test);
    store_ask_close(test);
    store_run_close(test);
    store_expect(test, "a x1 b closed ");
}

// A store may have come to some of them; from one on, to none.
static void check_done_or_unavailable(const struct store_test *test)
{
    bool unavailable = false;

    assert_int_equal(test->done, test->asked);
    for (size_t i = 0; i < test->asked; i++) {
        if (test->jobs[i].status == ELECTD_OK) {
            assert_false(unavailable);
        } else {
            assert_int_equal(test->jobs[i].status, ELECTD_UNAVAILABLE);
            unavailable = true;
        }
    }
    assert_non_null(strstr(test->log.bytes, "closed "));
    assert_string_equal(strstr(test->log.bytes, "closed "), "closed ");
}

static void
test_waiting_requests_are_done_once_before_the_store_is_closed(void **state)
{
    struct store_test *test = *state;

    for (size_t i = 0; i < 100; i++) {
        (void)store_ask(test, 'a', "create");
    }
    store_ask_close(test);
    store_run_close(test);
    check_done_or_unavailable(test);
}

static void test_requests_of_later_turns_are_done_once_at_close(void **state)
{
    struct store_test *test = *state;

    (void)store_ask(test, 'a', "create");
    store_turn(test);
    (void)store_ask(test, 'b', "enter p");
    (void)store_ask(test, 'c', "enter q");
    store_ask_close(test);
    store_run_close(test);
    check_done_or_unavailable(test);
}

static void ask_and_close(struct store_job *job)
{
    (void)store_ask(job->test, 'e', "enter p");
    (void)store_ask(job->test, 'f', "enter q");
    store_ask_close(job->test);
}

static void test_store_can_be_closed_in_a_done_cb(void **state)
{
    struct store_test *test = *state;

    (void)store_ask(test, 'a', "create");
    store_ask(test, 'b', "create")->then = ask_and_close;
    (void)store_ask(test, 'c', "create");
    (void)store_ask(test, 'd', "create");
    store_run_close(test);
    check_done_or_unavailable(test);
    assert_int_equal(test->done, 6);
}

static void note_outcome_cb(struct store_request *request,
                            enum electd_status status,
                            const struct electd_outcome *outcome)
{
    assert_non_null(outcome);
    if (status == ELECTD_UNAVAILABLE) {
        assert_null(outcome->election);
        assert_int_equal(outcome->reason, ELECTD_UNCHANGED);
        assert_false(outcome->elected);
        assert_int_equal(outcome->entry, 0);
        assert_int_equal(outcome->previous_leader.size, 0);
    }
    store_test_done_cb(request, status, outcome);
}

static void test_outcome_of_an_unavailable_store_is_empty(void **state)
{
    struct store_test *test = *state;

    (void)store_ask(test, 'a', "create");
    store_run(test);
    store_ask(test, 'b', "enter p")->request.done_cb = note_outcome_cb;
    store_ask_close(test);
    store_run_close(test);
    check_done_or_unavailable(test);
}

void store_contract_tests(const struct store_factory *factory,
                          struct CMUnitTest tests[STORE_CONTRACT_TESTS])
{
#define CONTRACT(name)                                                         \
    cmocka_unit_test_setup_teardown(name, store_test_setup, store_test_teardown)
    const struct CMUnitTest all[] = {
        CONTRACT(test_nothing_happens_before_the_loop_turns),
        CONTRACT(test_requests_are_done_in_the_order_of_submission),
        CONTRACT(test_many_requests_are_done_in_order),
        CONTRACT(test_requests_are_done_in_order_over_many_turns),
        CONTRACT(test_only_changes_are_heard),
        CONTRACT(test_refused_requests_are_done_with_their_status),
        CONTRACT(test_election_is_as_the_request_left_it_when_done),
        CONTRACT(test_nobody_need_listen),
        CONTRACT(test_request_asked_for_in_done_cb_is_done_in_a_later_turn),
        CONTRACT(test_request_asked_for_in_done_cb_comes_after_the_others),
        CONTRACT(test_request_can_be_submitted_again_in_its_done_cb),
        CONTRACT(test_request_can_be_released_in_its_done_cb),
        CONTRACT(test_unused_store_closes_in_a_later_turn),
        CONTRACT(test_used_store_closes_once_it_is_idle),
        CONTRACT(
            test_waiting_requests_are_done_once_before_the_store_is_closed),
        CONTRACT(test_requests_of_later_turns_are_done_once_at_close),
        CONTRACT(test_store_can_be_closed_in_a_done_cb),
        CONTRACT(test_outcome_of_an_unavailable_store_is_empty),
    };
#undef CONTRACT

    _Static_assert(sizeof all / sizeof all[0] == STORE_CONTRACT_TESTS,
                   "the number of tests is in the header");
    memcpy(tests, all, sizeof all);
    for (size_t i = 0; i < STORE_CONTRACT_TESTS; i++) {
        // cmocka hands it to the setup, which only reads it.
        tests[i].initial_state = (void *)(uintptr_t)factory;
    }
}
