// SPDX-License-Identifier: Apache-2.0

#include "services/descriptors.h"

#include <string.h>

#include "descriptor_set.h"

typedef Google__Protobuf__FileDescriptorProto file_proto;
typedef Google__Protobuf__DescriptorProto message_proto;
typedef Google__Protobuf__EnumDescriptorProto enum_proto;
typedef Google__Protobuf__ServiceDescriptorProto service_proto;

bool descriptors_init(struct descriptors *descriptors)
{
    descriptors->set = google__protobuf__file_descriptor_set__unpack(
        NULL, descriptor_set_size, descriptor_set_data);
    return descriptors->set != NULL;
}

void descriptors_close(struct descriptors *descriptors)
{
    google__protobuf__file_descriptor_set__free_unpacked(descriptors->set,
                                                         NULL);
}

const file_proto *descriptors_find_file(const struct descriptors *descriptors,
                                        const char *name)
{
    for (size_t i = 0; i < descriptors->set->n_file; i++) {
        if (strcmp(descriptors->set->file[i]->name, name) == 0) {
            return descriptors->set->file[i];
        }
    }
    return NULL;
}

// What is left of a dotted name behind its first part: "" if that is all of it,
// NULL if it begins otherwise.
static const char *descriptors_skip(const char *name, const char *part)
{
    size_t size = strlen(part);

    if (strncmp(name, part, size) != 0) {
        return NULL;
    }
    if (name[size] == '.' && name[size + 1] != '\0') {
        return name + size + 1;
    }
    return name[size] == '\0' ? name + size : NULL;
}

static bool descriptors_enums_have(enum_proto *const *enums, size_t count,
                                   const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(enums[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

// A message of that name, or something inside one. Recursion as deep as the
// messages of proto/ nest.
static bool descriptors_messages_have(message_proto *const *messages,
                                      size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        const message_proto *message = messages[i];
        const char *rest = descriptors_skip(name, message->name);

        if (rest != NULL &&
            (*rest == '\0' ||
             descriptors_enums_have(message->enum_type, message->n_enum_type,
                                    rest) ||
             descriptors_messages_have(message->nested_type,
                                       message->n_nested_type, rest))) {
            return true;
        }
    }
    return false;
}

static bool descriptors_service_has(const service_proto *service,
                                    const char *method)
{
    for (size_t i = 0; i < service->n_method; i++) {
        if (strcmp(service->method[i]->name, method) == 0) {
            return true;
        }
    }
    return false;
}

static bool descriptors_services_have(service_proto *const *services,
                                      size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        const char *rest = descriptors_skip(name, services[i]->name);

        if (rest != NULL &&
            (*rest == '\0' || descriptors_service_has(services[i], rest))) {
            return true;
        }
    }
    return false;
}

const file_proto *descriptors_find_symbol(const struct descriptors *descriptors,
                                          const char *symbol)
{
    for (size_t i = 0; i < descriptors->set->n_file; i++) {
        const file_proto *file = descriptors->set->file[i];
        const char *name = descriptors_skip(symbol, file->package);

        if (name != NULL &&
            (descriptors_messages_have(file->message_type, file->n_message_type,
                                       name) ||
             descriptors_enums_have(file->enum_type, file->n_enum_type, name) ||
             descriptors_services_have(file->service, file->n_service, name))) {
            return file;
        }
    }
    return NULL;
}

const service_proto *
descriptors_find_service(const struct descriptors *descriptors,
                         const char *name)
{
    const file_proto *file = descriptors_find_symbol(descriptors, name);
    const char *rest;

    if (file == NULL) {
        return NULL;
    }
    rest = descriptors_skip(name, file->package);
    for (size_t i = 0; i < file->n_service; i++) {
        if (strcmp(file->service[i]->name, rest) == 0) {
            return file->service[i];
        }
    }
    return NULL;
}
