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

    request_init(request, "/electd.v1.Candidacy/Campaign", election,
                 &electd__v1__campaign_response__descriptor);
    electd__v1__campaign_request__init(message);
    message->id = &request->id;
    message->candidate = request_text(candidate);
    request->client.message = &message->base;
}

void request_set_grace(struct request *request, uint64_t grace_ms)
{
    google__protobuf__duration__init(&request->grace);
    request->grace.seconds = (int64_t)(grace_ms / 1000);
    request->grace.nanos = (int32_t)(grace_ms % 1000) * 1000000;
    request->message.campaign.grace = &request->grace;
}

void request_set_instance(struct request *request, const char *instance)
{
    request->message.campaign.instance = request_text(instance);
}
