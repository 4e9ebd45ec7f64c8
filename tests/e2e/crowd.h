// SPDX-License-Identifier: Apache-2.0
//
// An election of many candidates with long names: each of its terms is some
// 25 KiB on the wire, more than a stream's window, so that a reader that stops
// reading stalls its stream at once.

#ifndef E2E_CROWD_H
#define E2E_CROWD_H

#include <stdint.h>

#include "support/client.h"

#define CROWD_CANDIDATES 100

struct crowd {
    struct client *client;
    // As the last call has told it.
    uint64_t term;
};

// Creates the election "crowd" and enters all of them. Borrows the client.
void crowd_init(struct crowd *crowd, struct client *client);

// Makes the second the leader, or the first again: one change, one term more.
void crowd_change(struct crowd *crowd);

// The next message is a term of the crowd; returns its number, or 0 at the
// deadline.
uint64_t crowd_next(struct stream *stream, unsigned deadline_ms);

#endif
