// SPDX-License-Identifier: Apache-2.0

#include "core/candidates.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// The end of a candidate, spelled out to look one up.
struct name_key {
    uint32_t election;
    char name[ELECTD_NAME_SIZE_MAX];
};

_Static_assert(offsetof(struct name_key, name) ==
                   offsetof(struct electd_candidate, name) -
                       offsetof(struct electd_candidate, election),
               "a candidate ends in its key by name");
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

struct electd_candidate *candidates_add(struct candidates *candidates,
                                        uint32_t election,
                                        struct electd_name name)
{
    struct electd_candidate *candidate =
        calloc(1, sizeof *candidate + name.size + 1);

    if (candidate == NULL) {
        return NULL;
    }
    candidate->election = election;
    candidate->name_size = (uint8_t)name.size;
    memcpy(candidate->name, name.bytes, name.size);
    HASH_ADD_KEYPTR(hh, candidates->by_name, candidates_name_key_of(candidate),
                    candidates_name_key_size(name.size), candidate);
    if (candidate->hh.tbl == NULL) {
        free(candidate);
        return NULL;
    }
    return candidate;
}

bool candidates_set_instance(struct electd_candidate *candidate,
                             struct electd_name instance)
{
    char *copy = NULL;

    assert(instance.size <= ELECTD_NAME_SIZE_MAX);
    if (instance.size > 0) {
        copy = malloc(instance.size + 1);
        if (copy == NULL) {
            return false;
        }
        memcpy(copy, instance.bytes, instance.size);
        copy[instance.size] = '\0';
    }
    free(candidate->instance);
    candidate->instance = copy;
    candidate->instance_size = (uint8_t)instance.size;
    return true;
}

void candidates_remove(struct candidates *candidates,
                       struct electd_candidate *candidate)
{
    HASH_DELETE(hh, candidates->by_name, candidate);
}

void candidates_release(struct electd_candidate *candidate)
{
    free(candidate->instance);
    free(candidate);
}

void candidates_clear(struct candidates *candidates)
{
    struct electd_candidate *candidate;
    struct electd_candidate *next;

    HASH_ITER(hh, candidates->by_name, candidate, next) {
        candidates_remove(candidates, candidate);
        candidates_release(candidate);
    }
}
