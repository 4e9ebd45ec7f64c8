// SPDX-License-Identifier: Apache-2.0

#include "base/duration.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct duration_unit {
    const char *name;
    uint64_t ms;
};

// The largest first, which is the order that duration_format() tries them in.
static const struct duration_unit duration_units[] = {
    {"h", 3600000},
    {"m", 60000},
    {"s", 1000},
    {"ms", 1},
};

#define DURATION_UNITS (sizeof duration_units / sizeof duration_units[0])

static const struct duration_unit *duration_unit_find(const char *bytes,
                                                      size_t size)
{
    const char *name;

    for (size_t i = 0; i < DURATION_UNITS; i++) {
        name = duration_units[i].name;
        if (strlen(name) == size && memcmp(name, bytes, size) == 0) {
            return &duration_units[i];
        }
    }
    return NULL;
}

// Reads the digits at the start; returns how many there are. A number that
// does not fit becomes UINT64_MAX.
static size_t duration_digits(const char *bytes, size_t size, uint64_t *number)
{
    size_t count = 0;
    uint64_t digit;

    *number = 0;
    while (count < size && bytes[count] >= '0' && bytes[count] <= '9') {
        digit = (uint64_t)(bytes[count] - '0');
        if (*number > (UINT64_MAX - digit) / 10) {
            *number = UINT64_MAX;
        } else {
            *number = *number * 10 + digit;
        }
        count++;
    }
    return count;
}

bool duration_parse(const char *bytes, size_t size, uint64_t *duration_ms,
                    const char **reason)
{
    const struct duration_unit *unit;
    uint64_t number;
    size_t digits;

    digits = duration_digits(bytes, size, &number);
    if (digits == 0) {
        *reason = "is not a duration: write 500ms, 2s, 1m or 1h";
        return false;
    }
    if (digits == size) {
        *reason = "has no unit: write 500ms, 2s, 1m or 1h";
        return false;
    }
    if (bytes[digits] == '.') {
        *reason = "has a fraction: write 1500ms for one and a half seconds";
        return false;
    }
    unit = duration_unit_find(bytes + digits, size - digits);
    if (unit == NULL) {
        *reason = "has an unknown unit: write 500ms, 2s, 1m or 1h";
        return false;
    }
    // UINT64_MAX stands for more, even if it were milliseconds.
    if (number == UINT64_MAX || number > UINT64_MAX / unit->ms) {
        *reason = "is too long";
        return false;
    }
    *duration_ms = number * unit->ms;
    return true;
}

void duration_format(uint64_t duration_ms, char text[DURATION_TEXT_SIZE])
{
    const struct duration_unit *unit = &duration_units[0];
    int size;

    if (duration_ms == 0) {
        unit = &duration_units[2];
    }
    // The last unit divides everything.
    while (duration_ms % unit->ms != 0) {
        unit++;
    }
    size = snprintf(text, DURATION_TEXT_SIZE, "%" PRIu64 "%s",
                    duration_ms / unit->ms, unit->name);
    assert(size > 0 && size < DURATION_TEXT_SIZE);
}
