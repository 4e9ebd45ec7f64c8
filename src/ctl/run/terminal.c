// SPDX-License-Identifier: Apache-2.0

#include "ctl/run/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

bool run_terminal_leave(void)
{
    pid_t front = isatty(STDIN_FILENO) == 1 ? tcgetpgrp(STDIN_FILENO) : -1;
    bool is_fine;
    int fd;

    // -1: it is no terminal, or that of another session.
    if (front == -1 || front == getpgrp()) {
        return true;
    }
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    is_fine = fd != -1 && dup2(fd, STDIN_FILENO) == STDIN_FILENO;
    if (fd != -1) {
        close(fd);
    }
    return is_fine;
}

pid_t run_terminal_front(void)
{
    struct stat out;

    if (isatty(STDIN_FILENO) == 1 && tcgetpgrp(STDIN_FILENO) == getpgrp() &&
        (fstat(STDOUT_FILENO, &out) != 0 || !S_ISFIFO(out.st_mode))) {
        return getpgrp();
    }
    return 0;
}

void run_terminal_take(void)
{
    pid_t front = tcgetpgrp(STDIN_FILENO);

    // Who is in front by now may be the shell.
    if (front > 1 && kill(-front, 0) == -1 && errno == ESRCH) {
        // SIGTTOU is ignored.
        (void)tcsetpgrp(STDIN_FILENO, getpgrp());
    }
}
