// SPDX-License-Identifier: Apache-2.0
//
// Happy path: fork; the child makes its group, waits for the word, takes the
// terminal, puts signals back to their defaults and becomes the command. Some
// time later it is a zombie, /proc knows nobody else in the group, and the
// sweep finds nobody to kill.
//
// Failure modes: a command that cannot be run says so itself and ends with 127
// or 126, as with other programs that run programs. Without /proc a group is
// never known to be empty, and what a command leaves behind is killed when its
// time is up. A process of another user cannot be killed, or one that hangs in
// the kernel: then the group is never gone.

#include "ctl/warden_group.h"

#include <assert.h>
#include <dirent.h>
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

#define WARDEN_EXIT_NOT_FOUND 127
#define WARDEN_EXIT_NOT_RUN 126
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

static bool warden_child_set_environment(const struct warden_command *command,
                                         uint64_t term)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, term);
    return setenv("ELECTD_ELECTION", command->election, 1) == 0 &&
           setenv("ELECTD_CANDIDATE", command->candidate, 1) == 0 &&
           setenv("ELECTD_TERM", text, 1) == 0;
}

__attribute__((noreturn)) static void
warden_child_run(const struct warden_command *command, uint64_t term, int go_fd)
{
    char go;
    int error;

    (void)setpgid(0, 0);
    // A warden that is killed takes the command with it; the rest of the group
    // is for electctl to kill.
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (read(go_fd, &go, 1) != 1) {
        _exit(WARDEN_EXIT_NOT_RUN);
    }
    if (command->front_pgid != 0 &&
        tcgetpgrp(STDIN_FILENO) == command->front_pgid) {
        // SIGTTOU is blocked still.
        (void)tcsetpgrp(STDIN_FILENO, getpid());
    }
    if (!warden_child_set_environment(command, term)) {
        _exit(WARDEN_EXIT_NOT_RUN);
    }
    warden_child_reset_signals();
    execvp(command->arguments[0], command->arguments);
    error = errno;
    (void)dprintf(STDERR_FILENO, "electctl: cannot run '%s': %s\n",
                  command->arguments[0], strerror(error));
    _exit(error == ENOENT ? WARDEN_EXIT_NOT_FOUND : WARDEN_EXIT_NOT_RUN);
}

bool warden_group_fork(struct warden_group *group,
                       const struct warden_command *command, uint64_t term,
                       int *go_fd)
{
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    pid = fork();
    if (pid == 0) {
        close(ends[1]);
        warden_child_run(command, term, ends[0]);
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

bool warden_group_look(struct warden_group *group,
                       const struct warden_command *command)
{
    siginfo_t info = {.si_pid = 0};

    if (group->pgid <= 0 || group->has_ended) {
        return false;
    }
    if (command->front_pgid != 0 &&
        waitid(P_PID, (id_t)group->pgid, &info, WSTOPPED | WNOHANG) == 0 &&
        info.si_pid != 0 && info.si_status == SIGTSTP) {
        warden_group_signal(group, SIGCONT);
    }
    info.si_pid = 0;
    if (waitid(P_PID, (id_t)group->pgid, &info, WEXITED | WNOHANG | WNOWAIT) !=
            0 ||
        info.si_pid == 0) {
        return false;
    }
    group->has_ended = true;
    group->exit_code = info.si_code == CLD_EXITED
                           ? info.si_status
                           : WARDEN_EXIT_SIGNAL + info.si_status;
    return true;
}

// Reads "PID (name) STATE PARENT GROUP ...", where the name may hold anything.
// False if the process has ended meanwhile.
static bool warden_read_stat(int proc_fd, const char *pid, char *process_state,
                             long *pgid)
{
    char path[300];
    char text[512];
    const char *at;
    char *end;
    ssize_t size;
    int fd;

    snprintf(path, sizeof path, "%s/stat", pid);
    fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd == -1) {
        return false;
    }
    size = read(fd, text, sizeof text - 1);
    close(fd);
    if (size <= 0) {
        return false;
    }
    text[size] = '\0';
    at = strrchr(text, ')');
    if (at == NULL || strlen(at) < 4) {
        return false;
    }
    *process_state = at[2];
    (void)strtol(at + 3, &end, 10);
    *pgid = strtol(end, NULL, 10);
    return true;
}

bool warden_group_is_empty(const struct warden_group *group)
{
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    bool knows_leader = false;
    bool has_member = false;
    char process_state;
    long pgid;

    if (proc == NULL) {
        return false;
    }
    while (!has_member && (entry = readdir(proc)) != NULL) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
            !warden_read_stat(dirfd(proc), entry->d_name, &process_state,
                              &pgid) ||
            pgid != group->pgid) {
            continue;
        }
        // It is there, as a zombie: the /proc is one that knows its numbers.
        knows_leader = knows_leader ||
                       strtol(entry->d_name, NULL, 10) == (long)group->pgid;
        has_member = process_state != 'Z' && process_state != 'X';
    }
    closedir(proc);
    return knows_leader && !has_member;
}

void warden_group_sweep(struct warden_group *group)
{
    assert(group->has_ended);
    warden_group_signal(group, SIGKILL);
    group->is_swept = true;
}

bool warden_group_is_gone(const struct warden_group *group)
{
    assert(group->is_swept);
    return kill(-group->pgid, 0) == -1 && errno == ESRCH;
}

void warden_group_reap(const struct warden_group *group)
{
    siginfo_t info = {.si_pid = 0};

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0 &&
           (info.si_pid != group->pgid || group->is_swept)) {
        (void)waitpid(info.si_pid, NULL, WNOHANG);
        info.si_pid = 0;
    }
}
