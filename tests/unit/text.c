// SPDX-License-Identifier: Apache-2.0

#include "text.h"

#include <stdio.h>

#include "support/test.h"

void text_clear(struct text *text)
{
    text->size = 0;
    text->bytes[0] = '\0';
}

void text_add(struct text *text, const char *format, ...)
{
    size_t left = sizeof text->bytes - text->size;
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(text->bytes + text->size, left, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= left) {
        fail_msg("a text of over %zu bytes", sizeof text->bytes);
    }
    text->size += (size_t)size;
}
