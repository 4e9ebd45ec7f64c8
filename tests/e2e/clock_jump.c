// SPDX-License-Identifier: Apache-2.0

#include "clock_jump.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/test.h"

#include "support/story.h"

static struct clock_jump clock_jump_fixture;

void clock_jump_prepare(struct clock_jump *jump, const char *path)
{
    const char *library = getenv("CLOCK_JUMP_LIBRARY");

    assert_non_null(library);
    jump->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(jump->fd >= 0);
    assert_int_equal(ftruncate(jump->fd, sizeof(int64_t)), 0);
    snprintf(jump->environment, sizeof jump->environment,
             "LD_PRELOAD=%s CLOCK_JUMP_FILE=%s", library, path);
}

void clock_jump_put(const struct clock_jump *jump, int64_t ahead_s)
{
    assert_int_equal(pwrite(jump->fd, &ahead_s, sizeof ahead_s, 0),
                     sizeof ahead_s);
}

struct client *clock_jump_start(struct fixture *fixture, const char *arguments)
{
    const char *path = fixture_path(fixture, "clock");
    struct client *client;

    clock_jump_prepare(&clock_jump_fixture, path);
    fixture->environment = clock_jump_fixture.environment;
    client = fixture_start(fixture, arguments);
    fixture->environment = NULL;
    // The daemon has it open by now.
    assert_int_equal(unlink(path), 0);
    return client;
}

void clock_jump_to(struct fixture *fixture, int64_t ahead_s)
{
    clock_jump_put(&clock_jump_fixture, ahead_s);
    // Its loop has turned when this is answered; its keepalive may have taken
    // the jump for the silence of older connections.
    tell(fixture_connect(fixture), "Create clock");
}
