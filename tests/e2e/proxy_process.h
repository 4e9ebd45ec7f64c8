// SPDX-License-Identifier: Apache-2.0
//
// The proxy that ends HTTP/2 on both sides ($HTTP2_PROXY_BIN, of
// tests/support/proxy). It answers the pings of either side itself: whoever
// wants to know whether the other end lives must ask by a call.
//
// A door is an address at which clients come in. What is frozen there waits in
// the proxy; connections stay open and look well.
//
//     proxy_spawn(&proxy, &(struct proxy_start){.target = listen});
//     client = fixture_connect_to(fixture, proxy.doors[0]);
//     proxy_freeze(&proxy, 0, PROXY_REQUESTS);
//
// Whatever does not happen before a deadline fails the test.

#ifndef E2E_PROXY_PROCESS_H
#define E2E_PROXY_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "support/child_process.h"

#define PROXY_PROCESS_DOORS_MAX 8

enum proxy_flow {
    // From a client to the daemon.
    PROXY_REQUESTS,
    // From the daemon to a client.
    PROXY_ANSWERS,
};

struct proxy_start {
    const char *target;
    // All clients' streams on one connection to the daemon.
    bool is_pooled;
    // Where to listen, with NULL behind the last; none is one door at a free
    // port.
    const char *listen[PROXY_PROCESS_DOORS_MAX + 1];
};

struct proxy_process {
    struct child_process process;
    FILE *commands;
    // Of its output: what has been taken.
    size_t read_size;
    char doors[PROXY_PROCESS_DOORS_MAX][128];
    unsigned doors_count;
};

// As of one moment.
struct proxy_state {
    // Connections of clients, and to the daemon.
    unsigned clients;
    unsigned daemons;
    // Requests whose answer is not over on both sides.
    unsigned streams;
    // Pings that the proxy has answered.
    unsigned client_pings;
    unsigned daemon_pings;
};

// Starts it, and waits until it listens.
void proxy_spawn(struct proxy_process *proxy, const struct proxy_start *start);

// Each is in force when it returns.
void proxy_freeze(struct proxy_process *proxy, unsigned door,
                  enum proxy_flow flow);
void proxy_thaw(struct proxy_process *proxy, unsigned door,
                enum proxy_flow flow);
void proxy_delay(struct proxy_process *proxy, unsigned door,
                 enum proxy_flow flow, unsigned delay_ms);
// Closes the connections of the clients of a door, or those to the daemon that
// the door uses.
void proxy_cut_clients(struct proxy_process *proxy, unsigned door);
void proxy_cut_daemon(struct proxy_process *proxy, unsigned door);
// Tells clients to connect anew for their next calls (GOAWAY).
void proxy_go_away(struct proxy_process *proxy, unsigned door);

void proxy_state(struct proxy_process *proxy, struct proxy_state *state);

// Kills it: what was on its way is lost, and all connections end.
void proxy_kill(struct proxy_process *proxy);

// Ends it, with all of its connections. Returns false if it had failed. May be
// called twice.
bool proxy_dispose(struct proxy_process *proxy);

#endif
