// SPDX-License-Identifier: Apache-2.0
//
// Messages in gRPC's form and in ours.

#ifndef RPC_MESSAGE_H
#define RPC_MESSAGE_H

#include <grpc/grpc.h>

#include "base/payload.h"

// Returns owned: a buffer that shares the payload's bytes. Each send needs one
// of its own, since gRPC empties the buffer that it sends.
grpc_byte_buffer *rpc_message_from(struct payload *payload);

// Returns owned: the bytes of a received buffer in one piece, shared with it
// where it is in one piece already.
grpc_slice rpc_message_slice(grpc_byte_buffer *buffer);

#endif
