// SPDX-License-Identifier: Apache-2.0
//
// A stream that is printed for as long as it lasts, and opened again when it
// breaks: what `watch` and `campaign` have in common.
//
// Thread: the owner's, who has no other loop running.

#ifndef CTL_FOLLOW_H
#define CTL_FOLLOW_H

#include <stdio.h>

#include "ctl/client.h"
#include "ctl/confirmer.h"
#include "ctl/ctl_options.h"

// What to follow. All of it is borrowed.
struct follow_plan {
    const struct ctl_options *options;
    const char *election;
    // A call to make first, each time; or NULL.
    const struct client_request *create;
    const struct client_request *stream;
    // A call to make last, when the process is told to end while the stream is
    // open; or NULL.
    const struct client_request *leave;
    // What to confirm, if the stream is a Campaign; or NULL.
    const struct confirmer_plan *confirm;
    // Writes the line for a message, with the daemon's life, which is empty if
    // it does not tell. A line that is the same as the one before it is not
    // printed again.
    void (*put_cb)(FILE *out, const struct follow_plan *plan,
                   const ProtobufCMessage *message, const char *life);
};

// Until SIGINT or SIGTERM, or until an error that will not pass, or until
// nobody reads the output. Returns the exit code.
int follow_run(const struct follow_plan *plan);

#endif
