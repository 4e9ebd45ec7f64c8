// SPDX-License-Identifier: Apache-2.0

#include "arguments.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define COUNT_MAX 1000000000

bool argument_count(const char *text, size_t least, size_t *count)
{
    char *end = NULL;
    unsigned long long number;

    // strtoull() would take a sign and blanks.
    if (*text < '0' || *text > '9') {
        return false;
    }
    errno = 0;
    number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || number < least || number > COUNT_MAX) {
        return false;
    }
    *count = (size_t)number;
    return true;
}

bool argument_rate(const char *text, double *rate)
{
    char *end = NULL;
    double number = strtod(text, &end);

    if (end == text || *end != '\0' || !isfinite(number) || number <= 0) {
        return false;
    }
    *rate = number;
    return true;
}
