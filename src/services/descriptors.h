// SPDX-License-Identifier: Apache-2.0
//
// The descriptors of everything in proto/, embedded in the program: what
// reflection hands out, and where the methods' shapes come from, which
// protobuf-c's own descriptors leave out.

#ifndef SERVICES_DESCRIPTORS_H
#define SERVICES_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>

#include "google/protobuf/descriptor.pb-c.h"

struct descriptors {
    Google__Protobuf__FileDescriptorSet *set;
};

// False when out of memory.
__attribute__((warn_unused_result)) bool
descriptors_init(struct descriptors *descriptors);

void descriptors_close(struct descriptors *descriptors);

// The file of that name, or NULL. All of these borrow.
const Google__Protobuf__FileDescriptorProto *
descriptors_find_file(const struct descriptors *descriptors, const char *name);

// The file that declares a fully-qualified message, enumeration, service, or
// method, or NULL.
const Google__Protobuf__FileDescriptorProto *
descriptors_find_symbol(const struct descriptors *descriptors,
                        const char *symbol);

// The service of that fully-qualified name, or NULL.
const Google__Protobuf__ServiceDescriptorProto *
descriptors_find_service(const struct descriptors *descriptors,
                         const char *name);

#endif
