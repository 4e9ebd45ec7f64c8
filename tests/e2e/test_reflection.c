// SPDX-License-Identifier: Apache-2.0
//
// Server reflection, under both of its names: what tools such as grpcurl ask.
// What a test asks for and what comes back are one text each.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "fixture.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "support/story.h"

typedef Grpc__Reflection__V1__ServerReflectionRequest reflection_request;
typedef Grpc__Reflection__V1__ServerReflectionResponse reflection_response;

#define ASK(what)                                                              \
    GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##what
#define ANSWER(what)                                                           \
    GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##what

#define ELECTION_PROTO "atomix/runtime/election/v1/election.proto"
#define ELECTION "atomix.runtime.election.v1."

static const char *const paths[] = {
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
};

static struct stream *ask_path(struct client *client, const char *path)
{
    struct stream *stream = stream_start(
        client, path, (struct client_bytes){NULL, 0}, 10 * CLIENT_DEADLINE_MS);

    // It opens before anything is asked.
    assert_true(stream_await_open(stream, CLIENT_DEADLINE_MS));
    return stream;
}

static void send_request(struct stream *stream,
                         const reflection_request *request)
{
    size_t size =
        grpc__reflection__v1__server_reflection_request__get_packed_size(
            request);
    uint8_t *bytes = malloc(size + 1);

    assert_non_null(bytes);
    grpc__reflection__v1__server_reflection_request__pack(request, bytes);
    assert_true(stream_send(stream, (struct client_bytes){bytes, size}));
    free(bytes);
}

// "list", "file NAME", "symbol NAME", "extension NAME", "extensions NAME" or
// "nothing".
static void ask(struct stream *stream, const char *question)
{
    Grpc__Reflection__V1__ExtensionRequest extension =
        GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
    reflection_request request =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    const char *space = strchr(question, ' ');
    // Nothing is written through it.
    char *name = (char *)(uintptr_t)(space != NULL ? space + 1 : "");

    request.host = (char *)(uintptr_t) "somewhere";
    if (strcmp(question, "list") == 0) {
        request.message_request_case = ASK(LIST_SERVICES);
        request.list_services = name;
    } else if (strncmp(question, "file ", 5) == 0) {
        request.message_request_case = ASK(FILE_BY_FILENAME);
        request.file_by_filename = name;
    } else if (strncmp(question, "symbol ", 7) == 0) {
        request.message_request_case = ASK(FILE_CONTAINING_SYMBOL);
        request.file_containing_symbol = name;
    } else if (strncmp(question, "extension ", 10) == 0) {
        extension.containing_type = name;
        extension.extension_number = 7;
        request.message_request_case = ASK(FILE_CONTAINING_EXTENSION);
        request.file_containing_extension = &extension;
    } else if (strncmp(question, "extensions ", 11) == 0) {
        request.message_request_case = ASK(ALL_EXTENSION_NUMBERS_OF_TYPE);
        request.all_extension_numbers_of_type = name;
    } else {
        assert_string_equal(question, "nothing");
    }
    send_request(stream, &request);
}

static void write_services(FILE *out, const reflection_response *response)
{
    const Grpc__Reflection__V1__ListServiceResponse *list =
        response->list_services_response;

    for (size_t i = 0; i < list->n_service; i++) {
        fprintf(out, "%s%s", i > 0 ? " " : "", list->service[i]->name);
    }
}

// The names of the files; each must be a descriptor.
static void write_files(FILE *out, const reflection_response *response)
{
    const Grpc__Reflection__V1__FileDescriptorResponse *list =
        response->file_descriptor_response;
    Google__Protobuf__FileDescriptorProto *file;

    for (size_t i = 0; i < list->n_file_descriptor_proto; i++) {
        file = google__protobuf__file_descriptor_proto__unpack(
            NULL, list->file_descriptor_proto[i].len,
            list->file_descriptor_proto[i].data);
        assert_non_null(file);
        fprintf(out, "%s%s", i > 0 ? " " : "", file->name);
        google__protobuf__file_descriptor_proto__free_unpacked(file, NULL);
    }
}

static void write_response(FILE *out, const reflection_response *response)
{
    switch (response->message_response_case) {
    case ANSWER(FILE_DESCRIPTOR_RESPONSE):
        write_files(out, response);
        break;
    case ANSWER(ALL_EXTENSION_NUMBERS_RESPONSE):
        fprintf(out, "%zu extensions of %s",
                response->all_extension_numbers_response->n_extension_number,
                response->all_extension_numbers_response->base_type_name);
        break;
    case ANSWER(LIST_SERVICES_RESPONSE):
        write_services(out, response);
        break;
    case ANSWER(ERROR_RESPONSE):
        fprintf(out, "error %d: %s", response->error_response->error_code,
                response->error_response->error_message);
        break;
    default:
        fail_msg("an answer of no kind");
    }
}

// Reads one answer, which repeats what was asked; owned.
static char *answer(struct stream *stream)
{
    reflection_response *response;
    struct client_reply reply;
    size_t size;
    char *text;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_int_equal(stream_next(stream, CLIENT_DEADLINE_MS, &reply),
                     STREAM_MESSAGE);
    response = grpc__reflection__v1__server_reflection_response__unpack(
        NULL, reply.size, reply.bytes);
    client_reply_clear(&reply);
    assert_non_null(response);
    assert_string_equal(response->valid_host, "somewhere");
    assert_non_null(response->original_request);
    assert_string_equal(response->original_request->host, "somewhere");
    write_response(out, response);
    grpc__reflection__v1__server_reflection_response__free_unpacked(response,
                                                                    NULL);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void expect_answer(struct stream *stream, const char *question,
                          const char *expected)
{
    char *text;

    ask(stream, question);
    text = answer(stream);
    if (strcmp(text, expected) != 0) {
        fail_msg("%s: '%s' instead of '%s'", question, text, expected);
    }
    free(text);
}

static void expect_end_of_stream(struct stream *stream, const char *reply)
{
    assert_true(stream_half_close(stream));
    expect_end(stream, reply);
}

static void test_services_are_listed(void **state)
{
    struct client *client = fixture_start(*state, NULL);

    for (unsigned i = 0; i < 2; i++) {
        struct stream *stream = ask_path(client, paths[i]);

        expect_answer(stream, "list",
                      "atomix.runtime.election.v1.LeaderElection "
                      "atomix.runtime.election.v1.LeaderElections "
                      "electd.v1.Candidacy "
                      "grpc.health.v1.Health "
                      "grpc.reflection.v1.ServerReflection "
                      "grpc.reflection.v1alpha.ServerReflection");
        expect_end_of_stream(stream, "OK");
    }
}

static void test_files_come_with_what_they_import(void **state)
{
    static const char both[] =
        ELECTION_PROTO " atomix/runtime/v1/primitive.proto";
    struct client *client = fixture_start(*state, NULL);

    for (unsigned i = 0; i < 2; i++) {
        struct stream *stream = ask_path(client, paths[i]);

        expect_answer(stream, "file " ELECTION_PROTO, both);
        expect_answer(stream, "file atomix/runtime/v1/primitive.proto",
                      "atomix/runtime/v1/primitive.proto");
        expect_answer(
            stream, "file atomix/runtime/election/v1/elections.proto",
            "atomix/runtime/election/v1/elections.proto " ELECTION_PROTO
            " atomix/runtime/v1/primitive.proto");
        expect_answer(stream, "file grpc/reflection/v1alpha/reflection.proto",
                      "grpc/reflection/v1alpha/reflection.proto");
        expect_end_of_stream(stream, "OK");
    }
}

static void test_symbols_of_every_kind_are_found(void **state)
{
    static const char election[] =
        ELECTION_PROTO " atomix/runtime/v1/primitive.proto";
    static const char health[] = "grpc/health/v1/health.proto";
    struct client *client = fixture_start(*state, NULL);

    for (unsigned i = 0; i < 2; i++) {
        struct stream *stream = ask_path(client, paths[i]);

        expect_answer(stream, "symbol " ELECTION "LeaderElection", election);
        expect_answer(stream, "symbol " ELECTION "LeaderElection.Watch",
                      election);
        expect_answer(stream, "symbol " ELECTION "Term", election);
        expect_answer(stream, "symbol grpc.health.v1.HealthCheckResponse",
                      health);
        expect_answer(stream,
                      "symbol grpc.health.v1.HealthCheckResponse.ServingStatus",
                      health);
        expect_answer(stream, "symbol grpc.reflection.v1.ServerReflection",
                      "grpc/reflection/v1/reflection.proto");
        expect_end_of_stream(stream, "OK");
    }
}

static void test_what_is_not_there_is_an_error_inside_the_stream(void **state)
{
    struct client *client = fixture_start(*state, NULL);

    for (unsigned i = 0; i < 2; i++) {
        struct stream *stream = ask_path(client, paths[i]);

        expect_answer(stream, "file nobody/knows.proto", "error 5: not found");
        expect_answer(stream, "symbol nobody.Knows", "error 5: not found");
        expect_answer(stream, "symbol " ELECTION "LeaderElection.Depose",
                      "error 5: not found");
        expect_answer(stream, "symbol " ELECTION, "error 5: not found");
        expect_answer(stream, "symbol atomix.runtime.election.v1",
                      "error 5: not found");
        expect_answer(stream, "symbol ", "error 5: not found");
        expect_answer(stream, "extension " ELECTION "Term",
                      "error 5: extension not found");
        expect_answer(stream, "extensions nobody.Knows",
                      "error 5: type not found");
        expect_answer(stream, "nothing", "error 3: message_request is missing");
        // After all that it still answers.
        expect_answer(stream, "extensions " ELECTION "Term",
                      "0 extensions of " ELECTION "Term");
        expect_end_of_stream(stream, "OK");
    }
}

static void
test_requests_that_are_sent_ahead_are_answered_in_order(void **state)
{
    struct client *client = fixture_start(*state, NULL);
    struct stream *stream = ask_path(client, paths[0]);
    char question[64];
    char *text;

    for (unsigned i = 0; i < 50; i++) {
        snprintf(question, sizeof question, "extensions %s",
                 i % 2 == 0 ? ELECTION "Term" : ELECTION "EnterRequest");
        ask(stream, question);
    }
    assert_true(stream_half_close(stream));
    for (unsigned i = 0; i < 50; i++) {
        text = answer(stream);
        assert_string_equal(
            text, i % 2 == 0 ? "0 extensions of " ELECTION "Term"
                             : "0 extensions of " ELECTION "EnterRequest");
        free(text);
    }
    expect_end(stream, "OK");
}

static void test_stream_without_a_request_ends_well(void **state)
{
    struct client *client = fixture_start(*state, NULL);

    for (unsigned i = 0; i < 2; i++) {
        expect_end_of_stream(ask_path(client, paths[i]), "OK");
    }
}

static void test_request_that_is_no_message_ends_the_stream(void **state)
{
    struct client *client = fixture_start(*state, NULL);
    struct stream *stream = ask_path(client, paths[0]);

    assert_true(stream_send(stream, (struct client_bytes){"\x1a\x05", 2}));
    expect_end(stream, "INTERNAL: the request does not parse as "
                       "grpc.reflection.v1.ServerReflectionRequest");
    stream = ask_path(client, paths[0]);
    assert_true(stream_send(stream, (struct client_bytes){"\x1a\x01\xff", 3}));
    expect_end(stream, "INVALID_ARGUMENT: file_by_filename is not UTF-8 (at "
                       "byte 0)");
}

static void test_stream_that_is_cancelled_harms_nobody(void **state)
{
    struct client *client = fixture_start(*state, NULL);
    struct stream *kept = ask_path(client, paths[0]);

    for (unsigned i = 0; i < 50; i++) {
        struct stream *stream = ask_path(client, paths[i % 2]);

        ask(stream, "file " ELECTION_PROTO);
        stream_release(stream);
    }
    expect_answer(kept, "symbol nobody.Knows", "error 5: not found");
    expect_end_of_stream(kept, "OK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_services_are_listed),
        OVER_TCP(test_files_come_with_what_they_import),
        OVER_TCP(test_symbols_of_every_kind_are_found),
        OVER_TCP(test_what_is_not_there_is_an_error_inside_the_stream),
        OVER_BOTH(test_requests_that_are_sent_ahead_are_answered_in_order),
        OVER_TCP(test_stream_without_a_request_ends_well),
        OVER_TCP(test_request_that_is_no_message_ends_the_stream),
        OVER_BOTH(test_stream_that_is_cancelled_harms_nobody),
    };

    return fixture_run(tests);
}
