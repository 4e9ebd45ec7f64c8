// SPDX-License-Identifier: Apache-2.0

#include "lease_room.h"

#include <stdlib.h>
#include <string.h>

#include "base/container_of.h"
#include "virtual_time.h"

#define LEASE_ROOM_NS_PER_MS UINT64_C(1000000)
// An uptime as any; in the middle of a millisecond.
#define LEASE_ROOM_START_NS UINT64_C(7000000400000)

struct lease_ask {
    struct store_request request;
    char candidate[ELECTD_NAME_SIZE_MAX + 1];
    bool is_kept;
    bool is_done;
    uint64_t entry;
};

static struct electd_name lease_room_name(const char *name)
{
    return (struct electd_name){name, strlen(name)};
}

static void lease_room_change_cb(struct store_listener *listener,
                                 const struct electd_outcome *outcome)
{
    struct lease_room *room =
        container_of(listener, struct lease_room, listener);
    const struct electd_candidate *departed = outcome->departed;

    for (; departed != NULL; departed = electd_candidate_next(departed)) {
        assert_true(room->exits_count < LEASE_ROOM_EXITS_MAX);
        room->exits[room->exits_count++] = (struct lease_exit){
            .entry = electd_candidate_entry(departed),
            .at_ns = room->is_real ? uv_hrtime() : virtual_time_ns(),
            .reason = outcome->reason,
        };
    }
}

static void lease_room_done_cb(struct store_request *request,
                               enum electd_status status,
                               const struct electd_outcome *outcome)
{
    struct lease_ask *ask = container_of(request, struct lease_ask, request);

    assert_int_equal(status, ELECTD_OK);
    ask->is_done = true;
    ask->entry = outcome->entry;
    if (!ask->is_kept) {
        free(ask);
    }
}

static struct lease_ask *lease_room_submit(struct lease_room *room,
                                           struct electd_command command,
                                           const char *candidate, bool is_kept)
{
    struct lease_ask *ask = calloc(1, sizeof *ask);

    assert_non_null(ask);
    assert_true(strlen(candidate) < sizeof ask->candidate);
    strcpy(ask->candidate, candidate);
    ask->request.command = command;
    ask->request.command.election = lease_room_name("x");
    ask->request.command.candidate = lease_room_name(ask->candidate);
    ask->request.command.session = 1;
    ask->request.done_cb = lease_room_done_cb;
    ask->is_kept = is_kept;
    store_submit(&room->store.base, &ask->request);
    return ask;
}

void lease_room_ask(struct lease_room *room, enum electd_operation operation,
                    const char *candidate)
{
    (void)lease_room_submit(room,
                            (struct electd_command){.operation = operation},
                            candidate, false);
}

uint64_t lease_room_enter(struct lease_room *room, const char *candidate,
                          enum electd_lease lease)
{
    struct electd_command command = {
        .operation = ELECTD_ENTER,
        .lease = lease,
    };
    struct lease_ask *ask = lease_room_submit(room, command, candidate, true);
    uint64_t entry;

    while (!ask->is_done) {
        lease_room_turn(room);
    }
    entry = ask->entry;
    free(ask);
    return entry;
}

uint64_t lease_room_begin(struct lease_room *room, const char *candidate,
                          uint32_t period_ms)
{
    uint64_t entry = lease_room_enter(room, candidate, ELECTD_LEASE_TIME);
    char copies[2][ELECTD_NAME_SIZE_MAX + 1] = {"x"};
    enum electd_status status;

    strcpy(copies[1], candidate);
    status =
        lease_begin(&room->leases, entry, period_ms, lease_room_name(copies[0]),
                    lease_room_name(copies[1]));
    assert_int_equal(status, ELECTD_OK);
    // It has names of its own.
    memset(copies, 'x', sizeof copies);
    return entry;
}

static void lease_room_begin_pass(struct lease_reader *reader)
{
    struct lease_room *room = container_of(reader, struct lease_room, reader);

    room->passes++;
}

void lease_room_read_by_hand(struct lease_room *room)
{
    room->reader.begin_pass = lease_room_begin_pass;
    lease_table_set_reader(&room->leases, &room->reader);
}

void lease_room_turn(struct lease_room *room)
{
    (void)uv_run(&room->loop, UV_RUN_NOWAIT);
}

static void lease_room_advance(uint64_t passed_ms)
{
    virtual_time_set(virtual_time_ns() + passed_ms * LEASE_ROOM_NS_PER_MS);
}

void lease_room_pass(struct lease_room *room, uint64_t passed_ms)
{
    uint64_t step_ms;
    int timeout_ms;

    assert_false(room->is_real);
    while (passed_ms > 0) {
        uv_update_time(&room->loop);
        timeout_ms = uv_backend_timeout(&room->loop);
        // Of a loop that has nothing to do at all it is 0 as well.
        step_ms = uv_loop_alive(&room->loop) ? (uint64_t)timeout_ms : passed_ms;
        step_ms = step_ms > passed_ms ? passed_ms : step_ms;
        lease_room_advance(step_ms);
        passed_ms -= step_ms;
        lease_room_turn(room);
    }
}

void lease_room_stall(struct lease_room *room, uint64_t stalled_ms)
{
    assert_false(room->is_real);
    lease_room_advance(stalled_ms);
    lease_room_turn(room);
}

static void lease_room_prepare_cb(uv_prepare_t *hook)
{
    struct lease_room *room = container_of(hook, struct lease_room, hook);

    if (room->store.waiting != NULL) {
        uv_prepare_stop(hook);
        room->hook_cb(room);
    }
}

void lease_room_hook(struct lease_room *room,
                     void (*hook_cb)(struct lease_room *room))
{
    room->hook_cb = hook_cb;
    uv_prepare_start(&room->hook, lease_room_prepare_cb);
}

static int lease_room_open(void **state, bool is_real)
{
    struct lease_room *room = calloc(1, sizeof *room);

    assert_non_null(room);
    room->is_real = is_real;
    if (!is_real) {
        virtual_time_set(LEASE_ROOM_START_NS);
    }
    assert_int_equal(uv_loop_init(&room->loop), 0);
    assert_int_equal(
        store_memory_init(&room->store, &room->loop,
                          (struct electd_limits){1, LEASE_ROOM_EXITS_MAX}),
        ELECTD_OK);
    room->listener.change_cb = lease_room_change_cb;
    room->store.base.listener = &room->listener;
    lease_table_init(&room->leases, &room->loop, &room->store.base);
    uv_prepare_init(&room->loop, &room->hook);
    lease_room_ask(room, ELECTD_CREATE, "");
    lease_room_turn(room);
    *state = room;
    return 0;
}

int lease_room_setup(void **state)
{
    return lease_room_open(state, false);
}

int lease_room_setup_real(void **state)
{
    return lease_room_open(state, true);
}

static void lease_room_leases_closed_cb(struct lease_table *leases)
{
    struct lease_room *room = container_of(leases, struct lease_room, leases);

    assert_false(room->is_leases_closed);
    room->is_leases_closed = true;
}

void lease_room_close_leases(struct lease_room *room)
{
    lease_table_close(&room->leases, lease_room_leases_closed_cb);
    // Nothing completes inside the call that asked for it.
    assert_false(room->is_leases_closed);
}

static void lease_room_store_closed_cb(struct store *store)
{
    struct lease_room *room =
        container_of(store, struct lease_room, store.base);

    room->is_store_closed = true;
}

int lease_room_teardown(void **state)
{
    struct lease_room *room = *state;

    if (!room->leases.is_closing) {
        lease_room_close_leases(room);
    }
    for (unsigned turns = 0; !room->is_leases_closed && turns < 10; turns++) {
        lease_room_turn(room);
    }
    assert_true(room->is_leases_closed);
    store_close(&room->store.base, lease_room_store_closed_cb);
    uv_close((uv_handle_t *)&room->hook, NULL);
    assert_int_equal(uv_run(&room->loop, UV_RUN_DEFAULT), 0);
    assert_true(room->is_store_closed);
    assert_int_equal(uv_loop_close(&room->loop), 0);
    virtual_time_end();
    free(room);
    return 0;
}

const struct lease_exit *lease_room_exit(const struct lease_room *room,
                                         uint64_t entry)
{
    for (size_t i = 0; i < room->exits_count; i++) {
        if (room->exits[i].entry == entry) {
            return &room->exits[i];
        }
    }
    return NULL;
}
