// SPDX-License-Identifier: Apache-2.0

#include "support/campaigner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/candidacy.h"
#include "support/daemon_process.h"
#include "support/stopwatch.h"

#define CAMPAIGNER_WORD "campaign"
#define CAMPAIGNER_ARGUMENTS 7
// Of the process: where it says that it is in.
#define CAMPAIGNER_FD 3

bool campaigner_is_asked_for(int argc, char **argv)
{
    return argc == CAMPAIGNER_ARGUMENTS &&
           strcmp(argv[1], CAMPAIGNER_WORD) == 0;
}

int campaigner_main(int argc, char **argv)
{
    unsigned count = (unsigned)strtoul(argv[5], NULL, 10);
    struct candidacy candidacy = {
        .election = argv[3],
        .grace_ms = (int32_t)strtol(argv[6], NULL, 10),
    };
    struct stream *first = NULL;
    struct stream *stream;
    struct client *client;
    struct client_reply reply;
    enum stream_news news;
    bool is_new = true;
    char name[CANDIDACY_NAME_SIZE];

    (void)argc;
    grpc_init();
    client = client_connect(argv[2]);
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(name, sizeof name, "%s%u", argv[4], i);
        candidacy.candidate = count > 1 ? name : argv[4];
        stream = campaign(client, candidacy);
        first = first != NULL ? first : stream;
    }
    do {
        news = stream_next(first, CLIENT_DEADLINE_MS, &reply);
        client_reply_clear(&reply);
        if (news == STREAM_MESSAGE && is_new) {
            is_new = write(CAMPAIGNER_FD, "", 1) != 1;
        }
    } while (news != STREAM_ENDED);
    client_close(client);
    grpc_shutdown_blocking();
    return 0;
}

pid_t campaigner_spawn(const struct campaigner *campaigner)
{
    char path[] = "/proc/self/exe";
    char word[] = CAMPAIGNER_WORD;
    unsigned candidates = campaigner->count > 0 ? campaigner->count : 1;
    char count[16];
    char grace_ms[16];
    // exec() does not write them.
    char *arguments[] = {
        path,
        word,
        (char *)(uintptr_t)campaigner->listen,
        (char *)(uintptr_t)campaigner->election,
        (char *)(uintptr_t)campaigner->candidate,
        count,
        grace_ms,
        NULL,
    };
    int ends[2];
    char byte;
    ssize_t size;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    (void)snprintf(count, sizeof count, "%u", candidates);
    (void)snprintf(grace_ms, sizeof grace_ms, "%u", campaigner->grace_ms);
    pid = fork();
    if (pid == 0) {
        // Threads of gRPC's may have held any lock: nothing but system calls.
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (ends[1] == CAMPAIGNER_FD) {
            (void)fcntl(CAMPAIGNER_FD, F_SETFD, 0);
        } else {
            (void)dup2(ends[1], CAMPAIGNER_FD);
        }
        execve(path, arguments, environ);
        _exit(127);
    }
    close(ends[1]);
    do {
        size = read(ends[0], &byte, 1);
    } while (size == -1 && errno == EINTR);
    close(ends[0]);
    if (pid > 0 && size != 1) {
        campaigner_kill(pid);
        return -1;
    }
    return pid;
}

bool campaigner_has_ended(pid_t pid, unsigned deadline_ms)
{
    long long deadline = stopwatch_now_ms() + (long long)deadline_ms;

    while (waitpid(pid, NULL, WNOHANG) != pid) {
        if (stopwatch_now_ms() > deadline) {
            return false;
        }
        poll(NULL, 0, 5);
    }
    return true;
}

void campaigner_kill(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}
