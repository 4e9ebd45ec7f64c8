// SPDX-License-Identifier: Apache-2.0
//
// Happy path: campaign_begin() checks the request and becomes the one stream of
// its candidate; the store enters the candidate; the stream is registered at
// that state and hears every change. When it is over, the candidate is expired:
// at once, or when a lease as long as the grace has passed.
//
// Failure modes:
// - a second stream for a candidate is refused, or takes over, in which case
//   the first one ends when the second has entered;
// - a candidate that leaves otherwise, or that enters without a stream, ends
//   its stream with ABORTED;
// - a client that does not confirm in time loses its stream, as if it had gone;
// - whatever is decided here about an entry does nothing to a later entry of
//   the same candidate.

#include "services/campaign.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "lease/clock.h"
#include "services/campaign_answer.h"
#include "services/candidacy_service.h"
#include "services/failure.h"
#include "services/name.h"

typedef Electd__V1__CampaignRequest campaign_request;

#define CAMPAIGN_CONFIRM_MS_MIN 100

static void campaign_move(struct campaign *campaign, enum campaign_phase phase)
{
    static const bool is_legal[][CAMPAIGN_DISMISSED + 1] = {
        [CAMPAIGN_ENTERING] = {[CAMPAIGN_IN] = true, [CAMPAIGN_LEAVING] = true},
        [CAMPAIGN_IN] =
            {[CAMPAIGN_LEAVING] = true, [CAMPAIGN_DISMISSED] = true},
        [CAMPAIGN_DISMISSED] = {[CAMPAIGN_ENTERING] = false},
    };

    assert(is_legal[campaign->phase][phase]);
    campaign->phase = phase;
}

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

// Of several streams of one candidate the newest is listed.
static struct campaign *campaign_newest(const struct candidacy_service *service,
                                        struct electd_name election,
                                        struct electd_name candidate)
{
    struct campaign_key key;

    if (service->campaigns == NULL) {
        return NULL;
    }
    campaign_make_key(&key, election, candidate);
    return campaign_find(service, &key);
}

struct campaign *campaign_of_entry(const struct candidacy_service *service,
                                   struct electd_name election,
                                   struct electd_name candidate, uint64_t entry)
{
    struct campaign *campaign = campaign_newest(service, election, candidate);

    while (campaign != NULL && campaign->entry != entry) {
        campaign = campaign->predecessor;
    }
    return campaign;
}

static struct electd_name campaign_instance(const struct campaign *campaign)
{
    return (struct electd_name){campaign->instance, strlen(campaign->instance)};
}

struct campaign *campaign_of_instance(const struct candidacy_service *service,
                                      struct electd_name election,
                                      struct electd_name candidate,
                                      struct electd_name instance)
{
    struct campaign *campaign = campaign_newest(service, election, candidate);
    struct electd_name own;

    if (campaign == NULL || campaign->phase != CAMPAIGN_IN) {
        return NULL;
    }
    own = campaign_instance(campaign);
    return own.size == instance.size &&
                   memcmp(own.bytes, instance.bytes, own.size) == 0
               ? campaign
               : NULL;
}

struct promise_holder campaign_holder(const struct campaign *campaign)
{
    return (struct promise_holder){campaign->request.command.candidate,
                                   campaign_instance(campaign)};
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
        assert(campaign->service->places > 0);
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

static void campaign_set_farewell(struct campaign *campaign, enum rpc_code code,
                                  const char *text)
{
    campaign->farewell_code = code;
    snprintf(campaign->farewell, sizeof campaign->farewell, "%.*s",
             (int)sizeof campaign->farewell - 1, text);
}

static void campaign_left_cb(struct store_request *request,
                             enum electd_status status,
                             const struct electd_outcome *outcome)
{
    struct campaign *campaign = container_of(request, struct campaign, request);

    (void)status;
    (void)outcome;
    campaign_end(campaign, campaign->farewell_code, campaign->farewell);
}

// Has its entry expired, and ends the call when that is done.
static void campaign_expire(struct campaign *campaign)
{
    struct candidacy_service *service = campaign->service;

    assert(campaign->entry != 0);
    campaign_forget(campaign);
    campaign_move(campaign, CAMPAIGN_LEAVING);
    watching_stop(&campaign->watching);
    lease_end(service->leases, campaign->entry);
    campaign->request.command.operation = ELECTD_EXPIRE;
    campaign->request.command.entry = campaign->entry;
    campaign->request.done_cb = campaign_left_cb;
    store_submit(service->store, &campaign->request);
}

// The entry stays for as long as the grace. False: it has none, or there is no
// memory for its lease.
static bool campaign_begin_grace(struct campaign *campaign)
{
    const struct electd_command *command = &campaign->request.command;

    return campaign->grace_ms > 0 &&
           lease_begin(campaign->service->leases, campaign->entry,
                       campaign->grace_ms, command->election,
                       command->candidate) == ELECTD_OK;
}

// The stream is over; its candidate may stay for as long as the grace.
static void campaign_leave(struct campaign *campaign, enum rpc_code code,
                           const char *text)
{
    if (campaign_begin_grace(campaign)) {
        campaign_end(campaign, code, text);
    } else {
        campaign_set_farewell(campaign, code, text);
        campaign_expire(campaign);
    }
}

static void campaign_over_cb(struct watching *watching,
                             enum watch_ending ending)
{
    struct campaign *campaign =
        container_of(watching, struct campaign, watching);

    switch (ending) {
    case WATCH_OPEN:
        if (campaign->phase == CAMPAIGN_DISMISSED) {
            campaign_end(campaign, RPC_OK, "");
        } else {
            campaign_leave(campaign, RPC_OK, "");
        }
        return;
    case WATCH_CLOSED:
        campaign_end(campaign, campaign->farewell_code, campaign->farewell);
        return;
    case WATCH_SHUT_DOWN:
        campaign_end(campaign, RPC_UNAVAILABLE, "shutting down");
        return;
    case WATCH_UNTOLD:
        campaign_leave(campaign, RPC_RESOURCE_EXHAUSTED, WATCHING_UNTOLD);
        return;
    }
}

// It is no longer its candidate's stream.
static void campaign_depose(struct campaign *campaign, enum rpc_code code,
                            const char *why)
{
    campaign_forget(campaign);
    campaign_move(campaign, CAMPAIGN_DISMISSED);
    campaign_set_farewell(campaign, code, why);
}

void campaign_dismiss(struct campaign *campaign, const char *why)
{
    campaign_depose(campaign, RPC_ABORTED, why);
    watcher_end(&campaign->watching.watcher, WATCH_CLOSED);
}

void campaign_dismiss_now(struct campaign *campaign, const char *why)
{
    campaign_depose(campaign, RPC_ABORTED, why);
    watcher_end_now(&campaign->watching.watcher, WATCH_CLOSED);
}

// Ends it as if its peer had gone.
static void campaign_give_up(struct campaign *campaign, enum rpc_code code,
                             const char *why)
{
    assert(campaign->phase == CAMPAIGN_IN);
    if (campaign_begin_grace(campaign)) {
        campaign_depose(campaign, code, why);
        watcher_end_now(&campaign->watching.watcher, WATCH_CLOSED);
    } else {
        campaign_set_farewell(campaign, code, why);
        campaign_expire(campaign);
    }
}

void campaign_overdue(struct campaign *campaign)
{
    char why[CAMPAIGN_FAREWELL_SIZE];

    snprintf(why, sizeof why,
             "no Confirm arrived within %" PRIu32
             " ms (confirm_within): campaign again",
             campaign->confirm_within_ms);
    campaign_give_up(campaign, RPC_DEADLINE_EXCEEDED, why);
}

static enum electd_status
campaign_register(struct campaign *campaign,
                  const struct electd_election *election)
{
    struct candidacy_service *service = campaign->service;
    const struct electd_candidate *leader = electd_election_leading(election);
    bool leads =
        leader != NULL && electd_candidate_entry(leader) == campaign->entry;
    struct campaign_news news = {.election = election,
                                 .reason = ELECTD_UNCHANGED};
    struct payload *first =
        campaign_answer(service, &news, leads ? campaign : NULL);
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

// From here on it must be confirmed, if it is to be at all.
static enum electd_status campaign_await_confirm(struct campaign *campaign)
{
    const struct electd_command *command = &campaign->request.command;

    if (campaign->confirm_within_ms == 0) {
        return ELECTD_OK;
    }
    return lease_await(campaign->service->leases, campaign->entry,
                       campaign->confirm_within_ms, command->election,
                       command->candidate);
}

// Takes a candidate out again whose stream could not be registered.
static void campaign_undo(struct campaign *campaign, enum electd_status status)
{
    char text[FAILURE_TEXT_SIZE];
    enum rpc_code code = failure_of(status, &campaign->service->limits,
                                    campaign->request.command.election, text);

    campaign_set_farewell(campaign, code, text);
    campaign_expire(campaign);
}

static void campaign_entered(struct campaign *campaign,
                             const struct electd_outcome *outcome)
{
    struct candidacy_service *service = campaign->service;
    enum electd_status status;

    campaign->entry = outcome->entry;
    lease_end(service->leases, outcome->replaced_entry);
    promises_limit(
        &service->promises, electd_election_number(outcome->election),
        campaign_holder(campaign), lease_clock_ms() + campaign->grace_ms);
    if (rpc_call_is_closed(campaign->watching.call.rpc)) {
        campaign_leave(campaign, RPC_OK, "");
        return;
    }
    campaign->watching.over_cb = campaign_over_cb;
    status = campaign_await_confirm(campaign);
    if (status == ELECTD_OK) {
        status = campaign_register(campaign, outcome->election);
    }
    if (status == ELECTD_OK) {
        campaign_move(campaign, CAMPAIGN_IN);
    } else {
        campaign_undo(campaign, status);
    }
}

// It has not entered: the stream that it was to follow is the candidate's
// again.
static void campaign_give_back(struct campaign *campaign)
{
    struct campaign *holder = campaign->predecessor;

    if (holder == NULL) {
        return;
    }
    campaign_forget(campaign);
    assert(campaign->has_place);
    campaign->has_place = false;
    holder->has_place = true;
    if (!campaign_list(holder)) {
        campaign_give_up(holder, RPC_RESOURCE_EXHAUSTED, "out of memory");
    }
}

static void campaign_entered_cb(struct store_request *request,
                                enum electd_status status,
                                const struct electd_outcome *outcome)
{
    struct campaign *campaign = container_of(request, struct campaign, request);
    struct campaign *predecessor = campaign->predecessor;

    if (status != ELECTD_OK) {
        campaign_give_back(campaign);
        campaign_fail(campaign, status);
        return;
    }
    if (predecessor != NULL) {
        campaign_dismiss_now(predecessor, "taken over by a newer stream");
    }
    campaign_entered(campaign, outcome);
}

// Rounded up: neither is shorter than it was asked for. False if it is longer
// than `max_ms`, or makes no sense.
static bool campaign_read_duration(const Google__Protobuf__Duration *duration,
                                   uint32_t max_ms, uint32_t *duration_ms)
{
    int64_t read_ms;

    if (duration == NULL) {
        return true;
    }
    if (duration->seconds < 0 || duration->seconds > max_ms / 1000 ||
        duration->nanos < 0 || duration->nanos > 999999999) {
        return false;
    }
    read_ms = duration->seconds * 1000 + (duration->nanos + 999999) / 1000000;
    if (read_ms > max_ms) {
        return false;
    }
    *duration_ms = (uint32_t)read_ms;
    return true;
}

static const char *campaign_check_times(struct campaign *campaign,
                                        const campaign_request *request)
{
    if (!campaign_read_duration(request->grace, PROMISE_MS_MAX,
                                &campaign->grace_ms)) {
        return "grace is out of range: it takes 0 to 600 seconds";
    }
    if (!campaign_read_duration(request->confirm_within, PROMISE_MS_MAX,
                                &campaign->confirm_within_ms) ||
        (campaign->confirm_within_ms > 0 &&
         campaign->confirm_within_ms < CAMPAIGN_CONFIRM_MS_MIN)) {
        return "confirm_within is out of range: it takes 0, or 0.1 to 600 "
               "seconds";
    }
    if (campaign->confirm_within_ms > 0 && request->instance[0] == '\0') {
        return "instance is empty: confirm_within needs one";
    }
    return NULL;
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
    if (request->instance[0] != '\0') {
        if (!name_check("instance", request->instance, &instance, problem)) {
            return problem->text;
        }
        memcpy(campaign->instance, instance.bytes, instance.size);
    }
    return campaign_check_times(campaign, request);
}

// False: the candidate has a stream of another instance, or of none.
static bool campaign_may_follow(const struct campaign *campaign,
                                const struct campaign *holder)
{
    return campaign->instance[0] != '\0' &&
           strcmp(campaign->instance, holder->instance) == 0;
}

// Takes the place of the stream that its candidate has had until now.
static void campaign_follow(struct campaign *campaign, struct campaign *holder)
{
    assert(holder->has_place);
    holder->has_place = false;
    campaign->has_place = true;
    campaign_unlist(holder);
    holder->successor = campaign;
    campaign->predecessor = holder;
}

// Becomes the stream of its candidate. False: it was ended.
static bool campaign_claim(struct campaign *campaign)
{
    struct candidacy_service *service = campaign->service;
    struct campaign *holder = campaign_find(service, &campaign->key);

    // Before it enters: a call that is refused must change nothing. One that
    // takes over takes the place along.
    if (holder == NULL && service->places >= service->limits.watchers_max) {
        campaign_fail(campaign, ELECTD_WATCHERS_MAX);
        return false;
    }
    if (holder != NULL && !campaign_may_follow(campaign, holder)) {
        campaign_end(campaign, RPC_ALREADY_EXISTS,
                     "the candidate campaigns already, as another instance");
        return false;
    }
    if (!campaign_list(campaign)) {
        campaign_fail(campaign, ELECTD_NO_MEMORY);
        return false;
    }
    if (holder != NULL) {
        campaign_follow(campaign, holder);
    } else {
        campaign->has_place = true;
        service->places++;
    }
    return true;
}

void campaign_begin(struct campaign *campaign, const campaign_request *request)
{
    struct electd_command *command = &campaign->request.command;
    struct name_problem problem;
    const char *wrong = campaign_check(campaign, request, &problem);

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
    command->instance = campaign_instance(campaign);
    campaign->request.done_cb = campaign_entered_cb;
    store_submit(campaign->service->store, &campaign->request);
}
