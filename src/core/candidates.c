// SPDX-License-Identifier: Apache-2.0

#include "core/candidates.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

// The end of a candidate, spelled out to look one up.
struct name_key {
    uint32_t election;
    char name[ELECTD_NAME_SIZE_MAX];
};

struct session_key {
    uint64_t session;
    uint64_t election;
};

_Static_assert(offsetof(struct name_key, name) ==
                   offsetof(struct electd_candidate, name) -
                       offsetof(struct electd_candidate, election),
               "a candidate ends in its key by name");
_Static_assert(sizeof(struct session_key) ==
                   sizeof(struct binding) - offsetof(struct binding, session),
               "a binding ends in its key by session");
_Static_assert(ELECTD_NAME_SIZE_MAX <= UINT8_MAX, "a name's size fits a byte");

static unsigned candidates_name_key_size(size_t name_size)
{
    return (unsigned)(offsetof(struct name_key, name) + name_size);
}

// The key runs on behind the field that it starts at, hence the arithmetic.
static const char *
candidates_name_key_of(const struct electd_candidate *candidate)
{
    return (const char *)candidate +
           offsetof(struct electd_candidate, election);
}

static const char *candidates_session_key_of(const struct binding *binding)
{
    return (const char *)binding + offsetof(struct binding, session);
}

struct electd_candidate *candidates_find(const struct candidates *candidates,
                                         uint32_t election,
                                         struct electd_name name)
{
    struct name_key key;
    struct electd_candidate *found = NULL;

    assert(name.size <= sizeof key.name);
    key.election = election;
    memcpy(key.name, name.bytes, name.size);
    HASH_FIND(hh, candidates->by_name, &key,
              candidates_name_key_size(name.size), found);
    return found;
}

struct binding *candidates_bound_to(const struct candidates *candidates,
                                    uint32_t election, uint64_t session)
{
    struct session_key key = {.session = session, .election = election};
    struct binding *found = NULL;

    HASH_FIND(hh, candidates->by_session, &key, sizeof key, found);
    return found;
}

// Finds the binding of (election, session), or makes an empty one.
static struct binding *candidates_binding(struct candidates *candidates,
                                          uint32_t election, uint64_t session)
{
    struct binding *binding =
        candidates_bound_to(candidates, election, session);

    if (binding != NULL) {
        return binding;
    }
    binding = malloc(sizeof *binding);
    if (binding == NULL) {
        return NULL;
    }
    binding->candidates = NULL;
    binding->session = session;
    binding->election = election;
    HASH_ADD_KEYPTR(hh, candidates->by_session,
                    candidates_session_key_of(binding),
                    sizeof(struct session_key), binding);
    if (binding->hh.tbl == NULL) {
        free(binding);
        return NULL;
    }
    return binding;
}

static void candidates_bind(struct electd_candidate *candidate,
                            struct binding *binding)
{
    DL_APPEND2(binding->candidates, candidate, bound_prev, bound_next);
    candidate->binding = binding;
}

static void candidates_unbind(struct candidates *candidates,
                              struct electd_candidate *candidate)
{
    struct binding *binding = candidate->binding;

    DL_DELETE2(binding->candidates, candidate, bound_prev, bound_next);
    if (binding->candidates == NULL) {
        HASH_DELETE(hh, candidates->by_session, binding);
        free(binding);
    }
}

struct electd_candidate *candidates_add(struct candidates *candidates,
                                        uint32_t election,
                                        struct electd_name name,
                                        uint64_t session)
{
    struct electd_candidate *candidate =
        calloc(1, sizeof *candidate + name.size + 1);
    struct binding *binding;

    if (candidate == NULL) {
        return NULL;
    }
    binding = candidates_binding(candidates, election, session);
    if (binding == NULL) {
        free(candidate);
        return NULL;
    }
    candidate->election = election;
    candidate->name_size = (uint8_t)name.size;
    memcpy(candidate->name, name.bytes, name.size);
    candidates_bind(candidate, binding);
    HASH_ADD_KEYPTR(hh, candidates->by_name, candidates_name_key_of(candidate),
                    candidates_name_key_size(name.size), candidate);
    if (candidate->hh.tbl == NULL) {
        candidates_unbind(candidates, candidate);
        free(candidate);
        return NULL;
    }
    return candidate;
}

bool candidates_rebind(struct candidates *candidates,
                       struct electd_candidate *candidate, uint64_t session)
{
    struct binding *binding;

    // Were it the same one, it could go empty, and away, in between.
    if (candidate->binding->session == session) {
        return true;
    }
    binding = candidates_binding(candidates, candidate->election, session);
    if (binding == NULL) {
        return false;
    }
    candidates_unbind(candidates, candidate);
    candidates_bind(candidate, binding);
    return true;
}

void candidates_remove(struct candidates *candidates,
                       struct electd_candidate *candidate)
{
    candidates_unbind(candidates, candidate);
    HASH_DELETE(hh, candidates->by_name, candidate);
}

void candidates_clear(struct candidates *candidates)
{
    struct electd_candidate *candidate;
    struct electd_candidate *next;

    HASH_ITER(hh, candidates->by_name, candidate, next) {
        candidates_remove(candidates, candidate);
        free(candidate);
    }
}
