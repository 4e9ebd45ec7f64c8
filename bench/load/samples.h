// SPDX-License-Identifier: Apache-2.0
//
// Measured times.

#ifndef LOAD_SAMPLES_H
#define LOAD_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

// Sorts them, the shortest first.
void samples_sort(int64_t *samples_ns, size_t count);

// Of sorted samples the shortest which so many of a thousand do not exceed, in
// microseconds; NAN if there are none.
double samples_per_mille_us(const int64_t *samples_ns, size_t count,
                            unsigned per_mille);

// Prints `"name":12.3`, with null for what is no number.
void samples_print(const char *name, double us);

#endif
