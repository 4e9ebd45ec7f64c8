// SPDX-License-Identifier: Apache-2.0
//
// Which request metadata a call may bring. The calls are fakes with nothing but
// a path and keys; what was told of unknown ones is one text.

#include <stdio.h>
#include <string.h>

#include "support/test.h"

#include "services/metadata_keys.h"
#include "text.h"

#define ENTER "/atomix.runtime.election.v1.LeaderElection/Enter"
#define GET_TERM "/atomix.runtime.election.v1.LeaderElection/GetTerm"
#define CREATE "/atomix.runtime.election.v1.LeaderElections/Create"
#define CAMPAIGN "/electd.v1.Candidacy/Campaign"
#define HEALTH "/grpc.health.v1.Health/Check"

#define KEYS_MAX 8

struct rpc_call {
    struct rpc_method method;
    const char *keys[KEYS_MAX];
    size_t count;
};

static struct {
    struct metadata_keys keys;
    struct metadata_listener listener;
    struct text told;
} test;

const struct rpc_method *rpc_call_method(const struct rpc_call *call)
{
    return &call->method;
}

size_t rpc_call_metadata_count(const struct rpc_call *call)
{
    return call->count;
}

void rpc_call_metadata_at(const struct rpc_call *call, size_t index,
                          struct rpc_message *name, struct rpc_message *value)
{
    assert_true(index < call->count);
    *name = (struct rpc_message){(const uint8_t *)call->keys[index],
                                 strlen(call->keys[index])};
    *value = (struct rpc_message){(const uint8_t *)"1000", 4};
}

static void unknown_cb(struct metadata_listener *listener, const char *method,
                       const char *key, size_t size)
{
    assert_ptr_equal(listener, &test.listener);
    text_add(&test.told, " %.*s on %s", (int)size, key,
             strrchr(method, '/') + 1);
}

static int setup(void **state)
{
    (void)state;
    memset(&test, 0, sizeof test);
    test.listener.unknown_cb = unknown_cb;
    test.keys.listener = &test.listener;
    return 0;
}

// A call of the path, with the keys, which have spaces between them. Returns
// what is wrong with it, or "".
static const char *check(const char *path, const char *keys)
{
    static struct metadata_problem problem;
    char copy[512];
    struct rpc_call call = {.method = {.path = path}};

    assert_true(strlen(keys) < sizeof copy);
    memcpy(copy, keys, strlen(keys) + 1);
    for (char *key = strtok(copy, " "); key != NULL; key = strtok(NULL, " ")) {
        assert_true(call.count < KEYS_MAX);
        call.keys[call.count++] = key;
    }
    problem.text[0] = '\0';
    if (metadata_keys_check(&test.keys, &call, &problem)) {
        assert_string_equal(problem.text, "");
    } else {
        assert_string_not_equal(problem.text, "");
    }
    return problem.text;
}

static void expect_told(const char *told)
{
    assert_string_equal(test.told.bytes, told);
}

static void test_metadata_of_others_is_their_business(void **state)
{
    static const char *const paths[] = {ENTER, CAMPAIGN, GET_TERM, HEALTH};

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_string_equal(check(paths[i], ""), "");
        assert_string_equal(check(paths[i], "user-agent te electd electdx-a "
                                            "x-electd-ttl-ms authorization"),
                            "");
    }
    expect_told("");
}

static void test_known_key_is_taken_where_it_belongs(void **state)
{
    (void)state;
    assert_string_equal(check(ENTER, "te electd-ttl-ms user-agent"), "");
    expect_told("");
}

static void test_known_key_is_refused_in_any_other_place(void **state)
{
    (void)state;
    assert_string_equal(
        check(CAMPAIGN, "te electd-ttl-ms"),
        "metadata 'electd-ttl-ms' belongs to Enter, not to Campaign");
    assert_string_equal(
        check(GET_TERM, "electd-ttl-ms"),
        "metadata 'electd-ttl-ms' belongs to Enter, not to GetTerm");
    assert_string_equal(
        check(CREATE, "electd-ttl-ms"),
        "metadata 'electd-ttl-ms' belongs to Enter, not to Create");
    assert_string_equal(
        check(HEALTH, "electd-ttl-ms"),
        "metadata 'electd-ttl-ms' belongs to Enter, not to Check");
    expect_told("");
}

static void test_key_that_is_given_twice_is_refused(void **state)
{
    (void)state;
    assert_string_equal(check(ENTER, "electd-ttl-ms te electd-ttl-ms"),
                        "metadata 'electd-ttl-ms' is given twice");
    // Of another one it may have any number.
    assert_string_equal(check(ENTER, "x-a electd-ttl-ms x-a x-a"), "");
}

static void test_unknown_key_is_refused_where_a_candidate_enters(void **state)
{
    (void)state;
    assert_string_equal(check(ENTER, "electd-tll-ms"),
                        "unknown metadata 'electd-tll-ms'");
    assert_string_equal(check(CAMPAIGN, "te electd-grace"),
                        "unknown metadata 'electd-grace'");
    assert_string_equal(check(ENTER, "electd-ttl-m"),
                        "unknown metadata 'electd-ttl-m'");
    assert_string_equal(check(ENTER, "electd-ttl-ms2"),
                        "unknown metadata 'electd-ttl-ms2'");
    assert_string_equal(check(ENTER, "electd-"), "unknown metadata 'electd-'");
    expect_told("");
}

static void test_unknown_key_is_ignored_elsewhere_and_told_once(void **state)
{
    (void)state;
    assert_string_equal(check(GET_TERM, "electd-a"), "");
    assert_string_equal(check(GET_TERM, "electd-a"), "");
    assert_string_equal(check(HEALTH, "electd-b electd-a electd-b"), "");
    expect_told(" electd-a on GetTerm electd-b on Check");
    // What follows it is checked all the same.
    assert_string_equal(
        check(GET_TERM, "electd-a electd-ttl-ms"),
        "metadata 'electd-ttl-ms' belongs to Enter, not to GetTerm");
}

static void test_long_key_is_shown_in_part(void **state)
{
    char key[200];
    char problem[METADATA_PROBLEM_SIZE];

    (void)state;
    memset(key, 'x', sizeof key - 1);
    memcpy(key, "electd-", 7);
    key[sizeof key - 1] = '\0';
    snprintf(problem, sizeof problem, "unknown metadata '%.64s'", key);
    assert_string_equal(check(ENTER, key), problem);
    assert_string_equal(check(GET_TERM, key), "");
    assert_string_equal(check(GET_TERM, key), "");
    snprintf(problem, sizeof problem, " %.64s on GetTerm", key);
    expect_told(problem);
}

static void test_number_of_keys_that_are_told_is_bounded(void **state)
{
    char key[32];

    (void)state;
    for (unsigned i = 0; i < METADATA_UNKNOWN_MAX + 100; i++) {
        text_clear(&test.told);
        snprintf(key, sizeof key, "electd-%u", i);
        assert_string_equal(check(GET_TERM, key), "");
        assert_int_equal(test.told.size > 0, i < METADATA_UNKNOWN_MAX);
    }
    text_clear(&test.told);
    assert_string_equal(check(GET_TERM, "electd-0"), "");
    expect_told("");
}

static void test_nobody_needs_to_listen(void **state)
{
    (void)state;
    test.keys.listener = NULL;
    assert_string_equal(check(GET_TERM, "electd-a"), "");
    assert_string_equal(check(ENTER, "electd-a"),
                        "unknown metadata 'electd-a'");
    expect_told("");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_metadata_of_others_is_their_business),
        TEST(test_known_key_is_taken_where_it_belongs),
        TEST(test_known_key_is_refused_in_any_other_place),
        TEST(test_key_that_is_given_twice_is_refused),
        TEST(test_unknown_key_is_refused_where_a_candidate_enters),
        TEST(test_unknown_key_is_ignored_elsewhere_and_told_once),
        TEST(test_long_key_is_shown_in_part),
        TEST(test_number_of_keys_that_are_told_is_bounded),
        TEST(test_nobody_needs_to_listen),
    };

    return cmocka_run_group_tests_name("metadata keys", tests, NULL, NULL);
}
