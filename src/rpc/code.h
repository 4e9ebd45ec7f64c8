// SPDX-License-Identifier: Apache-2.0
//
// How a call ends. The numbers are gRPC's own
// (https://grpc.github.io/grpc/core/md_doc_statuscodes.html); only the ones
// that this daemon gives are here.

#ifndef RPC_CODE_H
#define RPC_CODE_H

enum rpc_code {
    RPC_OK = 0,
    RPC_INVALID_ARGUMENT = 3,
    RPC_DEADLINE_EXCEEDED = 4,
    RPC_NOT_FOUND = 5,
    RPC_ALREADY_EXISTS = 6,
    RPC_RESOURCE_EXHAUSTED = 8,
    RPC_ABORTED = 10,
    RPC_UNIMPLEMENTED = 12,
    RPC_INTERNAL = 13,
    RPC_UNAVAILABLE = 14,
};

#endif
