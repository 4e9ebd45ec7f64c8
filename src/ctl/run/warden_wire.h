// SPDX-License-Identifier: Apache-2.0
//
// What electctl and its warden say to each other, one message a packet, over a
// socket pair. Both are one program: the struct is the format.

#ifndef CTL_RUN_WARDEN_WIRE_H
#define CTL_RUN_WARDEN_WIRE_H

#include <stdbool.h>
#include <stdint.h>

enum warden_word {
    // To the warden. Start the command in `term` of `life`; it may run until
    // `time_ms`.
    WARDEN_START,
    // The command may run until `time_ms`, if that is later than before.
    WARDEN_EXTEND,
    // Answered with WARDEN_ALIVE.
    WARDEN_BEAT,
    // Send the signal `number` and have all killed at `time_ms`.
    WARDEN_END,
    // Send the signal `number`.
    WARDEN_PASS_ON,

    // From the warden.
    WARDEN_ALIVE,
    // The group is `number`; nothing runs in it yet.
    WARDEN_STARTED,
    // Soon the command may run no longer: the group is ended.
    WARDEN_OVERDUE,
    // The command has ended; `number` is its exit code.
    WARDEN_ENDED,
    // All of the group was killed; from here on it must not be signalled.
    WARDEN_SWEPT,
    // There is no group.
    WARDEN_GONE,
};

// Of the daemon's id of its life; a longer one is cut.
#define WARDEN_LIFE_SIZE 128

struct warden_message {
    enum warden_word word;
    int number;
    uint64_t term;
    char life[WARDEN_LIFE_SIZE];
    // Of boot_clock_ms().
    uint64_t time_ms;
};

// Never waits. False if it could not be sent: nobody listens, or nobody did for
// long.
bool warden_message_send(int fd, const struct warden_message *message);

enum warden_news {
    WARDEN_NEWS_MESSAGE,
    WARDEN_NEWS_NONE,
    // The other end is closed, and all it said was read.
    WARDEN_NEWS_END,
};

// Never waits.
enum warden_news warden_message_receive(int fd, struct warden_message *message);

#endif
