// SPDX-License-Identifier: Apache-2.0
//
// A daemon whose clock can be put forward. Not with sanitizers, which want to
// be loaded first.

#ifndef E2E_CLOCK_JUMP_H
#define E2E_CLOCK_JUMP_H

#include "fixture.h"

#define CLOCK_JUMP_ENVIRONMENT_SIZE 1024

struct clock_jump {
    int fd;
    // What the daemon is to be started with.
    char environment[CLOCK_JUMP_ENVIRONMENT_SIZE];
};

// Makes a file of that name, to be removed by its owner when the daemon is
// ready.
void clock_jump_prepare(struct clock_jump *jump, const char *path);

// The daemon's clock is that many seconds ahead of ours from here on. Never
// back.
void clock_jump_put(const struct clock_jump *jump, int64_t ahead_s);

// As fixture_start(), with a clock that clock_jump_to() puts forward.
struct client *clock_jump_start(struct fixture *fixture, const char *arguments);

// Puts the clock of the fixture's daemon forward, which has seen that when this
// returns.
void clock_jump_to(struct fixture *fixture, int64_t ahead_s);

#endif
