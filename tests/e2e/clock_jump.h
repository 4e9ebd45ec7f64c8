// SPDX-License-Identifier: Apache-2.0
//
// A daemon whose clock can be put forward. Not with sanitizers, which want to
// be loaded first.

#ifndef E2E_CLOCK_JUMP_H
#define E2E_CLOCK_JUMP_H

#include "fixture.h"

// As fixture_start(), with a clock that clock_jump_to() puts forward.
struct client *clock_jump_start(struct fixture *fixture, const char *arguments);

// The daemon's clock is that many seconds ahead of ours from here on, and the
// daemon has seen that. Never back.
void clock_jump_to(struct fixture *fixture, int64_t ahead_s);

#endif
