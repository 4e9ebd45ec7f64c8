// SPDX-License-Identifier: Apache-2.0

#include "relay.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/test.h"

#define RELAY_CONNECTIONS_MAX 16
#define RELAY_FDS (1 + 2 * RELAY_CONNECTIONS_MAX)

static struct sockaddr_un relay_address(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return address;
}

// The other end of the connection of an entry: 1 and 2 belong together.
static int relay_peer(int entry)
{
    return ((entry - 1) ^ 1) + 1;
}

static void relay_accept(struct pollfd fds[RELAY_FDS], const char *target_path)
{
    struct sockaddr_un target = relay_address(target_path);
    int client = accept(fds[0].fd, NULL, NULL);
    int daemon = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_kept = false;

    if (connect(daemon, (struct sockaddr *)&target, sizeof target) == 0) {
        for (int i = 1; i < RELAY_FDS && !is_kept; i += 2) {
            is_kept = fds[i].fd == -1;
            if (is_kept) {
                fds[i].fd = client;
                fds[i + 1].fd = daemon;
            }
        }
    }
    if (!is_kept) {
        close(client);
        close(daemon);
    }
}

static void relay_pass(struct pollfd fds[RELAY_FDS], int entry)
{
    int peer = relay_peer(entry);
    char bytes[16384];
    ssize_t size = read(fds[entry].fd, bytes, sizeof bytes);
    ssize_t sent = 0;

    while (size > 0 && sent < size) {
        ssize_t part = send(fds[peer].fd, bytes + sent, (size_t)(size - sent),
                            MSG_NOSIGNAL);

        size = part > 0 ? size : -1;
        sent += part;
    }
    if (size <= 0) {
        close(fds[entry].fd);
        close(fds[peer].fd);
        fds[entry].fd = -1;
        fds[peer].fd = -1;
    }
}

__attribute__((noreturn)) static void relay_run(int listen_fd,
                                                const char *target_path)
{
    struct pollfd fds[RELAY_FDS];

    for (int i = 0; i < RELAY_FDS; i++) {
        fds[i] =
            (struct pollfd){.fd = i == 0 ? listen_fd : -1, .events = POLLIN};
    }
    for (;;) {
        if (poll(fds, RELAY_FDS, -1) <= 0) {
            continue;
        }
        for (int i = 1; i < RELAY_FDS; i++) {
            if (fds[i].fd != -1 && fds[i].revents != 0) {
                fds[relay_peer(i)].revents = 0;
                relay_pass(fds, i);
            }
        }
        if (fds[0].revents != 0) {
            relay_accept(fds, target_path);
        }
    }
}

pid_t relay_spawn(const char *listen_path, const char *target_path)
{
    struct sockaddr_un address = relay_address(listen_path);
    int listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t pid;

    assert_true(listen_fd != -1);
    unlink(listen_path);
    assert_int_equal(
        bind(listen_fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listen_fd, 64), 0);
    pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        relay_run(listen_fd, target_path);
    }
    assert_true(pid > 0);
    close(listen_fd);
    return pid;
}
