// SPDX-License-Identifier: Apache-2.0
//
// A text that a test writes down piece by piece, to compare it as a whole.

#ifndef TESTS_TEXT_H
#define TESTS_TEXT_H

#include <stddef.h>

#define TEXT_SIZE_MAX 65536

struct text {
    size_t size;
    char bytes[TEXT_SIZE_MAX];
};

void text_clear(struct text *text);

// Appends as printf does. A text that grows too long fails the test.
__attribute__((format(printf, 2, 3))) void text_add(struct text *text,
                                                    const char *format, ...);

#endif
