// SPDX-License-Identifier: Apache-2.0
//
// Happy path: one pass of zlib over the slices of the buffer, into a slice that
// is one byte larger than a message may be.
//
// Failure modes:
// - A few KiB that become many MiB: zlib stops when the slice is full, so that
//   they cost no more than the largest message does.
// - Bytes that are no compressed data, end early, or go on after their end.
// - Out of memory: as broken data, since nothing else can be told.

#include "rpc/inflate.h"

#include <assert.h>
#include <grpc/byte_buffer_reader.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <zlib.h>

#include "rpc/message.h"

// The largest window, and a gzip header instead of zlib's.
#define RPC_WINDOW_BITS 15
#define RPC_WINDOW_GZIP 16

// One slice. False: the rest is of no interest.
static bool rpc_inflate_slice(z_stream *stream, grpc_slice *slice, int *status)
{
    stream->next_in = GRPC_SLICE_START_PTR(*slice);
    stream->avail_in = (uInt)GRPC_SLICE_LENGTH(*slice);
    if (stream->avail_in > 0) {
        // Behind the end of the data, there must be nothing.
        *status = *status == Z_STREAM_END ? Z_DATA_ERROR
                                          : inflate(stream, Z_NO_FLUSH);
    }
    return stream->avail_in == 0 && stream->avail_out > 0;
}

static enum rpc_inflated rpc_inflate_slices(z_stream *stream,
                                            grpc_byte_buffer *buffer)
{
    grpc_byte_buffer_reader reader;
    grpc_slice *slice;
    int status = Z_OK;

    // Fails for nothing that gRPC itself has received.
    (void)grpc_byte_buffer_reader_init(&reader, buffer);
    while (grpc_byte_buffer_reader_peek(&reader, &slice) != 0 &&
           rpc_inflate_slice(stream, slice, &status)) {
    }
    grpc_byte_buffer_reader_destroy(&reader);
    if (stream->avail_out == 0) {
        return RPC_INFLATED_TOO_MUCH;
    }
    return status == Z_STREAM_END && stream->avail_in == 0
               ? RPC_INFLATED
               : RPC_INFLATED_BROKEN;
}

enum rpc_inflated rpc_inflate(grpc_byte_buffer *buffer, size_t size_max,
                              grpc_slice *slice)
{
    int bits = RPC_WINDOW_BITS;
    grpc_slice room = grpc_slice_malloc(size_max + 1);
    z_stream stream = {
        .next_out = GRPC_SLICE_START_PTR(room),
        .avail_out = (uInt)GRPC_SLICE_LENGTH(room),
    };
    enum rpc_inflated result = RPC_INFLATED_BROKEN;

    assert(size_max < INT_MAX);
    if (buffer->data.raw.compression == GRPC_COMPRESS_GZIP) {
        bits += RPC_WINDOW_GZIP;
    }
    if (inflateInit2(&stream, bits) == Z_OK) {
        result = rpc_inflate_slices(&stream, buffer);
        (void)inflateEnd(&stream);
    }
    if (result == RPC_INFLATED) {
        *slice = grpc_slice_sub(room, 0, size_max + 1 - stream.avail_out);
    }
    grpc_slice_unref(room);
    return result;
}

enum rpc_code rpc_unpack(grpc_byte_buffer *received, size_t size_max,
                         grpc_slice *slice, char text[RPC_UNPACK_TEXT_SIZE])
{
    enum rpc_inflated inflated = RPC_INFLATED;

    if (received->data.raw.compression == GRPC_COMPRESS_NONE ||
        grpc_byte_buffer_length(received) == 0) {
        *slice = rpc_message_slice(received);
    } else {
        inflated = rpc_inflate(received, size_max, slice);
    }
    switch (inflated) {
    case RPC_INFLATED:
        return RPC_OK;
    case RPC_INFLATED_TOO_MUCH:
        snprintf(text, RPC_UNPACK_TEXT_SIZE,
                 "the request has more than %zu bytes, unpacked", size_max);
        return RPC_RESOURCE_EXHAUSTED;
    case RPC_INFLATED_BROKEN:
        break;
    }
    snprintf(text, RPC_UNPACK_TEXT_SIZE,
             "the compressed request cannot be unpacked");
    return RPC_INTERNAL;
}
