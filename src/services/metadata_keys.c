// SPDX-License-Identifier: Apache-2.0

#include "services/metadata_keys.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define METADATA_PREFIX "electd-"
#define METADATA_METHODS_MAX 4

#define METADATA_ENTER "/atomix.runtime.election.v1.LeaderElection/Enter"
#define METADATA_CAMPAIGN "/electd.v1.Candidacy/Campaign"

struct metadata_row {
    const char *name;
    // The paths of the methods that it belongs to, up to the first NULL.
    const char *methods[METADATA_METHODS_MAX + 1];
};

static const struct metadata_row metadata_rows[] = {
    {METADATA_KEY_TTL, {METADATA_ENTER}},
};

#define METADATA_ROWS (sizeof metadata_rows / sizeof metadata_rows[0])

// Those that refuse unknown keys.
static const char *const metadata_strict[] = {METADATA_ENTER,
                                              METADATA_CAMPAIGN};

#define METADATA_STRICT (sizeof metadata_strict / sizeof metadata_strict[0])

static bool metadata_is_strict(const char *path)
{
    for (size_t i = 0; i < METADATA_STRICT; i++) {
        if (strcmp(metadata_strict[i], path) == 0) {
            return true;
        }
    }
    return false;
}

static bool metadata_is_ours(struct rpc_message name)
{
    return name.size >= sizeof METADATA_PREFIX - 1 &&
           memcmp(name.bytes, METADATA_PREFIX, sizeof METADATA_PREFIX - 1) == 0;
}

// The row of a key, or METADATA_ROWS.
static size_t metadata_find(struct rpc_message name)
{
    size_t row = 0;

    while (row < METADATA_ROWS &&
           (strlen(metadata_rows[row].name) != name.size ||
            memcmp(metadata_rows[row].name, name.bytes, name.size) != 0)) {
        row++;
    }
    return row;
}

static bool metadata_belongs(const struct metadata_row *row, const char *path)
{
    for (size_t i = 0; row->methods[i] != NULL; i++) {
        if (strcmp(row->methods[i], path) == 0) {
            return true;
        }
    }
    return false;
}

static const char *metadata_method_name(const char *path)
{
    return strrchr(path, '/') + 1;
}

// Appends to a problem that has `size` bytes; returns how many it has then.
__attribute__((format(printf, 3, 4))) static size_t
metadata_append(struct metadata_problem *problem, size_t size,
                const char *format, ...)
{
    va_list arguments;
    int added;

    va_start(arguments, format);
    added = vsnprintf(problem->text + size, METADATA_PROBLEM_SIZE - size,
                      format, arguments);
    va_end(arguments);
    assert(added > 0 && size + (size_t)added < METADATA_PROBLEM_SIZE);
    return size + (size_t)added;
}

// Says where a key belongs that is in the wrong place.
static void metadata_say_misplaced(const struct metadata_row *row,
                                   const char *path,
                                   struct metadata_problem *problem)
{
    size_t size =
        metadata_append(problem, 0, "metadata '%s' belongs to", row->name);

    for (size_t i = 0; row->methods[i] != NULL; i++) {
        size = metadata_append(problem, size, "%s %s", i > 0 ? " or" : "",
                               metadata_method_name(row->methods[i]));
    }
    (void)metadata_append(problem, size, ", not to %s",
                          metadata_method_name(path));
}

static size_t metadata_shown_size(struct rpc_message name)
{
    return name.size < METADATA_SHOWN_SIZE_MAX ? name.size
                                               : METADATA_SHOWN_SIZE_MAX;
}

// Tells of an unknown key unless it has, or has told of too many.
static void metadata_tell(struct metadata_keys *keys, const char *path,
                          struct rpc_message name)
{
    size_t size = metadata_shown_size(name);

    for (unsigned i = 0; i < keys->unknown_count; i++) {
        if (keys->unknown[i].size == size &&
            memcmp(keys->unknown[i].bytes, name.bytes, size) == 0) {
            return;
        }
    }
    if (keys->listener == NULL || keys->unknown_count == METADATA_UNKNOWN_MAX) {
        return;
    }
    keys->unknown[keys->unknown_count].size = size;
    memcpy(keys->unknown[keys->unknown_count].bytes, name.bytes, size);
    keys->unknown_count++;
    keys->listener->unknown_cb(keys->listener, path, (const char *)name.bytes,
                               size);
}

// The check of one call.
struct metadata_check {
    struct metadata_keys *keys;
    const char *path;
    struct metadata_problem *problem;
    bool is_given[METADATA_ROWS];
};

// False: the problem is told.
static bool metadata_check_unknown(struct metadata_check *check,
                                   struct rpc_message name)
{
    if (!metadata_is_strict(check->path)) {
        metadata_tell(check->keys, check->path, name);
        return true;
    }
    snprintf(check->problem->text, METADATA_PROBLEM_SIZE,
             "unknown metadata '%.*s'", (int)metadata_shown_size(name),
             (const char *)name.bytes);
    return false;
}

static bool metadata_check_key(struct metadata_check *check,
                               struct rpc_message name)
{
    size_t row = metadata_find(name);

    if (row == METADATA_ROWS) {
        return metadata_check_unknown(check, name);
    }
    if (!metadata_belongs(&metadata_rows[row], check->path)) {
        metadata_say_misplaced(&metadata_rows[row], check->path,
                               check->problem);
        return false;
    }
    if (check->is_given[row]) {
        snprintf(check->problem->text, METADATA_PROBLEM_SIZE,
                 "metadata '%s' is given twice", metadata_rows[row].name);
        return false;
    }
    check->is_given[row] = true;
    return true;
}

bool metadata_keys_check(struct metadata_keys *keys,
                         const struct rpc_call *call,
                         struct metadata_problem *problem)
{
    struct metadata_check check = {
        .keys = keys,
        .path = rpc_call_method(call)->path,
        .problem = problem,
    };
    size_t count = rpc_call_metadata_count(call);
    struct rpc_message name;
    struct rpc_message value;

    for (size_t i = 0; i < count; i++) {
        rpc_call_metadata_at(call, i, &name, &value);
        if (metadata_is_ours(name) && !metadata_check_key(&check, name)) {
            return false;
        }
    }
    return true;
}
