// SPDX-License-Identifier: Apache-2.0
//
// Calls without a transport, for tests of services alone: what is done with
// them is written into a log. To be included by one test's file, in which these
// functions take the place of the room rpc's.

#ifndef UNIT_FAKE_RPC_H
#define UNIT_FAKE_RPC_H

#include "rpc/call.h"
#include "rpc/server.h"
#include "text.h"

struct rpc_call {
    // How the log calls it.
    char name;
    // The peer has gone.
    bool is_closed;
    // The service has ended it.
    bool is_ended;
};

// " A:7" for a message of that size, " A:end:8:why" for an end.
static struct text fake_rpc_log;

const struct rpc_method *rpc_call_method(const struct rpc_call *call)
{
    static const struct rpc_method method = {.shape = RPC_SERVER_STREAM};

    (void)call;
    return &method;
}

uint64_t rpc_call_session(struct rpc_call *call)
{
    (void)call;
    return 1;
}

void rpc_call_open(struct rpc_call *call)
{
    (void)call;
}

void rpc_call_send(struct rpc_call *call, struct payload *payload)
{
    text_add(&fake_rpc_log, " %c:%zu", call->name, payload->size);
}

void rpc_call_end(struct rpc_call *call, enum rpc_code code,
                  const char *message)
{
    call->is_ended = true;
    text_add(&fake_rpc_log, " %c:end:%d:%s", call->name, (int)code, message);
}

bool rpc_call_is_closed(const struct rpc_call *call)
{
    return call->is_closed;
}

// What services can do besides, which no test here asks for.
void rpc_call_answer(struct rpc_call *call, struct payload *payload)
{
    (void)call;
    (void)payload;
}

void rpc_call_read(struct rpc_call *call)
{
    (void)call;
}

void *rpc_call_context(struct rpc_call *call)
{
    (void)call;
    return NULL;
}

bool rpc_call_metadata(const struct rpc_call *call, const char *name,
                       struct rpc_message *value)
{
    (void)call;
    (void)name;
    (void)value;
    return false;
}

size_t rpc_call_metadata_count(const struct rpc_call *call)
{
    (void)call;
    return 0;
}

void rpc_call_metadata_at(const struct rpc_call *call, size_t index,
                          struct rpc_message *name, struct rpc_message *value)
{
    (void)call;
    (void)index;
    (void)name;
    (void)value;
}

void rpc_server_add(struct rpc_server *server, const struct rpc_method *method)
{
    (void)server;
    (void)method;
}

#endif
