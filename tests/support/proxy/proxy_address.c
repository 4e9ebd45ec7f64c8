// SPDX-License-Identifier: Apache-2.0

#include "support/proxy/proxy_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PROXY_BACKLOG 128

union proxy_address {
    struct sockaddr any;
    struct sockaddr_in loopback;
    struct sockaddr_un path;
};

static bool proxy_address_is_unix(const char *address)
{
    return strncmp(address, "unix:", 5) == 0;
}

// Returns the size; 0 if it is no address.
static socklen_t proxy_address_read(const char *address,
                                    union proxy_address *out)
{
    const char *colon = strrchr(address, ':');

    memset(out, 0, sizeof *out);
    if (proxy_address_is_unix(address)) {
        if (strlen(address + 5) >= sizeof out->path.sun_path) {
            return 0;
        }
        out->path.sun_family = AF_UNIX;
        strcpy(out->path.sun_path, address + 5);
        return sizeof out->path;
    }
    if (colon == NULL) {
        return 0;
    }
    out->loopback.sin_family = AF_INET;
    out->loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    out->loopback.sin_port = htons((in_port_t)strtoul(colon + 1, NULL, 10));
    return sizeof out->loopback;
}

static int proxy_socket(const union proxy_address *address)
{
    return socket(address->any.sa_family,
                  SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int proxy_listen(const char *address, char bound[PROXY_ADDRESS_SIZE])
{
    union proxy_address where;
    socklen_t size = proxy_address_read(address, &where);
    int fd;
    int on = 1;

    if (size == 0) {
        return -1;
    }
    fd = proxy_socket(&where);
    if (proxy_address_is_unix(address)) {
        unlink(where.path.sun_path);
    } else {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (fd == -1 || bind(fd, &where.any, size) != 0 ||
        listen(fd, PROXY_BACKLOG) != 0 ||
        getsockname(fd, &where.any, &size) != 0) {
        return -1;
    }
    if (proxy_address_is_unix(address)) {
        snprintf(bound, PROXY_ADDRESS_SIZE, "%s", address);
    } else {
        snprintf(bound, PROXY_ADDRESS_SIZE, "127.0.0.1:%u",
                 (unsigned)ntohs(where.loopback.sin_port));
    }
    return fd;
}

int proxy_connect(const char *address)
{
    union proxy_address where;
    socklen_t size = proxy_address_read(address, &where);
    int fd = size == 0 ? -1 : proxy_socket(&where);
    int on = 1;

    if (fd != -1 && connect(fd, &where.any, size) != 0 &&
        errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    if (fd != -1 && where.any.sa_family == AF_INET) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    return fd;
}
