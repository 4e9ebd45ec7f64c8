// SPDX-License-Identifier: Apache-2.0
//
// electctl's hold on its warden: the process that runs the command, and ends it
// when electctl does not.
//
// electctl watches the warden, by a word every now and then. If it ends or is
// stopped, electctl kills it and all that the command has started by itself.
//
// Thread: the loop's. Callbacks run from the loop and from warden_reap() and
// warden_beat() alone.

#ifndef CTL_RUN_WARDEN_H
#define CTL_RUN_WARDEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "ctl/run/warden_process.h"

struct warden;

struct warden_callbacks {
    // The command has ended; more of its group may be there.
    void (*ended_cb)(struct warden *warden, int exit_code);
    // Nothing is left of the group, nor of what has left it. Another one may be
    // started.
    void (*gone_cb)(struct warden *warden);
    // The group is being ended, as the time until which it may run comes near;
    // or it was not started at all.
    void (*overdue_cb)(struct warden *warden);
    // There is no warden any more. The group is being killed, if there is one;
    // then gone_cb follows.
    void (*lost_cb)(struct warden *warden);
};

struct warden {
    const struct warden_callbacks *callbacks;
    int socket_fd;
    uv_poll_t poll;
    // 0 once it is reaped.
    pid_t pid;
    // From the start to gone_cb.
    bool has_group;
    // 0 until it is known.
    pid_t pgid;
    bool is_swept;
    bool is_lost;
    // What electctl had for children when the group was started.
    struct warden_list others;
    // Of a warden that is lost.
    struct warden_ending ending;
    // Words that got no answer.
    unsigned unanswered;
    void (*closed_cb)(struct warden *warden);
};

// Forks the warden; borrows nothing. To be called before there is any thread:
// the child goes on to use all of the C library. Returns 0 or -errno.
__attribute__((warn_unused_result)) int
warden_fork(struct warden *warden, const struct warden_options *options);

// Begins to listen. Returns 0, or libuv's negative error, after which the
// warden is ended and nothing is to close.
__attribute__((warn_unused_result)) int
warden_attach(struct warden *warden, uv_loop_t *loop,
              const struct warden_callbacks *callbacks);

// Starts the command in that term of that life of the daemon. It may run until
// that time of boot_clock_ms(). There must be no group.
void warden_start(struct warden *warden, uint64_t term, const char *life,
                  uint64_t until_ms);

// The command may run until then, if that is later than before.
void warden_extend(struct warden *warden, uint64_t until_ms);

// Signals the group, and has it killed at that time of boot_clock_ms().
void warden_end(struct warden *warden, int number, uint64_t kill_at_ms);

// Signals the group.
void warden_pass_on(struct warden *warden, int number);

// To be called every now and then: sees whether the warden is well. One that
// has not answered several times in a row is killed.
void warden_beat(struct warden *warden);

// To be called after SIGCHLD: reaps the warden, and in a process that is the
// init of its container also what it was left with. May call lost_cb, and what
// the warden had to say before.
void warden_reap(struct warden *warden);

// Closes: the warden ends, and what is left of a group is killed.
void warden_close(struct warden *warden,
                  void (*closed_cb)(struct warden *warden));

#endif
