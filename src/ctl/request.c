// SPDX-License-Identifier: Apache-2.0

#include "ctl/request.h"

#include <inttypes.h>
#include <stdio.h>

#define REQUEST_TTL_KEY "electd-ttl-ms"

// protobuf-c wants the texts writable, and does not write them.
static char *request_text(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void request_init(struct request *request, const char *path,
                         const char *election,
                         const ProtobufCMessageDescriptor *answer)
{
    static const Atomix__Runtime__V1__PrimitiveId id =
        ATOMIX__RUNTIME__V1__PRIMITIVE_ID__INIT;

    *request = (struct request){
        .client = {.path = path, .answer = answer},
        .id = id,
    };
    request->id.name = request_text(election);
}

void request_create(struct request *request, const char *election,
                    const char *const *tags, size_t tags_count)
{
    Atomix__Runtime__Election__V1__CreateRequest *message =
        &request->message.create;

    request_init(request, REQUEST_PATH("Create"), election,
                 &atomix__runtime__election__v1__create_response__descriptor);
    atomix__runtime__election__v1__create_request__init(message);
    message->id = &request->id;
    message->tags = (char **)(uintptr_t)tags;
    message->n_tags = tags_count;
    request->client.message = &message->base;
}

static void request_election(struct request *request, const char *path,
                             const char *election,
                             const ProtobufCMessageDescriptor *answer)
{
    Atomix__Runtime__Election__V1__GetTermRequest *message =
        &request->message.election;

    request_init(request, path, election, answer);
    atomix__runtime__election__v1__get_term_request__init(message);
    message->id = &request->id;
    request->client.message = &message->base;
}

void request_close(struct request *request, const char *election)
{
    request_election(
        request, REQUEST_PATH("Close"), election,
        &atomix__runtime__election__v1__close_response__descriptor);
}

void request_term(struct request *request, const char *path,
                  const char *election)
{
    request_election(
        request, path, election,
        &atomix__runtime__election__v1__get_term_response__descriptor);
}

void request_candidate(struct request *request, const char *path,
                       const char *election, const char *candidate)
{
    Atomix__Runtime__Election__V1__EnterRequest *message =
        &request->message.candidate;

    request_init(request, path, election,
                 &atomix__runtime__election__v1__get_term_response__descriptor);
    atomix__runtime__election__v1__enter_request__init(message);
    message->id = &request->id;
    message->candidate = request_text(candidate);
    request->client.message = &message->base;
}

void request_set_ttl(struct request *request, uint64_t ttl_ms)
{
    snprintf(request->ttl_text, sizeof request->ttl_text, "%" PRIu64, ttl_ms);
    request->client.metadata_key = REQUEST_TTL_KEY;
    request->client.metadata_value = request->ttl_text;
}

void request_campaign(struct request *request, const char *election,
                      const char *candidate)
{
    Electd__V1__CampaignRequest *message = &request->message.campaign;

    request_init(request, REQUEST_CANDIDACY_PATH("Campaign"), election,
                 &electd__v1__campaign_response__descriptor);
    electd__v1__campaign_request__init(message);
    message->id = &request->id;
    message->candidate = request_text(candidate);
    request->client.message = &message->base;
}

static void request_duration(Google__Protobuf__Duration *duration,
                             uint64_t duration_ms)
{
    google__protobuf__duration__init(duration);
    duration->seconds = (int64_t)(duration_ms / 1000);
    duration->nanos = (int32_t)(duration_ms % 1000) * 1000000;
}

void request_set_grace(struct request *request, uint64_t grace_ms)
{
    request_duration(&request->grace, grace_ms);
    request->message.campaign.grace = &request->grace;
}

void request_set_instance(struct request *request, const char *instance)
{
    request->message.campaign.instance = request_text(instance);
}

void request_set_confirm_within(struct request *request,
                                uint64_t confirm_within_ms)
{
    request_duration(&request->confirm_within, confirm_within_ms);
    request->message.campaign.confirm_within = &request->confirm_within;
}

void request_confirm(struct request *request, const char *election,
                     const char *candidate, const char *instance, uint64_t term)
{
    Electd__V1__ConfirmRequest *message = &request->message.confirm;

    request_init(request, REQUEST_CANDIDACY_PATH("Confirm"), election,
                 &electd__v1__confirm_response__descriptor);
    electd__v1__confirm_request__init(message);
    message->id = &request->id;
    message->candidate = request_text(candidate);
    message->instance = request_text(instance);
    message->term = term;
    request->client.message = &message->base;
}

uint64_t request_duration_ms(const Google__Protobuf__Duration *duration)
{
    // What is longer than this is a mistake of the peer.
    const int64_t seconds_max = INT32_MAX;
    int64_t seconds;

    if (duration == NULL || duration->seconds < 0 || duration->nanos < 0) {
        return 0;
    }
    seconds = duration->seconds < seconds_max ? duration->seconds : seconds_max;
    return (uint64_t)seconds * 1000 + (uint64_t)duration->nanos / 1000000;
}
