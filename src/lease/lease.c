// SPDX-License-Identifier: Apache-2.0
//
// Happy path: lease_begin() starts a timer; it fires; the entry is expired by a
// command to the store; the command is done, and the lease's memory goes.
//
// Each lease is a timer of libuv, which keeps them in a heap. A timer may find
// that a stall has given its lease more time: then it is started again. A lease
// that is ended while its command is under way has its memory released by the
// command's end.

#include "lease/lease.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/container_of.h"
#include "core/hash.h"

#define LEASE_HEARTBEAT_MS_MIN 25
#define LEASE_HEARTBEAT_MS_MAX 1000
// The class of 64 to 127 ms: a grace may be shorter, and is no measure of how
// late a loop may be that is merely busy.
#define LEASE_STALL_CLASS_MIN 6

struct lease {
    UT_hash_handle hh;
    struct lease_table *table;
    uint64_t entry;
    uint32_t period_ms;
    uint64_t begun_ms;
    // When it is due, its owner is told, rather than the store.
    bool is_awaited;
    uv_timer_t timer;
    struct store_request request;
    // The two names, one behind the other.
    char names[];
};

static unsigned lease_class(uint32_t period_ms)
{
    unsigned exponent = 0;

    while (period_ms > 1) {
        period_ms >>= 1;
        exponent++;
    }
    return exponent;
}

// Longer than this the loop does not stand still without a reason. No more than
// the shortest period in force, and more than half of it.
static uint64_t lease_stall_ms(const struct lease_table *table)
{
    for (unsigned i = 0; i < LEASE_PERIOD_CLASSES; i++) {
        if (table->in_class[i] > 0) {
            return (uint64_t)1
                   << (i > LEASE_STALL_CLASS_MIN ? i : LEASE_STALL_CLASS_MIN);
        }
    }
    return UINT64_MAX;
}

// The loop is seen to turn.
static void lease_notice_stall(struct lease_table *table)
{
    uint64_t now_ms = uv_now(table->loop);

    if (now_ms - table->turned_ms > lease_stall_ms(table)) {
        table->stall_ended_ms = now_ms;
    }
    table->turned_ms = now_ms;
}

static uint64_t lease_heartbeat_ms(const struct lease_table *table)
{
    uint64_t period_ms = lease_stall_ms(table) / 4;

    if (period_ms < LEASE_HEARTBEAT_MS_MIN) {
        return LEASE_HEARTBEAT_MS_MIN;
    }
    return period_ms < LEASE_HEARTBEAT_MS_MAX ? period_ms
                                              : LEASE_HEARTBEAT_MS_MAX;
}

static void lease_heartbeat_cb(uv_timer_t *timer);

static void lease_start_heartbeat(struct lease_table *table)
{
    table->turned_ms = uv_now(table->loop);
    table->heartbeat_ms = lease_heartbeat_ms(table);
    // Cannot fail: the callback is given and the handle open.
    uv_timer_start(&table->heartbeat, lease_heartbeat_cb, table->heartbeat_ms,
                   0);
}

static void lease_heartbeat_cb(uv_timer_t *timer)
{
    struct lease_table *table =
        container_of(timer, struct lease_table, heartbeat);

    lease_notice_stall(table);
    if (table->by_entry != NULL) {
        lease_start_heartbeat(table);
    }
}

void lease_table_init(struct lease_table *table, uv_loop_t *loop,
                      struct store *store)
{
    *table = (struct lease_table){
        .loop = loop,
        .store = store,
        .open_handles = 1,
    };
    uv_timer_init(loop, &table->heartbeat);
}

static void lease_handle_closed(struct lease_table *table)
{
    assert(table->open_handles > 0);
    table->open_handles--;
    if (table->open_handles == 0) {
        assert(table->is_closing);
        table->closed_cb(table);
    }
}

static void lease_timer_closed_cb(uv_handle_t *handle)
{
    struct lease *lease = container_of(handle, struct lease, timer);
    struct lease_table *table = lease->table;

    free(lease);
    lease_handle_closed(table);
}

// Takes the lease out of force.
static void lease_forget(struct lease *lease)
{
    struct lease_table *table = lease->table;

    HASH_DELETE(hh, table->by_entry, lease);
    table->in_class[lease_class(lease->period_ms)]--;
}

static void lease_expired_cb(struct store_request *request,
                             enum electd_status status,
                             const struct electd_outcome *outcome)
{
    struct lease *lease = container_of(request, struct lease, request);

    // What became of it, the listener has heard.
    (void)status;
    (void)outcome;
    uv_close((uv_handle_t *)&lease->timer, lease_timer_closed_cb);
}

static void lease_start(struct lease *lease);

// The lease is no longer in the table: what the callback ends, renews or begins
// for its entry is another one.
static void lease_tell_overdue(struct lease *lease)
{
    struct lease_table *table = lease->table;
    const struct electd_command *command = &lease->request.command;

    table->overdue_cb(table, command->election, command->candidate,
                      lease->entry);
    uv_close((uv_handle_t *)&lease->timer, lease_timer_closed_cb);
}

static void lease_timer_cb(uv_timer_t *timer)
{
    struct lease *lease = container_of(timer, struct lease, timer);
    struct lease_table *table = lease->table;

    lease_notice_stall(table);
    if (table->stall_ended_ms > lease->begun_ms) {
        lease_start(lease);
        return;
    }
    lease_forget(lease);
    if (lease->is_awaited) {
        lease_tell_overdue(lease);
    } else {
        store_submit(table->store, &lease->request);
    }
}

// A full period from now on, and never less: the loop's clock is brought up to
// date first, and counts in whole milliseconds.
static void lease_start(struct lease *lease)
{
    uv_update_time(lease->table->loop);
    lease->begun_ms = uv_now(lease->table->loop);
    // Cannot fail: the callback is given and the handle open.
    uv_timer_start(&lease->timer, lease_timer_cb, lease->period_ms + 1, 0);
}

static struct lease *lease_create(struct lease_table *table,
                                  struct electd_name election,
                                  struct electd_name candidate)
{
    struct lease *lease =
        calloc(1, sizeof *lease + election.size + candidate.size);

    if (lease == NULL) {
        return NULL;
    }
    lease->table = table;
    memcpy(lease->names, election.bytes, election.size);
    memcpy(lease->names + election.size, candidate.bytes, candidate.size);
    lease->request.command.operation = ELECTD_EXPIRE;
    lease->request.command.election =
        (struct electd_name){lease->names, election.size};
    lease->request.command.candidate =
        (struct electd_name){lease->names + election.size, candidate.size};
    lease->request.done_cb = lease_expired_cb;
    return lease;
}

static struct lease *lease_find(const struct lease_table *table, uint64_t entry)
{
    struct lease *lease = NULL;

    HASH_FIND(hh, table->by_entry, &entry, sizeof entry, lease);
    return lease;
}

// Puts a lease that is not in force yet into the table.
static bool lease_add(struct lease *lease)
{
    struct lease_table *table = lease->table;

    HASH_ADD(hh, table->by_entry, entry, sizeof lease->entry, lease);
    if (lease->hh.tbl == NULL) {
        return false;
    }
    table->open_handles++;
    uv_timer_init(table->loop, &lease->timer);
    return true;
}

// The lease of an entry, in the table; NULL when out of memory.
static struct lease *lease_place(struct lease_table *table, uint64_t entry,
                                 struct electd_name election,
                                 struct electd_name candidate)
{
    struct lease *lease = lease_find(table, entry);

    assert(!table->is_closing);
    if (lease != NULL) {
        table->in_class[lease_class(lease->period_ms)]--;
        return lease;
    }
    lease = lease_create(table, election, candidate);
    if (lease == NULL) {
        return NULL;
    }
    lease->entry = entry;
    lease->request.command.entry = entry;
    if (!lease_add(lease)) {
        free(lease);
        return NULL;
    }
    return lease;
}

static void lease_run(struct lease *lease, uint32_t period_ms)
{
    struct lease_table *table = lease->table;
    bool is_first = HASH_COUNT(table->by_entry) == 1;

    lease_notice_stall(table);
    lease->period_ms = period_ms;
    table->in_class[lease_class(period_ms)]++;
    lease_start(lease);
    if (is_first || lease_heartbeat_ms(table) < table->heartbeat_ms) {
        lease_start_heartbeat(table);
    }
}

enum electd_status lease_begin(struct lease_table *table, uint64_t entry,
                               uint32_t period_ms, struct electd_name election,
                               struct electd_name candidate)
{
    struct lease *lease = lease_place(table, entry, election, candidate);

    if (lease == NULL) {
        return ELECTD_NO_MEMORY;
    }
    lease->is_awaited = false;
    lease_run(lease, period_ms);
    return ELECTD_OK;
}

enum electd_status lease_await(struct lease_table *table, uint64_t entry,
                               uint32_t period_ms, struct electd_name election,
                               struct electd_name candidate)
{
    struct lease *lease;

    assert(table->overdue_cb != NULL);
    lease = lease_place(table, entry, election, candidate);
    if (lease == NULL) {
        return ELECTD_NO_MEMORY;
    }
    lease->is_awaited = true;
    lease_run(lease, period_ms);
    return ELECTD_OK;
}

void lease_renew(struct lease_table *table, uint64_t entry)
{
    struct lease *lease = lease_find(table, entry);

    if (lease != NULL) {
        lease_notice_stall(table);
        lease_start(lease);
    }
}

uint64_t lease_left_ms(const struct lease_table *table, uint64_t entry)
{
    const struct lease *lease = lease_find(table, entry);
    uint64_t now_ms;
    uint64_t due_ms;

    if (lease == NULL) {
        return 0;
    }
    uv_update_time(table->loop);
    now_ms = uv_now(table->loop);
    due_ms = lease->begun_ms + lease->period_ms;
    return due_ms > now_ms ? due_ms - now_ms : 0;
}

void lease_end(struct lease_table *table, uint64_t entry)
{
    struct lease *lease = lease_find(table, entry);

    if (lease != NULL) {
        lease_forget(lease);
        uv_close((uv_handle_t *)&lease->timer, lease_timer_closed_cb);
    }
}

static void lease_heartbeat_closed_cb(uv_handle_t *handle)
{
    lease_handle_closed(container_of(handle, struct lease_table, heartbeat));
}

void lease_table_close(struct lease_table *table,
                       void (*closed_cb)(struct lease_table *table))
{
    struct lease *lease;
    struct lease *next;

    table->is_closing = true;
    table->closed_cb = closed_cb;
    HASH_ITER(hh, table->by_entry, lease, next) {
        lease_end(table, lease->entry);
    }
    uv_close((uv_handle_t *)&table->heartbeat, lease_heartbeat_closed_cb);
}
