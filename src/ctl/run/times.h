// SPDX-License-Identifier: Apache-2.0
//
// The times of `electctl run`, which all follow from two: how long the program
// gets to end (K, kill-after), and how long the daemon keeps the place of a
// candidate whose stream has ended (G, grace).
//
// A Confirm is answered with V = 4/5 G: the program may run until V after the
// moment before the Confirm was sent. So, counted from that moment, at worst:
//
//      after           by default  at least
//      P               0.625s      0.25s     it is confirmed again
//      P + T           1.875s      0.75s     that Confirm is given up as lost,
//                                            and repeated at once
//      P + T + A       2.5s        1s        the answer must be there, or else:
//      V - K - 0.5s    2.5s        1s        SIGTERM
//      V - 0.5s        7.5s                  SIGKILL
//      V               8s                    nothing runs any more
//      G               10s                   somebody else may lead; the fifth
//                                            is for clocks that differ
//
// The default G is 5/4 (K + 3s), and the least is 5/4 (K + 1.5s). The stream
// promises to confirm within C = V - K, but 3s at most, however long G is;
// P = (C - 0.5s) / 4, T = 2 P, and what is left for A is at least P.
//
// Thread: any; nothing is kept.

#ifndef CTL_RUN_TIMES_H
#define CTL_RUN_TIMES_H

#include <stdint.h>

// From SIGKILL until nothing may run any more.
#define RUN_TIMES_KILL_MS 500

struct run_times {
    uint64_t kill_after_ms;
    uint64_t grace_ms;
    // C, P and T.
    uint64_t confirm_within_ms;
    uint64_t confirm_period_ms;
    uint64_t confirm_timeout_ms;
    // The program starts only if it may run for at least that long.
    uint64_t start_room_ms;
    // So long after a stream was given up its place has lapsed, even if the
    // daemon notices the end only by the Confirms that do not come.
    uint64_t stand_back_ms;
    // How often electctl and its warden see whether the other is there.
    uint64_t beat_ms;
};

uint64_t run_times_grace_ms_default(uint64_t kill_after_ms);
uint64_t run_times_grace_ms_min(uint64_t kill_after_ms);

// What is confirmed with that grace: V.
uint64_t run_times_valid_ms(uint64_t grace_ms);

// The grace must not be less than its minimum.
void run_times_derive(struct run_times *times, uint64_t kill_after_ms,
                      uint64_t grace_ms);

#endif
