// SPDX-License-Identifier: Apache-2.0

#include "failing_alloc.h"

#include <stdlib.h>

static struct {
    size_t count;
    size_t live;
    // 0 for never.
    size_t fails_at;
    bool fails_all;
    bool failed;
} failing_alloc;

void failing_alloc_arm(unsigned nth)
{
    failing_alloc.fails_at = failing_alloc.count + nth;
    failing_alloc.fails_all = false;
    failing_alloc.failed = false;
}

void failing_alloc_arm_all(void)
{
    failing_alloc.fails_all = true;
    failing_alloc.failed = false;
}

bool failing_alloc_disarm(void)
{
    failing_alloc.fails_at = 0;
    failing_alloc.fails_all = false;
    return failing_alloc.failed;
}

size_t failing_alloc_count(void)
{
    return failing_alloc.count;
}

size_t failing_alloc_live(void)
{
    return failing_alloc.live;
}

// True if the allocation that is asked for now is to fail.
static bool failing_alloc_next(void)
{
    failing_alloc.count++;
    if (failing_alloc.fails_all ||
        failing_alloc.count == failing_alloc.fails_at) {
        failing_alloc.failed = true;
        return true;
    }
    return false;
}

static void *failing_alloc_note(void *memory)
{
    failing_alloc.live += memory != NULL;
    return memory;
}

void *failing_malloc(size_t size)
{
    return failing_alloc_next() ? NULL : failing_alloc_note(malloc(size));
}

void *failing_calloc(size_t count, size_t size)
{
    return failing_alloc_next() ? NULL
                                : failing_alloc_note(calloc(count, size));
}

void failing_free(void *memory)
{
    failing_alloc.live -= memory != NULL;
    free(memory);
}
