// SPDX-License-Identifier: Apache-2.0
//
// Metadata in both directions: what every answer carries, and what a method
// sees of its request.

#include <grpc/slice.h>
#include <string.h>

#include "support/test.h"

#include "rpc_room.h"

static char seen[256];

static void see(struct rpc_message text, const char *end)
{
    strncat(seen, (const char *)text.bytes, text.size);
    strcat(seen, end);
}

// All request metadata of ours, as text.
static void see_metadata(const struct rpc_call *call)
{
    seen[0] = '\0';
    for (size_t i = 0; i < rpc_call_metadata_count(call); i++) {
        struct rpc_message name;
        struct rpc_message value;

        rpc_call_metadata_at(call, i, &name, &value);
        if (name.size > 2 && memcmp(name.bytes, "x-", 2) == 0) {
            see(name, "=");
            see(value, ";");
        }
    }
}

static void answer(struct rpc_call *call)
{
    struct payload *payload = payload_create(1);

    assert_non_null(payload);
    payload->bytes[0] = 'a';
    rpc_call_answer(call, payload);
    payload_unref(payload);
}

static void answer_cb(struct rpc_call *call, struct rpc_message message)
{
    (void)message;
    see_metadata(call);
    answer(call);
}

static void fail_cb(struct rpc_call *call, struct rpc_message message)
{
    (void)message;
    rpc_call_end(call, RPC_NOT_FOUND, "there is none");
}

static void open_cb(struct rpc_call *call, struct rpc_message message)
{
    (void)message;
    rpc_call_open(call);
    rpc_call_end(call, RPC_ABORTED, "the stream is over");
}

static void closed_cb(struct rpc_call *call)
{
    rpc_call_end(call, RPC_ABORTED, "the peer has gone");
}

static const struct rpc_method methods[] = {
    {.path = "/t/Answer", .begin_cb = answer_cb},
    {.path = "/t/Fail", .begin_cb = fail_cb},
    {.path = "/t/Stream",
     .shape = RPC_SERVER_STREAM,
     .begin_cb = open_cb,
     .closed_cb = closed_cb},
    {.path = "/t/EndedStream",
     .shape = RPC_SERVER_STREAM,
     .begin_cb = fail_cb,
     .closed_cb = closed_cb},
};

#define METHODS (sizeof methods / sizeof methods[0])

static const struct rpc_header headers[] = {
    {"electd-life", "0123456789abcdef0123456789abcdef"},
    {"x-second", "2"},
};

static void open_room(struct rpc_room *room, size_t headers_count)
{
    rpc_room_open(room,
                  (struct rpc_server_options){
                      .request_size_max = 1024,
                      .keepalive_time_ms = 20000,
                      .keepalive_timeout_ms = 20000,
                      .headers = headers,
                      .headers_count = headers_count,
                  },
                  methods, METHODS);
}

static const struct {
    const char *path;
    grpc_status_code code;
} calls[] = {
    {"/t/Answer", GRPC_STATUS_OK},
    {"/t/Fail", GRPC_STATUS_NOT_FOUND},
    {"/t/Stream", GRPC_STATUS_ABORTED},
    {"/t/EndedStream", GRPC_STATUS_NOT_FOUND},
    {"/t/Unknown", GRPC_STATUS_UNIMPLEMENTED},
};

static void check_headers(struct rpc_room *room, unsigned first,
                          unsigned second)
{
    struct rpc_reply reply;

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        rpc_room_call(room, calls[i].path, NULL, 0, &reply);
        assert_int_equal(reply.code, calls[i].code);
        assert_int_equal(
            rpc_reply_count(&reply, headers[0].key, headers[0].value), first);
        assert_int_equal(
            rpc_reply_count(&reply, headers[1].key, headers[1].value), second);
        rpc_reply_clear(&reply);
    }
}

static void test_every_answer_carries_the_headers(void **state)
{
    struct rpc_room room;

    (void)state;
    open_room(&room, 2);
    check_headers(&room, 1, 1);
    rpc_room_close(&room);
}

static void test_no_header_is_there_unless_it_was_given(void **state)
{
    struct rpc_room room;

    (void)state;
    open_room(&room, 0);
    check_headers(&room, 0, 0);
    rpc_room_close(&room);
}

static grpc_metadata entry(const char *key, const char *value)
{
    return (grpc_metadata){.key = grpc_slice_from_static_string(key),
                           .value = grpc_slice_from_static_string(value)};
}

static void test_a_method_sees_all_metadata_of_its_request(void **state)
{
    grpc_metadata metadata[] = {
        entry("x-name", "a"),
        entry("x-empty", ""),
        entry("x-name", "b"),
    };
    struct rpc_reply reply;
    struct rpc_room room;

    (void)state;
    open_room(&room, 0);
    rpc_room_call(&room, "/t/Answer", metadata, 3, &reply);
    assert_int_equal(reply.code, GRPC_STATUS_OK);
    rpc_reply_clear(&reply);
    assert_string_equal(seen, "x-name=a;x-empty=;x-name=b;");
    rpc_room_call(&room, "/t/Answer", NULL, 0, &reply);
    rpc_reply_clear(&reply);
    assert_string_equal(seen, "");
    rpc_room_close(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_answer_carries_the_headers),
        cmocka_unit_test(test_no_header_is_there_unless_it_was_given),
        cmocka_unit_test(test_a_method_sees_all_metadata_of_its_request),
    };
    int failed;

    grpc_init();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    grpc_shutdown_blocking();
    return failed;
}
