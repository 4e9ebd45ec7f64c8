// SPDX-License-Identifier: Apache-2.0

#include "contender.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

#include "support/daemon_process.h"
#include "support/stopwatch.h"

#define CONTENDER_TICK_MS 2

static char contender_endpoint[128];

void contender_set_endpoint(const char *listen)
{
    snprintf(contender_endpoint, sizeof contender_endpoint, "%s", listen);
}

// Opens the file of an output; returns the descriptor, owned.
static int contender_open(const struct contender *contender, const char *kind)
{
    char path[128];
    int fd;

    snprintf(path, sizeof path, "%s/%s.%s", contender->scratch->path,
             contender->name, kind);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd != -1);
    return fd;
}

void contender_spawn(struct contender *contender, const struct scratch *scratch,
                     const char *name, int in_fd, const char *const *arguments)
{
    const char *words[CONTENDER_ARGUMENTS_MAX + 3] = {"--endpoint",
                                                      contender_endpoint};
    struct child_start start = {
        .path = getenv("ELECTCTL_BIN"),
        .words = words,
        .directory = scratch->path,
        .in_fd = in_fd != -1 ? in_fd : 0,
    };

    if (start.path == NULL) {
        fail_msg("ELECTCTL_BIN is not set: it names the electctl to test");
    }
    for (size_t i = 0; arguments[i] != NULL; i++) {
        assert_true(i < CONTENDER_ARGUMENTS_MAX);
        words[i + 2] = arguments[i];
    }
    child_dispose(&contender->process);
    contender->scratch = scratch;
    snprintf(contender->name, sizeof contender->name, "%s", name);
    start.out_fd = contender_open(contender, "out");
    start.err_fd = contender_open(contender, "err");
    child_spawn(&contender->process, &start);
    close(start.out_fd);
    close(start.err_fd);
}

int contender_await_exit(struct contender *contender)
{
    if (!child_has_ended(&contender->process, STOPWATCH_DEADLINE_MS)) {
        fail_msg("electctl does not end; it said:\n%s",
                 contender_error(contender));
    }
    return child_exit_status(&contender->process);
}

bool contender_is_alive(struct contender *contender)
{
    return child_is_alive(&contender->process);
}

const char *contender_error(const struct contender *contender)
{
    char name[64];

    snprintf(name, sizeof name, "%s.err", contender->name);
    return scratch_read(contender->scratch, name);
}

void contender_await_error(const struct contender *contender, const char *text)
{
    char name[64];

    snprintf(name, sizeof name, "%s.err", contender->name);
    scratch_await(contender->scratch, name, text);
}

int contender_call(const struct scratch *scratch, const char *const *arguments)
{
    struct contender contender = {.scratch = scratch};

    contender_spawn(&contender, scratch, "call", -1, arguments);
    return contender_await_exit(&contender);
}

void contender_dispose(struct contender *contender)
{
    child_dispose(&contender->process);
}

void group_await_gone(pid_t pgid)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;

    assert_true(pgid > 1);
    while (kill(-pgid, 0) == 0 || errno != ESRCH) {
        if (stopwatch_now_ms() > deadline_ms) {
            fail_msg("there are processes left in group %ld", (long)pgid);
        }
        stopwatch_pause(CONTENDER_TICK_MS);
    }
}

void process_await_stopped(pid_t pid)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
    char path[64];
    char text[512];
    bool is_stopped = false;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    while (!is_stopped) {
        FILE *file = fopen(path, "re");

        assert_non_null(file);
        assert_non_null(fgets(text, sizeof text, file));
        (void)fclose(file);
        is_stopped = strstr(text, ") T ") != NULL;
        assert_true(stopwatch_now_ms() < deadline_ms);
        stopwatch_pause(CONTENDER_TICK_MS);
    }
}
