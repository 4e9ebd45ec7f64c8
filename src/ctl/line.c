// SPDX-License-Identifier: Apache-2.0

#include "ctl/line.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/exit_code.h"

__attribute__((noreturn)) static void line_out_of_memory(void)
{
    fputs("electctl: out of memory\n", stderr);
    exit(EXIT_CODE_FAILED);
}

FILE *line_begin(struct line *line)
{
    *line = (struct line){.bytes = NULL};
    line->out = open_memstream(&line->bytes, &line->size);
    if (line->out == NULL) {
        line_out_of_memory();
    }
    return line->out;
}

void line_end(struct line *line)
{
    bool is_complete = ferror(line->out) == 0;

    if (fclose(line->out) != 0 || !is_complete) {
        line_out_of_memory();
    }
    line->out = NULL;
}

bool line_equal(const struct line *a, const struct line *b)
{
    return a->size == b->size &&
           (a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
}

// EPIPE is how the reader says that it has seen enough.
static bool line_fail(int error)
{
    if (error != EPIPE) {
        fprintf(stderr, "electctl: cannot write: %s\n", strerror(error));
    }
    return false;
}

bool line_write(const struct line *line)
{
    if (fwrite(line->bytes, 1, line->size, stdout) != line->size) {
        return line_fail(errno);
    }
    return line_flush_stdout();
}

enum line_progress line_write_some(const struct line *line, int fd,
                                   size_t *offset)
{
    struct pollfd out = {.fd = fd, .events = POLLOUT};

    while (*offset < line->size) {
        size_t rest = line->size - *offset;
        ssize_t written;

        if (poll(&out, 1, 0) != 1) {
            return LINE_WAITS;
        }
        // A pipe that has room takes as much at once.
        written =
            write(fd, line->bytes + *offset, rest < PIPE_BUF ? rest : PIPE_BUF);
        if (written >= 0) {
            *offset += (size_t)written;
        } else if (errno == EAGAIN) {
            return LINE_WAITS;
        } else if (errno != EINTR) {
            (void)line_fail(errno);
            return LINE_FAILED;
        }
    }
    return LINE_WRITTEN;
}

int line_descriptor(void)
{
    int fd = -1;

    if (isatty(STDOUT_FILENO) == 1) {
        fd = open("/proc/self/fd/1",
                  O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
    return fd != -1 ? fd : STDOUT_FILENO;
}

void line_free(struct line *line)
{
    free(line->bytes);
    *line = (struct line){.bytes = NULL};
}

bool line_flush_stdout(void)
{
    return fflush(stdout) == 0 || line_fail(errno);
}
