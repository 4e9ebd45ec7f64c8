// SPDX-License-Identifier: Apache-2.0
//
// A store on a loop of its own, and requests that are kept an eye on.

#ifndef TESTS_STORE_TEST_H
#define TESTS_STORE_TEST_H

#include <stdbool.h>
#include <uv.h>

#include "support/test.h"

#include "store/store.h"
#include "text.h"

// How to make a store of some kind.
struct store_factory {
    // Returns an empty store on the loop, or NULL if there can be none.
    struct store *(*create)(uv_loop_t *loop, struct electd_limits limits);
    // Releases a store that is closed: called in its close_cb.
    void (*destroy)(struct store *store);
};

#define STORE_JOBS_MAX 2048

struct store_job {
    struct store_request request;
    struct store_test *test;
    // Of the command; lives until the request is done.
    char *line;
    // In the order of submission.
    size_t number;
    char label;
    bool done;
    enum electd_status status;
    unsigned turn;
    // Run as the job is done, if not NULL.
    void (*then)(struct store_job *job);
};

struct store_test {
    uv_loop_t loop;
    const struct store_factory *factory;
    struct store *store;
    struct store_listener listener;
    // What happened: "a" when the request of that label is done, followed by
    // `!` and the status if that is not OK; "x3" when the election x changed
    // to revision 3; "closed" when the store is closed.
    struct text log;
    struct store_job jobs[STORE_JOBS_MAX];
    size_t asked;
    size_t done;
    unsigned turn;
    // In a call of the store's, from which it must not call back.
    bool calling;
    // A change was heard whose request is not done.
    bool heard;
    enum electd_reason heard_reason;
    uint64_t heard_revision;
    unsigned heard_turn;
    // Changes that were heard since it was last said that they are over.
    unsigned heard_since;
    bool closed;
};

// As setup and teardown; the initial state is the factory. The teardown closes
// the store, if need be, and the loop, which must then be free of handles.
int store_test_setup(void **state);
int store_test_teardown(void **state);

// Submits a command, as story.h reads it.
struct store_job *store_ask(struct store_test *test, char label,
                            const char *line);

// Lets the loop turn until everything that was asked for is done.
void store_run(struct store_test *test);

// Lets the loop turn once.
void store_turn(struct store_test *test);

// What done_cb is unless a test sets another, which then ends in this one.
void store_test_done_cb(struct store_request *request,
                        enum electd_status status,
                        const struct electd_outcome *outcome);

// Closes the store without waiting; lets the loop turn until it is closed.
void store_ask_close(struct store_test *test);
void store_run_close(struct store_test *test);

void store_expect(const struct store_test *test, const char *log);

#endif
