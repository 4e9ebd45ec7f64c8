// SPDX-License-Identifier: Apache-2.0

#include "base/descriptors.h"

#include <fcntl.h>
#include <unistd.h>

bool descriptors_guard(void)
{
    int opened;

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) != -1) {
            continue;
        }
        // The lowest descriptor that is free, which is this one.
        opened = open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
        if (opened != fd) {
            return false;
        }
    }
    return true;
}
