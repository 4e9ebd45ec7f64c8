// SPDX-License-Identifier: Apache-2.0

#include "ctl/say.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define RUN_LINE_SIZE 1024

void run_say(const char *format, ...)
{
    static const char prefix[] = "electctl: ";
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    char line[RUN_LINE_SIZE];
    size_t size = sizeof prefix - 1;
    va_list values;
    ssize_t written;

    memcpy(line, prefix, size);
    va_start(values, format);
    vsnprintf(line + size, sizeof line - size - 1, format, values);
    va_end(values);
    size = strlen(line);
    line[size] = '\n';
    // A pipe that is ready takes as much at once.
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0) {
        written = write(STDERR_FILENO, line, size + 1);
        (void)written;
    }
}
