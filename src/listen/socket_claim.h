// SPDX-License-Identifier: Apache-2.0
//
// The sole right to listen at the path of a Unix socket.
//
// gRPC replaces whatever socket it finds at a path, so that a second daemon
// would silently take the first one's clients away. A claim therefore holds a
// lock on `PATH.lock` for as long as the socket is served, and looks at what
// is at the path before it gives the path away: only a socket that nobody
// listens on is replaced.
//
// Thread: one at a time. The claim owns the lock file, and the socket that was
// made under its protection; nothing is left of either in the end, but after a
// crash, and then the next claim takes them over.

#ifndef LISTEN_SOCKET_CLAIM_H
#define LISTEN_SOCKET_CLAIM_H

#include "base/address.h"

#define SOCKET_CLAIM_LOCK_SUFFIX ".lock"
#define SOCKET_CLAIM_LOCK_PATH_SIZE                                            \
    (ADDRESS_PATH_SIZE + sizeof SOCKET_CLAIM_LOCK_SUFFIX - 1)
// Room for any reason, with its NUL.
#define SOCKET_CLAIM_REASON_SIZE 256

struct socket_claim {
    // -1 when nothing is claimed.
    int lock_fd;
    char path[ADDRESS_PATH_SIZE];
    char lock_path[SOCKET_CLAIM_LOCK_PATH_SIZE];
};

// Claims a path of less than ADDRESS_PATH_SIZE bytes, and removes a stale
// socket from it. On failure nothing is claimed, nothing is left behind, and
// `reason` says why in a few words. Borrows the path; a relative one must mean
// the same until the release.
__attribute__((warn_unused_result)) bool
socket_claim_take(struct socket_claim *claim, const char *path,
                  char reason[SOCKET_CLAIM_REASON_SIZE]);

// Removes the socket, unless another process listens on it, and the lock file.
// For when the server is gone, or the process goes without closing it. A claim
// that was not taken, or is released, is left alone.
void socket_claim_release(struct socket_claim *claim);

#endif
