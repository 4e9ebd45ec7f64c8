// SPDX-License-Identifier: Apache-2.0

#include "exclusion_trial.h"

#include "clock_jump.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/test.h"

#include "exclusion_program.h"
#include "support/child_process.h"
#include "support/prng.h"
#include "support/scratch.h"
#include "support/stopwatch.h"

// Older than the longest promise.
#define EXCLUSION_OLD_S 601
#define EXCLUSION_TRIAL_MS 25000
#define EXCLUSION_TICK_NS 5000000

// The shortest times that electctl does not refuse, or warn of.
#define EXCLUSION_KILL_AFTER "200ms"
#define EXCLUSION_GRACE "2200ms"

long long exclusion_later(struct exclusion_trial *trial, unsigned min_ms,
                          unsigned max_ms)
{
    return stopwatch_now_ms() + prng_between(&trial->prng, min_ms, max_ms);
}

void exclusion_note(const struct exclusion_trial *trial, const char *format,
                    ...)
{
    char path[96];
    va_list values;
    FILE *file;

    snprintf(path, sizeof path, "%s/events", trial->scratch.path);
    file = fopen(path, "ae");
    if (file != NULL) {
        fprintf(file, "%lld ", stopwatch_now_ms());
        va_start(values, format);
        vfprintf(file, format, values);
        va_end(values);
        fputc('\n', file);
        (void)fclose(file);
    }
}

// What the daemon promised to earlier leaders is known to it after ten minutes,
// if it has not been killed since.
static bool exclusion_daemon_is_old(const struct exclusion_trial *trial)
{
    return !trial->has_kills && !FIXTURE_IS_SANITIZED;
}

static void exclusion_start_daemon(struct exclusion_trial *trial)
{
    struct clock_jump jump = {.environment = ""};
    char path[RELAY_PATH_SIZE];
    char arguments[200];

    // Quick to notice, which is the harder case.
    snprintf(arguments, sizeof arguments,
             "--listen unix:%s --keepalive-time 500ms "
             "--keepalive-timeout 250ms",
             trial->daemon_path);
    snprintf(path, sizeof path, "%s/clock", trial->scratch.path);
    if (exclusion_daemon_is_old(trial)) {
        clock_jump_prepare(&jump, path);
    }
    daemon_spawn(&trial->daemon,
                 &(struct child_start){.arguments = arguments,
                                       .environment = jump.environment});
    daemon_await_ready(&trial->daemon);
    if (exclusion_daemon_is_old(trial)) {
        clock_jump_put(&jump, EXCLUSION_OLD_S);
        close(jump.fd);
        unlink(path);
    }
    exclusion_note(trial, "the daemon is ready");
    trial->daemon_start_at_ms = 0;
    trial->daemon_go_on_at_ms = 0;
}

static void exclusion_start_side(struct exclusion_trial *trial,
                                 struct exclusion_side *side)
{
    const char *arguments[CONTENDER_ARGUMENTS_MAX + 1] = {
        "run",          "--create", "--retry", "--candidate",   side->name,
        "--kill-after", NULL,       "--grace", EXCLUSION_GRACE, "e",
        "--",
    };
    const char *words[EXCLUSION_WORDS_MAX] = {trial->self, EXCLUSION_HOLD};
    char endpoint[RELAY_PATH_SIZE + 8];

    arguments[6] = EXCLUSION_KILL_AFTER;
    if (trial->has_groups) {
        exclusion_command(prng_below(&trial->prng, EXCLUSION_COMMANDS),
                          trial->self, words);
    }
    memcpy(&arguments[11], words, sizeof words);
    snprintf(endpoint, sizeof endpoint, "unix:%s", side->path);
    contender_set_endpoint(endpoint);
    contender_spawn(&side->contender, &trial->scratch, side->name, -1,
                    arguments);
    exclusion_note(trial, "start %s as %ld: %s", side->name,
                   (long)side->contender.process.pid, words[0]);
    side->spawn_at_ms = 0;
    side->go_on_at_ms = 0;
}

void exclusion_start_relay(const struct exclusion_trial *trial,
                           struct exclusion_side *side)
{
    side->relay = relay_spawn(side->path, trial->daemon_path);
}

void exclusion_start_network(struct exclusion_trial *trial)
{
    char addresses[EXCLUSION_SIDES][RELAY_PATH_SIZE + 8];
    char target[RELAY_PATH_SIZE + 8];
    struct proxy_start start = {
        .target = target,
        .is_pooled = trial->network == EXCLUSION_POOL,
    };

    snprintf(target, sizeof target, "unix:%s", trial->daemon_path);
    for (unsigned i = 0; i < EXCLUSION_SIDES; i++) {
        if (trial->network == EXCLUSION_RELAYS) {
            exclusion_start_relay(trial, &trial->sides[i]);
        }
        snprintf(addresses[i], sizeof addresses[i], "unix:%s",
                 trial->sides[i].path);
        start.listen[i] = addresses[i];
    }
    if (trial->network != EXCLUSION_RELAYS) {
        proxy_spawn(&trial->proxy, &start);
    }
}

static void exclusion_end_network(struct exclusion_trial *trial)
{
    for (unsigned i = 0; i < EXCLUSION_SIDES; i++) {
        if (trial->network == EXCLUSION_RELAYS) {
            kill(trial->sides[i].relay, SIGKILL);
            waitpid(trial->sides[i].relay, NULL, 0);
        }
    }
    assert_true(proxy_dispose(&trial->proxy));
}

static void exclusion_network_goes_on(struct exclusion_trial *trial,
                                      struct exclusion_side *side)
{
    unsigned door = (unsigned)(side - trial->sides);

    exclusion_note(trial, "the network of %s goes on", side->name);
    side->network_go_on_at_ms = 0;
    if (trial->network == EXCLUSION_RELAYS) {
        kill(side->relay, SIGCONT);
    } else {
        proxy_thaw(&trial->proxy, door, PROXY_REQUESTS);
        proxy_thaw(&trial->proxy, door, PROXY_ANSWERS);
    }
}

// Something was to be done by then.
static bool exclusion_is_due(long long at_ms)
{
    return at_ms != 0 && stopwatch_now_ms() >= at_ms;
}

static void exclusion_catch_up_earlier(struct exclusion_trial *trial,
                                       struct exclusion_side *side)
{
    if (exclusion_is_due(side->earlier_go_on_at_ms)) {
        exclusion_note(trial, "the earlier %s goes on", side->name);
        child_signal(&side->earlier.process, SIGCONT);
        side->earlier_go_on_at_ms = 0;
    }
    if (side->earlier.process.pid != 0 && !contender_is_alive(&side->earlier)) {
        contender_await_exit(&side->earlier);
        side->earlier_go_on_at_ms = 0;
    }
}

// Does what is due, and reaps.
static void exclusion_catch_up_side(struct exclusion_trial *trial,
                                    struct exclusion_side *side)
{
    if (exclusion_is_due(side->go_on_at_ms)) {
        exclusion_note(trial, "%s goes on", side->name);
        child_signal(&side->contender.process, SIGCONT);
        side->go_on_at_ms = 0;
    }
    if (exclusion_is_due(side->network_go_on_at_ms)) {
        exclusion_network_goes_on(trial, side);
    }
    if (side->contender.process.pid != 0 &&
        !contender_is_alive(&side->contender)) {
        exclusion_note(trial, "%s has ended: %d", side->name,
                       contender_await_exit(&side->contender));
        side->go_on_at_ms = 0;
        side->spawn_at_ms = exclusion_later(trial, 0, 1000);
    }
    if (side->contender.process.pid == 0 &&
        stopwatch_now_ms() >= side->spawn_at_ms) {
        exclusion_start_side(trial, side);
    }
    exclusion_catch_up_earlier(trial, side);
}

static void exclusion_catch_up(struct exclusion_trial *trial)
{
    for (unsigned i = 0; i < EXCLUSION_SIDES; i++) {
        exclusion_catch_up_side(trial, &trial->sides[i]);
    }
    if (exclusion_is_due(trial->daemon_go_on_at_ms)) {
        exclusion_note(trial, "the daemon goes on");
        daemon_signal(&trial->daemon, SIGCONT);
        trial->daemon_go_on_at_ms = 0;
    }
    if (exclusion_is_due(trial->warden_go_on_at_ms)) {
        if (exclusion_is_warden(trial->stopped_warden)) {
            exclusion_note(trial, "the warden goes on");
            kill(trial->stopped_warden, SIGCONT);
        }
        trial->stopped_warden = 0;
        trial->warden_go_on_at_ms = 0;
    }
    if (trial->daemon.process.pid == 0 &&
        stopwatch_now_ms() >= trial->daemon_start_at_ms) {
        exclusion_start_daemon(trial);
    }
}

static void exclusion_print(const struct exclusion_trial *trial,
                            const char *name)
{
    fprintf(stderr, "--- seed %llu: %s\n%s", (unsigned long long)trial->seed,
            name, scratch_read(&trial->scratch, name));
}

// Prints what is known of a trial that has failed.
static void exclusion_tell(struct exclusion_trial *trial)
{
    char name[16];

    exclusion_print(trial, "events");
    exclusion_print(trial, "starts");
    for (unsigned i = 0; i < EXCLUSION_SIDES; i++) {
        snprintf(name, sizeof name, "%s.err", trial->sides[i].name);
        exclusion_print(trial, name);
    }
    if (trial->daemon.process.pid != 0) {
        (void)daemon_log_has(&trial->daemon, "");
        fprintf(stderr, "--- the daemon\n%s", trial->daemon.process.err.text);
    }
}

static void exclusion_name(const struct exclusion_trial *trial,
                           char name[EXCLUSION_TEXT_SIZE])
{
    static const char *const networks[] = {"relays", "proxy", "pool"};

    snprintf(name, EXCLUSION_TEXT_SIZE, "seed %llu (%s%s%s)",
             (unsigned long long)trial->seed, networks[trial->network],
             trial->has_groups ? ", groups" : "",
             trial->has_kills ? ", kills" : "");
}

static void exclusion_fail(struct exclusion_trial *trial, const char *what)
{
    char name[EXCLUSION_TEXT_SIZE];

    exclusion_name(trial, name);
    exclusion_tell(trial);
    fail_msg("%s: %s", name, what);
}

static void exclusion_check(struct exclusion_trial *trial)
{
    char text[EXCLUSION_TEXT_SIZE];

    snprintf(text, sizeof text, "two at once: %.400s",
             scratch_read(&trial->scratch, "violations"));
    if (strchr(text, '\n') != NULL ||
        exclusion_has_term_twice(&trial->scratch, trial->daemon_killed_ms,
                                 trial->daemon_kills, text)) {
        exclusion_fail(trial, text);
    }
}

static void exclusion_end_contender(struct contender *contender)
{
    if (contender->process.pid != 0) {
        child_signal(&contender->process, SIGCONT);
        child_signal(&contender->process, SIGTERM);
        contender_await_exit(contender);
    }
}

static unsigned exclusion_end(struct exclusion_trial *trial)
{
    static struct exclusion_start starts[EXCLUSION_STARTS_MAX];

    if (trial->daemon.process.pid != 0) {
        daemon_signal(&trial->daemon, SIGCONT);
    }
    if (exclusion_is_warden(trial->stopped_warden)) {
        kill(trial->stopped_warden, SIGCONT);
    }
    for (unsigned i = 0; i < EXCLUSION_SIDES; i++) {
        exclusion_network_goes_on(trial, &trial->sides[i]);
    }
    for (unsigned i = 0; i < EXCLUSION_SIDES; i++) {
        exclusion_end_contender(&trial->sides[i].earlier);
        exclusion_end_contender(&trial->sides[i].contender);
    }
    exclusion_end_network(trial);
    daemon_dispose(&trial->daemon);
    if (!exclusion_await_gone(&trial->scratch)) {
        exclusion_fail(trial, "something of a program is left");
    }
    return exclusion_read_starts(&trial->scratch, starts);
}

static void exclusion_begin(struct exclusion_trial *trial)
{
    // Twelve seeds in a row are of all kinds.
    trial->network = (enum exclusion_network)(trial->seed % EXCLUSION_NETWORKS);
    trial->has_groups = trial->seed / EXCLUSION_NETWORKS % 2 == 1;
    trial->has_kills = trial->seed / (2 * EXCLUSION_NETWORKS) % 2 == 1;
    trial->pause_ms_max = prng_below(&trial->prng, 2) == 0 ? 2500 : 5000;
    scratch_make(&trial->scratch);
    snprintf(trial->daemon_path, RELAY_PATH_SIZE, "%s/d.sock",
             trial->scratch.path);
    for (unsigned i = 0; i < EXCLUSION_SIDES; i++) {
        struct exclusion_side *side = &trial->sides[i];

        snprintf(side->name, sizeof side->name, "c%u", i);
        snprintf(side->path, RELAY_PATH_SIZE, "%s/r%u.sock",
                 trial->scratch.path, i);
    }
    exclusion_start_daemon(trial);
    exclusion_start_network(trial);
}

unsigned exclusion_run_trial(const char *self, uint64_t seed)
{
    struct exclusion_trial trial = {
        .prng = {seed * 1000003}, .seed = seed, .self = self};
    struct timespec tick = {.tv_nsec = EXCLUSION_TICK_NS};
    long long end_ms = stopwatch_now_ms() + EXCLUSION_TRIAL_MS;
    unsigned starts;
    char name[EXCLUSION_TEXT_SIZE];

    exclusion_begin(&trial);
    // Somebody is to have started, most of the time.
    trial.next_ms = exclusion_later(&trial, 0, 4000);
    while (stopwatch_now_ms() < end_ms) {
        exclusion_catch_up(&trial);
        if (stopwatch_now_ms() >= trial.next_ms) {
            // Now and then several things at once.
            trial.next_ms = exclusion_later(
                &trial, 0,
                prng_below(&trial.prng, 3) == 0 ? 10 : trial.pause_ms_max);
            exclusion_happen(&trial);
        }
        exclusion_check(&trial);
        nanosleep(&tick, NULL);
    }
    starts = exclusion_end(&trial);
    exclusion_check(&trial);
    if (getenv("ELECTD_TEST_TELL") != NULL) {
        exclusion_tell(&trial);
    }
    exclusion_name(&trial, name);
    print_message("%s: %u things happened, %u programs started\n", name,
                  trial.happened, starts);
    scratch_remove(&trial.scratch);
    return starts;
}
