// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a duration: refused with a reason, or read such that what is
// written from it reads as the same.

#include <assert.h>
#include <string.h>

#include "base/duration.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[DURATION_TEXT_SIZE];
    const char *reason = NULL;
    uint64_t duration_ms = 0;
    uint64_t again_ms = 0;

    if (!duration_parse((const char *)data, size, &duration_ms, &reason)) {
        assert(reason != NULL && duration_ms == 0);
        return 0;
    }
    duration_format(duration_ms, text);
    assert(duration_parse(text, strlen(text), &again_ms, &reason));
    assert(again_ms == duration_ms);
    return 0;
}
