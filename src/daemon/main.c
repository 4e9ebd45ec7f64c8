// SPDX-License-Identifier: Apache-2.0
//
// electd: reads what it is told, prepares the process, and runs the daemon.

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "daemon/daemon.h"
#include "daemon/options.h"
#include "log/log.h"
#include "log/log_writer.h"

#define EXIT_USAGE 2

// As many connections as the system allows: the usual soft limit of 1,024 is
// there for programs that use select().
static void main_raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
        limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        // Best effort: with fewer it works too.
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

// What must not end the daemon, and what must, however it was started.
static void main_prepare_signals(void)
{
    static const int ignored[] = {
        // A peer that went away and a file that may not grow are errors of a
        // write, not the end of the daemon.
        SIGPIPE,
        SIGXFSZ,
        // A closed terminal, or somebody who expects a log to be reopened.
        SIGHUP,
        SIGUSR1,
        SIGUSR2,
    };
    sigset_t handled;

    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        signal(ignored[i], SIG_IGN);
    }
    sigemptyset(&handled);
    sigaddset(&handled, SIGTERM);
    sigaddset(&handled, SIGINT);
    sigaddset(&handled, SIGHUP);
    (void)sigprocmask(SIG_UNBLOCK, &handled, NULL);
}

static void main_prepare_process(void)
{
    main_prepare_signals();
    main_raise_descriptor_limit();
}

int main(int argc, char **argv)
{
    struct options options;
    char error[OPTIONS_ERROR_SIZE];

    if (!descriptors_guard()) {
        return EXIT_FAILURE;
    }
    switch (options_parse(&options, argc, argv, environ, error)) {
    case OPTIONS_RUN:
        break;
    case OPTIONS_HELP:
        options_print_help(stdout);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    case OPTIONS_VERSION:
        puts("electd " ELECTD_VERSION);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    case OPTIONS_ERROR:
        fprintf(stderr, "%s\n", error);
        return EXIT_USAGE;
    }
    log_init(options.log_level, options.log_format);
    log_writer_open_terminal();
    main_prepare_process();
    return daemon_run(&options);
}
