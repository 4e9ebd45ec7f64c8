// SPDX-License-Identifier: Apache-2.0
//
// Happy path: Confirm notes a promise; a change of the leader asks how long the
// others' hold; what is over is dropped when its election is asked about, or
// when its turn comes, one election for each promise that is noted.
//
// Failure modes: without memory for a promise there is none, and Confirm must
// not give it.

#include "services/promises.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

struct promise {
    uint64_t until_ms;
    // Both 0: it is nobody's in particular.
    uint8_t candidate_size;
    uint8_t instance_size;
    // The two names, one behind the other.
    char names[];
};

struct promise_list {
    UT_hash_handle hh;
    uint64_t election;
    // The oldest first; never empty.
    unsigned count;
    struct promise *array[PROMISES_HOLDERS_MAX];
};

void promises_init(struct promises *promises, uint64_t now_ms)
{
    *promises = (struct promises){.begun_ms = now_ms};
}

static struct promise_list *promises_find(const struct promises *promises,
                                          uint64_t election)
{
    struct promise_list *found = NULL;

    HASH_FIND(hh, promises->by_election, &election, sizeof election, found);
    return found;
}

static void promise_list_remove(struct promise_list *list, unsigned index)
{
    assert(index < list->count);
    free(list->array[index]);
    list->count--;
    memmove(&list->array[index], &list->array[index + 1],
            (list->count - index) * sizeof list->array[0]);
}

// Drops what is over. Returns the list, or NULL if that was all of it.
static struct promise_list *promises_prune(struct promises *promises,
                                           struct promise_list *list,
                                           uint64_t now_ms)
{
    for (unsigned i = list->count; i > 0; i--) {
        if (list->array[i - 1]->until_ms <= now_ms) {
            promise_list_remove(list, i - 1);
        }
    }
    if (list->count > 0) {
        return list;
    }
    HASH_DELETE(hh, promises->by_election, list);
    free(list);
    return NULL;
}

void promises_close(struct promises *promises)
{
    struct promise_list *list;
    struct promise_list *next;

    HASH_ITER(hh, promises->by_election, list, next) {
        (void)promises_prune(promises, list, UINT64_MAX);
    }
}

static bool promise_is_of(const struct promise *promise,
                          struct promise_holder holder)
{
    return holder.instance.size > 0 &&
           promise->candidate_size == holder.candidate.size &&
           promise->instance_size == holder.instance.size &&
           memcmp(promise->names, holder.candidate.bytes,
                  holder.candidate.size) == 0 &&
           memcmp(promise->names + holder.candidate.size, holder.instance.bytes,
                  holder.instance.size) == 0;
}

static struct promise *promise_list_find(const struct promise_list *list,
                                         struct promise_holder holder)
{
    for (unsigned i = 0; i < list->count; i++) {
        if (promise_is_of(list->array[i], holder)) {
            return list->array[i];
        }
    }
    return NULL;
}

static struct promise *promise_create(struct promise_holder holder)
{
    struct promise *promise = calloc(
        1, sizeof *promise + holder.candidate.size + holder.instance.size);

    if (promise == NULL) {
        return NULL;
    }
    promise->candidate_size = (uint8_t)holder.candidate.size;
    promise->instance_size = (uint8_t)holder.instance.size;
    memcpy(promise->names, holder.candidate.bytes, holder.candidate.size);
    memcpy(promise->names + holder.candidate.size, holder.instance.bytes,
           holder.instance.size);
    return promise;
}

// The list of an election, new and empty if there was none; NULL when out of
// memory.
static struct promise_list *promises_place(struct promises *promises,
                                           uint64_t election)
{
    struct promise_list *list = promises_find(promises, election);

    if (list != NULL) {
        return list;
    }
    list = calloc(1, sizeof *list);
    if (list == NULL) {
        return NULL;
    }
    list->election = election;
    HASH_ADD(hh, promises->by_election, election, sizeof list->election, list);
    if (list->hh.tbl == NULL) {
        free(list);
        return NULL;
    }
    return list;
}

// The two oldest become one, which holds until both are over.
static void promise_list_merge_oldest(struct promise_list *list)
{
    struct promise *oldest = list->array[0];
    struct promise *second = list->array[1];

    if (oldest->until_ms < second->until_ms) {
        oldest->until_ms = second->until_ms;
    }
    oldest->candidate_size = 0;
    oldest->instance_size = 0;
    promise_list_remove(list, 1);
}

static struct promise *promises_add(struct promises *promises,
                                    uint64_t election,
                                    struct promise_holder holder)
{
    struct promise *promise = promise_create(holder);
    struct promise_list *list;

    if (promise == NULL) {
        return NULL;
    }
    list = promises_place(promises, election);
    if (list == NULL) {
        free(promise);
        return NULL;
    }
    if (list->count == PROMISES_HOLDERS_MAX) {
        promise_list_merge_oldest(list);
    }
    list->array[list->count++] = promise;
    return promise;
}

// Looks through one election, and lets the next one have the next turn.
static void promises_take_turn(struct promises *promises, uint64_t now_ms)
{
    struct promise_list *list = promises->by_election;

    if (list != NULL) {
        list = promises_prune(promises, list, now_ms);
    }
    if (list != NULL && promises->by_election->hh.next != NULL) {
        HASH_DELETE(hh, promises->by_election, list);
        HASH_ADD(hh, promises->by_election, election, sizeof list->election,
                 list);
    }
}

bool promises_note(struct promises *promises, uint64_t election,
                   struct promise_holder holder, uint64_t until_ms,
                   uint64_t now_ms)
{
    struct promise_list *list;
    struct promise *promise = NULL;

    assert(holder.candidate.size > 0);
    assert(holder.instance.size > 0);
    promises_take_turn(promises, now_ms);
    list = promises_find(promises, election);
    if (list != NULL) {
        promise = promise_list_find(list, holder);
    }
    if (promise == NULL) {
        promise = promises_add(promises, election, holder);
    }
    if (promise == NULL) {
        return false;
    }
    if (promise->until_ms < until_ms) {
        promise->until_ms = until_ms;
    }
    return true;
}

void promises_limit(struct promises *promises, uint64_t election,
                    struct promise_holder holder, uint64_t until_ms)
{
    struct promise_list *list = promises_find(promises, election);
    struct promise *promise;

    if (list == NULL) {
        return;
    }
    promise = promise_list_find(list, holder);
    if (promise != NULL && promise->until_ms > until_ms) {
        promise->until_ms = until_ms;
    }
}

bool promises_left_ms(struct promises *promises, uint64_t election,
                      struct promise_holder holder, uint64_t now_ms,
                      uint64_t *left_ms)
{
    struct promise_list *list = promises_find(promises, election);
    const struct promise *promise;

    *left_ms = 0;
    if (list != NULL) {
        list = promises_prune(promises, list, now_ms);
    }
    for (unsigned i = 0; list != NULL && i < list->count; i++) {
        promise = list->array[i];
        if (!promise_is_of(promise, holder) &&
            promise->until_ms - now_ms > *left_ms) {
            *left_ms = promise->until_ms - now_ms;
        }
    }
    return now_ms - promises->begun_ms > PROMISE_MS_MAX;
}
