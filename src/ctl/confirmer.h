// SPDX-License-Identifier: Apache-2.0
//
// Proves, for a candidate that campaigns, that it is alive and that it leads:
// calls Confirm a few times within the time that it promised, one call at a
// time, and says on stderr when the time that the answers allowed has run out,
// and when there is some again.
//
// An answer allows the time that it tells, counted from before it was asked
// for, by a clock that goes on while the machine is suspended. One from another
// life of the daemon than that of the Campaign allows none.
//
// Thread: the loop's.

#ifndef CTL_CONFIRMER_H
#define CTL_CONFIRMER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "ctl/client.h"
#include "ctl/request.h"

// Room for a daemon's life, with its NUL.
#define CONFIRMER_LIFE_SIZE 128

// Borrowed for as long as the confirmer lives.
struct confirmer_plan {
    const char *election;
    const char *candidate;
    const char *instance;
    uint64_t grace_ms;
    // 0: nothing is confirmed.
    uint64_t within_ms;
};

// Whether the candidate may act:
//
//   NOT_LEADING -> ASKING -> ALLOWED <-> OVER
//
// and back to NOT_LEADING from each, when the Campaign says so. ASKING becomes
// OVER when no answer comes. UNBOUND instead of ASKING: nothing ever allows
// any, nor forbids it.
enum confirmer_phase {
    CONFIRMER_NOT_LEADING,
    CONFIRMER_ASKING,
    CONFIRMER_ALLOWED,
    CONFIRMER_OVER,
    CONFIRMER_UNBOUND,
};

struct confirmer {
    const struct confirmer_plan *plan;
    struct client *client;
    struct client_call call;
    struct request request;
    uv_timer_t timer;
    enum confirmer_phase phase;
    // What the Campaign told last.
    uint64_t term;
    char life[CONFIRMER_LIFE_SIZE];
    // By boot_clock_ms(): when the call that is open was made, when the next
    // one is due, since when nothing was confirmed, and until when the
    // candidate may act.
    uint64_t sent_ms;
    uint64_t due_ms;
    uint64_t confirmed_ms;
    uint64_t act_until_ms;
    bool is_asking;
    bool is_closed;
    bool has_warned;
    void (*refused_cb)(struct confirmer *confirmer, int exit_code);
};

// Borrows the rest. Returns 0, or libuv's negative error, after which there is
// nothing to close. refused_cb comes when the daemon knows no Confirm, which
// was said on stderr.
__attribute__((warn_unused_result)) int
confirmer_init(struct confirmer *confirmer, uv_loop_t *loop,
               struct client *client, const struct confirmer_plan *plan,
               void (*refused_cb)(struct confirmer *confirmer, int exit_code));

// The Campaign's stream told this: begins with the first answer of the first
// stream.
void confirmer_hear(struct confirmer *confirmer,
                    const Electd__V1__CampaignResponse *change);

// Ends it, but not the open call, which is for the client to cancel.
void confirmer_close(struct confirmer *confirmer);

#endif
