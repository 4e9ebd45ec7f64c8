// SPDX-License-Identifier: Apache-2.0
//
// The id of this life of the daemon: random, so that clients can tell a daemon
// that was restarted from the one before, whose terms are forgotten.
//
// Thread: any.

#ifndef DAEMON_LIFE_H
#define DAEMON_LIFE_H

// 32 hexadecimal digits and a NUL.
#define LIFE_SIZE 33

// Makes a new id. Returns 0, or libuv's negative error if the system has no
// random bytes to give.
__attribute__((warn_unused_result)) int life_make(char life[LIFE_SIZE]);

#endif
