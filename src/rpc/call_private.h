// SPDX-License-Identifier: Apache-2.0
//
// A call from the inside: what arrival.c and call.c share.

#ifndef RPC_CALL_PRIVATE_H
#define RPC_CALL_PRIVATE_H

#include <grpc/grpc.h>
#include <stddef.h>

#include "rpc/call.h"
#include "rpc/server.h"

struct rpc_call {
    struct rpc_server *server;
    const struct rpc_registration *registration;
    grpc_call *call;
    // Where C-core leaves what it received.
    gpr_timespec deadline;
    grpc_metadata_array metadata;
    grpc_call_details *details;
    grpc_byte_buffer *received;
    int cancelled;
    // One tag for each kind of batch, none of which is pending twice.
    struct rpc_tag arrived_tag;
    struct rpc_tag opened_tag;
    struct rpc_tag sent_tag;
    struct rpc_tag read_tag;
    struct rpc_tag finished_tag;
    struct rpc_tag closed_tag;
    unsigned pending;
    // RECV_CLOSE_ON_SERVER was started: at the beginning of a stream, or along
    // with the end of what has no other way to notice.
    bool listening;
    // It was handed to its owner, rather than refused.
    bool is_open;
    bool opened;
    bool sending;
    // The owner is done with it.
    bool ended;
    // The peer of a stream has gone.
    bool gone;
    // Its connection, once answers wait there; see unsent.h.
    struct rpc_backlog *backlog;
    struct rpc_call *prev_waiting;
    struct rpc_call *next_waiting;
    size_t unsent_size;
    bool is_unsent;
    bool waits;
    enum rpc_code code;
    grpc_slice status_message;
    max_align_t context[];
};

// The tags of all batches behind the arrival.
void rpc_call_init(struct rpc_call *call);

// Starts the batch that is done when the peer has gone.
void rpc_call_listen(struct rpc_call *call);

// Starts a batch. A refused one leaves nothing pending; the call is cancelled
// then, and closes.
void rpc_call_start(struct rpc_call *call, const grpc_op *ops, size_t count,
                    struct rpc_tag *tag);

// So is a call of a method that nobody added.
bool rpc_call_is_unary(const struct rpc_call *call);

// Hands the call to its owner, unless it is to end at once.
void rpc_call_begin(struct rpc_call *call);

// Ends the call without an answer, nor room for one.
void rpc_call_abandon(struct rpc_call *call);

// Releases the call if it has ended and nothing is pending.
void rpc_call_settle(struct rpc_call *call);

// Frees the call, which must have nothing pending.
void rpc_call_release(struct rpc_call *call);

#endif
