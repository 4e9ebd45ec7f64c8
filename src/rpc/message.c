// SPDX-License-Identifier: Apache-2.0

#include "rpc/message.h"

#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>

// On any of gRPC's threads.
static void rpc_message_release_cb(void *payload)
{
    payload_unref(payload);
}

// A few bytes fit into the slice itself; more are shared.
static grpc_slice rpc_message_slice_of(struct payload *payload)
{
    if (payload->size <= GRPC_SLICE_INLINED_SIZE) {
        return grpc_slice_from_copied_buffer((const char *)payload->bytes,
                                             payload->size);
    }
    return grpc_slice_new_with_user_data(payload->bytes, payload->size,
                                         rpc_message_release_cb,
                                         payload_ref(payload));
}

grpc_byte_buffer *rpc_message_from(struct payload *payload)
{
    grpc_slice slice = rpc_message_slice_of(payload);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);

    grpc_slice_unref(slice);
    return buffer;
}

grpc_slice rpc_message_slice(grpc_byte_buffer *buffer)
{
    grpc_byte_buffer_reader reader;
    grpc_slice slice;
    int readable;

    // Fails for nothing that gRPC itself has received.
    readable = grpc_byte_buffer_reader_init(&reader, buffer);
    assert(readable);
    if (buffer->data.raw.slice_buffer.count != 1 ||
        !grpc_byte_buffer_reader_next(&reader, &slice)) {
        slice = grpc_byte_buffer_reader_readall(&reader);
    }
    grpc_byte_buffer_reader_destroy(&reader);
    return slice;
}
