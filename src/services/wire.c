// SPDX-License-Identifier: Apache-2.0
//
// The encoding is described at
// https://protobuf.dev/programming-guides/encoding/. Groups are refused: no
// message here has one.

#include "services/wire.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistr.h>

// No message here nests deeper, by far.
#define WIRE_DEPTH_MAX 8

enum wire_type {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_SIZED = 2,
    WIRE_FIXED32 = 5,
};

struct wire_cursor {
    const uint8_t *next;
    const uint8_t *end;
};

// One field as it stands on the wire; `bytes` are those of a sized one.
struct wire_field {
    uint32_t number;
    uint8_t type;
    const uint8_t *bytes;
    size_t size;
};

// The names of the fields that lead to the one being looked at.
struct wire_path {
    const char *names[WIRE_DEPTH_MAX];
    unsigned depth;
};

static bool wire_read_varint(struct wire_cursor *cursor, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (cursor->next == cursor->end) {
            return false;
        }
        *value |= (uint64_t)(*cursor->next & 0x7f) << shift;
        if ((*cursor->next++ & 0x80) == 0) {
            return true;
        }
    }
    return false;
}

static bool wire_skip(struct wire_cursor *cursor, uint64_t size)
{
    if (size > (uint64_t)(cursor->end - cursor->next)) {
        return false;
    }
    cursor->next += size;
    return true;
}

static bool wire_read_field(struct wire_cursor *cursor,
                            struct wire_field *field)
{
    uint64_t value;

    *field = (struct wire_field){.bytes = NULL};
    if (!wire_read_varint(cursor, &value) || value >> 3 == 0 ||
        value > UINT32_MAX) {
        return false;
    }
    field->number = (uint32_t)(value >> 3);
    field->type = value & 7;
    switch (field->type) {
    case WIRE_VARINT:
        return wire_read_varint(cursor, &value);
    case WIRE_FIXED64:
        return wire_skip(cursor, 8);
    case WIRE_FIXED32:
        return wire_skip(cursor, 4);
    case WIRE_SIZED:
        if (!wire_read_varint(cursor, &value)) {
            return false;
        }
        field->bytes = cursor->next;
        field->size = (size_t)value;
        return wire_skip(cursor, value);
    default:
        return false;
    }
}

static void wire_describe(struct wire_problem *problem,
                          const struct wire_path *path, const char *rule,
                          size_t position)
{
    char names[64] = "";
    size_t used = 0;

    for (unsigned i = 0; i < path->depth; i++) {
        int added = snprintf(names + used, sizeof names - used, "%s%s",
                             i > 0 ? "." : "", path->names[i]);

        if (added < 0 || (size_t)added >= sizeof names - used) {
            break;
        }
        used += (size_t)added;
    }
    snprintf(problem->text, sizeof problem->text, "%s %s (at byte %zu)", names,
             rule, position);
}

static bool wire_check_string(const struct wire_field *field,
                              const struct wire_path *path,
                              struct wire_problem *problem)
{
    const uint8_t *bad = u8_check(field->bytes, field->size);

    if (bad != NULL) {
        wire_describe(problem, path, "is not UTF-8",
                      (size_t)(bad - field->bytes));
        return false;
    }
    bad = memchr(field->bytes, '\0', field->size);
    if (bad != NULL) {
        wire_describe(problem, path, "holds a control character",
                      (size_t)(bad - field->bytes));
        return false;
    }
    return true;
}

static enum wire_result
wire_check_message(const ProtobufCMessageDescriptor *descriptor,
                   struct wire_cursor cursor, struct wire_path *path,
                   struct wire_problem *problem);

static enum wire_result
wire_check_known(const ProtobufCFieldDescriptor *descriptor,
                 const struct wire_field *field, struct wire_path *path,
                 struct wire_problem *problem)
{
    enum wire_result result = WIRE_OK;

    if (field->type != WIRE_SIZED || path->depth == WIRE_DEPTH_MAX) {
        return WIRE_MALFORMED;
    }
    path->names[path->depth++] = descriptor->name;
    if (descriptor->type == PROTOBUF_C_TYPE_MESSAGE) {
        struct wire_cursor inner = {field->bytes, field->bytes + field->size};

        result =
            wire_check_message(descriptor->descriptor, inner, path, problem);
    } else if (!wire_check_string(field, path, problem)) {
        result = WIRE_BAD_STRING;
    }
    path->depth--;
    return result;
}

static enum wire_result
wire_check_message(const ProtobufCMessageDescriptor *descriptor,
                   struct wire_cursor cursor, struct wire_path *path,
                   struct wire_problem *problem)
{
    const ProtobufCFieldDescriptor *known;
    struct wire_field field;
    enum wire_result result;

    while (cursor.next != cursor.end) {
        if (!wire_read_field(&cursor, &field)) {
            return WIRE_MALFORMED;
        }
        known =
            protobuf_c_message_descriptor_get_field(descriptor, field.number);
        if (known == NULL || (known->type != PROTOBUF_C_TYPE_STRING &&
                              known->type != PROTOBUF_C_TYPE_MESSAGE)) {
            continue;
        }
        result = wire_check_known(known, &field, path, problem);
        if (result != WIRE_OK) {
            return result;
        }
    }
    return WIRE_OK;
}

enum wire_result wire_check(const ProtobufCMessageDescriptor *descriptor,
                            const uint8_t *bytes, size_t size,
                            struct wire_problem *problem)
{
    struct wire_cursor cursor = {bytes, bytes + size};
    struct wire_path path = {.depth = 0};
    enum wire_result result =
        wire_check_message(descriptor, cursor, &path, problem);

    assert(path.depth == 0 || result != WIRE_OK);
    if (result == WIRE_MALFORMED) {
        snprintf(problem->text, sizeof problem->text,
                 "the request does not parse as %s", descriptor->name);
    }
    return result;
}
