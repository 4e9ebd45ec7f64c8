// SPDX-License-Identifier: Apache-2.0
//
// What protobuf-c does not check: that a string on the wire is UTF-8 and holds
// no NUL. After unpacking it is too late, since the size is lost there and
// "lead\0er" has become "lead".

#ifndef SERVICES_WIRE_H
#define SERVICES_WIRE_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

enum wire_result {
    WIRE_OK,
    // A string breaks a rule, which the problem names.
    WIRE_BAD_STRING,
    // The bytes are no message of that type.
    WIRE_MALFORMED,
};

struct wire_problem {
    // One sentence, such as "id.name is not UTF-8 (at byte 3)".
    char text[128];
};

// Walks the bytes of one message, and of those inside it, as its descriptor
// says. Fills in the problem unless all is well.
enum wire_result wire_check(const ProtobufCMessageDescriptor *descriptor,
                            const uint8_t *bytes, size_t size,
                            struct wire_problem *problem);

#endif
