// SPDX-License-Identifier: Apache-2.0
//
// The requests that electctl makes, each with all that it points at.
//
// Messages that are the same on the wire are one here: six of them are an
// election and a candidate, three of them an election alone, and every answer
// but two is a term, under one number.
//
// Thread: the owner's. A request must stay where it was made.

#ifndef CTL_REQUEST_H
#define CTL_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "atomix/runtime/election/v1/election.pb-c.h"
#include "ctl/client.h"
#include "electd/v1/candidacy.pb-c.h"

// The methods of LeaderElection.
#define REQUEST_PATH(method)                                                   \
    "/atomix.runtime.election.v1.LeaderElection/" method

// The methods of Candidacy.
#define REQUEST_CANDIDACY_PATH(method) "/electd.v1.Candidacy/" method

// The shortest and the longest time to live, and the longest grace.
#define REQUEST_TTL_MS_MIN 100
#define REQUEST_TTL_MS_MAX 3600000
#define REQUEST_GRACE_MS_MAX 600000
// The shortest and the longest time between two Confirms.
#define REQUEST_CONFIRM_WITHIN_MS_MIN 100
#define REQUEST_CONFIRM_WITHIN_MS_MAX 600000

// A term as an answer, whichever: of Watch too, but not of Campaign.
typedef Atomix__Runtime__Election__V1__GetTermResponse request_term_answer;

struct request {
    // For client_call_start(). Its timeout is 0, for the owner to set.
    struct client_request client;
    // What the message below points at, besides what was given.
    Atomix__Runtime__V1__PrimitiveId id;
    Google__Protobuf__Duration grace;
    Google__Protobuf__Duration confirm_within;
    char ttl_text[24];
    union {
        Atomix__Runtime__Election__V1__CreateRequest create;
        Atomix__Runtime__Election__V1__EnterRequest candidate;
        Atomix__Runtime__Election__V1__GetTermRequest election;
        Electd__V1__CampaignRequest campaign;
        Electd__V1__ConfirmRequest confirm;
    } message;
};

// All of these borrow the texts for as long as the request is used.

// Create; there may be no tags.
void request_create(struct request *request, const char *election,
                    const char *const *tags, size_t tags_count);

// Close.
void request_close(struct request *request, const char *election);

// GetTerm or Watch, by its path. The answer is a request_term_answer.
void request_term(struct request *request, const char *path,
                  const char *election);

// Enter, Withdraw, Anoint, Promote, Demote or Evict, by its path. The answer is
// a request_term_answer.
void request_candidate(struct request *request, const char *path,
                       const char *election, const char *candidate);

// Gives the candidate that is to Enter a time to live.
void request_set_ttl(struct request *request, uint64_t ttl_ms);

// Campaign, without a grace or an instance.
void request_campaign(struct request *request, const char *election,
                      const char *candidate);
void request_set_grace(struct request *request, uint64_t grace_ms);
void request_set_instance(struct request *request, const char *instance);
// The campaign promises to Confirm that often. Needs an instance.
void request_set_confirm_within(struct request *request,
                                uint64_t confirm_within_ms);

// Confirm: may this instance of the candidate act as the leader of `term`?
void request_confirm(struct request *request, const char *election,
                     const char *candidate, const char *instance,
                     uint64_t term);

// A duration of an answer in whole milliseconds, rounded down; 0 if it is
// absent or negative.
uint64_t request_duration_ms(const Google__Protobuf__Duration *duration);

#endif
