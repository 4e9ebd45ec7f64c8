// SPDX-License-Identifier: Apache-2.0
//
// What `electctl run` has to do with the terminal, which it shares with its
// command.
//
// Thread: any.

#ifndef CTL_RUN_TERMINAL_H
#define CTL_RUN_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>

// In the background of a terminal that is standard input: replaces that by
// /dev/null. The command runs in a session of its own, where the terminal would
// not stop it from reading what is typed for others. Once in the background,
// it stays so. False: errno says why.
__attribute__((warn_unused_result)) bool run_terminal_leave(void);

// electctl's own group, if the command's is to take its place in front of the
// terminal, as would be so without electctl: standard input is a terminal,
// electctl is in front, and does not share it with what reads its output, a
// pager say. Otherwise 0.
pid_t run_terminal_front(void);

// Takes the terminal back when the group in front is gone.
void run_terminal_take(void);

#endif
