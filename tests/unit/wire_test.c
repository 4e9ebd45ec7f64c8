// SPDX-License-Identifier: Apache-2.0

#include "wire_test.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

static unsigned wire_test_digit(char digit)
{
    assert_true(isxdigit((unsigned char)digit));
    if (digit <= '9') {
        return (unsigned)(digit - '0');
    }
    return (unsigned)(digit - 'a' + 10);
}

size_t wire_test_read(const char *text, uint8_t bytes[WIRE_TEST_SIZE_MAX])
{
    size_t size = 0;

    while (*text != '\0') {
        assert_true(size < WIRE_TEST_SIZE_MAX);
        if (*text == ' ') {
            text++;
        } else if (*text == '\'') {
            for (text++; *text != '\''; text++) {
                bytes[size++] = (uint8_t)*text;
            }
            text++;
        } else {
            bytes[size++] = (uint8_t)(wire_test_digit(text[0]) << 4 |
                                      wire_test_digit(text[1]));
            text += 2;
        }
    }
    return size;
}

enum wire_result wire_test_check_bytes(const ProtobufCMessageDescriptor *type,
                                       const uint8_t *bytes, size_t size,
                                       struct wire_problem *problem)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    enum wire_result result;

    assert_non_null(copy);
    memcpy(copy, bytes, size);
    memset(problem, 'x', sizeof *problem);
    result = wire_check(type, copy, size, problem);
    free(copy);
    return result;
}

enum wire_result wire_test_check(const ProtobufCMessageDescriptor *type,
                                 const char *text, struct wire_problem *problem)
{
    uint8_t bytes[WIRE_TEST_SIZE_MAX];

    return wire_test_check_bytes(type, bytes, wire_test_read(text, bytes),
                                 problem);
}

void expect_ok(const ProtobufCMessageDescriptor *type, const char *text)
{
    struct wire_problem problem;

    assert_int_equal(wire_test_check(type, text, &problem), WIRE_OK);
}

void expect_malformed(const ProtobufCMessageDescriptor *type, const char *text)
{
    struct wire_problem problem;
    char expected[sizeof problem.text];

    assert_int_equal(wire_test_check(type, text, &problem), WIRE_MALFORMED);
    snprintf(expected, sizeof expected, "the request does not parse as %s",
             type->name);
    assert_string_equal(problem.text, expected);
}

void expect_bad_string(const ProtobufCMessageDescriptor *type, const char *text,
                       const char *sentence)
{
    struct wire_problem problem;

    assert_int_equal(wire_test_check(type, text, &problem), WIRE_BAD_STRING);
    assert_string_equal(problem.text, sentence);
}
