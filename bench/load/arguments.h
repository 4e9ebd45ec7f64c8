// SPDX-License-Identifier: Apache-2.0
//
// Numbers on a command line.

#ifndef LOAD_ARGUMENTS_H
#define LOAD_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

// A whole number of at least `least` and at most a thousand million. Otherwise
// false, and *count stays as it was.
bool argument_count(const char *text, size_t least, size_t *count);

// A number above 0, such as 2500 or 0.5. Otherwise false, and *rate stays.
bool argument_rate(const char *text, double *rate);

#endif
