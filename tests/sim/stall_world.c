// SPDX-License-Identifier: Apache-2.0
//
// A step: time passes, in which clients send; the loop turns: its timers, what
// was submitted to the store, and the transport, which reads.

#include "stall_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "base/container_of.h"
#include "stall_check.h"
#include "unit/virtual_time.h"

#define STALL_NS_PER_MS UINT64_C(1000000)
#define STALL_START_NS UINT64_C(7000000400000)
// A stall that is shorter may stay unnoticed.
#define STALL_KNOWN_MS (STALLS_HEARTBEAT_MS + STALLS_TOLERANCE_MS + 1)

struct stall_ask {
    struct store_request request;
    struct stall_world *world;
    unsigned client;
    bool is_create;
};

static struct electd_name stall_name(const char *name)
{
    return (struct electd_name){name, strlen(name)};
}

// What clients do, whatever the loop does.

static void stall_send(struct stall_world *world)
{
    for (unsigned i = 0; i < STALL_CLIENTS; i++) {
        struct stall_client *client = &world->clients[i];

        if (client->is_alive && !client->is_sent &&
            client->send_ms <= stall_now_ms()) {
            client->is_sent = true;
            client->sent_number = ++world->sent;
        }
    }
}

static void stall_pass_ms(struct stall_world *world, uint64_t passed_ms)
{
    for (; passed_ms > 0; passed_ms--) {
        virtual_time_set(virtual_time_ns() + STALL_NS_PER_MS);
        stall_send(world);
    }
}

static void stall_note_turn(struct stall_world *world, uint64_t stalled_ms)
{
    assert_true(world->turns < STALL_TURNS_MAX);
    world->turned_ms[world->turns] = stall_now_ms();
    world->stalled_ms[world->turns] = stalled_ms;
    world->silent_ms[world->turns] = stalled_ms + world->midway_ms;
    world->turns++;
    world->coverage->turns++;
    world->coverage->stalls += stalled_ms >= STALL_KNOWN_MS;
}

static uint64_t stall_length_ms(struct stall_world *world)
{
    unsigned chance = prng_below(&world->prng, 100);

    if (chance < 40) {
        return prng_between(&world->prng, 1, STALL_KNOWN_MS);
    }
    return chance < 85 ? prng_between(&world->prng, STALL_KNOWN_MS, 600)
                       : prng_between(&world->prng, 600, 8000);
}

// In the middle of a turn. It counts as one of its own, since nothing of the
// turn that follows it knows of it before the next.
static void stall_midway(struct stall_world *world, unsigned percent)
{
    uint64_t stalled_ms;

    if (!world->is_quiet && prng_percent(&world->prng, percent)) {
        stalled_ms = stall_length_ms(world);
        stall_pass_ms(world, stalled_ms);
        world->is_midway[world->turns] = true;
        stall_note_turn(world, stalled_ms);
        world->midway_ms += stalled_ms;
    }
}

static void stall_answer(struct stall_client *client)
{
    client->is_sent = false;
    client->send_ms = stall_now_ms() + client->pause_ms;
}

// What the daemon does, as its services do.

static void stall_begin(struct stall_world *world, unsigned which,
                        uint64_t entry, uint32_t period_ms)
{
    struct stall_client *client = &world->clients[which];
    // A stall that nobody notices may lie between a renewal and its answer.
    bool is_short_of_time =
        client->pause_ms + STALL_KNOWN_MS + 10 > client->period_ms;

    assert_true(entry < STALL_ENTRIES_MAX);
    world->by_entry[entry] = (struct stall_lease){
        .client = which,
        .period_ms = period_ms,
        .begun_ns = virtual_time_ns(),
        .is_awaited = client->is_awaited,
        .is_doomed = is_short_of_time || !client->is_alive,
        .is_in_force = true,
    };
}

static void stall_entered(struct stall_world *world, unsigned which,
                          const struct electd_outcome *outcome)
{
    struct stall_client *client = &world->clients[which];
    enum electd_status (*begin)(struct lease_table *, uint64_t, uint32_t,
                                struct electd_name, struct electd_name) =
        client->is_awaited ? lease_await : lease_begin;
    uint64_t left_ms = lease_left_ms(&world->leases, outcome->replaced_entry);

    if (outcome->replaced_entry > 0) {
        struct stall_lease *replaced =
            &world->by_entry[outcome->replaced_entry];

        world->coverage->renewed++;
        world->coverage->renewed_when_due +=
            replaced->is_in_force && left_ms == 0;
        replaced->is_in_force = false;
        lease_end(&world->leases, outcome->replaced_entry);
    }
    stall_begin(world, which, outcome->entry, client->period_ms);
    client->entry = outcome->entry;
    assert_int_equal(begin(&world->leases, outcome->entry, client->period_ms,
                           stall_name("x"), stall_name(client->name)),
                     ELECTD_OK);
    stall_midway(world, 3);
    stall_answer(client);
}

static void stall_done_cb(struct store_request *request,
                          enum electd_status status,
                          const struct electd_outcome *outcome)
{
    struct stall_ask *ask = container_of(request, struct stall_ask, request);

    assert_int_equal(status, ELECTD_OK);
    if (!ask->is_create) {
        stall_entered(ask->world, ask->client, outcome);
    }
    free(ask);
}

static void stall_submit(struct stall_world *world, unsigned which,
                         enum electd_operation operation)
{
    struct stall_ask *ask = calloc(1, sizeof *ask);

    assert_non_null(ask);
    ask->world = world;
    ask->client = which;
    ask->is_create = operation == ELECTD_CREATE;
    ask->request.command = (struct electd_command){
        .operation = operation,
        .election = stall_name("x"),
        .candidate = stall_name(world->clients[which].name),
        .session = 1,
        .lease = world->clients[which].is_awaited ? ELECTD_LEASE_STREAM
                                                  : ELECTD_LEASE_TIME,
    };
    ask->request.done_cb = stall_done_cb;
    store_submit(&world->store.base, &ask->request);
}

static void stall_change_cb(struct store_listener *listener,
                            const struct electd_outcome *outcome)
{
    struct stall_world *world =
        container_of(listener, struct stall_world, listener);
    const struct electd_candidate *departed = outcome->departed;

    for (; departed != NULL; departed = electd_candidate_next(departed)) {
        uint64_t entry = electd_candidate_entry(departed);

        lease_end(&world->leases, entry);
        // Its lease was checked when it was over.
        assert_false(world->by_entry[entry].is_in_force);
        world->clients[world->by_entry[entry].client].entry = 0;
    }
}

static void stall_overdue_cb(struct lease_table *leases,
                             struct electd_name election,
                             struct electd_name candidate, uint64_t entry)
{
    struct stall_world *world =
        container_of(leases, struct stall_world, leases);
    struct stall_lease *lease = &world->by_entry[entry];
    unsigned which = lease->client;

    world->coverage->overdue++;
    stall_check_over(world, entry);
    stall_begin(world, which, entry, 200);
    lease->is_awaited = false;
    lease->is_doomed = true;
    assert_int_equal(lease_begin(leases, entry, 200, election, candidate),
                     ELECTD_OK);
    world->coverage->graces++;
}

// What the transport does.

static void stall_read(struct stall_world *world, unsigned which)
{
    struct stall_client *client = &world->clients[which];
    struct stall_lease *lease = &world->by_entry[client->entry];

    if (!client->is_awaited || client->entry == 0 || !lease->is_in_force ||
        !lease->is_awaited) {
        // It is on its way, and no longer in a socket.
        client->is_sent = true;
        client->sent_number = UINT64_MAX;
        stall_submit(world, which, ELECTD_ENTER);
        return;
    }
    world->coverage->renewed++;
    world->coverage->renewed_when_due +=
        lease_left_ms(&world->leases, client->entry) == 0;
    stall_begin(world, which, client->entry, client->period_ms);
    lease_renew(&world->leases, client->entry);
    stall_midway(world, 3);
    stall_answer(client);
}

// How many messages are in sockets that were there when the pass began.
static unsigned stall_unread(const struct stall_world *world)
{
    unsigned count = 0;

    for (unsigned i = 0; i < STALL_CLIENTS; i++) {
        count += world->clients[i].is_sent &&
                 world->clients[i].sent_number <= world->pass_number;
    }
    return count;
}

static void stall_end_pass(struct stall_world *world)
{
    uint64_t lasted_ms = stall_now_ms() - world->pass_begun_ms;

    world->is_passing = false;
    world->is_telling = true;
    if (lasted_ms > world->pass_ms_max) {
        world->pass_ms_max = lasted_ms;
    }
    lease_table_pass_over(&world->leases);
    world->is_telling = false;
}

static void stall_transport_cb(uv_check_t *check)
{
    struct stall_world *world =
        container_of(check, struct stall_world, transport);
    unsigned first = prng_below(&world->prng, STALL_CLIENTS);
    unsigned reads = prng_between(&world->prng, 1, world->reads_max);
    // What was read before this turn has been done.
    bool is_done = world->store.waiting == NULL;

    if (world->is_passing && is_done && !world->never_pauses &&
        stall_unread(world) == 0) {
        stall_end_pass(world);
    }
    for (unsigned i = 0; i < STALL_CLIENTS && reads > 0; i++) {
        unsigned which = (first + i) % STALL_CLIENTS;
        struct stall_client *client = &world->clients[which];

        if (client->is_sent && client->sent_number != UINT64_MAX) {
            stall_read(world, which);
            reads--;
        }
    }
}

static void stall_begin_pass(struct lease_reader *reader)
{
    struct stall_world *world =
        container_of(reader, struct stall_world, reader);

    assert_false(world->is_passing);
    world->is_passing = true;
    world->pass_number = world->sent;
    world->pass_begun_ms = stall_now_ms();
}

static void stall_live(struct stall_world *world)
{
    static const uint32_t periods_ms[] = {100,  130,  250,  500,
                                          1000, 3000, 5000, 15000};
    unsigned which = prng_below(&world->prng, STALL_CLIENTS);
    struct stall_client *client = &world->clients[which];

    if (client->is_alive && prng_percent(&world->prng, 30)) {
        client->is_alive = false;
        // Unless it is in a socket already, nobody renews this.
        world->by_entry[client->entry].is_doomed = true;
    } else if (!client->is_alive && !client->is_sent && client->entry == 0) {
        client->is_alive = true;
        client->is_awaited = prng_percent(&world->prng, 40);
        client->period_ms = periods_ms[prng_below(&world->prng, 8)];
        client->pause_ms =
            client->period_ms * prng_between(&world->prng, 10, 95) / 100;
        client->send_ms = stall_now_ms() + prng_below(&world->prng, 100);
    }
}

// Until something is due, a client sends, or a pass is to go on.
static uint64_t stall_next_ms(struct stall_world *world)
{
    uint64_t next_ms = world->is_passing ? 1 : 40;
    int timeout_ms;

    uv_update_time(&world->loop);
    timeout_ms = uv_backend_timeout(&world->loop);
    if (timeout_ms >= 0 && (uint64_t)timeout_ms < next_ms) {
        next_ms = (uint64_t)timeout_ms;
    }
    return next_ms;
}

void stall_world_step(struct stall_world *world)
{
    uint64_t stalled_ms = 0;

    if (!world->is_quiet && prng_percent(&world->prng, 5)) {
        stall_live(world);
    }
    stall_pass_ms(world, stall_next_ms(world));
    if (!world->is_quiet && prng_percent(&world->prng, 2)) {
        stalled_ms = stall_length_ms(world);
        stall_pass_ms(world, stalled_ms);
    }
    stall_note_turn(world, stalled_ms);
    world->midway_ms = 0;
    (void)uv_run(&world->loop, UV_RUN_NOWAIT);
}

void stall_world_calm(struct stall_world *world)
{
    world->is_quiet = true;
    for (unsigned i = 0; i < STALL_CLIENTS; i++) {
        world->clients[i].is_alive = false;
        world->by_entry[world->clients[i].entry].is_doomed = true;
    }
}

bool stall_world_is_at_rest(const struct stall_world *world)
{
    for (unsigned i = 0; i < STALL_CLIENTS; i++) {
        if (world->clients[i].entry > 0 || world->clients[i].is_sent) {
            return false;
        }
    }
    return world->leases.by_entry == NULL;
}

// An expiry is seen when it is submitted: nothing of it may wait.
static void (*stall_store_submit)(struct store *store,
                                  struct store_request *request);

static void stall_submit_cb(struct store *base, struct store_request *request)
{
    struct stall_world *world =
        container_of(base, struct stall_world, store.base);

    if (request->command.operation == ELECTD_EXPIRE) {
        stall_check_over(world, request->command.entry);
    }
    stall_store_submit(base, request);
}

void stall_world_open(struct stall_world *world, uint64_t seed,
                      struct stall_coverage *coverage)
{
    memset(world, 0, sizeof *world);
    world->coverage = coverage;
    prng_init(&world->prng, seed);
    virtual_time_set(STALL_START_NS);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    assert_int_equal(
        store_memory_init(&world->store, &world->loop,
                          (struct electd_limits){1, STALL_CLIENTS}),
        ELECTD_OK);
    world->listener.change_cb = stall_change_cb;
    world->store.base.listener = &world->listener;
    stall_store_submit = world->store.base.submit;
    world->store.base.submit = stall_submit_cb;
    lease_table_init(&world->leases, &world->loop, &world->store.base);
    world->leases.overdue_cb = stall_overdue_cb;
    world->reader.begin_pass = stall_begin_pass;
    lease_table_set_reader(&world->leases, &world->reader);
    uv_check_init(&world->loop, &world->transport);
    uv_check_start(&world->transport, stall_transport_cb);
    // Traffic that never pauses, in a fifth of the worlds.
    world->never_pauses = prng_percent(&world->prng, 20);
    world->reads_max = prng_between(&world->prng, 1, STALL_CLIENTS);
    for (unsigned i = 0; i < STALL_CLIENTS; i++) {
        (void)snprintf(world->clients[i].name, sizeof world->clients[i].name,
                       "c%u", i);
    }
    stall_submit(world, 0, ELECTD_CREATE);
    (void)uv_run(&world->loop, UV_RUN_NOWAIT);
}

static void stall_store_closed_cb(struct store *store)
{
    container_of(store, struct stall_world, store.base)->is_closed = true;
}

static void stall_leases_closed_cb(struct lease_table *leases)
{
    struct stall_world *world =
        container_of(leases, struct stall_world, leases);

    store_close(&world->store.base, stall_store_closed_cb);
}

void stall_world_close(struct stall_world *world)
{
    // What is under way is done, and has leases once more.
    while (world->store.waiting != NULL) {
        (void)uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    uv_close((uv_handle_t *)&world->transport, NULL);
    lease_table_close(&world->leases, stall_leases_closed_cb);
    for (unsigned turns = 0; !world->is_closed && turns < 10; turns++) {
        (void)uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    assert_true(world->is_closed);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    virtual_time_end();
}
