// SPDX-License-Identifier: Apache-2.0
//
// Happy path: fork; the child makes its group, waits for the word, takes the
// terminal, puts signals back to their defaults and becomes the command. Some
// time later it is a zombie, nothing else that it started is alive, and the
// sweep finds nobody to kill.
//
// Failure modes: a command that cannot be run says so itself and ends with 127
// or 126, as with other programs that run programs. Without /proc what has left
// the group is not found; the kernel tells all the same that it is there. A
// command that somebody traces ends unseen by its parent: /proc tells. A
// process of another user cannot be killed, or one that hangs in the kernel:
// then not all is gone until it ends by itself.

#include "ctl/run/warden_group.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/run/program.h"
#include "ctl/run/warden_tree.h"

// Of a command whose end only its tracer sees.
#define WARDEN_EXIT_NOT_KNOWN 1
#define WARDEN_EXIT_SIGNAL 128

// As the command expects to find them. What nohup, or a shell for a command in
// the background, has ignored stays ignored.
static void warden_child_reset_signals(void)
{
    struct sigaction action;
    sigset_t none;

    for (int number = 1; number < NSIG; number++) {
        bool may_be_ignored =
            number == SIGHUP || number == SIGINT || number == SIGQUIT;

        if (sigaction(number, NULL, &action) != 0 ||
            (may_be_ignored && action.sa_handler == SIG_IGN)) {
            continue;
        }
        action = (struct sigaction){.sa_handler = SIG_DFL};
        (void)sigaction(number, &action, NULL);
    }
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool
warden_child_set_environment(const struct warden_command *command,
                             const struct warden_leadership *leadership)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, leadership->term);
    return setenv("ELECTD_ELECTION", command->election, 1) == 0 &&
           setenv("ELECTD_CANDIDATE", command->candidate, 1) == 0 &&
           setenv("ELECTD_TERM", text, 1) == 0 &&
           setenv("ELECTD_LIFE", leadership->life, 1) == 0;
}

// False: electctl is in the background by now.
static bool warden_child_take_terminal(pid_t front_pgid)
{
    pid_t front = tcgetpgrp(STDIN_FILENO);

    if (front == front_pgid) {
        // SIGTTOU is blocked still.
        (void)tcsetpgrp(STDIN_FILENO, getpid());
    }
    // -1: the terminal is gone.
    return front == front_pgid || front == -1;
}

// Whoever reads the terminal from the background is stopped, while its
// candidate leads: it reads nothing instead, and by /dev/tty it gets an error.
static bool warden_child_leave_terminal(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool is_fine = fd != -1 && dup2(fd, STDIN_FILENO) == STDIN_FILENO;

    signal(SIGTTIN, SIG_IGN);
    signal(SIGTTOU, SIG_IGN);
    return is_fine;
}

__attribute__((noreturn)) static void
warden_child_run(const struct warden_command *command,
                 const struct warden_leadership *leadership, int go_fd)
{
    bool is_behind = false;
    char go;
    int error;

    (void)setpgid(0, 0);
    // A warden that is killed takes the command with it; the rest of the group
    // is for electctl to kill.
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (read(go_fd, &go, 1) != 1) {
        _exit(PROGRAM_EXIT_NOT_RUN);
    }
    if (!warden_child_set_environment(command, leadership)) {
        _exit(PROGRAM_EXIT_NOT_RUN);
    }
    if (command->front_pgid != 0) {
        is_behind = !warden_child_take_terminal(command->front_pgid);
    }
    warden_child_reset_signals();
    if (is_behind && !warden_child_leave_terminal()) {
        _exit(PROGRAM_EXIT_NOT_RUN);
    }
    execvp(command->arguments[0], command->arguments);
    error = errno;
    (void)dprintf(STDERR_FILENO, "electctl: cannot run '%s': %s\n",
                  command->arguments[0], strerror(error));
    _exit(program_exit_code(error));
}

bool warden_group_fork(struct warden_group *group,
                       const struct warden_command *command,
                       const struct warden_leadership *leadership, int *go_fd)
{
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    pid = fork();
    if (pid == 0) {
        close(ends[1]);
        warden_child_run(command, leadership, ends[0]);
    }
    close(ends[0]);
    if (pid == -1) {
        int error = errno;

        close(ends[1]);
        errno = error;
        return false;
    }
    // The child does it too: whoever comes first.
    (void)setpgid(pid, pid);
    *group = (struct warden_group){.pgid = pid};
    *go_fd = ends[1];
    return true;
}

void warden_group_go(int go_fd)
{
    // A child that was killed meanwhile does not read it.
    ssize_t size = write(go_fd, "", 1);

    (void)size;
    close(go_fd);
}

void warden_group_signal(const struct warden_group *group, int number)
{
    if (group->pgid > 0 && !group->is_swept) {
        (void)kill(-group->pgid, number);
    }
}

void warden_group_end(struct warden_group *group, int number)
{
    assert(group->pgid > 0 && !group->is_swept);
    warden_ending_ask(&group->ending, group->pgid, number);
}

void warden_group_kill(struct warden_group *group)
{
    warden_group_signal(group, SIGKILL);
    warden_ending_kill(&group->ending);
}

// True if the command has ended, and sets its exit code.
static bool warden_group_read_exit(struct warden_group *group)
{
    siginfo_t info = {.si_pid = 0};

    if (waitid(P_PID, (id_t)group->pgid, &info, WEXITED | WNOHANG | WNOWAIT) !=
            0 ||
        info.si_pid == 0) {
        return false;
    }
    group->exit_code = info.si_code == CLD_EXITED
                           ? info.si_status
                           : WARDEN_EXIT_SIGNAL + info.si_status;
    return true;
}

static bool warden_group_is_dead(const struct warden_group *group)
{
    struct warden_list_process command;

    return warden_list_read_one(group->pgid, &command) && command.is_dead;
}

bool warden_group_look(struct warden_group *group,
                       const struct warden_command *command)
{
    siginfo_t info = {.si_pid = 0};
    bool is_dead;

    if (group->pgid <= 0 || group->has_ended) {
        return false;
    }
    if (command->front_pgid != 0 &&
        waitid(P_PID, (id_t)group->pgid, &info, WSTOPPED | WNOHANG) == 0 &&
        info.si_pid != 0 && info.si_status == SIGTSTP) {
        warden_group_signal(group, SIGCONT);
    }
    // Dead first: what ends between the two looks has an exit code.
    is_dead = warden_group_is_dead(group);
    if (warden_group_read_exit(group)) {
        group->has_ended = true;
    } else if (is_dead) {
        group->has_ended = true;
        group->exit_code = WARDEN_EXIT_NOT_KNOWN;
    }
    return group->has_ended;
}

bool warden_group_is_gone(const struct warden_group *group)
{
    return group->has_ended && warden_tree_is_gone(NULL);
}

void warden_group_sweep(struct warden_group *group)
{
    assert(group->has_ended);
    warden_group_signal(group, SIGKILL);
    group->is_swept = true;
}

// What ended behind a command that must stay a zombie.
static void warden_group_reap_others(const struct warden_group *group)
{
    struct warden_list children;

    if (!warden_tree_read_children(&children, NULL)) {
        return;
    }
    for (size_t i = 0; i < children.count; i++) {
        if (children.processes[i].is_dead &&
            children.processes[i].pid != group->pgid) {
            (void)waitpid(children.processes[i].pid, NULL, WNOHANG);
        }
    }
    warden_list_clear(&children);
}

void warden_group_reap(const struct warden_group *group)
{
    siginfo_t info = {.si_pid = 0};

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0) {
        if (info.si_pid == group->pgid && !group->is_swept) {
            warden_group_reap_others(group);
            return;
        }
        (void)waitpid(info.si_pid, NULL, WNOHANG);
        info.si_pid = 0;
    }
}
