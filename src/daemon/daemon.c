// SPDX-License-Identifier: Apache-2.0
//
// Happy path: daemon_open_rooms() builds store, server and services and binds
// the addresses; the loop runs; SIGTERM or SIGINT begins the stop: the server
// takes no new calls, health turns to NOT_SERVING, the watchers are ended, and
// when the last call has gone the rooms are closed, each by its close callback,
// until nothing keeps the loop alive. New calls are refused for a moment before
// the server goes, however little there is to wait for.
//
// Failure modes: what cannot be opened is logged, and the stop begins at once.
// Calls that do not end, such as a stream whose peer reads nothing, are
// cancelled shortly before the drain time is over; if that does not help
// either, the process ends without them. A second signal ends it on the spot. A
// listening socket that C-core has lost is the end too, with status 1: better a
// restart than a daemon that nobody reaches.

#include "daemon/daemon.h"

#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/container_of.h"
#include "daemon/life.h"
#include "daemon/memory.h"
#include "lease/lease.h"
#include "listen/endpoint.h"
#include "log/log.h"
#include "log/log_writer.h"
#include "rpc/core_log.h"
#include "rpc/server.h"
#include "services/services.h"
#include "store/memory.h"

// Larger requests are refused: unknown fields take up to sixty times their size
// in memory once they are unpacked.
#define DAEMON_REQUEST_SIZE_MAX (16 * 1024)

// The initial metadata that tells every client which life of the daemon
// answers.
#define DAEMON_LIFE_KEY "electd-life"

// How long before the end of the drain time the calls that are left are
// cancelled, so that they can still be told.
#define DAEMON_CANCEL_AHEAD_MS 500

// How long new calls are refused before the connections go, at least: clients
// that call all the time hear UNAVAILABLE rather than a connection's end.
#define DAEMON_REFUSE_MS 100

// What is still tried at shutdown.
enum daemon_drain {
    DAEMON_REFUSING,
    DAEMON_WAITING,
    DAEMON_CANCELLING,
};

struct daemon {
    const struct options *options;
    char life[LIFE_SIZE];
    uv_loop_t loop;
    uv_signal_t sigterm;
    uv_signal_t sigint;
    uv_signal_t sighup;
    uv_timer_t drain;
    struct memory memory;
    // Wakes the loop when a listening socket was lost.
    uv_async_t listener_lost;
    struct store_memory store;
    struct lease_table leases;
    struct lease_reader reader;
    struct rpc_server server;
    struct services services;
    struct store_listener observer;
    struct metadata_listener metadata_listener;
    struct endpoint endpoints[OPTIONS_LISTEN_MAX];
    size_t endpoints_count;
    bool is_stopping;
    enum daemon_drain drain_phase;
    int exit_status;
};

// C-core's log function has no context of ours: the handle to wake, while there
// is one to wake.
static _Atomic(uv_async_t *) daemon_lost_handle;

// Before it serves, C-core's errors are told by ours, in one line and better.
static atomic_bool daemon_is_serving;

static void daemon_core_log_cb(bool is_error, const char *message)
{
    uv_async_t *handle = atomic_load(&daemon_lost_handle);
    enum log_level level =
        is_error && atomic_load(&daemon_is_serving) ? LOG_WARN : LOG_DEBUG;
    struct log_line line;

    log_begin(&line, level, "grpc");
    log_text(&line, "message", message);
    log_emit(&line);
    if (handle != NULL && rpc_core_log_is_lost_listener(message)) {
        uv_async_send(handle);
    }
}

static void daemon_log_leader(struct log_line *line, const char *key,
                              struct electd_name leader)
{
    if (leader.size > 0) {
        log_str(line, key, leader.bytes, leader.size);
    }
}

// One line for each change of the leader; changes of the queue on debug.
static void daemon_change_cb(struct store_listener *observer,
                             const struct electd_outcome *outcome)
{
    struct electd_name name = electd_election_name(outcome->election);
    struct electd_name leader = electd_election_leader(outcome->election);
    struct electd_name previous = outcome->previous_leader;
    bool leader_changed =
        outcome->elected || (leader.size == 0 && previous.size > 0);
    struct log_line line;

    (void)observer;
    if (!log_is_enabled(leader_changed ? LOG_INFO : LOG_DEBUG)) {
        return;
    }
    log_begin(&line, leader_changed ? LOG_INFO : LOG_DEBUG,
              leader_changed ? "leader_changed" : "queue_changed");
    log_str(&line, "election", name.bytes, name.size);
    log_u64(&line, "term", electd_election_term(outcome->election));
    daemon_log_leader(&line, "leader", leader);
    if (leader_changed) {
        daemon_log_leader(&line, "previous", previous);
    }
    log_text(&line, "reason", electd_reason_name(outcome->reason));
    log_emit_later(&line);
}

static void daemon_changes_over_cb(struct store_listener *observer)
{
    (void)observer;
    log_flush();
}

static void daemon_unknown_metadata_cb(struct metadata_listener *listener,
                                       const char *method, const char *key,
                                       size_t size)
{
    struct log_line line;

    (void)listener;
    log_begin(&line, LOG_WARN, "unknown_metadata");
    log_str(&line, "key", key, size);
    log_text(&line, "method", method);
    log_emit(&line);
}

static void daemon_release_endpoints(struct daemon *daemon)
{
    while (daemon->endpoints_count > 0) {
        endpoint_close(&daemon->endpoints[--daemon->endpoints_count]);
    }
}

// Leases that are due wait until the server has read what has arrived.
static void daemon_begin_pass(struct lease_reader *reader)
{
    struct daemon *daemon = container_of(reader, struct daemon, reader);

    rpc_server_begin_pass(&daemon->server);
}

static uint64_t daemon_caught_up_ms(const struct lease_reader *reader)
{
    const struct daemon *daemon = container_of(
        (struct lease_reader *)(uintptr_t)reader, struct daemon, reader);

    return rpc_server_caught_up_ms(&daemon->server);
}

static void daemon_pass_over_cb(struct rpc_server *server)
{
    struct daemon *daemon = container_of(server, struct daemon, server);

    lease_table_pass_over(&daemon->leases);
}

static void daemon_store_closed_cb(struct store *store)
{
    struct daemon *daemon = container_of(store, struct daemon, store.base);

    uv_close((uv_handle_t *)&daemon->listener_lost, NULL);
    uv_close((uv_handle_t *)&daemon->drain, NULL);
    memory_close(&daemon->memory);
    uv_close((uv_handle_t *)&daemon->sigterm, NULL);
    uv_close((uv_handle_t *)&daemon->sigint, NULL);
    uv_close((uv_handle_t *)&daemon->sighup, NULL);
    // libuv has put back the default.
    signal(SIGHUP, SIG_IGN);
}

static void daemon_leases_closed_cb(struct lease_table *leases)
{
    struct daemon *daemon = container_of(leases, struct daemon, leases);

    store_close(&daemon->store.base, daemon_store_closed_cb);
}

static void daemon_server_closed_cb(struct rpc_server *server)
{
    struct daemon *daemon = container_of(server, struct daemon, server);

    atomic_store(&daemon_lost_handle, NULL);
    services_close(&daemon->services);
    lease_table_close(&daemon->leases, daemon_leases_closed_cb);
}

static void daemon_server_stopped_cb(struct rpc_server *server)
{
    struct daemon *daemon = container_of(server, struct daemon, server);

    uv_timer_stop(&daemon->drain);
    rpc_server_close(&daemon->server, daemon_server_closed_cb);
}

// Without closing anything.
__attribute__((noreturn)) static void daemon_exit(struct daemon *daemon,
                                                  int status)
{
    daemon_release_endpoints(daemon);
    log_writer_stop();
    _exit(status);
}

static void daemon_give_up(struct daemon *daemon)
{
    struct log_line line;

    log_begin(&line, LOG_WARN, "drain_incomplete");
    log_u64(&line, "calls", daemon->server.calls);
    log_emit(&line);
    daemon_exit(daemon, daemon->exit_status);
}

static uint64_t daemon_cancel_after_ms(const struct daemon *daemon)
{
    uint64_t drain_ms = daemon->options->drain_timeout_ms;

    return drain_ms > 2 * DAEMON_CANCEL_AHEAD_MS
               ? drain_ms - DAEMON_CANCEL_AHEAD_MS
               : drain_ms / 2;
}

static uint64_t daemon_refuse_ms(const struct daemon *daemon)
{
    uint64_t cancel_ms = daemon_cancel_after_ms(daemon);

    return cancel_ms < DAEMON_REFUSE_MS ? cancel_ms : DAEMON_REFUSE_MS;
}

// One phase is over. (Starting a timer cannot fail: the callback is given and
// the handle open.)
static void daemon_drain_cb(uv_timer_t *timer)
{
    struct daemon *daemon = container_of(timer, struct daemon, drain);

    switch (daemon->drain_phase) {
    case DAEMON_REFUSING:
        daemon->drain_phase = DAEMON_WAITING;
        uv_timer_start(
            timer, daemon_drain_cb,
            daemon_cancel_after_ms(daemon) - daemon_refuse_ms(daemon), 0);
        rpc_server_stop(&daemon->server, daemon_server_stopped_cb);
        return;
    case DAEMON_WAITING:
        daemon->drain_phase = DAEMON_CANCELLING;
        uv_timer_start(timer, daemon_drain_cb, DAEMON_CANCEL_AHEAD_MS, 0);
        rpc_server_cancel_calls(&daemon->server);
        return;
    case DAEMON_CANCELLING:
        daemon_give_up(daemon);
        return;
    }
}

static void daemon_log_stopping(const char *reason)
{
    struct log_line line;

    log_begin(&line, LOG_INFO, "stopping");
    log_text(&line, "reason", reason);
    log_emit(&line);
}

static void daemon_stop(struct daemon *daemon)
{
    atomic_store(&daemon_is_serving, false);
    daemon->is_stopping = true;
    rpc_server_refuse_calls(&daemon->server);
    services_stop(&daemon->services);
    uv_timer_start(&daemon->drain, daemon_drain_cb, daemon_refuse_ms(daemon),
                   0);
}

static void daemon_signalled(struct daemon *daemon, int number,
                             const char *name)
{
    if (daemon->is_stopping) {
        daemon_exit(daemon, 128 + number);
    }
    daemon_log_stopping(name);
    daemon_stop(daemon);
}

static void daemon_sigterm_cb(uv_signal_t *handle, int number)
{
    daemon_signalled(container_of(handle, struct daemon, sigterm), number,
                     "SIGTERM");
}

static void daemon_sigint_cb(uv_signal_t *handle, int number)
{
    daemon_signalled(container_of(handle, struct daemon, sigint), number,
                     "SIGINT");
}

static void daemon_overdue_cb(struct lease_table *leases,
                              struct electd_name election,
                              struct electd_name candidate, uint64_t entry)
{
    struct daemon *daemon = container_of(leases, struct daemon, leases);

    services_overdue(&daemon->services, election, candidate, entry);
}

// There is nothing to load again yet. Who expected that is told.
static void daemon_sighup_cb(uv_signal_t *handle, int number)
{
    struct log_line line;

    (void)handle;
    (void)number;
    log_begin(&line, LOG_INFO, "signal_ignored");
    log_text(&line, "signal", "SIGHUP");
    log_text(&line, "hint", "nothing is reloaded: restart the daemon instead");
    log_emit(&line);
}

static void daemon_listener_lost_cb(uv_async_t *handle)
{
    struct daemon *daemon = container_of(handle, struct daemon, listener_lost);
    struct log_line line;

    if (daemon->is_stopping) {
        return;
    }
    log_begin(&line, LOG_ERROR, "listener_lost");
    log_text(&line, "hint", "raise the limit on open files");
    log_emit(&line);
    daemon->exit_status = EXIT_FAILURE;
    daemon_stop(daemon);
}

// What can only fail for want of memory or descriptors, before anything serves.
static const char *daemon_open_rooms(struct daemon *daemon)
{
    const struct options *options = daemon->options;
    const struct rpc_header life = {DAEMON_LIFE_KEY, daemon->life};
    struct rpc_server_options server_options = {
        .request_size_max = DAEMON_REQUEST_SIZE_MAX,
        .keepalive_time_ms = (int)options->keepalive_time_ms,
        .keepalive_timeout_ms = (int)options->keepalive_timeout_ms,
        .headers = &life,
        .headers_count = 1,
    };
    struct service_options service_options = {
        .limits =
            {
                .elections_max = options->elections_max,
                .candidates_max = options->candidates_max,
                .watchers_max = options->watchers_max,
                .backlog = {options->watch_backlog,
                            options->watch_backlog_bytes},
            },
        .life = daemon->life,
    };
    int status;

    status = life_make(daemon->life);
    if (status == 0) {
        status = uv_loop_init(&daemon->loop);
    }
    if (status == 0) {
        status = uv_async_init(&daemon->loop, &daemon->listener_lost,
                               daemon_listener_lost_cb);
    }
    if (status == 0) {
        status =
            rpc_server_init(&daemon->server, &daemon->loop, server_options);
    }
    if (status != 0) {
        return uv_strerror(status);
    }
    if (store_memory_init(&daemon->store, &daemon->loop,
                          (struct electd_limits){options->elections_max,
                                                 options->candidates_max}) !=
            ELECTD_OK ||
        services_init(&daemon->services, &daemon->server, &daemon->store.base,
                      &daemon->leases, &service_options) != ELECTD_OK) {
        return electd_status_text(ELECTD_NO_MEMORY);
    }
    daemon->services.observer = &daemon->observer;
    daemon->services.host.keys.listener = &daemon->metadata_listener;
    lease_table_init(&daemon->leases, &daemon->loop, &daemon->store.base);
    daemon->leases.overdue_cb = daemon_overdue_cb;
    daemon->reader.begin_pass = daemon_begin_pass;
    daemon->reader.caught_up_ms = daemon_caught_up_ms;
    lease_table_set_reader(&daemon->leases, &daemon->reader);
    daemon->server.pass_over_cb = daemon_pass_over_cb;
    uv_timer_init(&daemon->loop, &daemon->drain);
    memory_init(&daemon->memory, &daemon->loop);
    uv_signal_init(&daemon->loop, &daemon->sigterm);
    uv_signal_init(&daemon->loop, &daemon->sigint);
    uv_signal_init(&daemon->loop, &daemon->sighup);
    uv_signal_start(&daemon->sigterm, daemon_sigterm_cb, SIGTERM);
    uv_signal_start(&daemon->sigint, daemon_sigint_cb, SIGINT);
    uv_signal_start(&daemon->sighup, daemon_sighup_cb, SIGHUP);
    return NULL;
}

// Hands what the endpoint has prepared to C-core. False: its error says why.
static bool daemon_bind(struct daemon *daemon, struct endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->targets_count; i++) {
        struct endpoint_target *target = &endpoint->targets[i];
        int port = rpc_server_listen(&daemon->server, target->uri);

        if (port == 0) {
            // It was free a moment ago.
            snprintf(endpoint->error, sizeof endpoint->error,
                     "cannot listen on %s: address already in use",
                     target->uri);
            endpoint->is_in_use = true;
            return false;
        }
        if (target->address.kind == ADDRESS_TCP) {
            target->address.port = (uint16_t)port;
        }
    }
    return true;
}

static bool daemon_listen(struct daemon *daemon)
{
    for (size_t i = 0; i < daemon->options->listen_count; i++) {
        struct endpoint *endpoint = &daemon->endpoints[daemon->endpoints_count];
        bool is_open = endpoint_open(endpoint, &daemon->options->listen[i]);
        struct log_line line;

        if (is_open) {
            daemon->endpoints_count++;
        }
        if (!is_open || !daemon_bind(daemon, endpoint)) {
            log_begin(&line, LOG_ERROR, "listen_failed");
            log_text(&line, "error", endpoint->error);
            if (endpoint->is_in_use) {
                log_text(&line, "hint",
                         "give another --listen, or stop the program that "
                         "listens there");
            }
            log_emit(&line);
            return false;
        }
    }
    return true;
}

static void daemon_warn_of_exposure(const struct daemon *daemon)
{
    char text[ADDRESS_TEXT_SIZE];
    struct log_line line;

    for (size_t i = 0; i < daemon->endpoints_count; i++) {
        if (daemon->endpoints[i].is_loopback) {
            continue;
        }
        address_format(&daemon->options->listen[i], text);
        log_begin(&line, LOG_WARN, "not_encrypted");
        log_text(&line, "listen", text);
        log_text(&line, "hint",
                 "anybody who reaches this address can read and decide "
                 "elections");
        log_emit(&line);
    }
}

static void daemon_log_ready(const struct daemon *daemon)
{
    char text[ADDRESS_TEXT_SIZE];
    struct log_line line;

    log_begin(&line, LOG_INFO, "ready");
    log_text(&line, "version", ELECTD_VERSION);
    log_list_begin(&line, "listen");
    for (size_t i = 0; i < daemon->endpoints_count; i++) {
        const struct endpoint *endpoint = &daemon->endpoints[i];

        for (size_t j = 0; j < endpoint->targets_count; j++) {
            address_format(&endpoint->targets[j].address, text);
            log_list_item(&line, text, strlen(text));
        }
    }
    log_list_end(&line);
    log_text(&line, "life", daemon->life);
    log_emit(&line);
}

static void daemon_log_few_descriptors(void)
{
    struct log_line line;

    log_begin(&line, LOG_ERROR, "start_failed");
    log_text(&line, "error", "too few file descriptors for any connection");
    log_text(&line, "hint", "raise the limit on open files (ulimit -n)");
    log_emit(&line);
}

static void daemon_start(struct daemon *daemon)
{
    if (!daemon_listen(daemon)) {
        // Nobody has heard of it: there is nothing to drain.
        daemon->exit_status = EXIT_FAILURE;
        daemon->is_stopping = true;
        rpc_server_stop(&daemon->server, daemon_server_stopped_cb);
        return;
    }
    // What has gone wrong so far was written at once. Best effort: a process
    // that may not start a thread cannot run gRPC either.
    (void)log_writer_start();
    if (rpc_server_start(&daemon->server) != 0) {
        daemon_log_few_descriptors();
        daemon->exit_status = EXIT_FAILURE;
        daemon_stop(daemon);
        return;
    }
    atomic_store(&daemon_lost_handle, &daemon->listener_lost);
    atomic_store(&daemon_is_serving, true);
    daemon_warn_of_exposure(daemon);
    daemon_log_ready(daemon);
}

int daemon_run(const struct options *options)
{
    struct daemon *daemon = calloc(1, sizeof *daemon);
    const char *error;
    struct log_line line;
    int status;

    if (daemon == NULL) {
        fputs("electd: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    daemon->options = options;
    daemon->observer.change_cb = daemon_change_cb;
    daemon->observer.changes_over_cb = daemon_changes_over_cb;
    daemon->metadata_listener.unknown_cb = daemon_unknown_metadata_cb;
    rpc_core_log_set(daemon_core_log_cb);
    error = daemon_open_rooms(daemon);
    if (error != NULL) {
        // The process ends, and takes what was opened along.
        log_begin(&line, LOG_ERROR, "start_failed");
        log_text(&line, "error", error);
        log_emit(&line);
        return EXIT_FAILURE;
    }
    daemon_start(daemon);
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
    status = uv_loop_close(&daemon->loop);
    assert(status == 0);
    daemon_release_endpoints(daemon);
    log_writer_stop();
    status = daemon->exit_status;
    free(daemon);
    return status;
}
