// SPDX-License-Identifier: Apache-2.0
//
// Happy path: campaign() checks the request and becomes the one stream of its
// candidate; the store enters the candidate; the stream is registered at that
// state and hears every change. When it is over, the candidate is expired: at
// once, or when a lease as long as the grace has passed.
//
// Failure modes: a second stream for a candidate is refused, or takes over, in
// which case the first one ends when the second has entered. A candidate that
// leaves otherwise, or that enters without a stream, ends its stream with
// ABORTED, behind the change. Whatever is decided here about an entry does
// nothing to a later entry of the same candidate.

#include "services/candidacy_service.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/container_of.h"
#include "core/hash.h"
#include "services/failure.h"
#include "services/name.h"
#include "services/watching.h"

typedef Electd__V1__Candidacy_Service generated_service;
typedef Electd__V1__CampaignRequest campaign_request;
typedef Electd__V1__CampaignResponse campaign_response;
typedef Electd__V1__CampaignResponse_Closure campaign_closure;

#define CANDIDACY_GRACE_MS_MAX (10 * 60 * 1000)
#define CANDIDACY_FAREWELL_SIZE 64

// Election, NUL, candidate.
struct campaign_key {
    size_t size;
    char bytes[2 * ELECTD_NAME_SIZE_MAX + 1];
};

// One stream, as its call keeps it.
struct campaign {
    struct watching watching;
    struct candidacy_service *service;
    struct store_request request;
    // While it is the stream of its candidate.
    UT_hash_handle hh;
    bool is_listed;
    bool has_place;
    struct campaign_key key;
    char instance[ELECTD_NAME_SIZE_MAX + 1];
    // The stream that it takes over from, until that has ended; and the other
    // way round.
    struct campaign *predecessor;
    struct campaign *successor;
    // 0 until it has entered.
    uint64_t entry;
    uint32_t grace_ms;
    // It is no longer its candidate's stream, and is told so last.
    bool is_dismissed;
    enum rpc_code farewell_code;
    char farewell[CANDIDACY_FAREWELL_SIZE];
};

static void campaign_make_key(struct campaign_key *key,
                              struct electd_name election,
                              struct electd_name candidate)
{
    key->size = election.size + 1 + candidate.size;
    assert(key->size <= sizeof key->bytes);
    memcpy(key->bytes, election.bytes, election.size);
    key->bytes[election.size] = '\0';
    memcpy(key->bytes + election.size + 1, candidate.bytes, candidate.size);
}

static struct campaign *campaign_find(const struct candidacy_service *service,
                                      const struct campaign_key *key)
{
    struct campaign *found = NULL;

    HASH_FIND(hh, service->campaigns, key->bytes, (unsigned)key->size, found);
    return found;
}

// False when out of memory.
static bool campaign_list(struct campaign *campaign)
{
    HASH_ADD_KEYPTR(hh, campaign->service->campaigns, campaign->key.bytes,
                    (unsigned)campaign->key.size, campaign);
    campaign->is_listed = campaign->hh.tbl != NULL;
    return campaign->is_listed;
}

static void campaign_unlist(struct campaign *campaign)
{
    if (campaign->is_listed) {
        HASH_DELETE(hh, campaign->service->campaigns, campaign);
        campaign->is_listed = false;
    }
}

// Lets go of the streams that it had to do with.
static void campaign_forget(struct campaign *campaign)
{
    campaign_unlist(campaign);
    if (campaign->predecessor != NULL) {
        campaign->predecessor->successor = NULL;
        campaign->predecessor = NULL;
    }
    if (campaign->successor != NULL) {
        campaign->successor->predecessor = NULL;
        campaign->successor = NULL;
    }
}

static void campaign_end(struct campaign *campaign, enum rpc_code code,
                         const char *message)
{
    campaign_forget(campaign);
    if (campaign->has_place) {
        campaign->service->places--;
    }
    service_call_end(&campaign->watching.call, code, message);
}

static void campaign_fail(struct campaign *campaign, enum electd_status status)
{
    char text[FAILURE_TEXT_SIZE];
    enum rpc_code code = failure_of(status, &campaign->service->limits,
                                    campaign->request.command.election, text);

    campaign_end(campaign, code, text);
}

static void campaign_left_cb(struct store_request *request,
                             enum electd_status status,
                             const struct electd_outcome *outcome)
{
    struct campaign *campaign = container_of(request, struct campaign, request);

    (void)status;
    (void)outcome;
    campaign_end(campaign, RPC_OK, "");
}

// The stream is over; its candidate may stay for as long as the grace.
static void campaign_leave(struct campaign *campaign)
{
    const struct electd_command *command = &campaign->request.command;

    campaign_forget(campaign);
    if (campaign->grace_ms > 0 &&
        lease_begin(campaign->service->leases, campaign->entry,
                    campaign->grace_ms, command->election,
                    command->candidate) == ELECTD_OK) {
        campaign_end(campaign, RPC_OK, "");
        return;
    }
    campaign->request.command.operation = ELECTD_EXPIRE;
    campaign->request.command.entry = campaign->entry;
    campaign->request.done_cb = campaign_left_cb;
    store_submit(campaign->service->store, &campaign->request);
}

static void campaign_over_cb(struct watching *watching,
                             enum watch_ending ending)
{
    struct campaign *campaign =
        container_of(watching, struct campaign, watching);

    switch (ending) {
    case WATCH_OPEN:
        if (campaign->is_dismissed) {
            campaign_end(campaign, RPC_OK, "");
        } else {
            campaign_leave(campaign);
        }
        return;
    case WATCH_CLOSED:
        campaign_end(campaign, campaign->farewell_code, campaign->farewell);
        return;
    case WATCH_SHUT_DOWN:
        campaign_end(campaign, RPC_UNAVAILABLE, "shutting down");
        return;
    }
}

// Ends a stream, that is no longer its candidate's, with ABORTED.
static void campaign_dismiss(struct campaign *campaign, const char *why)
{
    campaign_forget(campaign);
    campaign->is_dismissed = true;
    campaign->farewell_code = RPC_ABORTED;
    snprintf(campaign->farewell, sizeof campaign->farewell, "%s", why);
    watcher_end(&campaign->watching.watcher, WATCH_CLOSED);
}

static Electd__V1__Reason campaign_reason(enum electd_reason reason)
{
    switch (reason) {
    case ELECTD_UNCHANGED:
        return ELECTD__V1__REASON__REASON_CURRENT;
    case ELECTD_ENTERED:
        return ELECTD__V1__REASON__REASON_ENTERED;
    case ELECTD_WITHDRAWN:
        return ELECTD__V1__REASON__REASON_WITHDRAWN;
    case ELECTD_EVICTED:
        return ELECTD__V1__REASON__REASON_EVICTED;
    case ELECTD_ANOINTED:
        return ELECTD__V1__REASON__REASON_ANOINTED;
    case ELECTD_PROMOTED:
        return ELECTD__V1__REASON__REASON_PROMOTED;
    case ELECTD_DEMOTED:
        return ELECTD__V1__REASON__REASON_DEMOTED;
    case ELECTD_CLOSED:
        return ELECTD__V1__REASON__REASON_CLOSED;
    case ELECTD_EXPIRED:
        return ELECTD__V1__REASON__REASON_EXPIRED;
    case ELECTD_DISCONNECTED:
        return ELECTD__V1__REASON__REASON_DISCONNECTED;
    case ELECTD_REPLACED:
        return ELECTD__V1__REASON__REASON_REPLACED;
    }
    return ELECTD__V1__REASON__REASON_UNSPECIFIED;
}

// Returns owned, or NULL when out of memory. The term is the first field of
// both messages, under one number: the cached encoding of the one is the
// beginning of the other.
static struct payload *campaign_encode(struct candidacy_service *service,
                                       const struct electd_election *election,
                                       enum electd_reason reason,
                                       struct electd_name previous_leader)
{
    struct payload *term = term_cache_get(service->terms, election);
    campaign_response rest = ELECTD__V1__CAMPAIGN_RESPONSE__INIT;
    struct payload *payload;

    if (term == NULL) {
        return NULL;
    }
    rest.reason = campaign_reason(reason);
    if (previous_leader.size > 0) {
        rest.previous_leader = (char *)(uintptr_t)previous_leader.bytes;
    }
    rest.revision = electd_election_revision(election);
    payload = payload_create(
        term->size + electd__v1__campaign_response__get_packed_size(&rest));
    if (payload != NULL) {
        memcpy(payload->bytes, term->bytes, term->size);
        electd__v1__campaign_response__pack(&rest, payload->bytes + term->size);
    }
    return payload;
}

static enum electd_status
campaign_register(struct campaign *campaign,
                  const struct electd_election *election)
{
    struct candidacy_service *service = campaign->service;
    struct payload *first = campaign_encode(service, election, ELECTD_UNCHANGED,
                                            (struct electd_name){"", 0});
    enum electd_status status;

    if (first == NULL) {
        return ELECTD_NO_MEMORY;
    }
    status = watching_begin(&campaign->watching, &service->watchers,
                            electd_election_number(election),
                            service->limits.backlog, first);
    payload_unref(first);
    return status;
}

static void campaign_failed_cb(struct store_request *request,
                               enum electd_status status,
                               const struct electd_outcome *outcome)
{
    struct campaign *campaign = container_of(request, struct campaign, request);

    (void)status;
    (void)outcome;
    campaign_end(campaign, campaign->farewell_code, campaign->farewell);
}

// Takes a candidate out again whose stream could not be registered.
static void campaign_undo(struct campaign *campaign, enum electd_status status)
{
    char text[FAILURE_TEXT_SIZE];

    campaign_forget(campaign);
    campaign->farewell_code =
        failure_of(status, &campaign->service->limits,
                   campaign->request.command.election, text);
    snprintf(campaign->farewell, sizeof campaign->farewell, "%.63s", text);
    campaign->request.command.operation = ELECTD_EXPIRE;
    campaign->request.command.entry = campaign->entry;
    campaign->request.done_cb = campaign_failed_cb;
    store_submit(campaign->service->store, &campaign->request);
}

static void campaign_entered_cb(struct store_request *request,
                                enum electd_status status,
                                const struct electd_outcome *outcome)
{
    struct campaign *campaign = container_of(request, struct campaign, request);
    struct campaign *predecessor = campaign->predecessor;

    if (predecessor != NULL) {
        campaign_dismiss(predecessor, "taken over by a newer stream");
    }
    if (status != ELECTD_OK) {
        campaign_fail(campaign, status);
        return;
    }
    campaign->entry = outcome->entry;
    lease_end(campaign->service->leases, outcome->replaced_entry);
    if (rpc_call_is_closed(campaign->watching.call.rpc)) {
        campaign_leave(campaign);
        return;
    }
    campaign->watching.over_cb = campaign_over_cb;
    status = campaign_register(campaign, outcome->election);
    if (status != ELECTD_OK) {
        campaign_undo(campaign, status);
    }
}

static bool campaign_check_grace(struct campaign *campaign,
                                 const Google__Protobuf__Duration *grace)
{
    int64_t grace_ms;

    if (grace == NULL) {
        return true;
    }
    if (grace->seconds < 0 || grace->seconds > CANDIDACY_GRACE_MS_MAX / 1000 ||
        grace->nanos < 0 || grace->nanos > 999999999) {
        return false;
    }
    // Rounded up: a grace is never shorter than it was asked for.
    grace_ms = grace->seconds * 1000 + (grace->nanos + 999999) / 1000000;
    if (grace_ms > CANDIDACY_GRACE_MS_MAX) {
        return false;
    }
    campaign->grace_ms = (uint32_t)grace_ms;
    return true;
}

// NULL if all is well, otherwise what is wrong, in `problem` or static.
static const char *campaign_check(struct campaign *campaign,
                                  const campaign_request *request,
                                  struct name_problem *problem)
{
    struct electd_command *command = &campaign->request.command;
    struct electd_name instance;

    if (request->id == NULL) {
        return "id is missing";
    }
    if (!name_check("id.name", request->id->name, &command->election,
                    problem) ||
        !name_check("candidate", request->candidate, &command->candidate,
                    problem)) {
        return problem->text;
    }
    if (!campaign_check_grace(campaign, request->grace)) {
        return "grace is out of range: it takes 0 to 600 seconds";
    }
    if (request->instance[0] != '\0') {
        if (!name_check("instance", request->instance, &instance, problem)) {
            return problem->text;
        }
        memcpy(campaign->instance, instance.bytes, instance.size);
    }
    return NULL;
}

// Becomes the stream of its candidate. False: it was ended.
static bool campaign_claim(struct campaign *campaign)
{
    struct candidacy_service *service = campaign->service;
    struct campaign *holder = campaign_find(service, &campaign->key);

    // Before it enters: a call that is refused must change nothing.
    if (service->places >= service->limits.watchers_max) {
        campaign_fail(campaign, ELECTD_WATCHERS_MAX);
        return false;
    }
    if (holder != NULL) {
        if (campaign->instance[0] == '\0' ||
            strcmp(campaign->instance, holder->instance) != 0) {
            campaign_end(campaign, RPC_ALREADY_EXISTS,
                         "the candidate campaigns already, as another "
                         "instance");
            return false;
        }
        campaign_unlist(holder);
        holder->successor = campaign;
        campaign->predecessor = holder;
    }
    if (!campaign_list(campaign)) {
        campaign_fail(campaign, ELECTD_NO_MEMORY);
        return false;
    }
    campaign->has_place = true;
    service->places++;
    return true;
}

static void candidacy_campaign(generated_service *base,
                               const campaign_request *request,
                               campaign_closure closure, void *closure_data)
{
    struct campaign *campaign =
        container_of(closure_data, struct campaign, watching.call);
    struct electd_command *command = &campaign->request.command;
    struct name_problem problem;
    const char *wrong;

    (void)closure;
    campaign->service = container_of(base, struct candidacy_service, base);
    wrong = campaign_check(campaign, request, &problem);
    if (wrong != NULL) {
        campaign_end(campaign, RPC_INVALID_ARGUMENT, wrong);
        return;
    }
    campaign_make_key(&campaign->key, command->election, command->candidate);
    // The names are needed to the end; the request is dropped before.
    command->election.bytes = campaign->key.bytes;
    command->candidate.bytes = campaign->key.bytes + command->election.size + 1;
    if (!campaign_claim(campaign)) {
        return;
    }
    command->operation = ELECTD_ENTER;
    command->session = rpc_call_session(campaign->watching.call.rpc);
    command->lease = ELECTD_LEASE_STREAM;
    command->instance = (struct electd_name){campaign->instance,
                                             strlen(campaign->instance)};
    campaign->request.done_cb = campaign_entered_cb;
    store_submit(campaign->service->store, &campaign->request);
}

// What a stream is told whose candidate is out.
static const char *campaign_farewell(enum electd_reason reason)
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

// The stream that keeps that very entry in, or NULL.
static struct campaign *candidacy_find(const struct candidacy_service *service,
                                       struct electd_name election,
                                       struct electd_name candidate,
                                       uint64_t entry)
{
    struct campaign_key key;
    struct campaign *campaign;

    if (service->campaigns == NULL) {
        return NULL;
    }
    campaign_make_key(&key, election, candidate);
    campaign = campaign_find(service, &key);
    return campaign != NULL && campaign->entry == entry ? campaign : NULL;
}

void candidacy_service_change(struct candidacy_service *service,
                              const struct electd_outcome *outcome)
{
    uint64_t topic = electd_election_number(outcome->election);
    const struct electd_candidate *departed = outcome->departed;
    struct campaign *campaign;
    struct payload *news;

    if (watch_hub_has(&service->watchers, topic)) {
        news = campaign_encode(service, outcome->election, outcome->reason,
                               outcome->previous_leader);
        if (news != NULL) {
            watch_hub_publish(&service->watchers, topic, news);
            payload_unref(news);
        }
    }
    for (; departed != NULL; departed = electd_candidate_next(departed)) {
        campaign = candidacy_find(
            service, electd_election_name(outcome->election),
            electd_candidate_name(departed), electd_candidate_entry(departed));
        if (campaign != NULL) {
            campaign_dismiss(campaign, campaign_farewell(outcome->reason));
        }
    }
}

void candidacy_service_replaced(struct candidacy_service *service,
                                struct electd_name election,
                                struct electd_name candidate,
                                uint64_t replaced_entry)
{
    struct campaign *campaign =
        candidacy_find(service, election, candidate, replaced_entry);

    if (campaign != NULL) {
        campaign_dismiss(campaign,
                         "the candidate entered again, by a call of Enter");
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
    watch_hub_init(&service->watchers, options->limits.watchers_max);
}

void candidacy_service_serve(struct candidacy_service *service,
                             struct service_host *host)
{
    service_host_serve(host, "electd.v1.Candidacy", &service->base.base,
                       sizeof(struct campaign));
}

void candidacy_service_stop(struct candidacy_service *service)
{
    watch_hub_end(&service->watchers);
}

void candidacy_service_close(struct candidacy_service *service)
{
    assert(service->campaigns == NULL && service->watchers.watchers == 0);
}
