// SPDX-License-Identifier: Apache-2.0
//
// What one side of an exchange has sent and the other side has not been given
// yet, in order. Each parcel has a time before which it is not passed on.
//
// Owned by its exchange; the parcels are the flow's own.

#ifndef SUPPORT_PROXY_FLOW_H
#define SUPPORT_PROXY_FLOW_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum parcel_kind {
    PARCEL_HEADERS,
    PARCEL_DATA,
    // Ends the flow, as PARCEL_END does.
    PARCEL_TRAILERS,
    PARCEL_END,
    PARCEL_RESET,
};

struct parcel {
    struct parcel *prev;
    struct parcel *next;
    enum parcel_kind kind;
    long long due_ms;
    // Of headers and trailers.
    nghttp2_nv *fields;
    size_t fields_count;
    // Of data: `done` of them were passed on.
    uint8_t *bytes;
    size_t size;
    size_t done;
    // Of a reset: an error code of HTTP/2.
    uint32_t error;
};

struct flow {
    struct parcel *first;
    // Headers have come in.
    bool has_headers;
    // The last parcel has come in.
    bool is_ended;
    // The headers were passed on.
    bool is_open;
};

// Appends a parcel. Returns it, to be filled in.
struct parcel *flow_add(struct flow *flow, enum parcel_kind kind,
                        long long due_ms);

// Drops what waits, and appends a reset, which is the last parcel.
void flow_reset(struct flow *flow, uint32_t error, long long due_ms);

// Drops the first parcel, or all of them.
void flow_drop_first(struct flow *flow);
void flow_clear(struct flow *flow);

// Both copy.
void parcel_add_field(struct parcel *parcel, const nghttp2_nv *field);
void parcel_set_bytes(struct parcel *parcel, const uint8_t *bytes, size_t size);

#endif
