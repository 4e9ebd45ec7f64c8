// SPDX-License-Identifier: Apache-2.0
//
// What reflection is asked: the bytes of a request, decoded and answered, but
// for the server. Every request has one answer, which repeats the request; the
// files of an answer are whole, and each stands in front of what it imports.

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "services/wire.h"

#include "services/reflection_service.c"

static struct service_host host;
static unsigned answers;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void init_host(void)
{
    bool ok = descriptors_init(&host.descriptors);

    assert(ok);
    host.services[0] = "atomix.runtime.election.v1.LeaderElection";
    host.services[1] = "grpc.reflection.v1.ServerReflection";
    host.services_count = 2;
}

static file_proto *verify_file(ProtobufCBinaryData bytes)
{
    file_proto *file = google__protobuf__file_descriptor_proto__unpack(
        NULL, bytes.len, bytes.data);

    assert(file != NULL);
    assert(descriptors_find_file(&host.descriptors, file->name) != NULL);
    return file;
}

static bool has_file(file_proto *const *files, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(files[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void
verify_files(const Grpc__Reflection__V1__FileDescriptorResponse *list)
{
    file_proto *files[REFLECTION_FILES_MAX];
    size_t count = list->n_file_descriptor_proto;

    assert(count > 0 && count <= REFLECTION_FILES_MAX);
    for (size_t i = 0; i < count; i++) {
        files[i] = verify_file(list->file_descriptor_proto[count - 1 - i]);
        assert(!has_file(files, i, files[i]->name));
        for (size_t j = 0; j < files[i]->n_dependency; j++) {
            assert(has_file(files, i, files[i]->dependency[j]));
        }
    }
    for (size_t i = 0; i < count; i++) {
        google__protobuf__file_descriptor_proto__free_unpacked(files[i], NULL);
    }
}

// It asks for what can be the name of a symbol.
static bool is_symbol(const reflection_request *request)
{
    const char *symbol = request->file_containing_symbol;

    return request->message_request_case == ASKED(FILE_CONTAINING_SYMBOL) &&
           symbol[0] != '\0' && symbol[0] != '.' &&
           symbol[strlen(symbol) - 1] != '.';
}

static void verify_answer(const reflection_request *request,
                          const reflection_response *response)
{
    switch (response->message_response_case) {
    case ANSWERED(FILE_DESCRIPTOR_RESPONSE):
        assert(request->message_request_case == ASKED(FILE_BY_FILENAME) ||
               is_symbol(request));
        verify_files(response->file_descriptor_response);
        return;
    case ANSWERED(ALL_EXTENSION_NUMBERS_RESPONSE):
        assert(request->message_request_case ==
               ASKED(ALL_EXTENSION_NUMBERS_OF_TYPE));
        assert(strcmp(response->all_extension_numbers_response->base_type_name,
                      request->all_extension_numbers_of_type) == 0);
        return;
    case ANSWERED(LIST_SERVICES_RESPONSE):
        assert(request->message_request_case == ASKED(LIST_SERVICES));
        assert(response->list_services_response->n_service ==
               host.services_count);
        return;
    case ANSWERED(ERROR_RESPONSE):
        assert(request->message_request_case != ASKED(LIST_SERVICES));
        assert(response->error_response->error_code != 0);
        assert(response->error_response->error_message[0] != '\0');
        return;
    default:
        break;
    }
    assert(false && "an answer of a kind that there is");
}

// Sends the answer, so to speak, and reads it again.
static void answer_cb(const reflection_response *response, void *closure_data)
{
    const reflection_request *request = closure_data;
    size_t size =
        grpc__reflection__v1__server_reflection_response__get_packed_size(
            response);
    uint8_t *bytes = malloc(size + 1);
    reflection_response *read;

    assert(bytes != NULL);
    answers++;
    grpc__reflection__v1__server_reflection_response__pack(response, bytes);
    read = grpc__reflection__v1__server_reflection_response__unpack(NULL, size,
                                                                    bytes);
    free(bytes);
    assert(read != NULL);
    assert(strcmp(read->valid_host, request->host) == 0);
    assert(read->original_request != NULL);
    assert(read->original_request->message_request_case ==
           request->message_request_case);
    verify_answer(request, read);
    grpc__reflection__v1__server_reflection_response__free_unpacked(read, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reflection_service service = {.base = reflection_handlers,
                                         .host = &host};
    const ProtobufCMessageDescriptor *type =
        service.base.base.descriptor->methods[0].input;
    struct wire_problem problem;
    ProtobufCMessage *request;

    if (host.services_count == 0) {
        init_host();
    }
    if (wire_check(type, data, size, &problem) != WIRE_OK) {
        return 0;
    }
    request = protobuf_c_message_unpack(type, NULL, size, data);
    if (request == NULL) {
        return 0;
    }
    answers = 0;
    service.base.server_reflection_info(&service.base,
                                        (reflection_request *)(void *)request,
                                        answer_cb, request);
    assert(answers == 1);
    protobuf_c_message_free_unpacked(request, NULL);
    return 0;
}
