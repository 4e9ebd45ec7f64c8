// SPDX-License-Identifier: Apache-2.0
//
// Messages written down as their bytes in hexadecimal, with the strings in
// quotes, and what wire_check() is to say of them:
//
//     "0a03 0a01 'x' 1201 'n'"    id { name: "x" } candidate: "n"

#ifndef TESTS_WIRE_TEST_H
#define TESTS_WIRE_TEST_H

#include "atomix/runtime/election/v1/election.pb-c.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "services/wire.h"

#define WIRE_TEST_SIZE_MAX 1024

// id is a message, candidate a string.
#define ENTER (&atomix__runtime__election__v1__enter_request__descriptor)
// tags is a repeated string.
#define CREATE (&atomix__runtime__election__v1__create_request__descriptor)
// Strings of a oneof, and a message with a number in it.
#define REFLECT (&grpc__reflection__v1__server_reflection_request__descriptor)
// nested_type, field 3, is of its own type again.
#define NESTED (&google__protobuf__descriptor_proto__descriptor)

// Reads the notation; returns how many bytes it stands for.
size_t wire_test_read(const char *text, uint8_t bytes[WIRE_TEST_SIZE_MAX]);

// Checks bytes in memory of just their size, so that a sanitizer sees what
// reads too far.
enum wire_result wire_test_check_bytes(const ProtobufCMessageDescriptor *type,
                                       const uint8_t *bytes, size_t size,
                                       struct wire_problem *problem);

enum wire_result wire_test_check(const ProtobufCMessageDescriptor *type,
                                 const char *text,
                                 struct wire_problem *problem);

void expect_ok(const ProtobufCMessageDescriptor *type, const char *text);

// The sentence names the type.
void expect_malformed(const ProtobufCMessageDescriptor *type, const char *text);

void expect_bad_string(const ProtobufCMessageDescriptor *type, const char *text,
                       const char *sentence);

#endif
