// SPDX-License-Identifier: Apache-2.0

#include "log/log_escape.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistr.h>

// U+FFFD.
static const char log_escape_replacement[] = "\xef\xbf\xbd";

// The size of the character that the bytes begin with; 0 if it is not UTF-8.
static size_t log_escape_decode(const char *bytes, size_t size,
                                ucs4_t *character)
{
    int count = u8_mbtoucr(character, (const uint8_t *)bytes, size);

    return count > 0 ? (size_t)count : 0;
}

// A control character, those behind ASCII included: a terminal obeys them too.
static bool log_escape_is_control(ucs4_t character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

static void log_escape_copy(struct log_escaped *escaped, const char *bytes,
                            size_t size)
{
    assert(size <= sizeof escaped->bytes);
    memcpy(escaped->bytes, bytes, size);
    escaped->size = size;
}

// By its number, as JSON has it.
static void log_escape_number(struct log_escaped *escaped, ucs4_t character)
{
    int size = snprintf(escaped->bytes, sizeof escaped->bytes, "\\u%04x",
                        (unsigned)character);

    assert(size > 0 && (size_t)size < sizeof escaped->bytes);
    escaped->size = (size_t)size;
}

size_t log_escape_plain(const char *bytes, size_t size)
{
    size_t count = 0;

    while (count < size && bytes[count] > ' ' && bytes[count] < 0x7f &&
           bytes[count] != '"' && bytes[count] != '=' && bytes[count] != '\\') {
        count++;
    }
    return count;
}

size_t log_escape(const char *bytes, size_t size, struct log_escaped *escaped)
{
    ucs4_t character;
    size_t count = log_escape_decode(bytes, size, &character);

    if (count == 0) {
        log_escape_copy(escaped, log_escape_replacement,
                        sizeof log_escape_replacement - 1);
        return 1;
    }
    if (character == '"') {
        log_escape_copy(escaped, "\\\"", 2);
    } else if (character == '\\') {
        log_escape_copy(escaped, "\\\\", 2);
    } else if (character == '\n') {
        log_escape_copy(escaped, "\\n", 2);
    } else if (character == '\t') {
        log_escape_copy(escaped, "\\t", 2);
    } else if (log_escape_is_control(character)) {
        log_escape_number(escaped, character);
    } else {
        log_escape_copy(escaped, bytes, count);
    }
    return count;
}

bool log_escape_is_needed(const char *bytes, size_t size)
{
    ucs4_t character;
    size_t count;

    for (size_t i = log_escape_plain(bytes, size); i < size; i += count) {
        count = log_escape_decode(bytes + i, size - i, &character);
        if (count == 0 || log_escape_is_control(character) ||
            character == ' ' || character == '"' || character == '=' ||
            character == '\\') {
            return true;
        }
    }
    return size == 0;
}
