// SPDX-License-Identifier: Apache-2.0
//
// What Confirm has promised: until when an instance that was told that it leads
// may act as the leader, whatever happens to its stream. A successor that was
// elected by a command waits that out.
//
// Promises are kept by election and holder, so that a holder can give its own
// up. Of an election with many, the oldest become one that nobody can give up.
// What an earlier life of the daemon has promised is not known here, and is
// over after the longest time that can be promised.
//
// Thread: the loop's. Times are those of lease_clock_ms().

#ifndef SERVICES_PROMISES_H
#define SERVICES_PROMISES_H

#include <stdbool.h>
#include <stdint.h>

#include "electd/election.h"

// The longest grace, and so the longest promise.
#define PROMISE_MS_MAX (10 * 60 * 1000)

// How many holders of one election are told apart.
#define PROMISES_HOLDERS_MAX 16

struct promise_list;

struct promises {
    // In the order in which they are looked through for what is over.
    struct promise_list *by_election;
    uint64_t begun_ms;
};

struct promise_holder {
    struct electd_name candidate;
    // Not empty.
    struct electd_name instance;
};

void promises_init(struct promises *promises, uint64_t now_ms);
void promises_close(struct promises *promises);

// Notes that the holder may act until then. Copies the names. False when out of
// memory: nothing may be promised.
__attribute__((warn_unused_result)) bool
promises_note(struct promises *promises, uint64_t election,
              struct promise_holder holder, uint64_t until_ms, uint64_t now_ms);

// The holder itself says that it does not act beyond then.
void promises_limit(struct promises *promises, uint64_t election,
                    struct promise_holder holder, uint64_t until_ms);

// For how long anybody but this holder may act, at most. False: that is not
// known. An empty instance is no holder.
__attribute__((warn_unused_result)) bool
promises_left_ms(struct promises *promises, uint64_t election,
                 struct promise_holder holder, uint64_t now_ms,
                 uint64_t *left_ms);

#endif
