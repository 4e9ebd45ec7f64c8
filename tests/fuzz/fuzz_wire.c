// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a request: wire_check(), then protobuf-c. The first byte of an
// input picks the type of the request, the rest is the request.
//
// What both of them let through must have arrived whole: every string is what
// an own, simple-minded reading of the bytes finds there, and valid UTF-8.

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "atomix/runtime/election/v1/election.pb-c.h"
#include "services/wire.h"

static const ProtobufCMessageDescriptor *const types[] = {
    &atomix__runtime__election__v1__create_request__descriptor,
    &atomix__runtime__election__v1__close_request__descriptor,
    &atomix__runtime__election__v1__enter_request__descriptor,
    &atomix__runtime__election__v1__withdraw_request__descriptor,
    &atomix__runtime__election__v1__anoint_request__descriptor,
    &atomix__runtime__election__v1__promote_request__descriptor,
    &atomix__runtime__election__v1__demote_request__descriptor,
    &atomix__runtime__election__v1__evict_request__descriptor,
    &atomix__runtime__election__v1__get_term_request__descriptor,
    &atomix__runtime__election__v1__watch_request__descriptor,
};

#define TYPES (sizeof types / sizeof types[0])

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    const uint8_t *start;
    size_t size;
};

static uint64_t take_varint(struct bytes *bytes)
{
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;

    do {
        assert(bytes->size > 0 && shift < 64);
        byte = *bytes->start++;
        bytes->size--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte >= 0x80);
    return value;
}

static struct bytes take(struct bytes *bytes, uint64_t size)
{
    struct bytes taken = {bytes->start, (size_t)size};

    assert(size <= bytes->size);
    bytes->start += size;
    bytes->size -= (size_t)size;
    return taken;
}

// The next field that has the number and is sized. False behind the last.
static bool take_field(struct bytes *bytes, uint32_t number,
                       struct bytes *content)
{
    while (bytes->size > 0) {
        uint64_t key = take_varint(bytes);

        *content = (struct bytes){NULL, 0};
        switch (key & 7) {
        case 0:
            take_varint(bytes);
            break;
        case 1:
            take(bytes, 8);
            break;
        case 2:
            *content = take(bytes, take_varint(bytes));
            break;
        default:
            assert((key & 7) == 5);
            take(bytes, 4);
        }
        if (content->start != NULL && key >> 3 == number) {
            return true;
        }
    }
    return false;
}

static void verify_string(const char *string, struct bytes expected)
{
    assert(string != NULL);
    assert(strlen(string) == expected.size);
    assert(memcmp(string, expected.start, expected.size) == 0);
    assert(u8_check((const uint8_t *)string, expected.size) == NULL);
}

// A singular string is its last occurrence, or empty.
static void verify_last_string(const char *string, struct bytes bytes,
                               uint32_t number)
{
    struct bytes last = {(const uint8_t *)"", 0};
    struct bytes content;

    while (take_field(&bytes, number, &content)) {
        last = content;
    }
    verify_string(string, last);
}

static void verify_strings(char *const *strings, size_t count,
                           struct bytes bytes, uint32_t number)
{
    struct bytes content;
    size_t i = 0;

    while (take_field(&bytes, number, &content)) {
        assert(i < count);
        verify_string(strings[i++], content);
    }
    assert(i == count);
}

static void verify(const ProtobufCMessage *message, struct bytes bytes);

// A singular message is all its occurrences, one behind the other.
static void verify_message(const ProtobufCMessage *message, struct bytes bytes,
                           uint32_t number)
{
    uint8_t *joined = malloc(bytes.size + 1);
    struct bytes content;
    size_t joined_size = 0;
    bool is_there = false;

    assert(joined != NULL);
    while (take_field(&bytes, number, &content)) {
        memcpy(joined + joined_size, content.start, content.size);
        joined_size += content.size;
        is_there = true;
    }
    assert(is_there == (message != NULL));
    if (is_there) {
        verify(message, (struct bytes){joined, joined_size});
    }
    free(joined);
}

static void verify(const ProtobufCMessage *message, struct bytes bytes)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;

    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        const void *member = (const char *)message + field->offset;
        const void *quantifier =
            (const char *)message + field->quantifier_offset;

        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            assert(field->label != PROTOBUF_C_LABEL_REPEATED);
            verify_message(*(ProtobufCMessage *const *)member, bytes,
                           field->id);
        } else if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            verify_strings(*(char **const *)member, *(const size_t *)quantifier,
                           bytes, field->id);
        } else {
            assert(field->type == PROTOBUF_C_TYPE_STRING);
            verify_last_string(*(const char *const *)member, bytes, field->id);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ProtobufCMessageDescriptor *type;
    struct wire_problem problem = {.text = ""};
    ProtobufCMessage *message;
    enum wire_result result;

    if (size == 0) {
        return 0;
    }
    type = types[data[0] % TYPES];
    data++;
    size--;
    result = wire_check(type, data, size, &problem);
    if (result != WIRE_OK) {
        assert(memchr(problem.text, '\0', sizeof problem.text) != NULL);
        assert(problem.text[0] != '\0');
        return 0;
    }
    message = protobuf_c_message_unpack(type, NULL, size, data);
    if (message != NULL) {
        verify(message, (struct bytes){data, size});
        protobuf_c_message_free_unpacked(message, NULL);
    }
    return 0;
}
