// SPDX-License-Identifier: Apache-2.0
//
// The calls of `electctl run`: it makes the election if it was told to, has a
// stream by which it is a candidate, and leaves.
//
// To leave is to campaign once more, with no grace, and to end that stream at
// once. Others see the reason DISCONNECTED, which only this process can cause,
// by its instance, and which therefore says that its command is gone. Withdraw
// says less: anybody may call it, for a candidate whose command is running.
//
// Thread: the loop's. No callback runs inside the call that caused it.

#ifndef CTL_RUN_RUN_CAMPAIGN_H
#define CTL_RUN_RUN_CAMPAIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/client.h"
#include "ctl/request.h"

struct run_campaign;

struct run_campaign_callbacks {
    // Borrows the answer, in which there is a term.
    void (*answered_cb)(struct run_campaign *campaign,
                        const Electd__V1__CampaignResponse *answer);
    // The stream is over, or could not be opened.
    void (*over_cb)(struct run_campaign *campaign, int code,
                    const char *message);
    // It has left (OK), or could not.
    void (*left_cb)(struct run_campaign *campaign, int code,
                    const char *message);
};

// Borrowed. The instance may change between two calls.
struct run_candidacy {
    const char *election;
    const char *candidate;
    const char *instance;
    uint64_t grace_ms;
    uint64_t confirm_within_ms;
    bool creates;
    // Of each call, but not of the stream.
    uint64_t timeout_ms;
};

struct run_campaign {
    struct client *client;
    const struct run_campaign_callbacks *callbacks;
    const struct run_candidacy *candidacy;
    struct request create;
    struct request stream;
    struct request leave;
    // Of Create, and then of the stream.
    struct client_call call;
    struct client_call leave_call;
    // The call is under way.
    bool is_open;
    bool is_cancelled;
    bool has_left;
};

void run_campaign_init(struct run_campaign *campaign, struct client *client,
                       const struct run_candidacy *candidacy,
                       const struct run_campaign_callbacks *callbacks);

// Opens the stream. There must be none.
void run_campaign_open(struct run_campaign *campaign);

// Ends what is open; over_cb follows. There must be something.
void run_campaign_cancel(struct run_campaign *campaign);

// Leaves; left_cb follows. Not twice at once.
void run_campaign_leave(struct run_campaign *campaign);

#endif
