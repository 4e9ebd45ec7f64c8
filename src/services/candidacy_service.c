// SPDX-License-Identifier: Apache-2.0
//
// Happy path: a call of Campaign becomes a campaign, one of Confirm a confirm;
// each change is told to the streams of its election, and ends those whose
// candidate is out.
//
// Failure modes: a stream whose entry was replaced ends before the others hear
// of the change, which it does not hear: its name leads, and it does not. When
// there is no memory to tell a change, all streams of the election end.

#include "services/candidacy_service.h"

#include <assert.h>

#include "base/container_of.h"
#include "lease/clock.h"
#include "services/campaign.h"
#include "services/campaign_answer.h"
#include "services/confirm.h"

typedef Electd__V1__Candidacy_Service generated_service;

static void candidacy_campaign(generated_service *base,
                               const Electd__V1__CampaignRequest *request,
                               Electd__V1__CampaignResponse_Closure closure,
                               void *closure_data)
{
    struct campaign *campaign =
        container_of(closure_data, struct campaign, watching.call);

    (void)closure;
    campaign->service = container_of(base, struct candidacy_service, base);
    campaign_begin(campaign, request);
}

static void candidacy_confirm(generated_service *base,
                              const Electd__V1__ConfirmRequest *request,
                              Electd__V1__ConfirmResponse_Closure closure,
                              void *closure_data)
{
    struct confirm *confirm = container_of(closure_data, struct confirm, call);

    (void)closure;
    confirm->service = container_of(base, struct candidacy_service, base);
    confirm_begin(confirm, request);
}

// What a stream is told whose candidate is out.
static const char *candidacy_farewell(enum electd_reason reason)
{
    switch (reason) {
    case ELECTD_WITHDRAWN:
        return "the candidate was withdrawn by a call of Withdraw";
    case ELECTD_EVICTED:
        return "the candidate was evicted by a call of Evict";
    case ELECTD_CLOSED:
        return "the candidate's session closed the election";
    case ELECTD_UNCHANGED:
    case ELECTD_ENTERED:
    case ELECTD_ANOINTED:
    case ELECTD_PROMOTED:
    case ELECTD_DEMOTED:
    case ELECTD_EXPIRED:
    case ELECTD_DISCONNECTED:
    case ELECTD_REPLACED:
        break;
    }
    return "the candidate is no longer in the election";
}

// The stream by whose entry the leader leads, or NULL.
static struct campaign *
candidacy_leading(const struct candidacy_service *service,
                  const struct electd_election *election)
{
    const struct electd_candidate *leader = electd_election_leading(election);

    if (leader == NULL) {
        return NULL;
    }
    return campaign_of_entry(service, electd_election_name(election),
                             electd_candidate_name(leader),
                             electd_candidate_entry(leader));
}

// Tells the stream that leads, if it is one that does. False when out of
// memory.
static bool candidacy_tell_leading(struct candidacy_service *service,
                                   const struct campaign_news *news,
                                   struct campaign *leading)
{
    struct payload *payload;

    if (leading == NULL) {
        return true;
    }
    payload = campaign_answer(service, news, leading);
    if (payload == NULL) {
        return false;
    }
    watcher_offer(&leading->watching.watcher, payload);
    payload_unref(payload);
    return true;
}

// False when out of memory.
static bool candidacy_publish(struct candidacy_service *service,
                              const struct electd_outcome *outcome)
{
    const struct campaign_news news = {outcome->election, outcome->reason,
                                       outcome->previous_leader};
    struct campaign *leading = candidacy_leading(service, outcome->election);
    struct payload *payload = campaign_answer(service, &news, NULL);
    bool is_told =
        payload != NULL && candidacy_tell_leading(service, &news, leading);

    if (is_told) {
        watch_hub_publish_others(
            &service->watchers, electd_election_number(outcome->election),
            payload, leading != NULL ? &leading->watching.watcher : NULL);
    }
    payload_unref(payload);
    return is_told;
}

static void candidacy_dismiss_departed(struct candidacy_service *service,
                                       const struct electd_outcome *outcome)
{
    const struct electd_candidate *departed = outcome->departed;
    struct campaign *campaign;

    for (; departed != NULL; departed = electd_candidate_next(departed)) {
        campaign = campaign_of_entry(
            service, electd_election_name(outcome->election),
            electd_candidate_name(departed), electd_candidate_entry(departed));
        if (campaign != NULL) {
            campaign_dismiss(campaign, candidacy_farewell(outcome->reason));
        }
    }
}

void candidacy_service_change(struct candidacy_service *service,
                              const struct electd_outcome *outcome)
{
    const struct electd_election *election = outcome->election;
    uint64_t topic = electd_election_number(election);
    bool is_told = true;

    if (outcome->reason == ELECTD_REPLACED) {
        candidacy_service_replaced(service, electd_election_name(election),
                                   electd_election_leader(election),
                                   outcome->replaced_entry);
    }
    if (watch_hub_has(&service->watchers, topic)) {
        is_told = candidacy_publish(service, outcome);
    }
    candidacy_dismiss_departed(service, outcome);
    if (!is_told) {
        watch_hub_end_topic(&service->watchers, topic, WATCH_UNTOLD);
    }
}

void candidacy_service_replaced(struct candidacy_service *service,
                                struct electd_name election,
                                struct electd_name candidate,
                                uint64_t replaced_entry)
{
    struct campaign *campaign =
        campaign_of_entry(service, election, candidate, replaced_entry);

    if (campaign != NULL) {
        campaign_dismiss_now(campaign,
                             "the candidate entered again, by a call of Enter");
    }
}

void candidacy_service_overdue(struct candidacy_service *service,
                               struct electd_name election,
                               struct electd_name candidate, uint64_t entry)
{
    struct campaign *campaign =
        campaign_of_entry(service, election, candidate, entry);

    if (campaign != NULL) {
        campaign_overdue(campaign);
    }
}

static const generated_service candidacy_handlers =
    ELECTD__V1__CANDIDACY__INIT(candidacy_);

void candidacy_service_init(struct candidacy_service *service,
                            struct store *store, struct lease_table *leases,
                            struct term_cache *terms,
                            const struct service_options *options)
{
    *service = (struct candidacy_service){
        .base = candidacy_handlers,
        .store = store,
        .leases = leases,
        .terms = terms,
        .limits = options->limits,
        .life = options->life,
    };
    promises_init(&service->promises, lease_clock_ms());
    // The streams are limited by their places.
    watch_hub_init(&service->watchers, UINT32_MAX);
}

void candidacy_service_serve(struct candidacy_service *service,
                             struct service_host *host)
{
    size_t call_size = sizeof(struct campaign) > sizeof(struct confirm)
                           ? sizeof(struct campaign)
                           : sizeof(struct confirm);

    service_host_serve(host, "electd.v1.Candidacy", &service->base.base,
                       call_size);
}

void candidacy_service_stop(struct candidacy_service *service)
{
    watch_hub_end(&service->watchers);
}

void candidacy_service_close(struct candidacy_service *service)
{
    assert(service->campaigns == NULL);
    assert(service->watchers.watchers == 0);
    assert(service->places == 0);
    promises_close(&service->promises);
}
