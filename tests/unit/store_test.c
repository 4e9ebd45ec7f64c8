// SPDX-License-Identifier: Apache-2.0
//
// Some promises are kept an eye on in every test, whatever it is about: nothing
// calls back out of a call, requests are done once each and in order, a change
// is heard right before its request is done, in the same turn of the loop, and
// nothing is called back after the store is closed.

#include "store_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/container_of.h"
#include "story.h"

// A store says only which one is closed; one is tested at a time.
static struct store_test *store_test_running;

static void store_test_change_cb(struct store_listener *listener,
                                 const struct electd_outcome *outcome)
{
    struct store_test *test =
        container_of(listener, struct store_test, listener);

    assert_false(test->calling);
    assert_false(test->closed);
    assert_false(test->heard);
    assert_non_null(outcome->election);
    assert_int_not_equal(outcome->reason, ELECTD_UNCHANGED);
    test->heard = true;
    test->heard_reason = outcome->reason;
    test->heard_revision = electd_election_revision(outcome->election);
    test->heard_turn = test->turn;
    test->heard_since++;
    text_add(&test->log, "%s%llu ",
             electd_election_name(outcome->election).bytes,
             (unsigned long long)test->heard_revision);
}

static void store_test_changes_over_cb(struct store_listener *listener)
{
    struct store_test *test =
        container_of(listener, struct store_test, listener);

    assert_false(test->calling);
    assert_false(test->heard);
    assert_true(test->heard_since > 0);
    assert_int_equal(test->heard_turn, test->turn);
    test->heard_since = 0;
}

// Whoever reads the election now has heard of its last change.
static void store_test_check_heard(struct store_test *test,
                                   const struct electd_outcome *outcome)
{
    if (test->store->listener == NULL) {
        return;
    }
    assert_int_equal(test->heard, outcome->reason != ELECTD_UNCHANGED);
    if (test->heard) {
        assert_int_equal(test->heard_reason, outcome->reason);
        assert_int_equal(test->heard_turn, test->turn);
        assert_int_equal(test->heard_revision,
                         electd_election_revision(outcome->election));
    }
    test->heard = false;
}

void store_test_done_cb(struct store_request *request,
                        enum electd_status status,
                        const struct electd_outcome *outcome)
{
    struct store_job *job = container_of(request, struct store_job, request);
    struct store_test *test = job->test;

    assert_false(test->calling);
    assert_false(test->closed);
    assert_false(job->done);
    assert_int_equal(job->number, test->done);
    assert_non_null(outcome);
    store_test_check_heard(test, outcome);
    job->done = true;
    job->status = status;
    job->turn = test->turn;
    test->done++;
    text_add(&test->log, "%c", job->label);
    if (status != ELECTD_OK) {
        assert_int_equal(outcome->reason, ELECTD_UNCHANGED);
        text_add(&test->log, "!%s", electd_status_name(status));
    }
    text_add(&test->log, " ");
    // The store must not look at the command from here on.
    memset(&request->command, 0xa5, sizeof request->command);
    free(job->line);
    job->line = NULL;
    if (job->then != NULL) {
        job->then(job);
    }
}

int store_test_setup(void **state)
{
    struct store_test *test = calloc(1, sizeof *test);

    assert_non_null(test);
    test->factory = *state;
    assert_int_equal(uv_loop_init(&test->loop), 0);
    store_test_running = test;
    test->store =
        test->factory->create(&test->loop, (struct electd_limits){2, 3});
    assert_non_null(test->store);
    test->listener.change_cb = store_test_change_cb;
    test->listener.changes_over_cb = store_test_changes_over_cb;
    test->store->listener = &test->listener;
    *state = test;
    return 0;
}

int store_test_teardown(void **state)
{
    struct store_test *test = *state;

    if (test->store != NULL) {
        store_ask_close(test);
    }
    store_run_close(test);
    assert_int_equal(test->done, test->asked);
    assert_false(test->heard);
    // Nothing comes late, and no handle is left.
    assert_int_equal(uv_run(&test->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&test->loop), 0);
    free(test);
    return 0;
}

struct store_job *store_ask(struct store_test *test, char label,
                            const char *line)
{
    struct store_job *job = &test->jobs[test->asked];

    assert_true(test->asked < STORE_JOBS_MAX);
    *job = (struct store_job){
        .test = test,
        .line = strdup(line),
        .number = test->asked,
        .label = label,
    };
    assert_non_null(job->line);
    story_read(job->line, &job->request.command);
    job->request.done_cb = store_test_done_cb;
    test->asked++;
    test->calling = true;
    store_submit(test->store, &job->request);
    test->calling = false;
    return job;
}

void store_turn(struct store_test *test)
{
    // Else what is waited for never comes.
    assert_true(uv_loop_alive(&test->loop));
    test->turn++;
    (void)uv_run(&test->loop, UV_RUN_ONCE);
    assert_int_equal(test->heard_since, 0);
}

void store_run(struct store_test *test)
{
    while (test->done < test->asked) {
        store_turn(test);
    }
}

static void store_test_close_cb(struct store *store)
{
    struct store_test *test = store_test_running;

    assert_false(test->calling);
    assert_false(test->closed);
    assert_ptr_equal(store, test->store);
    test->closed = true;
    test->store = NULL;
    text_add(&test->log, "closed ");
    test->factory->destroy(store);
}

void store_ask_close(struct store_test *test)
{
    test->calling = true;
    store_close(test->store, store_test_close_cb);
    test->calling = false;
}

void store_run_close(struct store_test *test)
{
    while (!test->closed) {
        store_turn(test);
    }
}

void store_expect(const struct store_test *test, const char *log)
{
    assert_string_equal(test->log.bytes, log);
}
