// SPDX-License-Identifier: Apache-2.0

#include "support/candidacy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "electd/v1/candidacy.pb-c.h"
#include "support/story.h"

typedef Electd__V1__CampaignRequest campaign_request;
typedef Electd__V1__CampaignResponse campaign_response;

// protobuf-c wants its strings writable, and does not write them.
static char *candidacy_text(const char *text)
{
    static char empty[] = "";

    return text != NULL ? (char *)(uintptr_t)text : empty;
}

struct candidacy candidacy_of(const char *election, const char *candidate,
                              const char *instance)
{
    return (struct candidacy){
        .election = election, .candidate = candidate, .instance = instance};
}

struct stream *campaign(struct client *client, struct candidacy candidacy)
{
    campaign_request request = ELECTD__V1__CAMPAIGN_REQUEST__INIT;
    Atomix__Runtime__V1__PrimitiveId id =
        ATOMIX__RUNTIME__V1__PRIMITIVE_ID__INIT;
    Google__Protobuf__Duration grace = GOOGLE__PROTOBUF__DURATION__INIT;
    Google__Protobuf__Duration confirm_within =
        GOOGLE__PROTOBUF__DURATION__INIT;
    struct client_bytes packed;
    struct stream *stream;
    uint8_t *bytes;

    id.name = candidacy_text(candidacy.election);
    request.id = candidacy.election != NULL ? &id : NULL;
    request.candidate = candidacy_text(candidacy.candidate);
    request.instance = candidacy_text(candidacy.instance);
    grace.seconds = candidacy.grace_s + candidacy.grace_ms / 1000;
    grace.nanos = candidacy.grace_ns + candidacy.grace_ms % 1000 * 1000000;
    if (grace.seconds != 0 || grace.nanos != 0) {
        request.grace = &grace;
    }
    confirm_within.seconds = candidacy.confirm_within_ms / 1000;
    confirm_within.nanos = candidacy.confirm_within_ms % 1000 * 1000000;
    if (candidacy.confirm_within_ms != 0) {
        request.confirm_within = &confirm_within;
    }
    packed.size = electd__v1__campaign_request__get_packed_size(&request);
    bytes = malloc(packed.size + 1);
    assert_non_null(bytes);
    electd__v1__campaign_request__pack(&request, bytes);
    packed.bytes = bytes;
    stream =
        stream_start(client, CANDIDACY_PATH, packed, 10 * CLIENT_DEADLINE_MS);
    free(bytes);
    return stream;
}

static const char *candidacy_reason(Electd__V1__Reason reason)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
        &electd__v1__reason__descriptor, (int)reason);
    static const char prefix[] = "REASON_";

    assert_non_null(value);
    assert_memory_equal(value->name, prefix, sizeof prefix - 1);
    return value->name + sizeof prefix - 1;
}

// Returns owned.
static campaign_response *candidacy_unpack(const struct client_reply *reply)
{
    campaign_response *response =
        electd__v1__campaign_response__unpack(NULL, reply->size, reply->bytes);

    assert_non_null(response);
    assert_non_null(response->term);
    // A field that proto/ does not have.
    assert_int_equal(response->base.n_unknown_fields, 0);
    assert_int_equal(response->term->base.n_unknown_fields, 0);
    return response;
}

static char *candidacy_told(const struct client_reply *reply)
{
    campaign_response *response = candidacy_unpack(reply);
    const Atomix__Runtime__Election__V1__Term *term = response->term;
    size_t size;
    char *text;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    fprintf(out, "%s %" PRIu64 " %s [", candidacy_reason(response->reason),
            term->term, term->leader[0] != '\0' ? term->leader : "-");
    for (size_t i = 0; i < term->n_candidates; i++) {
        fprintf(out, "%s%s", i > 0 ? " " : "", term->candidates[i]);
    }
    fprintf(out, "] r%" PRIu64, response->revision);
    if (response->previous_leader[0] != '\0') {
        fprintf(out, " was %s", response->previous_leader);
    }
    assert_int_equal(fclose(out), 0);
    electd__v1__campaign_response__free_unpacked(response, NULL);
    return text;
}

char *candidacy_next(struct stream *stream, unsigned deadline_ms)
{
    struct client_reply reply;
    char *told;

    if (stream_next(stream, deadline_ms, &reply) == STREAM_SILENT) {
        return NULL;
    }
    told = reply.has_message ? candidacy_told(&reply) : story_reply(&reply);
    client_reply_clear(&reply);
    return told;
}

void expect_news(struct stream *stream, const char *news)
{
    char *got = candidacy_next(stream, CLIENT_DEADLINE_MS);

    if (got == NULL) {
        fail_msg("the stream is silent instead of '%s'", news);
        return;
    }
    assert_string_equal(got, news);
    free(got);
}

// The next message must be one. Returns owned.
static campaign_response *candidacy_answer(struct stream *stream)
{
    campaign_response *response;
    struct client_reply reply;

    assert_int_equal(stream_next(stream, CLIENT_DEADLINE_MS, &reply),
                     STREAM_MESSAGE);
    response = candidacy_unpack(&reply);
    client_reply_clear(&reply);
    return response;
}

static void expect_answer(struct stream *stream, const char *news, bool leads)
{
    struct client_reply reply;
    campaign_response *response;
    char *told;

    assert_int_equal(stream_next(stream, CLIENT_DEADLINE_MS, &reply),
                     STREAM_MESSAGE);
    told = candidacy_told(&reply);
    response = candidacy_unpack(&reply);
    assert_string_equal(told, news);
    assert_int_equal(response->leads, leads);
    assert_int_equal(strlen(response->life), 32);
    free(told);
    electd__v1__campaign_response__free_unpacked(response, NULL);
    client_reply_clear(&reply);
}

void expect_leads(struct stream *stream, const char *news)
{
    expect_answer(stream, news, true);
}

void expect_follows(struct stream *stream, const char *news)
{
    expect_answer(stream, news, false);
}

static int64_t candidacy_ms(const Google__Protobuf__Duration *duration)
{
    return duration->seconds * 1000 + duration->nanos / 1000000;
}

int64_t candidacy_earlier_ms(struct stream *stream)
{
    campaign_response *response = candidacy_answer(stream);
    int64_t earlier_ms = response->earlier_leader_until != NULL
                             ? candidacy_ms(response->earlier_leader_until)
                             : -1;

    electd__v1__campaign_response__free_unpacked(response, NULL);
    return earlier_ms;
}

static char *confirm_told(const struct client_reply *reply)
{
    Electd__V1__ConfirmResponse *response;
    char text[128];

    if (!reply->has_message) {
        return story_reply(reply);
    }
    response =
        electd__v1__confirm_response__unpack(NULL, reply->size, reply->bytes);
    assert_non_null(response);
    assert_non_null(response->term);
    assert_non_null(response->valid_for);
    assert_int_equal(strlen(response->life), 32);
    (void)snprintf(text, sizeof text, "%s in term %" PRIu64 ": %" PRId64 " ms",
                   response->leads ? "leads" : "does not lead",
                   response->term->term, candidacy_ms(response->valid_for));
    electd__v1__confirm_response__free_unpacked(response, NULL);
    return strdup(text);
}

char *confirm(struct client *client, const char *candidate,
              const char *instance, uint64_t term)
{
    Electd__V1__ConfirmRequest request = ELECTD__V1__CONFIRM_REQUEST__INIT;
    Atomix__Runtime__V1__PrimitiveId id =
        ATOMIX__RUNTIME__V1__PRIMITIVE_ID__INIT;
    uint8_t bytes[1024];
    struct client_reply reply;
    char *told;

    id.name = candidacy_text("a");
    request.id = &id;
    request.candidate = candidacy_text(candidate);
    request.instance = candidacy_text(instance);
    request.term = term;
    assert_true(electd__v1__confirm_request__get_packed_size(&request) <
                sizeof bytes);
    client_call(client, CONFIRM_PATH,
                (struct client_bytes){
                    bytes, electd__v1__confirm_request__pack(&request, bytes)},
                CLIENT_DEADLINE_MS, &reply);
    told = confirm_told(&reply);
    client_reply_clear(&reply);
    return told;
}

void expect_confirm(struct client *client, const char *candidate,
                    const char *instance, uint64_t term, const char *told)
{
    char *got = confirm(client, candidate, instance, term);

    assert_string_equal(got, told);
    free(got);
}

int64_t confirmed_ms(struct client *client, const char *candidate,
                     const char *instance, uint64_t term)
{
    char *got = confirm(client, candidate, instance, term);
    const char *colon = strstr(got, ": ");
    int64_t valid_ms = -1;

    if (strncmp(got, "leads ", 6) != 0 || colon == NULL) {
        fail_msg("'%s' does not say that it leads", got);
    } else {
        valid_ms = strtoll(colon + 2, NULL, 10);
    }
    free(got);
    return valid_ms;
}

void expect_no_news(struct stream *stream)
{
    char *got = candidacy_next(stream, 0);

    if (got != NULL) {
        fail_msg("the stream tells '%s' instead of nothing", got);
    }
}

static void candidacy_copy(char to[CANDIDACY_NAME_SIZE], const char *from)
{
    assert_true(strlen(from) < CANDIDACY_NAME_SIZE);
    strcpy(to, from);
}

void candidacy_read(struct stream *stream, struct candidacy_news *news)
{
    campaign_response *response;
    struct client_reply reply;

    assert_int_not_equal(stream_next(stream, CLIENT_DEADLINE_MS, &reply),
                         STREAM_SILENT);
    memset(news, 0, sizeof *news);
    if (!reply.has_message) {
        return;
    }
    response = candidacy_unpack(&reply);
    client_reply_clear(&reply);
    (void)snprintf(news->reason, sizeof news->reason, "%s",
                   candidacy_reason(response->reason));
    news->term = response->term->term;
    news->revision = response->revision;
    candidacy_copy(news->leader, response->term->leader);
    candidacy_copy(news->previous_leader, response->previous_leader);
    assert_true(response->term->n_candidates <= CANDIDACY_QUEUE_MAX);
    news->queue_count = (unsigned)response->term->n_candidates;
    for (unsigned i = 0; i < news->queue_count; i++) {
        candidacy_copy(news->queue[i], response->term->candidates[i]);
    }
    electd__v1__campaign_response__free_unpacked(response, NULL);
}

void candidacy_check(const struct candidacy_news *before,
                     const struct candidacy_news *after)
{
    bool is_elected =
        after->leader[0] != '\0' && strcmp(after->leader, before->leader) != 0;

    assert_string_not_equal(after->reason, "");
    assert_string_not_equal(after->reason, "CURRENT");
    assert_int_equal(after->revision, before->revision + 1);
    assert_int_equal(after->term, before->term + is_elected);
    assert_string_equal(after->previous_leader, before->leader);
    assert_true(after->leader[0] != '\0' || after->queue_count == 0);
    for (unsigned i = 0; i < after->queue_count; i++) {
        assert_string_not_equal(after->queue[i], after->leader);
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(after->queue[i], after->queue[j]);
        }
    }
}
