// SPDX-License-Identifier: Apache-2.0

#include "services/name.h"

#include <stdio.h>
#include <string.h>

// Unicode's category Cc: C0, DEL, and C1, which in UTF-8 is 0xC2 0x80 to 0x9F.
static bool name_is_control(const char *at)
{
    unsigned char byte = (unsigned char)at[0];
    unsigned char next = (unsigned char)(byte != 0 ? at[1] : 0);

    return byte < 0x20 || byte == 0x7f ||
           (byte == 0xc2 && next >= 0x80 && next <= 0x9f);
}

bool name_check(const char *field, const char *string, struct electd_name *name,
                struct name_problem *problem)
{
    size_t size = strlen(string);

    *name = (struct electd_name){string, size};
    if (size == 0) {
        snprintf(problem->text, sizeof problem->text,
                 "%s is empty: it takes 1 to %d bytes", field,
                 ELECTD_NAME_SIZE_MAX);
        return false;
    }
    if (size > ELECTD_NAME_SIZE_MAX) {
        snprintf(problem->text, sizeof problem->text,
                 "%s has %zu bytes: it takes 1 to %d", field, size,
                 ELECTD_NAME_SIZE_MAX);
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (name_is_control(string + i)) {
            snprintf(problem->text, sizeof problem->text,
                     "%s holds a control character (at byte %zu)", field, i);
            return false;
        }
    }
    return true;
}
