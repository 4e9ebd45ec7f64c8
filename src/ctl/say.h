// SPDX-License-Identifier: Apache-2.0
//
// What electctl says on stderr while it takes part in an election.
//
// Thread: any.

#ifndef CTL_SAY_H
#define CTL_SAY_H

// Prints "electctl: " and one line to stderr; not if that would have to wait,
// because nobody reads: others are to be led meanwhile.
__attribute__((format(printf, 1, 2))) void run_say(const char *format, ...);

#endif
