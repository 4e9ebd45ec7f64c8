// SPDX-License-Identifier: Apache-2.0
//
// Campaigns as a story, as story.h tells elections. What a Campaign's stream
// brings is told as "REASON term leader [queue] rREVISION was PREVIOUS":
//
//     stream = campaign(client, candidacy_of("a", "n1", NULL));
//     expect_news(stream, "CURRENT 1 n1 [] r1");
//     tell(client, "Enter a n2");
//     expect_news(stream, "ENTERED 1 n1 [n2] r2 was n1");
//     expect_news(stream, "ABORTED: ...");

#ifndef SUPPORT_CANDIDACY_H
#define SUPPORT_CANDIDACY_H

#include "support/client.h"

#define CANDIDACY_PATH "/electd.v1.Candidacy/Campaign"
#define CONFIRM_PATH "/electd.v1.Candidacy/Confirm"
#define CANDIDACY_NAME_SIZE 256
#define CANDIDACY_QUEUE_MAX 512

// A request; NULL leaves out what it may.
struct candidacy {
    const char *election;
    const char *candidate;
    const char *instance;
    // The grace is left out if they are all 0.
    int64_t grace_s;
    int32_t grace_ns;
    int32_t grace_ms;
    // Left out if it is 0.
    int32_t confirm_within_ms;
};

// A request without a grace; NULL for no instance.
struct candidacy candidacy_of(const char *election, const char *candidate,
                              const char *instance);

// Starts a Campaign, without waiting for anything.
struct stream *campaign(struct client *client, struct candidacy candidacy);

// The stream's next message, or its end.
void expect_news(struct stream *stream, const char *news);

// The stream has nothing to tell by now.
void expect_no_news(struct stream *stream);

// The stream's next message is this, and says that its own entry leads, or that
// it does not.
void expect_leads(struct stream *stream, const char *news);
void expect_follows(struct stream *stream, const char *news);

// How many milliseconds the stream's next message gives earlier leaders; -1 if
// it does not know.
int64_t candidacy_earlier_ms(struct stream *stream);

// Calls Confirm; what came back as "leads in term 1: 8000 ms", "does not lead
// in term 1: 0 ms", or as a failure. Owned.
char *confirm(struct client *client, const char *candidate,
              const char *instance, uint64_t term);
void expect_confirm(struct client *client, const char *candidate,
                    const char *instance, uint64_t term, const char *told);

// The milliseconds of an answer that must say that it leads.
int64_t confirmed_ms(struct client *client, const char *candidate,
                     const char *instance, uint64_t term);

// The next message, or the end, as text, owned; NULL at the deadline.
char *candidacy_next(struct stream *stream, unsigned deadline_ms);

// A message, taken apart.
struct candidacy_news {
    // "ENTERED", and so on; empty for the end of the stream, of which nothing
    // else is told.
    char reason[32];
    uint64_t term;
    uint64_t revision;
    char leader[CANDIDACY_NAME_SIZE];
    char previous_leader[CANDIDACY_NAME_SIZE];
    unsigned queue_count;
    char queue[CANDIDACY_QUEUE_MAX][CANDIDACY_NAME_SIZE];
};

// Waits for the next message, which must be one, or the stream's end.
void candidacy_read(struct stream *stream, struct candidacy_news *news);

// Checks of two messages in a row what must hold of any: the revisions have no
// gap, the term goes up exactly when somebody becomes leader, the previous
// leader is the one that led, and nobody stands in it twice.
void candidacy_check(const struct candidacy_news *before,
                     const struct candidacy_news *after);

#endif
