// SPDX-License-Identifier: Apache-2.0
//
// grpc.health.v1.Health, as orchestrators and clients' balancers use it.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "fixture.h"
#include "grpc/health/v1/health.pb-c.h"
#include "support/story.h"

#define CHECK "/grpc.health.v1.Health/Check"
#define WATCH "/grpc.health.v1.Health/Watch"
#define EXIT_DEADLINE_MS 20000

static const char *const served[] = {
    "",
    "atomix.runtime.election.v1.LeaderElection",
    "atomix.runtime.election.v1.LeaderElections",
    "electd.v1.Candidacy",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
};

#define SERVED_COUNT (sizeof served / sizeof served[0])

static struct client_bytes pack(uint8_t buffer[STORY_REQUEST_SIZE_MAX],
                                const char *service)
{
    Grpc__Health__V1__HealthCheckRequest request =
        GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;

    request.service = (char *)(uintptr_t)service;
    return (struct client_bytes){
        buffer, grpc__health__v1__health_check_request__pack(&request, buffer)};
}

// The status by its name, or the error, owned.
static char *told(const struct client_reply *reply)
{
    const ProtobufCEnumDescriptor *names =
        &grpc__health__v1__health_check_response__serving_status__descriptor;
    Grpc__Health__V1__HealthCheckResponse *response;
    const ProtobufCEnumValue *status;

    if (!reply->has_message) {
        return story_reply(reply);
    }
    response = grpc__health__v1__health_check_response__unpack(
        NULL, reply->size, reply->bytes);
    assert_non_null(response);
    status = protobuf_c_enum_descriptor_get_value(names, (int)response->status);
    assert_non_null(status);
    grpc__health__v1__health_check_response__free_unpacked(response, NULL);
    return strdup(status->name);
}

static void expect_status(struct client_reply *reply, const char *expected)
{
    char *text = told(reply);

    client_reply_clear(reply);
    assert_string_equal(text, expected);
    free(text);
}

static void expect_health(struct client *client, const char *service,
                          const char *expected)
{
    uint8_t buffer[STORY_REQUEST_SIZE_MAX];
    struct client_reply reply;

    client_call(client, CHECK, pack(buffer, service), CLIENT_DEADLINE_MS,
                &reply);
    expect_status(&reply, expected);
}

static struct stream *health_watch(struct client *client, const char *service)
{
    uint8_t buffer[STORY_REQUEST_SIZE_MAX];
    struct stream *stream = stream_start(client, WATCH, pack(buffer, service),
                                         10 * CLIENT_DEADLINE_MS);

    assert_true(stream_await_open(stream, CLIENT_DEADLINE_MS));
    return stream;
}

static void expect_news(struct stream *stream, const char *expected)
{
    struct client_reply reply;

    assert_int_not_equal(stream_next(stream, CLIENT_DEADLINE_MS, &reply),
                         STREAM_SILENT);
    expect_status(&reply, expected);
}

static void test_check_of_each_service_says_serving(void **state)
{
    struct client *client = fixture_start(*state, NULL);

    for (size_t i = 0; i < SERVED_COUNT; i++) {
        expect_health(client, served[i], "SERVING");
    }
}

static void test_check_of_an_unknown_service_is_not_found(void **state)
{
    struct client *client = fixture_start(*state, NULL);

    expect_health(client, "nobody.Knows",
                  "NOT_FOUND: service 'nobody.Knows' is not served here");
    // The whole name counts.
    expect_health(client, "grpc.health.v1",
                  "NOT_FOUND: service 'grpc.health.v1' is not served here");
    expect_health(client, "grpc.health.v1.Health", "SERVING");
}

static void test_check_that_is_not_text_is_refused(void **state)
{
    struct client *client = fixture_start(*state, NULL);

    expect_raw(client, CHECK, (struct client_bytes){"\x0a\x02\xff\xff", 4},
               "INVALID_ARGUMENT: service is not UTF-8 (at byte 0)");
    expect_raw(client, CHECK, (struct client_bytes){"\x0a\x05", 2},
               "INTERNAL: the request does not parse as "
               "grpc.health.v1.HealthCheckRequest");
}

static void test_watch_tells_serving_then_what_the_shutdown_brings(void **state)
{
    struct fixture *fixture = *state;
    struct client *client = fixture_start(fixture, NULL);
    struct stream *streams[SERVED_COUNT];

    for (size_t i = 0; i < SERVED_COUNT; i++) {
        streams[i] = health_watch(client, served[i]);
        expect_news(streams[i], "SERVING");
    }
    daemon_signal(&fixture->daemons[0], SIGTERM);
    for (size_t i = 0; i < SERVED_COUNT; i++) {
        expect_news(streams[i], "NOT_SERVING");
        expect_news(streams[i], "UNAVAILABLE: shutting down");
    }
    assert_int_equal(daemon_await_exit(&fixture->daemons[0], EXIT_DEADLINE_MS),
                     0);
}

static void test_watch_of_an_unknown_service_says_so_and_stays(void **state)
{
    struct fixture *fixture = *state;
    struct client *client = fixture_start(fixture, NULL);
    struct stream *stream = health_watch(client, "nobody.Knows");
    struct client_reply reply;

    expect_news(stream, "SERVICE_UNKNOWN");
    expect_health(client, "", "SERVING");
    assert_int_equal(stream_next(stream, 0, &reply), STREAM_SILENT);
    daemon_signal(&fixture->daemons[0], SIGTERM);
    expect_news(stream, "UNAVAILABLE: shutting down");
    assert_int_equal(daemon_await_exit(&fixture->daemons[0], EXIT_DEADLINE_MS),
                     0);
}

static void test_health_has_as_many_watchers_as_elections(void **state)
{
    struct client *client = fixture_start(*state, "--max-watchers=1");
    struct stream *stream;

    tell(client, "Create a; Enter a n1");
    expect_next(watch(client, "a"), "1 n1 []");
    expect_news(health_watch(client, ""), "SERVING");
    stream = health_watch(client, "");
    expect_news(stream, "RESOURCE_EXHAUSTED: the limit of 1 watchers "
                        "(--max-watchers) is reached");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_check_of_each_service_says_serving),
        OVER_TCP(test_check_of_an_unknown_service_is_not_found),
        OVER_TCP(test_check_that_is_not_text_is_refused),
        OVER_BOTH(test_watch_tells_serving_then_what_the_shutdown_brings),
        OVER_BOTH(test_watch_of_an_unknown_service_says_so_and_stays),
        OVER_TCP(test_health_has_as_many_watchers_as_elections),
    };

    return fixture_run(tests);
}
