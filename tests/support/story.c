// SPDX-License-Identifier: Apache-2.0

#include "support/story.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "atomix/runtime/election/v1/election.pb-c.h"
#include "support/daemon_process.h"
#include "support/stopwatch.h"

#define STORY_LINE_SIZE 1024

typedef Atomix__Runtime__Election__V1__GetTermResponse term_response;

// "Method election [candidate]", taken apart.
struct story_line {
    char path[160];
    char words[STORY_LINE_SIZE];
    const char *method;
    const char *election;
    const char *candidate;
};

static void story_read(struct story_line *line, const char *text)
{
    const char *service = "LeaderElection";
    char *rest;
    char *slash;
    char *word;

    assert_true(strlen(text) < sizeof line->words);
    strcpy(line->words, text);
    word = strtok_r(line->words, " ", &rest);
    assert_non_null(word);
    slash = strchr(word, '/');
    if (slash != NULL) {
        *slash = '\0';
        service = word;
        word = slash + 1;
    }
    line->method = word;
    line->election = strtok_r(NULL, " ", &rest);
    line->candidate = strtok_r(NULL, " ", &rest);
    assert_non_null(line->election);
    snprintf(line->path, sizeof line->path, "/atomix.runtime.election.v1.%s/%s",
             service, line->method);
}

// Packs the request of the line's method: all have their id first, and those
// that have a candidate have it second, as EnterRequest does. Owned.
static struct client_bytes story_pack(const struct story_line *line)
{
    const ProtobufCServiceDescriptor *service =
        &atomix__runtime__election__v1__leader_election__descriptor;
    const ProtobufCMethodDescriptor *method =
        protobuf_c_service_descriptor_get_method_by_name(service, line->method);
    Atomix__Runtime__V1__PrimitiveId id =
        ATOMIX__RUNTIME__V1__PRIMITIVE_ID__INIT;
    const ProtobufCFieldDescriptor *candidate;
    struct client_bytes packed;
    ProtobufCMessage *request;
    uint8_t *bytes;

    assert_non_null(method);
    request = calloc(1, method->input->sizeof_message);
    assert_non_null(request);
    protobuf_c_message_init(method->input, request);
    id.name = (char *)(uintptr_t)line->election;
    ((Atomix__Runtime__Election__V1__EnterRequest *)request)->id = &id;
    candidate = protobuf_c_message_descriptor_get_field_by_name(method->input,
                                                                "candidate");
    assert_true((candidate != NULL) == (line->candidate != NULL));
    if (candidate != NULL) {
        ((Atomix__Runtime__Election__V1__EnterRequest *)request)->candidate =
            (char *)(uintptr_t)line->candidate;
    }
    packed.size = protobuf_c_message_get_packed_size(request);
    bytes = malloc(packed.size + 1);
    assert_non_null(bytes);
    assert_int_equal(protobuf_c_message_pack(request, bytes), packed.size);
    packed.bytes = bytes;
    free(request);
    return packed;
}

static void story_write_term(FILE *out,
                             const Atomix__Runtime__Election__V1__Term *term)
{
    fprintf(out, "%" PRIu64 " %s [", term->term,
            term->leader[0] != '\0' ? term->leader : "-");
    for (size_t i = 0; i < term->n_candidates; i++) {
        fprintf(out, "%s%s", i > 0 ? " " : "", term->candidates[i]);
    }
    fprintf(out, "]");
}

static void story_write_message(FILE *out, const struct client_reply *reply)
{
    term_response *response =
        atomix__runtime__election__v1__get_term_response__unpack(
            NULL, reply->size, reply->bytes);

    assert_non_null(response);
    assert_non_null(response->term);
    // A field that proto/ does not have.
    assert_int_equal(response->base.n_unknown_fields, 0);
    assert_int_equal(response->term->base.n_unknown_fields, 0);
    story_write_term(out, response->term);
    atomix__runtime__election__v1__get_term_response__free_unpacked(response,
                                                                    NULL);
}

char *story_reply(const struct client_reply *reply)
{
    size_t size;
    char *text;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    if (reply->has_message && reply->size > 0) {
        story_write_message(out, reply);
    } else {
        fprintf(out, "%s%s%s", client_code_name(reply->code),
                reply->text[0] != '\0' ? ": " : "", reply->text);
    }
    assert_int_equal(fclose(out), 0);
    return text;
}

char *story_call(struct client *client, const char *text)
{
    struct client_bytes request;
    struct story_line line;
    char *told;

    story_read(&line, text);
    request = story_pack(&line);
    told = story_call_raw(client, line.path, request);
    free((void *)(uintptr_t)request.bytes);
    return told;
}

void expect(struct client *client, const char *line, const char *reply)
{
    char *got = story_call(client, line);

    if (strcmp(got, reply) != 0) {
        fail_msg("%s: '%s' instead of '%s'", line, got, reply);
    }
    free(got);
}

void expect_text_part(char *text, const char *part)
{
    assert_non_null(text);
    if (strstr(text, part) == NULL) {
        fail_msg("'%s' without '%s'", text, part);
    }
    free(text);
}

void expect_part(struct client *client, const char *line, const char *part)
{
    expect_text_part(story_call(client, line), part);
}

void tell(struct client *client, const char *lines)
{
    char *copy = strdup(lines);
    char *rest;
    char *line;
    char *got;

    assert_non_null(copy);
    for (line = strtok_r(copy, ";", &rest); line != NULL;
         line = strtok_r(NULL, ";", &rest)) {
        got = story_call(client, line);
        if (strchr("0123456789", got[0]) == NULL && strcmp(got, "OK") != 0) {
            fail_msg("%s: '%s'", line, got);
        }
        free(got);
    }
    free(copy);
}

struct stream *watch_start(struct client *client, const char *election,
                           unsigned deadline_ms)
{
    struct story_line line = {
        .path = STORY_PATH("Watch"),
        .method = "Watch",
        .election = election,
    };
    struct client_bytes request = story_pack(&line);
    struct stream *stream =
        stream_start(client, line.path, request, deadline_ms);

    free((void *)(uintptr_t)request.bytes);
    return stream;
}

struct stream *watch(struct client *client, const char *election)
{
    struct stream *stream =
        watch_start(client, election, 10 * CLIENT_DEADLINE_MS);

    assert_true(stream_await_open(stream, CLIENT_DEADLINE_MS));
    return stream;
}

char *story_next(struct stream *stream, unsigned deadline_ms)
{
    struct client_reply reply;
    char *told;

    if (stream_next(stream, deadline_ms, &reply) == STREAM_SILENT) {
        return NULL;
    }
    told = story_reply(&reply);
    client_reply_clear(&reply);
    return told;
}

void expect_next(struct stream *stream, const char *term)
{
    char *got = story_next(stream, CLIENT_DEADLINE_MS);

    if (got == NULL) {
        fail_msg("the stream is silent instead of '%s'", term);
        return;
    }
    assert_string_equal(got, term);
    free(got);
}

void expect_end(struct stream *stream, const char *reply)
{
    // The texts of an end and of a term are never the same.
    expect_next(stream, reply);
}

void await_place(struct client *client, const char *election)
{
    long long deadline_ms = stopwatch_now_ms() + CLIENT_DEADLINE_MS;
    struct stream *stream;
    bool is_refused;
    char *told;

    do {
        assert_true(stopwatch_now_ms() < deadline_ms);
        stream = watch(client, election);
        told = story_next(stream, CLIENT_DEADLINE_MS);
        assert_non_null(told);
        is_refused = strncmp(told, "RESOURCE_EXHAUSTED: ", 20) == 0;
        if (!is_refused && strchr("0123456789", told[0]) == NULL) {
            fail_msg("Watch %s: '%s'", election, told);
        }
        free(told);
        stream_release(stream);
    } while (is_refused);
}

static size_t story_put(uint8_t *buffer, size_t used, uint8_t tag,
                        struct client_bytes field)
{
    if (field.bytes == NULL) {
        return used;
    }
    assert_true(used + 3 + field.size <= STORY_REQUEST_SIZE_MAX);
    assert_true(field.size < 1 << 14);
    buffer[used++] = tag;
    // The size as a varint, of two bytes even where one would do.
    buffer[used++] = (uint8_t)(0x80 | (field.size & 0x7f));
    buffer[used++] = (uint8_t)(field.size >> 7);
    memcpy(buffer + used, field.bytes, field.size);
    return used + field.size;
}

struct client_bytes story_request(uint8_t buffer[STORY_REQUEST_SIZE_MAX],
                                  struct client_bytes election,
                                  struct client_bytes candidate)
{
    uint8_t name[STORY_REQUEST_SIZE_MAX];
    struct client_bytes id = {NULL, 0};
    size_t used;

    if (election.bytes != NULL) {
        id.bytes = name;
        id.size = story_put(name, 0, 0x0a, election);
    }
    used = story_put(buffer, 0, 0x0a, id);
    used = story_put(buffer, used, 0x12, candidate);
    return (struct client_bytes){buffer, used};
}

char *story_call_raw(struct client *client, const char *path,
                     struct client_bytes request)
{
    struct client_reply reply;
    char *told;

    client_call(client, path, request, CLIENT_DEADLINE_MS, &reply);
    told = story_reply(&reply);
    client_reply_clear(&reply);
    return told;
}

void expect_raw(struct client *client, const char *path,
                struct client_bytes request, const char *reply)
{
    char *got = story_call_raw(client, path, request);

    if (strcmp(got, reply) != 0) {
        fail_msg("%s: '%s' instead of '%s'", path, got, reply);
    }
    free(got);
}
