// SPDX-License-Identifier: Apache-2.0
//
// Unpacks what a client has compressed, as far as the limit on messages goes
// and no further.

#ifndef RPC_INFLATE_H
#define RPC_INFLATE_H

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <stddef.h>

#include "rpc/code.h"

enum rpc_inflated {
    RPC_INFLATED,
    // More than the limit comes out of it.
    RPC_INFLATED_TOO_MUCH,
    // It is not what it says it is.
    RPC_INFLATED_BROKEN,
};

// On RPC_INFLATED the slice is the caller's; otherwise it is untouched.
enum rpc_inflated rpc_inflate(grpc_byte_buffer *buffer, size_t size_max,
                              grpc_slice *slice);

#define RPC_UNPACK_TEXT_SIZE 128

// The bytes of what came, compressed or not, in a slice that is the caller's
// on RPC_OK. Otherwise the text says to the peer why not.
enum rpc_code rpc_unpack(grpc_byte_buffer *received, size_t size_max,
                         grpc_slice *slice, char text[RPC_UNPACK_TEXT_SIZE]);

#endif
