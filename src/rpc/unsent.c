// SPDX-License-Identifier: Apache-2.0
//
// Happy path:
// - C-core completes the batch of an answer when the client's flow control and
//   the socket have taken all of it. Until then the answer counts, with the
//   server and, once that has much, with its connection.
// - A connection at its limit gets no new answers: its calls wait, in their
//   order, and a call that is released lets the next ones begin.
//
// Failure modes:
// - A client that never reads: its calls wait until it has gone. HTTP/2's limit
//   on streams ends that, and for a client that has not acknowledged the limit
//   the one here: calls beyond it are cancelled.
// - A client that cancels a call that waits, or goes: the call is dropped and
//   never begun.
// - Out of memory: ends the process, as in C-core.

#include "rpc/unsent.h"

#include <grpc/support/alloc.h>
#define uthash_malloc(size) gpr_malloc(size)
#define uthash_free(memory, size) gpr_free(memory)
#include <uthash.h>
#include <utlist.h>

#include "rpc/call_private.h"
#include "rpc/session.h"

// As long as no more than this waits in all, nobody asks whose it is.
#define RPC_UNSENT_CALM (64 * 1024)
#define RPC_UNSENT_CALM_CALLS 1024

// How many begin in one go, so that others get their turn.
#define RPC_UNSENT_BEGIN_MAX 16

// A connection that has calls which are counted.
struct rpc_backlog {
    uint64_t session;
    size_t size;
    // Those that wait included.
    unsigned calls;
    // A list by `prev_waiting` and `next_waiting`.
    struct rpc_call *waiting;
    bool is_beginning;
    UT_hash_handle hh;
};

static bool rpc_unsent_is_calm(const struct rpc_unsent *unsent)
{
    return unsent->size < RPC_UNSENT_CALM &&
           unsent->calls < RPC_UNSENT_CALM_CALLS;
}

// What is not counted for any connection may be this one's.
static bool rpc_backlog_is_full(const struct rpc_backlog *backlog)
{
    return backlog->size + RPC_UNSENT_CALM >= RPC_UNSENT_MAX;
}

// Counts a call for its connection.
static void rpc_unsent_attribute(struct rpc_call *call)
{
    struct rpc_unsent *unsent = &call->server->unsent;
    uint64_t session = rpc_call_session(call);
    struct rpc_backlog *backlog;

    HASH_FIND(hh, unsent->backlogs, &session, sizeof session, backlog);
    if (backlog == NULL) {
        backlog = gpr_zalloc(sizeof *backlog);
        backlog->session = session;
        HASH_ADD(hh, unsent->backlogs, session, sizeof session, backlog);
    }
    backlog->calls++;
    call->backlog = backlog;
}

bool rpc_unsent_admit(struct rpc_call *call)
{
    struct rpc_backlog *backlog;

    if (rpc_unsent_is_calm(&call->server->unsent)) {
        return true;
    }
    rpc_unsent_attribute(call);
    backlog = call->backlog;
    if (backlog->calls > RPC_STREAMS_MAX) {
        rpc_call_abandon(call);
        return false;
    }
    if (!rpc_call_is_unary(call) ||
        (backlog->waiting == NULL && !rpc_backlog_is_full(backlog))) {
        return true;
    }
    call->waits = true;
    DL_APPEND2(backlog->waiting, call, prev_waiting, next_waiting);
    // Or else nobody would notice when its client has gone.
    rpc_call_listen(call);
    return false;
}

void rpc_unsent_add(struct rpc_call *call, size_t size)
{
    struct rpc_unsent *unsent = &call->server->unsent;

    if (call->backlog == NULL && !rpc_unsent_is_calm(unsent)) {
        rpc_unsent_attribute(call);
    }
    call->is_unsent = true;
    call->unsent_size = size;
    unsent->calls++;
    unsent->size += size;
    if (call->backlog != NULL) {
        call->backlog->size += size;
    }
}

static void rpc_unsent_unlink(struct rpc_call *call)
{
    call->waits = false;
    DL_DELETE2(call->backlog->waiting, call, prev_waiting, next_waiting);
}

void rpc_unsent_drop(struct rpc_call *call)
{
    rpc_unsent_unlink(call);
    call->ended = true;
}

// Each begun call lets others begin when it is released.
static void rpc_backlog_begin(struct rpc_backlog *backlog)
{
    for (unsigned i = 0; i < RPC_UNSENT_BEGIN_MAX; i++) {
        struct rpc_call *call = backlog->waiting;

        if (call == NULL || rpc_backlog_is_full(backlog)) {
            return;
        }
        rpc_unsent_unlink(call);
        rpc_call_begin(call);
    }
}

void rpc_unsent_remove(struct rpc_call *call)
{
    struct rpc_unsent *unsent = &call->server->unsent;
    struct rpc_backlog *backlog = call->backlog;

    if (call->is_unsent) {
        unsent->calls--;
        unsent->size -= call->unsent_size;
    }
    if (backlog == NULL) {
        return;
    }
    backlog->size -= call->unsent_size;
    backlog->calls--;
    if (backlog->is_beginning) {
        return;
    }
    backlog->is_beginning = true;
    rpc_backlog_begin(backlog);
    backlog->is_beginning = false;
    if (backlog->calls == 0) {
        HASH_DEL(unsent->backlogs, backlog);
        gpr_free(backlog);
    }
}
