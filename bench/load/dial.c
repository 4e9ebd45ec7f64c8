// SPDX-License-Identifier: Apache-2.0

#include "dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define CONNECT_SECONDS_MAX 10

// Takes the brackets off an IPv6 address.
static bool dial_split(const char *server, char *host, size_t host_size,
                       const char **port)
{
    const char *colon = strrchr(server, ':');
    size_t size;

    if (colon == NULL || colon == server || colon[1] == '\0') {
        return false;
    }
    size = (size_t)(colon - server);
    if (server[0] == '[' && server[size - 1] == ']') {
        server++;
        size -= 2;
    }
    if (size >= host_size) {
        return false;
    }
    memcpy(host, server, size);
    host[size] = '\0';
    *port = colon + 1;
    return true;
}

static int dial_address(const struct addrinfo *address)
{
    // Linux bounds a connect() by it, too.
    struct timeval limit = {.tv_sec = CONNECT_SECONDS_MAX};
    int on = 1;
    int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, 0);

    if (fd == -1) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
        connect(fd, address->ai_addr, address->ai_addrlen) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int dial(const char *server)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    const char *why = "not HOST:PORT";
    const char *port;
    char host[256];
    int fd = -1;

    if (dial_split(server, host, sizeof host, &port)) {
        int error = getaddrinfo(host, port, &hints, &addresses);

        why = error != 0 ? gai_strerror(error) : NULL;
    }
    for (struct addrinfo *at = addresses; at != NULL && fd == -1;
         at = at->ai_next) {
        fd = dial_address(at);
    }
    if (fd == -1) {
        (void)fprintf(stderr, "cannot connect to %s: %s\n", server,
                      why != NULL ? why : strerror(errno));
    }
    if (addresses != NULL) {
        freeaddrinfo(addresses);
    }
    return fd;
}

void dial_raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}
