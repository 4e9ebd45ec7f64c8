// SPDX-License-Identifier: Apache-2.0
//
// Between calls and handlers. Both are fakes here, and write into one log what
// is done with them.

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "atomix/runtime/election/v1/election.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "text.h"

#include "failing_alloc_on.h"

#include "base/payload.c"
#include "services/host.c"

#define ELECTION "atomix.runtime.election.v1.LeaderElection"
#define ELECTIONS "atomix.runtime.election.v1.LeaderElections"
#define REFLECTION "grpc.reflection.v1.ServerReflection"

struct rpc_call {
    const struct rpc_method *method;
    // The one key of its metadata, or NULL.
    const char *key;
    bool ended;
    max_align_t context[8];
};

// What a handler does when it is called.
enum reaction {
    ANSWERS,
    ANSWERS_WITHOUT_MEMORY,
    WAITS,
};

static struct {
    struct service_host host;
    const struct rpc_method *methods[RPC_METHODS_MAX];
    unsigned methods_count;
    struct rpc_call call;
    enum reaction reaction;
    struct text log;
} test;

void rpc_server_add(struct rpc_server *server, const struct rpc_method *method)
{
    (void)server;
    test.methods[test.methods_count++] = method;
}

const struct rpc_method *rpc_call_method(const struct rpc_call *call)
{
    return call->method;
}

void *rpc_call_context(struct rpc_call *call)
{
    assert_false(call->ended);
    return call->context;
}

size_t rpc_call_metadata_count(const struct rpc_call *call)
{
    return call->key != NULL ? 1 : 0;
}

void rpc_call_metadata_at(const struct rpc_call *call, size_t index,
                          struct rpc_message *name, struct rpc_message *value)
{
    assert_int_equal(index, 0);
    *name = (struct rpc_message){(const uint8_t *)call->key, strlen(call->key)};
    *value = (struct rpc_message){(const uint8_t *)"1", 1};
}

// Whatever ends a call, its request has been released before.
static void end_call(struct rpc_call *call)
{
    const struct service_call *context = rpc_call_context(call);

    assert_null(context->request);
    call->ended = true;
}

void rpc_call_answer(struct rpc_call *call, struct payload *payload)
{
    end_call(call);
    text_add(&test.log, " answer:%zu", payload->size);
}

void rpc_call_end(struct rpc_call *call, enum rpc_code code,
                  const char *message)
{
    end_call(call);
    text_add(&test.log, " end:%d:%s", (int)code, message);
}

void rpc_call_open(struct rpc_call *call)
{
    assert_false(call->ended);
    text_add(&test.log, " open");
}

void rpc_call_send(struct rpc_call *call, struct payload *payload)
{
    assert_false(call->ended);
    text_add(&test.log, " send:%zu", payload->size);
}

void rpc_call_read(struct rpc_call *call)
{
    assert_false(call->ended);
    text_add(&test.log, " read");
}

// The handler of every method: "Method(string)", by the first string that the
// request has or holds.
static void handle(ProtobufCService *service, unsigned index,
                   const ProtobufCMessage *input, ProtobufCClosure closure,
                   void *closure_data)
{
    const ProtobufCMethodDescriptor *method =
        &service->descriptor->methods[index];
    const struct service_call *call = closure_data;
    union {
        ProtobufCMessage base;
        uint8_t bytes[256];
    } output;

    assert_ptr_equal(input->descriptor, method->input);
    assert_ptr_equal(call->request, input);
    assert_ptr_equal(call->rpc, &test.call);
    if (input->descriptor ==
        &grpc__reflection__v1__server_reflection_request__descriptor) {
        text_add(&test.log, " %s(%s)", method->name,
                 ((const Grpc__Reflection__V1__ServerReflectionRequest *)input)
                     ->host);
    } else {
        // Every request of an election begins like this one.
        const Atomix__Runtime__Election__V1__GetTermRequest *request =
            (const Atomix__Runtime__Election__V1__GetTermRequest *)input;

        text_add(&test.log, " %s(%s)", method->name,
                 request->id != NULL ? request->id->name : "");
    }
    if (test.reaction == WAITS) {
        return;
    }
    assert_true(method->output->sizeof_message <= sizeof output);
    protobuf_c_message_init(method->output, &output);
    if (test.reaction == ANSWERS_WITHOUT_MEMORY) {
        failing_alloc_arm(1);
    }
    closure(&output.base, closure_data);
    failing_alloc_disarm();
}

static ProtobufCService election_service = {
    .descriptor = &atomix__runtime__election__v1__leader_election__descriptor,
    .invoke = handle,
};
static ProtobufCService reflection_service = {
    .descriptor = &grpc__reflection__v1__server_reflection__descriptor,
    .invoke = handle,
};

static int setup(void **state)
{
    (void)state;
    memset(&test, 0, sizeof test);
    assert_true(service_host_init(&test.host, NULL));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    service_host_close(&test.host);
    return failing_alloc_live() == 0 ? 0 : -1;
}

static const struct rpc_method *find(const char *path)
{
    for (unsigned i = 0; i < test.methods_count; i++) {
        if (strcmp(test.methods[i]->path, path) == 0) {
            return test.methods[i];
        }
    }
    fail_msg("%s is not served", path);
    return NULL;
}

static struct rpc_message message_of(const void *bytes, size_t size)
{
    return (struct rpc_message){bytes, size};
}

#define MESSAGE(literal) message_of(literal, sizeof(literal) - 1)

static void begin_with(const char *path, const char *key,
                       struct rpc_message message)
{
    memset(&test.call, 0, sizeof test.call);
    test.call.method = find(path);
    test.call.key = key;
    text_clear(&test.log);
    test.call.method->begin_cb(&test.call, message);
}

// A call of the method arrives, with that message.
static void begin(const char *path, struct rpc_message message)
{
    begin_with(path, NULL, message);
}

static void expect_log(const char *log)
{
    assert_string_equal(test.log.bytes, log);
}

static struct service_call *the_call(void)
{
    return (struct service_call *)(void *)test.call.context;
}

static void test_every_method_is_served_under_its_path(void **state)
{
    (void)state;
    service_host_serve(&test.host, ELECTION, &election_service, 100);
    assert_int_equal(test.methods_count, 10);
    for (unsigned i = 0; i < election_service.descriptor->n_methods; i++) {
        const char *name = election_service.descriptor->methods[i].name;
        char path[128];

        snprintf(path, sizeof path, "/%s/%s", ELECTION, name);
        assert_int_equal(find(path)->context_size, 100);
        assert_int_equal(find(path)->shape, strcmp(name, "Watch") == 0
                                                ? RPC_SERVER_STREAM
                                                : RPC_UNARY);
    }
}

static void test_stream_of_both_sides_is_one(void **state)
{
    (void)state;
    service_host_serve(&test.host, REFLECTION, &reflection_service, 100);
    assert_int_equal(test.methods_count, 1);
    assert_int_equal(find("/" REFLECTION "/ServerReflectionInfo")->shape,
                     RPC_BIDI_STREAM);
}

static void test_names_are_kept_in_the_order_of_serving(void **state)
{
    (void)state;
    service_host_serve(&test.host, REFLECTION, &reflection_service, 100);
    service_host_serve(&test.host, ELECTION, &election_service, 100);
    assert_int_equal(test.host.services_count, 2);
    assert_string_equal(test.host.services[0], REFLECTION);
    assert_string_equal(test.host.services[1], ELECTION);
}

static void test_method_reaches_the_handler_of_its_name(void **state)
{
    (void)state;
    service_host_serve(&test.host, ELECTION, &election_service, 100);
    begin("/" ELECTION "/Enter", MESSAGE("\x0a\x03\x0a\x01x\x12\x01n"));
    expect_log(" Enter(x) answer:0");
    begin("/" ELECTION "/GetTerm", MESSAGE("\x0a\x03\x0a\x01x"));
    expect_log(" GetTerm(x) answer:0");
    begin("/" ELECTION "/Create", MESSAGE("\x0a\x03\x0a\x01x"));
    expect_log(" Create(x) answer:0");
}

static void test_service_may_be_served_under_another_name(void **state)
{
    (void)state;
    // One that has fewer of its methods, and in another order for all we know.
    service_host_serve(&test.host, ELECTIONS, &election_service, 100);
    assert_int_equal(test.methods_count, 2);
    begin("/" ELECTIONS "/Close", MESSAGE("\x0a\x03\x0a\x01x"));
    expect_log(" Close(x) answer:0");
    begin("/" ELECTIONS "/Create", MESSAGE("\x0a\x03\x0a\x01x"));
    expect_log(" Create(x) answer:0");
}

static void test_call_with_wrong_metadata_reaches_no_handler(void **state)
{
    (void)state;
    service_host_serve(&test.host, ELECTION, &election_service, 100);
    service_host_serve(&test.host, REFLECTION, &reflection_service, 100);
    begin_with("/" ELECTION "/GetTerm", "electd-ttl-ms",
               MESSAGE("\x0a\x03\x0a\x01x"));
    expect_log(" end:3:metadata 'electd-ttl-ms' belongs to Enter, not to "
               "GetTerm");
    begin_with("/" ELECTION "/Watch", "electd-ttl-ms", MESSAGE(""));
    expect_log(" end:3:metadata 'electd-ttl-ms' belongs to Enter, not to "
               "Watch");
    begin_with("/" REFLECTION "/ServerReflectionInfo", "electd-ttl-ms",
               MESSAGE(""));
    expect_log(" end:3:metadata 'electd-ttl-ms' belongs to Enter, not to "
               "ServerReflectionInfo");
    assert_null(test.host.streams);
    begin_with("/" ELECTION "/Enter", "electd-ttl-ms",
               MESSAGE("\x0a\x03\x0a\x01x"));
    expect_log(" Enter(x) answer:0");
}

static void test_empty_request_reaches_its_handler(void **state)
{
    (void)state;
    service_host_serve(&test.host, ELECTION, &election_service, 100);
    begin("/" ELECTION "/GetTerm", MESSAGE(""));
    expect_log(" GetTerm() answer:0");
}

static void test_answer_may_come_later(void **state)
{
    struct payload *payload;

    (void)state;
    service_host_serve(&test.host, ELECTION, &election_service, 100);
    test.reaction = WAITS;
    begin("/" ELECTION "/GetTerm", MESSAGE("\x0a\x03\x0a\x01x"));
    expect_log(" GetTerm(x)");
    // The request lives until then.
    assert_non_null(the_call()->request);
    payload = payload_create(7);
    assert_non_null(payload);
    service_call_answer(the_call(), payload);
    expect_log(" GetTerm(x) answer:7");
    assert_null(the_call()->request);
    // Borrowed.
    payload_unref(payload);
}

static void test_bad_string_is_an_invalid_argument(void **state)
{
    (void)state;
    service_host_serve(&test.host, ELECTION, &election_service, 100);
    begin("/" ELECTION "/GetTerm", MESSAGE("\x0a\x04\x0a\x02x\xff"));
    expect_log(" end:3:id.name is not UTF-8 (at byte 1)");
    begin("/" ELECTION "/Enter", MESSAGE("\x12\x02n\0"));
    expect_log(" end:3:candidate holds a control character (at byte 1)");
}

static void test_malformed_request_is_internal(void **state)
{
    (void)state;
    service_host_serve(&test.host, ELECTION, &election_service, 100);
    begin("/" ELECTION "/Watch", MESSAGE("\x0a\x04\x0a\x01x"));
    expect_log(" end:13:the request does not parse as "
               "atomix.runtime.election.v1.WatchRequest");
}

static void test_request_that_only_protobuf_c_refuses_is_internal(void **state)
{
    (void)state;
    service_host_serve(&test.host, ELECTION, &election_service, 100);
    // A field's number in six bytes, of which it reads five.
    begin("/" ELECTION "/GetTerm", MESSAGE("\x8a\x80\x80\x80\x80\x00\x00"));
    expect_log(" end:13:the request does not parse");
}

static void test_answer_without_memory_is_resource_exhausted(void **state)
{
    (void)state;
    service_host_serve(&test.host, ELECTION, &election_service, 100);
    test.reaction = ANSWERS_WITHOUT_MEMORY;
    begin("/" ELECTION "/GetTerm", MESSAGE("\x0a\x03\x0a\x01x"));
    expect_log(" GetTerm(x) end:8:out of memory");
}

static unsigned stream_sent;
static unsigned stream_closed;

static void stream_sent_cb(struct service_call *call)
{
    assert_ptr_equal(call, the_call());
    stream_sent++;
}

static void stream_closed_cb(struct service_call *call)
{
    assert_ptr_equal(call, the_call());
    stream_closed++;
    service_call_end(call, RPC_OK, "");
}

static void test_server_stream_is_its_handlers_own(void **state)
{
    (void)state;
    service_host_serve(&test.host, ELECTION, &election_service, 100);
    test.reaction = WAITS;
    begin("/" ELECTION "/Watch", MESSAGE("\x0a\x03\x0a\x01x"));
    expect_log(" Watch(x)");
    stream_sent = 0;
    stream_closed = 0;
    the_call()->sent_cb = stream_sent_cb;
    the_call()->closed_cb = stream_closed_cb;
    test.call.method->sent_cb(&test.call);
    test.call.method->sent_cb(&test.call);
    assert_int_equal(stream_sent, 2);
    test.call.method->closed_cb(&test.call);
    assert_int_equal(stream_closed, 1);
    expect_log(" Watch(x) end:0:");
}

static void test_server_stream_may_close_before_it_is_listened_for(void **state)
{
    (void)state;
    service_host_serve(&test.host, ELECTION, &election_service, 100);
    test.reaction = WAITS;
    begin("/" ELECTION "/Watch", MESSAGE("\x0a\x03\x0a\x01x"));
    test.call.method->closed_cb(&test.call);
    expect_log(" Watch(x)");
    service_call_end(the_call(), RPC_OK, "");
}

static void test_stream_of_both_sides_takes_turns(void **state)
{
    const struct rpc_method *method;

    (void)state;
    service_host_serve(&test.host, REFLECTION, &reflection_service, 100);
    begin("/" REFLECTION "/ServerReflectionInfo", MESSAGE(""));
    expect_log(" open read");
    method = test.call.method;
    text_clear(&test.log);
    for (int i = 0; i < 3; i++) {
        method->message_cb(&test.call, MESSAGE("\x0a\x01h"));
        assert_null(the_call()->request);
        method->sent_cb(&test.call);
    }
    expect_log(" ServerReflectionInfo(h) send:0 read"
               " ServerReflectionInfo(h) send:0 read"
               " ServerReflectionInfo(h) send:0 read");
    text_clear(&test.log);
    method->half_closed_cb(&test.call);
    expect_log(" end:0:");
}

static void test_stream_of_both_sides_ends_when_its_peer_goes(void **state)
{
    (void)state;
    service_host_serve(&test.host, REFLECTION, &reflection_service, 100);
    begin("/" REFLECTION "/ServerReflectionInfo", MESSAGE(""));
    test.call.method->closed_cb(&test.call);
    expect_log(" open read end:0:");
}

static void test_bad_message_ends_a_stream_of_both_sides(void **state)
{
    (void)state;
    service_host_serve(&test.host, REFLECTION, &reflection_service, 100);
    begin("/" REFLECTION "/ServerReflectionInfo", MESSAGE(""));
    test.call.method->message_cb(&test.call, MESSAGE("\x0a\x01\xff"));
    expect_log(" open read end:3:host is not UTF-8 (at byte 0)");
    begin("/" REFLECTION "/ServerReflectionInfo", MESSAGE(""));
    test.call.method->message_cb(&test.call, MESSAGE("\x0a\x02h"));
    expect_log(" open read end:13:the request does not parse as "
               "grpc.reflection.v1.ServerReflectionRequest");
    test.reaction = ANSWERS_WITHOUT_MEMORY;
    begin("/" REFLECTION "/ServerReflectionInfo", MESSAGE(""));
    test.call.method->message_cb(&test.call, MESSAGE("\x0a\x01h"));
    expect_log(" open read ServerReflectionInfo(h) end:8:out of memory");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_method_is_served_under_its_path),
        TEST(test_stream_of_both_sides_is_one),
        TEST(test_names_are_kept_in_the_order_of_serving),
        TEST(test_method_reaches_the_handler_of_its_name),
        TEST(test_service_may_be_served_under_another_name),
        TEST(test_call_with_wrong_metadata_reaches_no_handler),
        TEST(test_empty_request_reaches_its_handler),
        TEST(test_answer_may_come_later),
        TEST(test_bad_string_is_an_invalid_argument),
        TEST(test_malformed_request_is_internal),
        TEST(test_request_that_only_protobuf_c_refuses_is_internal),
        TEST(test_answer_without_memory_is_resource_exhausted),
        TEST(test_server_stream_is_its_handlers_own),
        TEST(test_server_stream_may_close_before_it_is_listened_for),
        TEST(test_stream_of_both_sides_takes_turns),
        TEST(test_stream_of_both_sides_ends_when_its_peer_goes),
        TEST(test_bad_message_ends_a_stream_of_both_sides),
    };

    return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
