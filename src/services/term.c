// SPDX-License-Identifier: Apache-2.0

#include "services/term.h"

#include <stdlib.h>
#include <string.h>

#include "atomix/runtime/election/v1/election.pb-c.h"
#include "services/host.h"

// Queues up to this size need no memory of their own to be encoded.
#define TERM_QUEUE_ON_STACK 32

bool term_cache_init(struct term_cache *cache)
{
    cache->slots = calloc(TERM_CACHE_SLOTS, sizeof *cache->slots);
    return cache->slots != NULL;
}

void term_cache_close(struct term_cache *cache)
{
    for (size_t i = 0; i < TERM_CACHE_SLOTS; i++) {
        payload_unref(cache->slots[i].payload);
    }
    free(cache->slots);
}

// The generated structs have no const, and nothing is written through them.
static char *term_string(struct electd_name name)
{
    return (char *)(uintptr_t)name.bytes;
}

static struct payload *term_encode_with(const struct electd_election *election,
                                        char **queue)
{
    Atomix__Runtime__Election__V1__Term term =
        ATOMIX__RUNTIME__ELECTION__V1__TERM__INIT;
    Atomix__Runtime__Election__V1__GetTermResponse response =
        ATOMIX__RUNTIME__ELECTION__V1__GET_TERM_RESPONSE__INIT;
    const struct electd_candidate *candidate =
        electd_election_queue_first(election);

    term.term = electd_election_term(election);
    term.leader = term_string(electd_election_leader(election));
    term.candidates = queue;
    for (; candidate != NULL; candidate = electd_candidate_next(candidate)) {
        queue[term.n_candidates++] =
            term_string(electd_candidate_name(candidate));
    }
    response.term = &term;
    return service_encode(&response.base);
}

static struct payload *term_encode(const struct electd_election *election)
{
    size_t count = electd_election_queue_count(election);
    char *few[TERM_QUEUE_ON_STACK];
    char **many;
    struct payload *payload;

    if (count <= TERM_QUEUE_ON_STACK) {
        return term_encode_with(election, few);
    }
    many = malloc(count * sizeof *many);
    if (many == NULL) {
        return NULL;
    }
    payload = term_encode_with(election, many);
    free(many);
    return payload;
}

static struct term_slot *term_cache_slot(struct term_cache *cache,
                                         uint64_t number)
{
    return &cache->slots[number % TERM_CACHE_SLOTS];
}

void term_cache_drop(struct term_cache *cache,
                     const struct electd_election *election)
{
    uint64_t number = electd_election_number(election);
    struct term_slot *slot = term_cache_slot(cache, number);

    if (slot->election == number) {
        payload_unref(slot->payload);
        slot->payload = NULL;
    }
}

struct payload *term_cache_get(struct term_cache *cache,
                               const struct electd_election *election)
{
    uint64_t number = electd_election_number(election);
    uint64_t revision = electd_election_revision(election);
    struct term_slot *slot = term_cache_slot(cache, number);

    if (slot->payload != NULL && slot->election == number &&
        slot->revision == revision) {
        return slot->payload;
    }
    payload_unref(slot->payload);
    slot->election = number;
    slot->revision = revision;
    slot->payload = term_encode(election);
    return slot->payload;
}

struct payload *term_cache_encode(struct term_cache *cache,
                                  const struct electd_election *election,
                                  const ProtobufCMessage *rest)
{
    struct payload *term = term_cache_get(cache, election);
    struct payload *payload;

    if (term == NULL) {
        return NULL;
    }
    payload =
        payload_create(term->size + protobuf_c_message_get_packed_size(rest));
    if (payload != NULL) {
        memcpy(payload->bytes, term->bytes, term->size);
        protobuf_c_message_pack(rest, payload->bytes + term->size);
    }
    return payload;
}
