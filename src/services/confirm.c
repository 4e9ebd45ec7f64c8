// SPDX-License-Identifier: Apache-2.0
//
// Happy path: the store reads the election; if exactly this instance leads in
// exactly this term, the answer is what no lease takes away before: the grace
// of its open stream, or what is left of the grace after it, less a fifth.
//
// Why that holds: the client counts from before it sent the request, which is
// before this is read; the grace begins when the stream ends, which is later
// still, or has begun, and then only its rest counts. The fifth is for clocks
// that run at different rates.
//
// Failure modes: in all other cases the answer is 0, and not an error. What was
// promised is noted first, for whoever leads next; without memory for that it
// is not promised.

#include "services/confirm.h"

#include <string.h>

#include "base/container_of.h"
#include "lease/clock.h"
#include "services/campaign.h"
#include "services/campaign_answer.h"
#include "services/candidacy_service.h"
#include "services/failure.h"
#include "services/name.h"

// The part of a lease that is kept back for the rates of two clocks.
#define CONFIRM_CLOCKS 5

static bool confirm_is_equal(struct electd_name one, struct electd_name other)
{
    return one.size == other.size &&
           memcmp(one.bytes, other.bytes, one.size) == 0;
}

static bool confirm_leads(const struct confirm *confirm,
                          const struct electd_election *election)
{
    const struct electd_candidate *leader = electd_election_leading(election);

    return leader != NULL && electd_election_term(election) == confirm->term &&
           confirm_is_equal(electd_candidate_name(leader),
                            confirm->candidate) &&
           confirm_is_equal(electd_candidate_instance(leader),
                            confirm->instance);
}

// How long the leader's lease keeps it in at the least, from now on.
static uint64_t confirm_lease_ms(const struct confirm *confirm,
                                 const struct electd_election *election)
{
    const struct candidacy_service *service = confirm->service;
    uint64_t entry = electd_candidate_entry(electd_election_leading(election));
    const struct campaign *campaign = campaign_of_entry(
        service, electd_election_name(election), confirm->candidate, entry);

    if (service->watchers.ended) {
        // The daemon stops.
        return 0;
    }
    return campaign != NULL ? campaign->grace_ms
                            : lease_left_ms(service->leases, entry);
}

// Notes what is about to be promised. False when out of memory.
static bool confirm_note(const struct confirm *confirm,
                         const struct electd_election *election,
                         uint64_t lease_ms)
{
    struct promise_holder holder = {confirm->candidate, confirm->instance};
    uint64_t now_ms = lease_clock_ms();

    // With the fifth, since the client's clock may be slow; and a millisecond
    // for the one that has begun.
    return lease_ms == 0 ||
           promises_note(&confirm->service->promises,
                         electd_election_number(election), holder,
                         now_ms + lease_ms + 1, now_ms);
}

// Its stream is confirmed, leading or waiting, whatever the term.
static void confirm_renew(const struct confirm *confirm,
                          const struct electd_election *election)
{
    const struct campaign *campaign =
        campaign_of_instance(confirm->service, electd_election_name(election),
                             confirm->candidate, confirm->instance);

    if (campaign != NULL && campaign->confirm_within_ms > 0) {
        lease_renew(confirm->service->leases, campaign->entry);
    }
}

static void confirm_answer(struct confirm *confirm,
                           const struct electd_election *election)
{
    Electd__V1__ConfirmResponse rest = ELECTD__V1__CONFIRM_RESPONSE__INIT;
    Google__Protobuf__Duration valid_for;
    struct payload *payload = NULL;
    uint64_t lease_ms = 0;

    rest.leads = confirm_leads(confirm, election);
    if (rest.leads) {
        lease_ms = confirm_lease_ms(confirm, election);
    }
    campaign_put_duration(&valid_for, lease_ms - lease_ms / CONFIRM_CLOCKS);
    rest.valid_for = &valid_for;
    rest.life = (char *)(uintptr_t)confirm->service->life;
    if (confirm_note(confirm, election, lease_ms)) {
        payload =
            term_cache_encode(confirm->service->terms, election, &rest.base);
    }
    if (payload == NULL) {
        service_call_end(&confirm->call, RPC_RESOURCE_EXHAUSTED,
                         "out of memory");
        return;
    }
    service_call_answer(&confirm->call, payload);
    payload_unref(payload);
}

static void confirm_done_cb(struct store_request *request,
                            enum electd_status status,
                            const struct electd_outcome *outcome)
{
    struct confirm *confirm = container_of(request, struct confirm, request);
    char text[FAILURE_TEXT_SIZE];
    enum rpc_code code;

    if (status != ELECTD_OK) {
        code = failure_of(status, &confirm->service->limits,
                          request->command.election, text);
        service_call_end(&confirm->call, code, text);
        return;
    }
    confirm_renew(confirm, outcome->election);
    confirm_answer(confirm, outcome->election);
}

// NULL if all is well, otherwise what is wrong, in `problem` or static.
static const char *confirm_check(struct confirm *confirm,
                                 const Electd__V1__ConfirmRequest *request,
                                 struct name_problem *problem)
{
    if (request->id == NULL) {
        return "id is missing";
    }
    if (!name_check("id.name", request->id->name,
                    &confirm->request.command.election, problem) ||
        !name_check("candidate", request->candidate, &confirm->candidate,
                    problem) ||
        !name_check("instance", request->instance, &confirm->instance,
                    problem)) {
        return problem->text;
    }
    confirm->term = request->term;
    return NULL;
}

void confirm_begin(struct confirm *confirm,
                   const Electd__V1__ConfirmRequest *request)
{
    struct name_problem problem;
    const char *wrong = confirm_check(confirm, request, &problem);

    if (wrong != NULL) {
        service_call_end(&confirm->call, RPC_INVALID_ARGUMENT, wrong);
        return;
    }
    confirm->request.command.operation = ELECTD_GET_TERM;
    confirm->request.done_cb = confirm_done_cb;
    store_submit(confirm->service->store, &confirm->request);
}
