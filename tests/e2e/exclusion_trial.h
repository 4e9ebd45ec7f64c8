// SPDX-License-Identifier: Apache-2.0
//
// A trial of the exclusion test: an election of its own, with contenders whose
// program takes a lock, a network between them and the daemon, and what happens
// to all of these by a seeded choice.
//
//     contender ── relay ── daemon          RELAYS: bytes are copied
//     contender ── proxy ── daemon          PROXY: HTTP/2 ends in between
//     contenders ══ proxy ── daemon         POOL: and they share a connection
//
// exclusion_events.c has what happens; exclusion_trial.c what follows of it,
// later, and what must hold.

#ifndef E2E_EXCLUSION_TRIAL_H
#define E2E_EXCLUSION_TRIAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "contender.h"
#include "proxy_process.h"
#include "relay.h"
#include "support/daemon_process.h"
#include "support/prng.h"
#include "support/scratch.h"

#define EXCLUSION_SIDES 3
#define EXCLUSION_KILLS_MAX 64

enum exclusion_network {
    EXCLUSION_RELAYS,
    EXCLUSION_PROXY,
    EXCLUSION_POOL,
    EXCLUSION_NETWORKS,
};

struct exclusion_side {
    struct contender contender;
    // An earlier process of the same name, which was stopped, and may have gone
    // on since.
    struct contender earlier;
    pid_t relay;
    // What it connects to: a relay, or a door of the proxy.
    char path[RELAY_PATH_SIZE];
    char name[8];
    // Due times; 0 is never.
    long long spawn_at_ms;
    long long go_on_at_ms;
    long long earlier_go_on_at_ms;
    long long network_go_on_at_ms;
};

struct exclusion_trial {
    struct prng prng;
    uint64_t seed;
    const char *self;
    enum exclusion_network network;
    // Programs change their process group.
    bool has_groups;
    // The daemon may be killed, and then has other elections and terms. If not,
    // it is older than all that it has promised, and knows it.
    bool has_kills;
    // Between two things that happen.
    unsigned pause_ms_max;
    // When the next thing happens.
    long long next_ms;
    struct scratch scratch;
    struct daemon daemon;
    char daemon_path[RELAY_PATH_SIZE];
    long long daemon_start_at_ms;
    long long daemon_go_on_at_ms;
    long long daemon_killed_ms[EXCLUSION_KILLS_MAX];
    unsigned daemon_kills;
    struct proxy_process proxy;
    struct exclusion_side sides[EXCLUSION_SIDES];
    pid_t stopped_warden;
    long long warden_go_on_at_ms;
    // Until then contenders, or wardens, are left alone: one watches over the
    // other, and that both fail at once is not promised to be survived.
    long long contenders_rest_until_ms;
    long long wardens_rest_until_ms;
    unsigned happened;
};

// Runs a trial. Returns how many programs were started.
unsigned exclusion_run_trial(const char *self, uint64_t seed);

// For exclusion_events.c: a time.
long long exclusion_later(struct exclusion_trial *trial, unsigned min_ms,
                          unsigned max_ms);

void exclusion_start_network(struct exclusion_trial *trial);
void exclusion_start_relay(const struct exclusion_trial *trial,
                           struct exclusion_side *side);

// Notes what happens, to be printed when the trial fails.
__attribute__((format(printf, 2, 3))) void
exclusion_note(const struct exclusion_trial *trial, const char *format, ...);

// Something happens.
void exclusion_happen(struct exclusion_trial *trial);

#endif
