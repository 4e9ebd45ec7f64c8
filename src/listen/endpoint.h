// SPDX-License-Identifier: Apache-2.0
//
// What it takes to listen on an address by way of gRPC, which neither says why
// it cannot nor minds whose Unix socket it replaces: the address is resolved,
// tried and claimed here first, and gRPC gets what is sure to work.
//
// Open an endpoint, give its targets to gRPC, and only then open the next:
// that is how the second of two for the same port is noticed. Close it after
// the server is destroyed, or right before the process ends.
//
// Thread: one at a time. Resolving a name blocks.

#ifndef LISTEN_ENDPOINT_H
#define LISTEN_ENDPOINT_H

#include <netdb.h>

#include "base/address.h"
#include "listen/socket_claim.h"

// The most addresses that a name may have.
#define ENDPOINT_TARGETS_MAX 8
// With the NUL: an address each byte of which may need three.
#define ENDPOINT_URI_SIZE (3 * ADDRESS_TEXT_SIZE)
// Room for any error, with its NUL.
#define ENDPOINT_ERROR_SIZE 1024

struct endpoint_target {
    // The numeric address, or the path. Its port is 0 when gRPC is to pick one;
    // the owner puts the one that was picked here.
    struct address address;
    // The same as grpc_server_add_http2_port() takes it.
    char uri[ENDPOINT_URI_SIZE];
};

struct endpoint {
    struct endpoint_target targets[ENDPOINT_TARGETS_MAX];
    size_t targets_count;
    // Nobody outside of this machine can reach any of the targets.
    bool is_loopback;
    struct socket_claim claim;
    // One line, `cannot listen on ADDR: ...`, when opening has failed.
    char error[ENDPOINT_ERROR_SIZE];
    // The error is that another program listens there.
    bool is_in_use;
};

// Prepares to listen; borrows the address. On failure `endpoint->error` says
// why, nothing is left behind, and there is nothing to close.
//
// TCP: every address of a name is a target, and all have the same port, but
// for those that this machine lacks while it has another. Each was free a
// moment ago. `0.0.0.0` and `[::]` are one and the same to gRPC: all addresses
// of both families.
//
// Unix: one target, whose path stays claimed until the close.
__attribute__((warn_unused_result)) bool
endpoint_open(struct endpoint *endpoint, const struct address *address);

// The same for a TCP address of which a resolver has said what it stands for.
// Borrows the list.
__attribute__((warn_unused_result)) bool
endpoint_open_resolved(struct endpoint *endpoint, const struct address *address,
                       const struct addrinfo *found);

// Removes what is left of a Unix socket, and gives its path back. Does nothing
// to one that is closed, or was not opened after all.
void endpoint_close(struct endpoint *endpoint);

#endif
