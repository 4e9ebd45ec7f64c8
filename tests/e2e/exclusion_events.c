// SPDX-License-Identifier: Apache-2.0

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "exclusion_program.h"
#include "exclusion_trial.h"
#include "support/child_process.h"
#include "support/prng.h"
#include "support/stopwatch.h"

// By then whoever is left has done its work.
#define EXCLUSION_REST_MS 1500
#define EXCLUSION_DELAY_MS_MAX 300

static void exclusion_call(struct exclusion_trial *trial, const char *method,
                           const char *name)
{
    const char *const arguments[] = {"--timeout", "300ms", method,
                                     "e",         name,    NULL};
    char endpoint[RELAY_PATH_SIZE + 8];

    exclusion_note(trial, "%s %s", method, name);
    snprintf(endpoint, sizeof endpoint, "unix:%s", trial->daemon_path);
    contender_set_endpoint(endpoint);
    // The daemon may be away.
    (void)contender_call(&trial->scratch, arguments);
}

static void exclusion_hit_warden(struct exclusion_trial *trial, pid_t warden)
{
    if (!exclusion_is_warden(warden) || trial->stopped_warden != 0 ||
        stopwatch_now_ms() <= trial->wardens_rest_until_ms) {
        return;
    }
    trial->contenders_rest_until_ms = stopwatch_now_ms() + EXCLUSION_REST_MS;
    if (prng_below(&trial->prng, 2) == 0) {
        exclusion_note(trial, "kill warden %ld", (long)warden);
        kill(warden, SIGKILL);
        return;
    }
    exclusion_note(trial, "stop warden %ld", (long)warden);
    kill(warden, SIGSTOP);
    trial->stopped_warden = warden;
    trial->warden_go_on_at_ms = exclusion_later(trial, 20, 4000);
}

// To the program that was started last, or its supervisor.
static void exclusion_happen_to_program(struct exclusion_trial *trial)
{
    static struct exclusion_start starts[EXCLUSION_STARTS_MAX];
    unsigned count = exclusion_read_starts(&trial->scratch, starts);
    unsigned what = prng_below(&trial->prng, 3);
    const struct exclusion_start *last;

    if (count == 0) {
        return;
    }
    last = &starts[count - 1];
    if (what == 2) {
        exclusion_hit_warden(trial, last->warden);
    } else if (exclusion_is_program(last->pid)) {
        exclusion_note(trial, "%s program %ld of %s",
                       what == 0 ? "stop" : "kill", (long)last->pid,
                       last->candidate);
        kill(what == 0 ? -last->pgid : last->pid,
             what == 0 ? SIGSTOP : SIGKILL);
    }
}

// Another process takes its name, as after a restart of a host that is believed
// dead.
static void exclusion_replace(struct exclusion_trial *trial,
                              struct exclusion_side *side)
{
    if (side->earlier.process.pid != 0) {
        return;
    }
    exclusion_note(trial, "%s is started again elsewhere", side->name);
    side->earlier = side->contender;
    side->earlier_go_on_at_ms = side->go_on_at_ms;
    side->contender.process = (struct child_process){.pid = 0};
    side->go_on_at_ms = 0;
    side->spawn_at_ms = exclusion_later(trial, 0, 1500);
}

static void exclusion_happen_to_contender(struct exclusion_trial *trial,
                                          struct exclusion_side *side)
{
    unsigned what = prng_below(&trial->prng, 6);

    if (side->contender.process.pid == 0 || side->go_on_at_ms != 0 ||
        stopwatch_now_ms() < trial->contenders_rest_until_ms) {
        return;
    }
    trial->wardens_rest_until_ms = stopwatch_now_ms() + EXCLUSION_REST_MS;
    if (what < 2) {
        exclusion_note(trial, "kill %s", side->name);
        child_signal(&side->contender.process, SIGKILL);
    } else if (what == 2) {
        exclusion_note(trial, "end %s", side->name);
        child_signal(&side->contender.process, SIGTERM);
    } else {
        exclusion_note(trial, "stop %s", side->name);
        child_signal(&side->contender.process, SIGSTOP);
        side->go_on_at_ms = exclusion_later(trial, 20, 4000);
        if (what == 3) {
            exclusion_replace(trial, side);
        }
    }
}

static void exclusion_happen_to_relay(struct exclusion_trial *trial,
                                      struct exclusion_side *side)
{
    if (prng_below(&trial->prng, 3) == 0) {
        exclusion_note(trial, "cut the relay of %s", side->name);
        kill(side->relay, SIGKILL);
        waitpid(side->relay, NULL, 0);
        exclusion_start_relay(trial, side);
        side->network_go_on_at_ms = 0;
    } else if (side->network_go_on_at_ms == 0) {
        exclusion_note(trial, "stop the relay of %s", side->name);
        kill(side->relay, SIGSTOP);
        side->network_go_on_at_ms = exclusion_later(trial, 20, 5000);
    }
}

// Whose program was started last, and is running; NULL if none is.
static struct exclusion_side *
exclusion_acting_side(struct exclusion_trial *trial)
{
    static struct exclusion_start starts[EXCLUSION_STARTS_MAX];
    unsigned count = exclusion_read_starts(&trial->scratch, starts);

    if (count == 0 || !exclusion_is_program(starts[count - 1].pid)) {
        return NULL;
    }
    for (unsigned i = 0; i < EXCLUSION_SIDES; i++) {
        if (strcmp(trial->sides[i].name, starts[count - 1].candidate) == 0) {
            return &trial->sides[i];
        }
    }
    return NULL;
}

// In one direction, or both. Nobody is told, and pings are answered.
static void exclusion_freeze(struct exclusion_trial *trial,
                             struct exclusion_side *side, unsigned min_ms)
{
    unsigned door = (unsigned)(side - trial->sides);
    unsigned what = prng_below(&trial->prng, 4);

    exclusion_note(trial, "freeze the%s%s of %s", what != 1 ? " requests" : "",
                   what != 0 ? " answers" : "", side->name);
    if (what != 1) {
        proxy_freeze(&trial->proxy, door, PROXY_REQUESTS);
    }
    if (what != 0) {
        proxy_freeze(&trial->proxy, door, PROXY_ANSWERS);
    }
    if (prng_below(&trial->prng, 3) == 0) {
        exclusion_note(trial, "and the daemon loses the connection");
        proxy_cut_daemon(&trial->proxy, door);
    }
    side->network_go_on_at_ms = exclusion_later(trial, min_ms, 8000);
}

// Somebody else leads while who acts cannot hear of it.
static void exclusion_usurp(struct exclusion_trial *trial)
{
    struct exclusion_side *side = exclusion_acting_side(trial);
    unsigned next = prng_below(&trial->prng, EXCLUSION_SIDES - 1) + 1;

    if (side == NULL) {
        return;
    }
    exclusion_freeze(trial, side, 4000);
    next = ((unsigned)(side - trial->sides) + next) % EXCLUSION_SIDES;
    exclusion_call(trial, "anoint", trial->sides[next].name);
    // Its program gets the time to start.
    trial->next_ms = exclusion_later(trial, 0, 5000);
}

static void exclusion_restart_proxy(struct exclusion_trial *trial)
{
    exclusion_note(trial, "restart the proxy");
    proxy_kill(&trial->proxy);
    exclusion_start_network(trial);
    for (unsigned i = 0; i < EXCLUSION_SIDES; i++) {
        trial->sides[i].network_go_on_at_ms = 0;
    }
}

static void exclusion_happen_to_proxy(struct exclusion_trial *trial,
                                      struct exclusion_side *side)
{
    unsigned door = (unsigned)(side - trial->sides);
    unsigned requests_ms = prng_below(&trial->prng, EXCLUSION_DELAY_MS_MAX);
    unsigned answers_ms = prng_below(&trial->prng, EXCLUSION_DELAY_MS_MAX);

    switch (prng_below(&trial->prng, 10)) {
    case 0:
        exclusion_note(trial, "cut %s from the proxy", side->name);
        proxy_cut_clients(&trial->proxy, door);
        return;
    case 1:
        exclusion_note(trial, "cut the proxy of %s from the daemon",
                       side->name);
        proxy_cut_daemon(&trial->proxy, door);
        return;
    case 2:
        exclusion_note(trial, "the proxy sends %s away", side->name);
        proxy_go_away(&trial->proxy, door);
        return;
    case 3:
        exclusion_restart_proxy(trial);
        return;
    case 4:
        exclusion_note(trial, "delay %s by %u and %u ms", side->name,
                       requests_ms, answers_ms);
        proxy_delay(&trial->proxy, door, PROXY_REQUESTS, requests_ms);
        proxy_delay(&trial->proxy, door, PROXY_ANSWERS, answers_ms);
        return;
    case 5:
    case 6:
        exclusion_freeze(trial, side, 20);
        return;
    default:
        exclusion_usurp(trial);
        return;
    }
}

static void exclusion_happen_to_daemon(struct exclusion_trial *trial)
{
    bool is_killed = prng_below(&trial->prng, 2) == 0;

    if (trial->daemon.process.pid == 0 || trial->daemon_go_on_at_ms != 0) {
        return;
    }
    if (!is_killed || !trial->has_kills) {
        exclusion_note(trial, "stop the daemon");
        daemon_signal(&trial->daemon, SIGSTOP);
        trial->daemon_go_on_at_ms = exclusion_later(trial, 20, 2500);
    } else if (trial->daemon_kills < EXCLUSION_KILLS_MAX) {
        exclusion_note(trial, "kill the daemon");
        daemon_signal(&trial->daemon, SIGKILL);
        daemon_await_exit(&trial->daemon, STOPWATCH_DEADLINE_MS);
        daemon_dispose(&trial->daemon);
        trial->daemon_killed_ms[trial->daemon_kills++] = stopwatch_now_ms();
        trial->daemon_start_at_ms = exclusion_later(trial, 0, 1500);
    }
}

void exclusion_happen(struct exclusion_trial *trial)
{
    struct exclusion_side *side =
        &trial->sides[prng_below(&trial->prng, EXCLUSION_SIDES)];
    unsigned what = prng_below(&trial->prng, 100);

    trial->happened++;
    if (what < 25) {
        exclusion_call(trial, "anoint", side->name);
    } else if (what < 32) {
        exclusion_call(trial, "evict", side->name);
    } else if (what < 36) {
        exclusion_call(trial, "withdraw", side->name);
    } else if (what < 56) {
        exclusion_happen_to_contender(trial, side);
    } else if (what < 68) {
        exclusion_happen_to_program(trial);
    } else if (what >= 92) {
        exclusion_happen_to_daemon(trial);
    } else if (trial->network == EXCLUSION_RELAYS) {
        exclusion_happen_to_relay(trial, side);
    } else {
        exclusion_happen_to_proxy(trial, side);
    }
}
