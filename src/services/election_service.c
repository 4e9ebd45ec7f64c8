// SPDX-License-Identifier: Apache-2.0
//
// Happy path of Enter: election_enter() checks the request and submits; the
// store applies it, and if that was a change, election_service_change()
// publishes the new term; election_entered_cb() begins the lease, if there is
// to be one, and answers with the same bytes. Watch goes through the
// store too, so that it is registered right at the state that it is told first.
//
// Failure modes: a name that breaks a rule is refused before anything is
// submitted; what the store refuses goes through the table in failure.c; a
// watcher that went away while the store was busy is only ended; watchers that
// cannot be told of a change, for want of memory, are ended.

#include "services/election_service.h"

#include <assert.h>
#include <string.h>

#include "base/container_of.h"
#include "services/failure.h"
#include "services/name.h"
#include "services/watching.h"

// The generated names, shortened.
typedef Atomix__Runtime__Election__V1__LeaderElection_Service generated_service;
typedef Atomix__Runtime__V1__PrimitiveId primitive_id;
#define REQUEST(name) const Atomix__Runtime__Election__V1__##name##Request
#define CLOSURE(name) Atomix__Runtime__Election__V1__##name##Response_Closure

// The time to live that the metadata of Enter gives the candidate.
#define ELECTION_TTL_MS_MIN 100
#define ELECTION_TTL_MS_MAX 3600000
#define ELECTION_TTL_DIGITS_MAX 7

// What every call of the service keeps.
struct election_call {
    struct watching watching;
    struct election_service *service;
    struct store_request request;
    // Enter: 0 for none.
    uint32_t ttl_ms;
};

static void election_fail(struct election_call *call, enum electd_status status)
{
    char text[FAILURE_TEXT_SIZE];
    enum rpc_code code = failure_of(status, &call->service->limits,
                                    call->request.command.election, text);

    service_call_end(&call->watching.call, code, text);
}

// Checks what every request has. False: the call was ended.
static bool election_name(struct election_call *call, const primitive_id *id)
{
    struct name_problem problem;

    if (id == NULL) {
        service_call_end(&call->watching.call, RPC_INVALID_ARGUMENT,
                         "id is missing");
        return false;
    }
    if (!name_check("id.name", id->name, &call->request.command.election,
                    &problem)) {
        service_call_end(&call->watching.call, RPC_INVALID_ARGUMENT,
                         problem.text);
        return false;
    }
    return true;
}

static struct election_call *election_call_of(generated_service *base,
                                              void *closure_data)
{
    struct election_call *call =
        container_of(closure_data, struct election_call, watching.call);

    call->service = container_of(base, struct election_service, base);
    return call;
}

// For the commands that ask by which connection they came.
static void election_bind(struct election_call *call)
{
    call->request.command.session = rpc_call_session(call->watching.call.rpc);
}

static void election_submit(struct election_call *call,
                            enum electd_operation operation,
                            store_done_cb done_cb)
{
    call->request.command.operation = operation;
    call->request.done_cb = done_cb;
    store_submit(call->service->store, &call->request);
}

static struct election_call *election_call_done(struct store_request *request)
{
    return container_of(request, struct election_call, request);
}

// Answers with the term.
static void election_term_cb(struct store_request *request,
                             enum electd_status status,
                             const struct electd_outcome *outcome)
{
    struct election_call *call = election_call_done(request);
    struct payload *term = NULL;

    if (status == ELECTD_OK) {
        term = term_cache_get(&call->service->terms, outcome->election);
        status = term != NULL ? ELECTD_OK : ELECTD_NO_MEMORY;
    }
    if (status != ELECTD_OK) {
        election_fail(call, status);
        return;
    }
    service_call_answer(&call->watching.call, term);
}

// The way of the six calls that name a candidate.
static void election_move(struct election_call *call,
                          enum electd_operation operation,
                          const primitive_id *id, const char *candidate,
                          store_done_cb done_cb)
{
    struct name_problem problem;

    if (!election_name(call, id)) {
        return;
    }
    if (!name_check("candidate", candidate, &call->request.command.candidate,
                    &problem)) {
        service_call_end(&call->watching.call, RPC_INVALID_ARGUMENT,
                         problem.text);
        return;
    }
    election_submit(call, operation, done_cb);
}

// The candidate was taken out again.
static void election_undone_cb(struct store_request *request,
                               enum electd_status status,
                               const struct electd_outcome *outcome)
{
    (void)status;
    (void)outcome;
    election_fail(election_call_done(request), ELECTD_NO_MEMORY);
}

static void election_entered_cb(struct store_request *request,
                                enum electd_status status,
                                const struct electd_outcome *outcome)
{
    struct election_call *call = election_call_done(request);
    struct election_service *service = call->service;
    struct electd_name candidate = request->command.candidate;

    if (status != ELECTD_OK) {
        election_fail(call, status);
        return;
    }
    if (outcome->replaced_entry != 0) {
        // This entry decides from here on what keeps the candidate in.
        lease_end(service->leases, outcome->replaced_entry);
        candidacy_service_replaced(service->candidacy,
                                   request->command.election, candidate,
                                   outcome->replaced_entry);
    }
    if (call->ttl_ms > 0 &&
        lease_begin(service->leases, outcome->entry, call->ttl_ms,
                    request->command.election, candidate) != ELECTD_OK) {
        // Nothing would ever take it out.
        request->command.entry = outcome->entry;
        election_submit(call, ELECTD_EXPIRE, election_undone_cb);
        return;
    }
    election_term_cb(request, status, outcome);
}

// Reads the time to live from the metadata, if there is one. False: the call
// was ended.
static bool election_read_ttl(struct election_call *call)
{
    struct rpc_message text;
    uint32_t ttl_ms = 0;
    bool is_good;

    if (!rpc_call_metadata(call->watching.call.rpc, METADATA_KEY_TTL, &text)) {
        return true;
    }
    is_good = text.size >= 1 && text.size <= ELECTION_TTL_DIGITS_MAX;
    for (size_t i = 0; is_good && i < text.size; i++) {
        is_good = text.bytes[i] >= '0' && text.bytes[i] <= '9';
        ttl_ms = ttl_ms * 10 + (uint32_t)(text.bytes[i] - '0');
    }
    if (!is_good || ttl_ms < ELECTION_TTL_MS_MIN ||
        ttl_ms > ELECTION_TTL_MS_MAX) {
        service_call_end(&call->watching.call, RPC_INVALID_ARGUMENT,
                         METADATA_KEY_TTL
                         " is out of range: it takes a whole number of "
                         "milliseconds from 100 to 3600000");
        return false;
    }
    call->ttl_ms = ttl_ms;
    call->request.command.lease = ELECTD_LEASE_TIME;
    return true;
}

static void election_enter(generated_service *base, REQUEST(Enter) * request,
                           CLOSURE(Enter) closure, void *closure_data)
{
    struct election_call *call = election_call_of(base, closure_data);

    (void)closure;
    if (election_read_ttl(call)) {
        election_bind(call);
        election_move(call, ELECTD_ENTER, request->id, request->candidate,
                      election_entered_cb);
    }
}

static void election_withdraw(generated_service *base,
                              REQUEST(Withdraw) * request,
                              CLOSURE(Withdraw) closure, void *closure_data)
{
    (void)closure;
    election_move(election_call_of(base, closure_data), ELECTD_WITHDRAW,
                  request->id, request->candidate, election_term_cb);
}

static void election_anoint(generated_service *base, REQUEST(Anoint) * request,
                            CLOSURE(Anoint) closure, void *closure_data)
{
    (void)closure;
    election_move(election_call_of(base, closure_data), ELECTD_ANOINT,
                  request->id, request->candidate, election_term_cb);
}

static void election_promote(generated_service *base,
                             REQUEST(Promote) * request,
                             CLOSURE(Promote) closure, void *closure_data)
{
    (void)closure;
    election_move(election_call_of(base, closure_data), ELECTD_PROMOTE,
                  request->id, request->candidate, election_term_cb);
}

static void election_demote(generated_service *base, REQUEST(Demote) * request,
                            CLOSURE(Demote) closure, void *closure_data)
{
    (void)closure;
    election_move(election_call_of(base, closure_data), ELECTD_DEMOTE,
                  request->id, request->candidate, election_term_cb);
}

static void election_evict(generated_service *base, REQUEST(Evict) * request,
                           CLOSURE(Evict) closure, void *closure_data)
{
    (void)closure;
    election_move(election_call_of(base, closure_data), ELECTD_EVICT,
                  request->id, request->candidate, election_term_cb);
}

static void election_get_term(generated_service *base,
                              REQUEST(GetTerm) * request,
                              CLOSURE(GetTerm) closure, void *closure_data)
{
    struct election_call *call = election_call_of(base, closure_data);

    (void)closure;
    if (election_name(call, request->id)) {
        election_submit(call, ELECTD_GET_TERM, election_term_cb);
    }
}

static void election_created_cb(struct store_request *request,
                                enum electd_status status,
                                const struct electd_outcome *outcome)
{
    struct election_call *call = election_call_done(request);

    (void)outcome;
    if (status != ELECTD_OK) {
        election_fail(call, status);
        return;
    }
    service_call_answer(&call->watching.call, call->service->empty);
}

static void election_create(generated_service *base, REQUEST(Create) * request,
                            CLOSURE(Create) closure, void *closure_data)
{
    struct election_call *call = election_call_of(base, closure_data);

    (void)closure;
    if (election_name(call, request->id)) {
        call->request.command.tags = request->tags;
        call->request.command.tags_count = request->n_tags;
        election_submit(call, ELECTD_CREATE, election_created_cb);
    }
}

static void election_closed_cb(struct store_request *request,
                               enum electd_status status,
                               const struct electd_outcome *outcome)
{
    struct election_call *call = election_call_done(request);

    if (status != ELECTD_OK) {
        election_fail(call, status);
        return;
    }
    // Behind the change, if it was one, which they have been offered by now.
    watch_hub_close_session(&call->service->watchers,
                            electd_election_number(outcome->election),
                            request->command.session);
    service_call_answer(&call->watching.call, call->service->empty);
}

static void election_close(generated_service *base, REQUEST(Close) * request,
                           CLOSURE(Close) closure, void *closure_data)
{
    struct election_call *call = election_call_of(base, closure_data);

    (void)closure;
    if (election_name(call, request->id)) {
        election_bind(call);
        election_submit(call, ELECTD_CLOSE, election_closed_cb);
    }
}

// Registers the watcher at the state that the store has just read.
static enum electd_status
election_watch_begin(struct election_call *call,
                     const struct electd_election *election)
{
    struct election_service *service = call->service;
    struct payload *term = NULL;

    if (electd_election_term(election) > 0) {
        term = term_cache_get(&service->terms, election);
        if (term == NULL) {
            return ELECTD_NO_MEMORY;
        }
    }
    return watching_begin(&call->watching, &service->watchers,
                          electd_election_number(election),
                          service->limits.backlog, term);
}

static void election_watched_cb(struct store_request *request,
                                enum electd_status status,
                                const struct electd_outcome *outcome)
{
    struct election_call *call = election_call_done(request);

    if (rpc_call_is_closed(call->watching.call.rpc)) {
        service_call_end(&call->watching.call, RPC_OK, "");
        return;
    }
    if (status == ELECTD_OK) {
        status = election_watch_begin(call, outcome->election);
    }
    if (status != ELECTD_OK) {
        election_fail(call, status);
    }
}

static void election_watch(generated_service *base, REQUEST(Watch) * request,
                           CLOSURE(Watch) closure, void *closure_data)
{
    struct election_call *call = election_call_of(base, closure_data);

    (void)closure;
    if (election_name(call, request->id)) {
        election_submit(call, ELECTD_GET_TERM, election_watched_cb);
    }
}

void election_service_change(struct election_service *service,
                             const struct electd_outcome *outcome)
{
    uint64_t topic = electd_election_number(outcome->election);
    struct payload *term;

    term_cache_drop(&service->terms, outcome->election);
    if (!watch_hub_has(&service->watchers, topic)) {
        return;
    }
    term = term_cache_get(&service->terms, outcome->election);
    if (term != NULL) {
        watch_hub_publish(&service->watchers, topic, term);
    } else {
        watch_hub_end_topic(&service->watchers, topic, WATCH_UNTOLD);
    }
}

static const generated_service election_handlers =
    ATOMIX__RUNTIME__ELECTION__V1__LEADER_ELECTION__INIT(election_);

enum electd_status election_service_init(struct election_service *service,
                                         struct store *store,
                                         struct lease_table *leases,
                                         struct candidacy_service *candidacy,
                                         const struct service_limits *limits)
{
    *service = (struct election_service){
        .base = election_handlers,
        .store = store,
        .leases = leases,
        .candidacy = candidacy,
        .limits = *limits,
        .empty = payload_create(0),
    };
    if (service->empty == NULL) {
        return ELECTD_NO_MEMORY;
    }
    if (!term_cache_init(&service->terms)) {
        payload_unref(service->empty);
        return ELECTD_NO_MEMORY;
    }
    watch_hub_init(&service->watchers, limits->watchers_max);
    return ELECTD_OK;
}

void election_service_serve(struct election_service *service,
                            struct service_host *host)
{
    service_host_serve(host, "atomix.runtime.election.v1.LeaderElection",
                       &service->base.base, sizeof(struct election_call));
    service_host_serve(host, "atomix.runtime.election.v1.LeaderElections",
                       &service->base.base, sizeof(struct election_call));
}

void election_service_stop(struct election_service *service)
{
    watch_hub_end(&service->watchers);
}

void election_service_close(struct election_service *service)
{
    assert(service->watchers.watchers == 0);
    term_cache_close(&service->terms);
    payload_unref(service->empty);
}
