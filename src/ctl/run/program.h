// SPDX-License-Identifier: Apache-2.0
//
// Tells of a program that cannot be run before anybody waits for its turn.
//
// Thread: any; nothing is kept.

#ifndef CTL_RUN_PROGRAM_H
#define CTL_RUN_PROGRAM_H

// The exit codes of a program that was not found, or cannot be run, as shells
// have them.
#define PROGRAM_EXIT_NOT_FOUND 127
#define PROGRAM_EXIT_NOT_RUN 126

// Looks for a program as execvp() does. Returns 0, or the errno with which
// execvp() would fail, as far as file names and permissions tell.
__attribute__((warn_unused_result)) int program_find(const char *name);

// What such an errno is as an exit code.
int program_exit_code(int error);

#endif
