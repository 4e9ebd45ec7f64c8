// SPDX-License-Identifier: Apache-2.0

#include "support/scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/test.h"

#include "support/stopwatch.h"

#define SCRATCH_FILE_SIZE 65536
#define SCRATCH_TICK_MS 2

void scratch_make(struct scratch *scratch)
{
    // Not $TMPDIR: the path of a socket is short.
    snprintf(scratch->path, sizeof scratch->path, "/tmp/electd-test-XXXXXX");
    assert_non_null(mkdtemp(scratch->path));
}

static int scratch_remove_cb(const char *path, const struct stat *status,
                             int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

void scratch_remove(struct scratch *scratch)
{
    if (scratch->path[0] != '\0') {
        nftw(scratch->path, scratch_remove_cb, 8, FTW_DEPTH | FTW_PHYS);
    }
    scratch->path[0] = '\0';
}

static void scratch_name(const struct scratch *scratch, const char *name,
                         char path[128])
{
    snprintf(path, 128, "%s/%.40s", scratch->path, name);
}

const char *scratch_read(const struct scratch *scratch, const char *name)
{
    static char text[SCRATCH_FILE_SIZE];
    char path[128];
    ssize_t size = 0;
    int fd;

    scratch_name(scratch, name, path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd != -1) {
        size = read(fd, text, sizeof text - 1);
        close(fd);
    }
    text[size > 0 ? size : 0] = '\0';
    return text;
}

void scratch_await(const struct scratch *scratch, const char *name,
                   const char *text)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;

    while (strstr(scratch_read(scratch, name), text) == NULL) {
        if (stopwatch_now_ms() > deadline_ms) {
            fail_msg("no '%s' in %s:\n%s", text, name,
                     scratch_read(scratch, name));
        }
        stopwatch_pause(SCRATCH_TICK_MS);
    }
}

long scratch_await_number(const struct scratch *scratch, const char *name,
                          unsigned lines)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;

    for (;;) {
        const char *text = scratch_read(scratch, name);
        const char *last = text;
        unsigned count = 0;

        for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
            count++;
            last = count < lines ? at + 1 : last;
        }
        if (count >= lines) {
            return strtol(last, NULL, 10);
        }
        if (stopwatch_now_ms() > deadline_ms) {
            fail_msg("%s has no %u lines:\n%s", name, lines, text);
        }
        stopwatch_pause(SCRATCH_TICK_MS);
    }
}
