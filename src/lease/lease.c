// SPDX-License-Identifier: Apache-2.0
//
// Happy path:
// - lease_begin() starts a timer, and it fires: the lease is due.
// - The loop did not stand still in its life: it waits for a read pass.
// - The pass is over, and nothing that was read has renewed the lease: the
//   entry is expired by a command to the store, or its owner is told.
// - The command is done, and the lease's memory goes.
//
// Failure modes:
// - The loop stood still (the process was stopped, suspended or starved): the
//   lease rests for as long, or for a period if that is shorter, and waits for
//   the read pass only then. So a stall in the rest does no harm either.
// - Traffic never pauses, and the pass does not end: a lease waits for a
//   limited time (read_pass.h).
// - A lease is ended while its command is under way: it is in the table no
//   more, and the command's end releases its memory.
//
// Each lease is a timer of libuv, which keeps them in a heap. The loop's time
// is not brought up to date while its timers run, for then one that is started
// might fire before the loop has looked for anything else.

#include "lease/lease.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/container_of.h"
#include "base/hash.h"

// The handles of a table itself.
#define LEASE_TABLE_HANDLES 2

//                due, after a stall          rested
//     RUNNING ----------------------> RESTS --------> UNREAD ----> over
//        |                                              ^
//        +----------------------------------------------+
//                due
//
// Renewed in any of them, it is RUNNING.
enum lease_phase {
    LEASE_RUNNING,
    LEASE_RESTS,
    LEASE_UNREAD,
};

struct lease {
    UT_hash_handle hh;
    struct lease_table *table;
    uint64_t entry;
    uint32_t period_ms;
    uint64_t begun_ms;
    // When it is over, its owner is told, rather than the store.
    bool is_awaited;
    enum lease_phase phase;
    struct read_pass_wait wait;
    // How long it waits for a pass, at most.
    uint64_t wait_ms_max;
    uv_timer_t timer;
    struct store_request request;
    // The two names, one behind the other.
    char names[];
};

// Looks when the loop had last caught up.
static void lease_look(struct lease_table *table)
{
    const struct lease_reader *reader = table->passes.reader;
    uint64_t caught_up_ms = uv_now(table->loop);

    if (reader != NULL && reader->caught_up_ms != NULL) {
        caught_up_ms = reader->caught_up_ms(reader);
    }
    stalls_look(&table->stalls, caught_up_ms);
}

static void lease_heartbeat_cb(uv_timer_t *timer)
{
    struct lease_table *table =
        container_of(timer, struct lease_table, heartbeat);

    lease_look(table);
    if (table->by_entry == NULL) {
        uv_timer_stop(timer);
    }
}

static void lease_start_heartbeat(struct lease_table *table)
{
    uv_update_time(table->loop);
    stalls_begin(&table->stalls, uv_now(table->loop));
    // Cannot fail: the callback is given and the handle open.
    uv_timer_start(&table->heartbeat, lease_heartbeat_cb, STALLS_HEARTBEAT_MS,
                   STALLS_HEARTBEAT_MS);
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

static void lease_move(struct lease *lease, enum lease_phase phase)
{
    assert(phase != LEASE_RESTS || lease->phase == LEASE_RUNNING);
    read_pass_leave(&lease->wait);
    lease->phase = phase;
}

// Takes the lease out of force.
static void lease_forget(struct lease *lease)
{
    lease_move(lease, LEASE_RUNNING);
    uv_timer_stop(&lease->timer);
    HASH_DELETE(hh, lease->table->by_entry, lease);
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

// What the callback ends, renews or begins for the entry is another lease: this
// one is in the table no more.
static void lease_tell_overdue(struct lease *lease)
{
    struct lease_table *table = lease->table;
    const struct electd_command *command = &lease->request.command;

    table->overdue_cb(table, command->election, command->candidate,
                      lease->entry);
    uv_close((uv_handle_t *)&lease->timer, lease_timer_closed_cb);
}

static void lease_over(struct lease *lease)
{
    lease_forget(lease);
    if (lease->is_awaited) {
        lease_tell_overdue(lease);
    } else {
        store_submit(lease->table->store, &lease->request);
    }
}

// Nothing that was read has renewed it.
static void lease_read_cb(struct read_pass_wait *wait)
{
    lease_over(container_of(wait, struct lease, wait));
}

void lease_table_init(struct lease_table *table, uv_loop_t *loop,
                      struct store *store)
{
    *table = (struct lease_table){
        .loop = loop,
        .store = store,
        .open_handles = LEASE_TABLE_HANDLES,
    };
    uv_timer_init(loop, &table->heartbeat);
    read_passes_init(&table->passes, loop, lease_read_cb);
}

void lease_table_set_reader(struct lease_table *table,
                            struct lease_reader *reader)
{
    table->passes.reader = reader;
}

void lease_table_pass_over(struct lease_table *table)
{
    read_passes_over(&table->passes);
}

static void lease_await_pass(struct lease *lease)
{
    lease_move(lease, LEASE_UNREAD);
    read_pass_join(&lease->table->passes, &lease->wait, lease->wait_ms_max);
}

static void lease_timer_cb(uv_timer_t *timer);

// Cannot fail: the callback is given and the handle open. Never less than that:
// the loop's clock counts in whole milliseconds.
static void lease_start_timer(struct lease *lease, uint64_t duration_ms)
{
    uv_timer_start(&lease->timer, lease_timer_cb, duration_ms + 1, 0);
}

static void lease_due(struct lease *lease)
{
    uint64_t stall_ms = stalls_longest_ms(
        &lease->table->stalls, lease->begun_ms, uv_now(lease->table->loop));
    uint64_t rest_ms =
        stall_ms < lease->period_ms ? stall_ms : lease->period_ms;

    lease->wait_ms_max = LEASE_PASS_MS_MAX;
    if (stall_ms == 0) {
        lease_await_pass(lease);
        return;
    }
    lease->wait_ms_max += stall_ms - rest_ms;
    lease->wait_ms_max -= STALLS_HEARTBEAT_MS;
    lease_move(lease, LEASE_RESTS);
    lease_start_timer(lease, rest_ms);
}

static void lease_timer_cb(uv_timer_t *timer)
{
    struct lease *lease = container_of(timer, struct lease, timer);
    struct lease_table *table = lease->table;

    lease_look(table);
    if (lease->phase == LEASE_RUNNING) {
        lease_due(lease);
    } else {
        lease_await_pass(lease);
    }
}

// A full period from now on.
static void lease_start(struct lease *lease)
{
    uv_update_time(lease->table->loop);
    lease->begun_ms = uv_now(lease->table->loop);
    lease_move(lease, LEASE_RUNNING);
    lease_start_timer(lease, lease->period_ms);
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
    bool is_first = table->by_entry == NULL;

    HASH_ADD(hh, table->by_entry, entry, sizeof lease->entry, lease);
    if (lease->hh.tbl == NULL) {
        return false;
    }
    table->open_handles++;
    uv_timer_init(table->loop, &lease->timer);
    if (is_first) {
        lease_start_heartbeat(table);
    }
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

enum electd_status lease_begin(struct lease_table *table, uint64_t entry,
                               uint32_t period_ms, struct electd_name election,
                               struct electd_name candidate)
{
    struct lease *lease = lease_place(table, entry, election, candidate);

    if (lease == NULL) {
        return ELECTD_NO_MEMORY;
    }
    lease->is_awaited = false;
    lease->period_ms = period_ms;
    lease_start(lease);
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
    lease->period_ms = period_ms;
    lease_start(lease);
    return ELECTD_OK;
}

void lease_renew(struct lease_table *table, uint64_t entry)
{
    struct lease *lease = lease_find(table, entry);

    if (lease != NULL) {
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

static void lease_passes_closed_cb(struct read_passes *passes)
{
    lease_handle_closed(container_of(passes, struct lease_table, passes));
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
    read_passes_close(&table->passes, lease_passes_closed_cb);
}
