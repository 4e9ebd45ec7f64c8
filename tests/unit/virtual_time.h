// SPDX-License-Identifier: Apache-2.0
//
// A monotonic clock that a test sets: what asks the system for it, such as a
// loop of libuv, is told the test's time while there is one. A loop must not
// sleep meanwhile: run it with UV_RUN_NOWAIT.

#ifndef TESTS_VIRTUAL_TIME_H
#define TESTS_VIRTUAL_TIME_H

#include <stdint.h>

// From here on the clock shows this time, until it is set to another.
void virtual_time_set(uint64_t now_ns);

// The time that was set; 0 for none.
uint64_t virtual_time_ns(void);

// From here on the clock shows the real time again.
void virtual_time_end(void);

#endif
