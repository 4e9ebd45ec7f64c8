// SPDX-License-Identifier: Apache-2.0

#include "support/raw_socket.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/daemon_process.h"
#include "support/stopwatch.h"

static int raw_connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert(fd != -1 && strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int raw_connect_loopback(const char *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        .sin_port = htons((unsigned short)strtoul(port, NULL, 10)),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert(fd != -1);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int raw_connect(const char *listen)
{
    const char *colon = strrchr(listen, ':');
    int fd;

    assert(colon != NULL);
    fd = strncmp(listen, "unix:", 5) == 0 ? raw_connect_unix(listen + 5)
                                          : raw_connect_loopback(colon + 1);
    if (fd != -1) {
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    return fd;
}

bool raw_await_listener(const char *listen, unsigned deadline_ms)
{
    long long deadline = stopwatch_now_ms() + (long long)deadline_ms;
    int fd;

    while ((fd = raw_connect(listen)) == -1) {
        if (stopwatch_now_ms() > deadline) {
            return false;
        }
        poll(NULL, 0, 1);
    }
    close(fd);
    return true;
}

// False once the peer has closed.
static bool raw_discard(int fd)
{
    char bytes[65536];
    ssize_t size;

    do {
        size = recv(fd, bytes, sizeof bytes, 0);
    } while (size > 0 || (size == -1 && errno == EINTR));
    return size == -1 && errno == EAGAIN;
}

bool raw_send(int fd, const void *bytes, size_t size)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
    struct pollfd room = {.fd = fd, .events = POLLIN | POLLOUT};
    const char *next = bytes;
    ssize_t sent;

    while (size > 0 && stopwatch_now_ms() < deadline_ms) {
        sent = send(fd, next, size, MSG_NOSIGNAL);
        if (sent > 0) {
            next += sent;
            size -= (size_t)sent;
        } else if (errno != EAGAIN && errno != EINTR) {
            return false;
        }
        if (!raw_discard(fd)) {
            return false;
        }
        if (sent == -1) {
            poll(&room, 1, 1000);
        }
    }
    return size == 0;
}

bool raw_await_close(int fd, unsigned deadline_ms)
{
    long long deadline = stopwatch_now_ms() + (long long)deadline_ms;
    struct pollfd news = {.fd = fd, .events = POLLIN};

    while (raw_discard(fd)) {
        if (stopwatch_now_ms() > deadline) {
            return false;
        }
        poll(&news, 1, 100);
    }
    return true;
}
