// SPDX-License-Identifier: Apache-2.0

#include "samples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int samples_compare(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one;
    int64_t b = *(const int64_t *)other;

    return (a > b) - (a < b);
}

void samples_sort(int64_t *samples_ns, size_t count)
{
    if (count > 0) {
        qsort(samples_ns, count, sizeof *samples_ns, samples_compare);
    }
}

double samples_per_mille_us(const int64_t *samples_ns, size_t count,
                            unsigned per_mille)
{
    size_t rank = (count * per_mille + 999) / 1000;

    if (count == 0) {
        return NAN;
    }
    return (double)samples_ns[rank > 0 ? rank - 1 : 0] / 1000;
}

void samples_print(const char *name, double us)
{
    if (isnan(us)) {
        printf("\"%s\":null", name);
    } else {
        printf("\"%s\":%.1f", name, us);
    }
}
