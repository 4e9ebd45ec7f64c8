// SPDX-License-Identifier: Apache-2.0
//
// What reflection answers, without a server: one answer to each question,
// whatever it is and whether there is memory or not.

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "grpc/reflection/v1/reflection.pb-c.h"
#include "services/host.h"
#include "text.h"

#include "failing_alloc_on.h"

#include "services/reflection_service.c"

typedef Grpc__Reflection__V1__ServerReflectionRequest__MessageRequestCase
    question_kind;

#define ELECTION_FILE "atomix/runtime/election/v1/election.proto"

static struct {
    struct service_host host;
    struct reflection_service service;
    struct text answer;
} test;

static int setup(void **state)
{
    (void)state;
    assert_true(descriptors_init(&test.host.descriptors));
    test.host.services[0] = "one.Service";
    test.host.services[1] = "another.Service";
    test.host.services_count = 2;
    test.service.base = reflection_handlers;
    test.service.host = &test.host;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    descriptors_close(&test.host.descriptors);
    return 0;
}

static void note_files(const Grpc__Reflection__V1__FileDescriptorResponse *list)
{
    text_add(&test.answer, "files");
    for (size_t i = 0; i < list->n_file_descriptor_proto; i++) {
        file_proto *file = google__protobuf__file_descriptor_proto__unpack(
            NULL, list->file_descriptor_proto[i].len,
            list->file_descriptor_proto[i].data);

        assert_non_null(file);
        text_add(&test.answer, " %s", file->name);
        google__protobuf__file_descriptor_proto__free_unpacked(file, NULL);
    }
}

// Writes the answer down.
static void answer_cb(const reflection_response *response, void *closure_data)
{
    assert_ptr_equal(response->original_request, closure_data);
    assert_string_equal(response->valid_host, "here");
    assert_int_equal(test.answer.size, 0);
    switch (response->message_response_case) {
    case ANSWERED(FILE_DESCRIPTOR_RESPONSE):
        note_files(response->file_descriptor_response);
        break;
    case ANSWERED(ALL_EXTENSION_NUMBERS_RESPONSE):
        text_add(&test.answer, "%zu extensions of %s",
                 response->all_extension_numbers_response->n_extension_number,
                 response->all_extension_numbers_response->base_type_name);
        break;
    case ANSWERED(LIST_SERVICES_RESPONSE):
        text_add(&test.answer, "services");
        for (size_t i = 0; i < response->list_services_response->n_service;
             i++) {
            text_add(&test.answer, " %s",
                     response->list_services_response->service[i]->name);
        }
        break;
    case ANSWERED(ERROR_RESPONSE):
        text_add(&test.answer, "error %d %s",
                 response->error_response->error_code,
                 response->error_response->error_message);
        break;
    default:
        fail_msg("no answer");
    }
}

// Asks with the string, which all but one question consist of.
static void ask(question_kind question, const char *string)
{
    char copy[128];
    reflection_request request =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    Grpc__Reflection__V1__ExtensionRequest extension =
        GRPC__REFLECTION__V1__EXTENSION_REQUEST__INIT;
    char host[] = "here";

    assert_true(strlen(string) < sizeof copy);
    memcpy(copy, string, strlen(string) + 1);
    request.host = host;
    request.message_request_case = question;
    if (question == ASKED(FILE_CONTAINING_EXTENSION)) {
        extension.containing_type = copy;
        request.file_containing_extension = &extension;
    } else {
        // The strings are members of one union.
        request.list_services = copy;
    }
    text_clear(&test.answer);
    test.service.base.server_reflection_info(&test.service.base, &request,
                                             answer_cb, &request);
}

static void expect_answer(const char *answer)
{
    assert_string_equal(test.answer.bytes, answer);
    assert_int_equal(failing_alloc_live(), 0);
}

static void test_services_are_listed_in_the_order_of_serving(void **state)
{
    (void)state;
    ask(ASKED(LIST_SERVICES), "");
    expect_answer("services one.Service another.Service");
    // Whatever stands in the question.
    ask(ASKED(LIST_SERVICES), "*");
    expect_answer("services one.Service another.Service");
}

static void test_file_is_answered_in_front_of_its_imports(void **state)
{
    (void)state;
    ask(ASKED(FILE_BY_FILENAME), ELECTION_FILE);
    expect_answer("files " ELECTION_FILE " atomix/runtime/v1/primitive.proto");
    ask(ASKED(FILE_CONTAINING_SYMBOL), "atomix.runtime.election.v1.Term");
    expect_answer("files " ELECTION_FILE " atomix/runtime/v1/primitive.proto");
}

static void test_what_does_not_exist_is_an_error_in_the_stream(void **state)
{
    (void)state;
    ask(ASKED(FILE_BY_FILENAME), "x.proto");
    expect_answer("error 5 not found");
    ask(ASKED(FILE_CONTAINING_SYMBOL), "x");
    expect_answer("error 5 not found");
    ask(ASKED(FILE_CONTAINING_EXTENSION), "atomix.runtime.election.v1.Term");
    expect_answer("error 5 extension not found");
    ask(ASKED(ALL_EXTENSION_NUMBERS_OF_TYPE), "x");
    expect_answer("error 5 type not found");
}

static void test_known_type_has_no_extensions(void **state)
{
    (void)state;
    ask(ASKED(ALL_EXTENSION_NUMBERS_OF_TYPE),
        "atomix.runtime.election.v1.Term");
    expect_answer("0 extensions of atomix.runtime.election.v1.Term");
}

static void test_question_of_no_kind_is_an_error_in_the_stream(void **state)
{
    (void)state;
    ask(ASKED(_NOT_SET), "");
    expect_answer("error 3 message_request is missing");
}

static void test_want_of_memory_is_an_error_in_the_stream(void **state)
{
    (void)state;
    // Two files, so two allocations.
    for (unsigned nth = 1; nth <= 2; nth++) {
        failing_alloc_arm(nth);
        ask(ASKED(FILE_BY_FILENAME), ELECTION_FILE);
        assert_true(failing_alloc_disarm());
        expect_answer("error 8 out of memory");
    }
    failing_alloc_arm(3);
    ask(ASKED(FILE_BY_FILENAME), ELECTION_FILE);
    assert_false(failing_alloc_disarm());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_services_are_listed_in_the_order_of_serving),
        cmocka_unit_test(test_file_is_answered_in_front_of_its_imports),
        cmocka_unit_test(test_what_does_not_exist_is_an_error_in_the_stream),
        cmocka_unit_test(test_known_type_has_no_extensions),
        cmocka_unit_test(test_question_of_no_kind_is_an_error_in_the_stream),
        cmocka_unit_test(test_want_of_memory_is_an_error_in_the_stream),
    };

    return cmocka_run_group_tests_name("reflection", tests, setup, teardown);
}
