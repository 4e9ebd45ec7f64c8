// SPDX-License-Identifier: Apache-2.0
//
// A file is answered together with all that it imports, so that a client needs
// no second question. It comes first: some take the first one for the one that
// they asked for. Whatever cannot be answered is an ErrorResponse inside the
// stream, which stays open.

#include "services/reflection_service.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/container_of.h"

typedef Grpc__Reflection__V1__ServerReflection_Service generated_service;
typedef Grpc__Reflection__V1__ServerReflectionRequest reflection_request;
typedef Grpc__Reflection__V1__ServerReflectionResponse reflection_response;
typedef Grpc__Reflection__V1__ServerReflectionResponse_Closure
    reflection_closure;
typedef Google__Protobuf__FileDescriptorProto file_proto;

#define ASKED(what)                                                            \
    GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##what
#define ANSWERED(what)                                                         \
    GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##what

// More files than proto/ and what it imports have.
#define REFLECTION_FILES_MAX 32

// What goes into one answer.
struct reflection_files {
    const file_proto *files[REFLECTION_FILES_MAX];
    size_t count;
};

struct reflection_answer {
    reflection_response response;
    reflection_closure closure;
    void *closure_data;
};

static void reflection_send(struct reflection_answer *answer)
{
    answer->closure(&answer->response, answer->closure_data);
}

static void reflection_refuse(struct reflection_answer *answer,
                              enum rpc_code code, const char *message)
{
    Grpc__Reflection__V1__ErrorResponse error =
        GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;

    error.error_code = (int32_t)code;
    error.error_message = (char *)(uintptr_t)message;
    answer->response.message_response_case = ANSWERED(ERROR_RESPONSE);
    answer->response.error_response = &error;
    reflection_send(answer);
}

static bool reflection_has(const struct reflection_files *files,
                           const file_proto *file)
{
    for (size_t i = 0; i < files->count; i++) {
        if (files->files[i] == file) {
            return true;
        }
    }
    return false;
}

// Adds a file behind all that it imports: the answer, backwards. Recursion as
// deep as imports go.
static void reflection_add(struct reflection_files *files,
                           const struct descriptors *descriptors,
                           const file_proto *file)
{
    if (file == NULL || reflection_has(files, file)) {
        return;
    }
    for (size_t i = 0; i < file->n_dependency; i++) {
        reflection_add(files, descriptors,
                       descriptors_find_file(descriptors, file->dependency[i]));
    }
    assert(files->count < REFLECTION_FILES_MAX);
    files->files[files->count++] = file;
}

static void reflection_answer_file(struct reflection_answer *answer,
                                   const struct descriptors *descriptors,
                                   const file_proto *file)
{
    Grpc__Reflection__V1__FileDescriptorResponse list =
        GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;
    ProtobufCBinaryData bytes[REFLECTION_FILES_MAX];
    struct reflection_files files = {.count = 0};
    bool complete = true;

    if (file == NULL) {
        reflection_refuse(answer, RPC_NOT_FOUND, "not found");
        return;
    }
    reflection_add(&files, descriptors, file);
    for (size_t i = 0; i < files.count; i++) {
        const ProtobufCMessage *message =
            &files.files[files.count - 1 - i]->base;

        bytes[i].len = protobuf_c_message_get_packed_size(message);
        bytes[i].data = malloc(bytes[i].len);
        if (bytes[i].data != NULL) {
            protobuf_c_message_pack(message, bytes[i].data);
        } else {
            complete = false;
        }
    }
    if (complete) {
        list.n_file_descriptor_proto = files.count;
        list.file_descriptor_proto = bytes;
        answer->response.message_response_case =
            ANSWERED(FILE_DESCRIPTOR_RESPONSE);
        answer->response.file_descriptor_response = &list;
        reflection_send(answer);
    } else {
        reflection_refuse(answer, RPC_RESOURCE_EXHAUSTED, "out of memory");
    }
    for (size_t i = 0; i < files.count; i++) {
        free(bytes[i].data);
    }
}

static void reflection_answer_services(struct reflection_answer *answer,
                                       const struct service_host *host)
{
    Grpc__Reflection__V1__ListServiceResponse list =
        GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT;
    Grpc__Reflection__V1__ServiceResponse services[SERVICES_MAX];
    Grpc__Reflection__V1__ServiceResponse *pointers[SERVICES_MAX];

    for (unsigned i = 0; i < host->services_count; i++) {
        grpc__reflection__v1__service_response__init(&services[i]);
        services[i].name = (char *)(uintptr_t)host->services[i];
        pointers[i] = &services[i];
    }
    list.n_service = host->services_count;
    list.service = pointers;
    answer->response.message_response_case = ANSWERED(LIST_SERVICES_RESPONSE);
    answer->response.list_services_response = &list;
    reflection_send(answer);
}

// No message of proto/ can be extended: each has the empty list.
static void reflection_answer_extensions(struct reflection_answer *answer,
                                         const struct descriptors *descriptors,
                                         char *type)
{
    Grpc__Reflection__V1__ExtensionNumberResponse none =
        GRPC__REFLECTION__V1__EXTENSION_NUMBER_RESPONSE__INIT;

    if (descriptors_find_symbol(descriptors, type) == NULL) {
        reflection_refuse(answer, RPC_NOT_FOUND, "type not found");
        return;
    }
    none.base_type_name = type;
    answer->response.message_response_case =
        ANSWERED(ALL_EXTENSION_NUMBERS_RESPONSE);
    answer->response.all_extension_numbers_response = &none;
    reflection_send(answer);
}

static void reflection_server_reflection_info(generated_service *base,
                                              const reflection_request *request,
                                              reflection_closure closure,
                                              void *closure_data)
{
    struct reflection_service *service =
        container_of(base, struct reflection_service, base);
    const struct descriptors *descriptors = &service->host->descriptors;
    struct reflection_answer answer = {
        .response = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT,
        .closure = closure,
        .closure_data = closure_data,
    };

    answer.response.valid_host = request->host;
    answer.response.original_request = (reflection_request *)(uintptr_t)request;
    switch (request->message_request_case) {
    case ASKED(FILE_BY_FILENAME):
        reflection_answer_file(
            &answer, descriptors,
            descriptors_find_file(descriptors, request->file_by_filename));
        return;
    case ASKED(FILE_CONTAINING_SYMBOL):
        reflection_answer_file(
            &answer, descriptors,
            descriptors_find_symbol(descriptors,
                                    request->file_containing_symbol));
        return;
    case ASKED(FILE_CONTAINING_EXTENSION):
        reflection_refuse(&answer, RPC_NOT_FOUND, "extension not found");
        return;
    case ASKED(ALL_EXTENSION_NUMBERS_OF_TYPE):
        reflection_answer_extensions(&answer, descriptors,
                                     request->all_extension_numbers_of_type);
        return;
    case ASKED(LIST_SERVICES):
        reflection_answer_services(&answer, service->host);
        return;
    // Not set; and protobuf-c's enumerator that is for the enumeration's size.
    default:
        break;
    }
    reflection_refuse(&answer, RPC_INVALID_ARGUMENT,
                      "message_request is missing");
}

static const generated_service reflection_handlers =
    GRPC__REFLECTION__V1__SERVER_REFLECTION__INIT(reflection_);

void reflection_service_init(struct reflection_service *service,
                             struct service_host *host)
{
    *service = (struct reflection_service){
        .base = reflection_handlers,
        .host = host,
    };
    service_host_serve(host, "grpc.reflection.v1.ServerReflection",
                       &service->base.base, sizeof(struct service_call));
    service_host_serve(host, "grpc.reflection.v1alpha.ServerReflection",
                       &service->base.base, sizeof(struct service_call));
}
