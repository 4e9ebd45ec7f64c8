// SPDX-License-Identifier: Apache-2.0
//
// name_check() against a reading of the same string character by character, by
// the rules as they are written: 1 to 253 bytes, no character of category Cc.

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "services/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Where the first control character is; `size` if there is none.
static size_t find_control(const uint8_t *string, size_t size)
{
    size_t at = 0;

    while (at < size) {
        ucs4_t character;
        int step = u8_mbtouc(&character, string + at, size - at);

        assert(step > 0);
        if (character < 0x20 || (character >= 0x7f && character < 0xa0)) {
            return at;
        }
        at += (size_t)step;
    }
    return size;
}

static void expect(const char *string, size_t size, bool ok,
                   const char *sentence)
{
    struct name_problem problem = {.text = ""};
    struct electd_name name;

    assert(name_check("field", string, &name, &problem) == ok);
    assert(!ok || (name.bytes == string && name.size == size));
    assert(ok || strcmp(problem.text, sentence) == 0);
}

static void verify(const char *string, size_t size)
{
    size_t control = find_control((const uint8_t *)string, size);
    char sentence[128];

    if (size == 0) {
        expect(string, size, false, "field is empty: it takes 1 to 253 bytes");
    } else if (size > 253) {
        snprintf(sentence, sizeof sentence,
                 "field has %zu bytes: it takes 1 to 253", size);
        expect(string, size, false, sentence);
    } else {
        snprintf(sentence, sizeof sentence,
                 "field holds a control character (at byte %zu)", control);
        expect(string, size, control == size, sentence);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *string;

    // What wire_check() lets through.
    if (u8_check(data, size) != NULL || memchr(data, '\0', size) != NULL) {
        return 0;
    }
    string = malloc(size + 1);
    assert(string != NULL);
    memcpy(string, data, size);
    string[size] = '\0';
    verify(string, size);
    free(string);
    return 0;
}
