// SPDX-License-Identifier: Apache-2.0
//
// Happy path: electctl says WARDEN_START, with the time until which the command
// may run, and then a later time every now and then. The command ends; what it
// left, in its group or not, is ended too; electctl hears of each step.
//
// Failure modes: electctl ended: SIGKILL to the group, at once. No later time
// comes, since electctl was stopped, gets no processor, or no Confirm from the
// daemon: SIGTERM, so early that the group has its time to end, and SIGKILL
// soon enough for nothing to run at that time. Before that is judged, what is
// waiting in the socket is read. All times are of a clock that goes on while a
// machine sleeps.
//
// Every signal is blocked, so that a signal to all processes of a service, or
// of a terminal, leaves the warden at its work.

#include "ctl/run/warden_process.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "ctl/boot_clock.h"
#include "ctl/run/times.h"
#include "ctl/run/warden_wire.h"

#define WARDEN_EXIT_FAILED 1
// How often it looks whether all that is ending is gone, besides whenever a
// child ends.
#define WARDEN_LOOK_ENDING_MS 100

enum warden_phase {
    WARDEN_IDLE,
    WARDEN_RUNNING,
    WARDEN_ENDING,
    // SIGKILL was sent.
    WARDEN_KILLED,
};

struct warden_process {
    const struct warden_options *options;
    int socket_fd;
    int signal_fd;
    int timer_fd;
    // electctl has ended.
    bool is_alone;
    enum warden_phase phase;
    struct warden_group group;
    // While the command runs: when to end it, and when at the latest to kill
    // it, unless it may run longer by then.
    uint64_t end_at_ms;
    uint64_t kill_at_ms;
};

static void warden_say(struct warden_process *warden, enum warden_word word,
                       int number)
{
    struct warden_message message = {.word = word, .number = number};

    // If electctl is no more, the socket will say so.
    (void)warden_message_send(warden->socket_fd, &message);
}

static void warden_kill(struct warden_process *warden)
{
    if (warden->phase == WARDEN_RUNNING || warden->phase == WARDEN_ENDING) {
        warden->phase = WARDEN_KILLED;
        warden_group_kill(&warden->group);
    }
}

// Begins to end the group, or lets it end sooner; never later than it must.
static void warden_end(struct warden_process *warden, int number,
                       uint64_t kill_at_ms)
{
    if (warden->phase != WARDEN_RUNNING && warden->phase != WARDEN_ENDING) {
        return;
    }
    warden->phase = WARDEN_ENDING;
    if (kill_at_ms < warden->kill_at_ms) {
        warden->kill_at_ms = kill_at_ms;
    }
    warden_group_end(&warden->group, number);
}

// The command may run until then.
static void warden_allow(struct warden_process *warden, uint64_t until_ms)
{
    uint64_t kill_at_ms =
        until_ms > RUN_TIMES_KILL_MS ? until_ms - RUN_TIMES_KILL_MS : 0;

    if (kill_at_ms > warden->kill_at_ms) {
        warden->kill_at_ms = kill_at_ms;
        warden->end_at_ms = kill_at_ms > warden->options->kill_after_ms
                                ? kill_at_ms - warden->options->kill_after_ms
                                : 0;
    }
}

static void warden_start(struct warden_process *warden,
                         const struct warden_message *message)
{
    int go_fd;

    assert(warden->phase == WARDEN_IDLE);
    warden->kill_at_ms = 0;
    warden_allow(warden, message->time_ms);
    if (boot_clock_ms() >= warden->end_at_ms) {
        warden_say(warden, WARDEN_OVERDUE, 0);
        warden_say(warden, WARDEN_GONE, 0);
        return;
    }
    if (!warden_group_fork(&warden->group, &warden->options->command,
                           &(struct warden_leadership){.term = message->term,
                                                       .life = message->life},
                           &go_fd)) {
        (void)dprintf(STDERR_FILENO, "electctl: cannot fork: %s\n",
                      strerror(errno));
        warden_say(warden, WARDEN_ENDED, WARDEN_EXIT_FAILED);
        warden_say(warden, WARDEN_GONE, 0);
        return;
    }
    warden->phase = WARDEN_RUNNING;
    // Whoever has to do without the warden must know the group before there is
    // anything in it.
    warden_say(warden, WARDEN_STARTED, (int)warden->group.pgid);
    warden_group_go(go_fd);
}

static void warden_take(struct warden_process *warden,
                        const struct warden_message *message)
{
    switch (message->word) {
    case WARDEN_START:
        warden_start(warden, message);
        return;
    case WARDEN_EXTEND:
        if (warden->phase == WARDEN_RUNNING) {
            warden_allow(warden, message->time_ms);
        }
        return;
    case WARDEN_BEAT:
        warden_say(warden, WARDEN_ALIVE, 0);
        return;
    case WARDEN_END:
        warden_end(warden, message->number, message->time_ms);
        return;
    case WARDEN_PASS_ON:
        warden_group_signal(&warden->group, message->number);
        return;
    case WARDEN_ALIVE:
    case WARDEN_STARTED:
    case WARDEN_OVERDUE:
    case WARDEN_ENDED:
    case WARDEN_SWEPT:
    case WARDEN_GONE:
        return;
    }
}

static void warden_listen(struct warden_process *warden)
{
    struct warden_message message;
    enum warden_news news = WARDEN_NEWS_END;

    while (!warden->is_alone) {
        news = warden_message_receive(warden->socket_fd, &message);
        if (news == WARDEN_NEWS_MESSAGE) {
            warden_take(warden, &message);
        } else if (news == WARDEN_NEWS_NONE) {
            return;
        } else {
            warden->is_alone = true;
        }
    }
    warden_kill(warden);
}

// Ends the group in time.
static void warden_judge(struct warden_process *warden)
{
    if (warden->phase == WARDEN_RUNNING &&
        boot_clock_ms() >= warden->end_at_ms) {
        warden_say(warden, WARDEN_OVERDUE, 0);
        warden_end(warden, SIGTERM, warden->kill_at_ms);
    }
}

// The command has ended; what it left gets as long as it would have.
static void warden_ended(struct warden_process *warden)
{
    warden_say(warden, WARDEN_ENDED, warden->group.exit_code);
    if (!warden_group_is_gone(&warden->group)) {
        warden_end(warden, SIGTERM,
                   boot_clock_ms() + warden->options->kill_after_ms);
    }
}

static void warden_look(struct warden_process *warden)
{
    struct warden_group *group = &warden->group;

    if (warden_group_look(group, &warden->options->command)) {
        warden_ended(warden);
    }
    if (warden->phase == WARDEN_ENDING &&
        boot_clock_ms() >= warden->kill_at_ms) {
        warden_kill(warden);
    } else if (warden->phase == WARDEN_KILLED) {
        warden_group_kill(group);
    }
    if (group->has_ended && !group->is_swept &&
        (warden->phase == WARDEN_KILLED || warden_group_is_gone(group))) {
        warden_group_sweep(group);
        warden->phase = WARDEN_KILLED;
        warden_say(warden, WARDEN_SWEPT, 0);
    }
    warden_group_reap(group);
    if (group->is_swept && warden_group_is_gone(group)) {
        *group = (struct warden_group){.pgid = 0};
        warden->phase = WARDEN_IDLE;
        warden_say(warden, WARDEN_GONE, 0);
    }
}

// When it must wake by itself; 0 is never.
static uint64_t warden_next_ms(const struct warden_process *warden)
{
    uint64_t look_ms = boot_clock_ms() + WARDEN_LOOK_ENDING_MS;

    switch (warden->phase) {
    case WARDEN_IDLE:
        return 0;
    case WARDEN_RUNNING:
        return warden->end_at_ms;
    case WARDEN_ENDING:
        return warden->kill_at_ms < look_ms ? warden->kill_at_ms : look_ms;
    case WARDEN_KILLED:
        return warden->group.ending.search_at_ms > 0
                   ? warden->group.ending.search_at_ms
                   : boot_clock_ms();
    }
    return 0;
}

// A time that is absolute is noticed as soon as a suspended machine goes on.
static void warden_wait(struct warden_process *warden)
{
    uint64_t next_ms = warden_next_ms(warden);
    struct itimerspec timer = {
        .it_value = {.tv_sec = (time_t)(next_ms / 1000),
                     .tv_nsec = (long)(next_ms % 1000) * 1000000},
    };
    struct pollfd fds[] = {
        {.fd = warden->signal_fd, .events = POLLIN},
        {.fd = warden->timer_fd, .events = POLLIN},
        // Closed, it would be ready for ever.
        {.fd = warden->is_alone ? -1 : warden->socket_fd, .events = POLLIN},
    };
    struct signalfd_siginfo info;

    (void)timerfd_settime(warden->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL);
    if (poll(fds, sizeof fds / sizeof fds[0], -1) > 0 &&
        (fds[0].revents & POLLIN) != 0) {
        // What it says is looked up afterwards.
        ssize_t size = read(warden->signal_fd, &info, sizeof info);

        (void)size;
    }
}

static bool warden_process_init(struct warden_process *warden)
{
    sigset_t all;
    sigset_t child;

    sigfillset(&all);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    // A parent that ignores it would have children vanish.
    signal(SIGCHLD, SIG_DFL);
    if (sigprocmask(SIG_SETMASK, &all, NULL) != 0 ||
        prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        return false;
    }
    // With a terminal, the command must stay in its session; without, nothing
    // of that session must reach either.
    if (warden->options->command.front_pgid != 0) {
        (void)setpgid(0, 0);
    } else {
        (void)setsid();
    }
    warden->signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    warden->timer_fd =
        timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    return warden->signal_fd != -1 && warden->timer_fd != -1;
}

int warden_process_run(const struct warden_options *options, int socket_fd)
{
    struct warden_process warden = {
        .options = options,
        .socket_fd = socket_fd,
        .phase = WARDEN_IDLE,
    };

    if (!warden_process_init(&warden)) {
        (void)dprintf(STDERR_FILENO,
                      "electctl: cannot watch over a command: "
                      "%s\n",
                      strerror(errno));
        return WARDEN_EXIT_FAILED;
    }
    while (!warden.is_alone || warden.phase != WARDEN_IDLE) {
        warden_wait(&warden);
        warden_listen(&warden);
        warden_judge(&warden);
        warden_look(&warden);
    }
    return 0;
}
