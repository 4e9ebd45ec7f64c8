// SPDX-License-Identifier: Apache-2.0

#include "support/proxy/proxy_flow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

// NUL-terminated, so that nothing has a size of 0.
static void *flow_copy(const void *bytes, size_t size)
{
    uint8_t *copy = malloc(size + 1);

    assert(copy != NULL);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    copy[size] = 0;
    return copy;
}

static void parcel_destroy(struct parcel *parcel)
{
    for (size_t i = 0; i < parcel->fields_count; i++) {
        free(parcel->fields[i].name);
        free(parcel->fields[i].value);
    }
    free(parcel->fields);
    free(parcel->bytes);
    free(parcel);
}

struct parcel *flow_add(struct flow *flow, enum parcel_kind kind,
                        long long due_ms)
{
    struct parcel *parcel = calloc(1, sizeof *parcel);

    assert(parcel != NULL);
    parcel->kind = kind;
    parcel->due_ms = due_ms;
    DL_APPEND(flow->first, parcel);
    flow->has_headers |= kind == PARCEL_HEADERS;
    flow->is_ended |=
        kind == PARCEL_TRAILERS || kind == PARCEL_END || kind == PARCEL_RESET;
    return parcel;
}

void flow_reset(struct flow *flow, uint32_t error, long long due_ms)
{
    flow_clear(flow);
    flow_add(flow, PARCEL_RESET, due_ms)->error = error;
}

void flow_drop_first(struct flow *flow)
{
    struct parcel *parcel = flow->first;

    DL_DELETE(flow->first, parcel);
    parcel_destroy(parcel);
}

void flow_clear(struct flow *flow)
{
    while (flow->first != NULL) {
        flow_drop_first(flow);
    }
}

void parcel_add_field(struct parcel *parcel, const nghttp2_nv *field)
{
    size_t count = parcel->fields_count + 1;
    nghttp2_nv *fields = realloc(parcel->fields, count * sizeof *fields);

    assert(fields != NULL);
    fields[count - 1] = (nghttp2_nv){
        .name = flow_copy(field->name, field->namelen),
        .namelen = field->namelen,
        .value = flow_copy(field->value, field->valuelen),
        .valuelen = field->valuelen,
    };
    parcel->fields = fields;
    parcel->fields_count = count;
}

void parcel_set_bytes(struct parcel *parcel, const uint8_t *bytes, size_t size)
{
    assert(parcel->bytes == NULL);
    parcel->bytes = flow_copy(bytes, size);
    parcel->size = size;
}
