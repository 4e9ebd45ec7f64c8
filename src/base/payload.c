// SPDX-License-Identifier: Apache-2.0

#include "base/payload.h"

#include <assert.h>
#include <stdlib.h>

struct payload *payload_create(size_t size)
{
    struct payload *payload = malloc(sizeof *payload + size);

    if (payload != NULL) {
        atomic_init(&payload->references, 1);
        payload->size = size;
    }
    return payload;
}

struct payload *payload_ref(struct payload *payload)
{
    // Whoever has a reference keeps it alive: nothing to order.
    atomic_fetch_add_explicit(&payload->references, 1, memory_order_relaxed);
    return payload;
}

void payload_unref(struct payload *payload)
{
    unsigned before;

    if (payload == NULL) {
        return;
    }
    // The last one must see what all others did with the bytes before.
    before = atomic_fetch_sub_explicit(&payload->references, 1,
                                       memory_order_acq_rel);
    assert(before > 0);
    if (before == 1) {
        free(payload);
    }
}
