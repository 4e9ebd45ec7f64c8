// SPDX-License-Identifier: Apache-2.0
//
// Unary calls one after the other, on a connection of their own: what a command
// that asks something and is done is made of. Each call runs the loop until it
// is over.
//
// Thread: the owner's, who has no other loop running.

#ifndef CTL_UNARY_H
#define CTL_UNARY_H

#include "ctl/client.h"
#include "ctl/ctl_options.h"

struct unary {
    const struct ctl_options *options;
    uv_loop_t loop;
    struct client client;
    struct client_call call;
    // Of the call: whether it is over, its bytes, and the exit code.
    bool is_over;
    ProtobufCMessage *answer;
    int exit_code;
};

// Borrows the options. Returns false, and says so, if there is no way to begin;
// then there is nothing to close.
__attribute__((warn_unused_result)) bool
unary_open(struct unary *unary, const struct ctl_options *options);

// Makes a call, with the options' timeout, and waits for its end. Returns the
// answer, borrowed until the next call or the end, or NULL: then the failure
// was printed, and `exit_code` is what to exit with.
const ProtobufCMessage *unary_call(struct unary *unary,
                                   const struct client_request *request);

void unary_close(struct unary *unary);

#endif
