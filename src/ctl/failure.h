// SPDX-License-Identifier: Apache-2.0
//
// Calls that failed: what to say, how to exit, and whether to try again.
//
// Thread: any; nothing is kept.

#ifndef CTL_FAILURE_H
#define CTL_FAILURE_H

#include <stdbool.h>

// Room for a failure as text, with its NUL; a longer one is cut.
#define FAILURE_SIZE 512

// gRPC's name of a code, such as NOT_FOUND.
const char *failure_name(int code);

// "NOT_FOUND: election 'x' does not exist", in one line and without control
// characters, which the peer may have sent.
void failure_format(int code, const char *message, char text[FAILURE_SIZE]);

// Prints "electctl: " and the failure to stderr. Returns the exit code.
int failure_report(int code, const char *message);

// The connection broke, or the daemon stops or is not there yet: the same call
// may succeed later. Everything else stays as it is however often it is asked.
bool failure_is_passing(int code);

#endif
