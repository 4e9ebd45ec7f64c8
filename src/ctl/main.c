// SPDX-License-Identifier: Apache-2.0
//
// electctl: prepares the process, reads what stands in front of the command,
// and runs it.

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/commands.h"
#include "ctl/exit_code.h"
#include "ctl/line.h"
#include "rpc/core_log.h"

// C-core's own words are for those who ask for them; what it has to say about
// a call is in the call's status.
static void main_core_log_cb(bool is_error, const char *message)
{
    (void)is_error;
    (void)message;
}

// Takes the place of standard descriptors that are closed: a connection to the
// daemon must not get their numbers. Each is opened the wrong way round, so
// that to use it stays an error.
static bool main_guard_descriptors(void)
{
    int flags;

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        // The lowest number that is free is this one.
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", flags) != fd) {
            return false;
        }
    }
    return true;
}

// Whoever started this may have blocked what it handles.
static void main_prepare_signals(void)
{
    static const int handled[] = {
        SIGTERM, SIGINT,  SIGHUP,   SIGQUIT, SIGUSR1,
        SIGUSR2, SIGCHLD, SIGWINCH, SIGCONT,
    };
    sigset_t set;

    // A reader that went away and a file that may not grow are errors of a
    // write.
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof handled / sizeof handled[0]; i++) {
        sigaddset(&set, handled[i]);
    }
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    const struct command *command;
    int at;

    if (!main_guard_descriptors()) {
        return EXIT_CODE_FAILED;
    }
    main_prepare_signals();
    if (getenv("GRPC_VERBOSITY") == NULL) {
        rpc_core_log_set(main_core_log_cb);
    }
    arguments_init(&arguments);
    at =
        1 + arguments_take_front(&arguments, argc > 0 ? argc - 1 : 0, argv + 1);
    if (at == 0) {
        return arguments_report(&arguments);
    }
    if (arguments.help) {
        commands_print_help(stdout);
        return line_flush_stdout() ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
    }
    if (arguments.version) {
        return command_run(command_find("version"), &arguments, 0, argv);
    }
    if (at >= argc) {
        commands_print_help(stderr);
        return EXIT_CODE_USAGE;
    }
    command = command_find(argv[at]);
    if (command == NULL) {
        arguments_fail(&arguments, "unknown command '%s'", argv[at]);
        return arguments_report(&arguments);
    }
    return command_run(command, &arguments, argc - at - 1, argv + at + 1);
}
