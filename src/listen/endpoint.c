// SPDX-License-Identifier: Apache-2.0
//
// Happy path, TCP: resolve; bind a socket to each address and close it again;
// keep the addresses. Unix: claim the path.
//
// Failure modes: gRPC would return 0 for each of them. A port that is taken
// after it was tried and before gRPC binds it still ends that way, without a
// reason, but not in two servers on one port.

#include "listen/endpoint.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// How often a port may be picked that is free for one address of a name and
// taken for another.
#define ENDPOINT_TRIES_MAX 16

// An address to try.
union endpoint_socket {
    struct sockaddr any;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
    struct sockaddr_storage storage;
};

// Writes the error, cut where it is too long.
__attribute__((format(printf, 3, 4))) static bool
endpoint_fail(struct endpoint *endpoint, const struct address *address,
              const char *format, ...)
{
    char text[ADDRESS_TEXT_SIZE];
    va_list arguments;
    int size;
    int more;

    address_format(address, text);
    size = snprintf(endpoint->error, ENDPOINT_ERROR_SIZE, "cannot listen on %s",
                    text);
    assert(size > 0 && size < ENDPOINT_ERROR_SIZE);
    va_start(arguments, format);
    more = vsnprintf(endpoint->error + size,
                     (size_t)(ENDPOINT_ERROR_SIZE - size), format, arguments);
    va_end(arguments);
    assert(more > 0);
    return false;
}

// The system's own words, which begin with a capital.
static bool endpoint_fail_words(struct endpoint *endpoint,
                                const struct address *address,
                                const char *where, const char *words)
{
    return endpoint_fail(endpoint, address, "%s: %c%s", where,
                         tolower((unsigned char)words[0]), words + 1);
}

// Writes an address such that gRPC, which decodes it, reads the same again.
static void endpoint_encode(const struct address *address,
                            char uri[ENDPOINT_URI_SIZE])
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-._~/:[]";
    static const char digits[] = "0123456789ABCDEF";
    char text[ADDRESS_TEXT_SIZE];
    unsigned char byte;

    address_format(address, text);
    for (size_t i = 0; text[i] != '\0'; i++) {
        byte = (unsigned char)text[i];
        if (strchr(plain, byte) != NULL) {
            *uri++ = text[i];
        } else {
            *uri++ = '%';
            *uri++ = digits[byte >> 4];
            *uri++ = digits[byte & 0xf];
        }
    }
    *uri = '\0';
}

static void endpoint_add(struct endpoint *endpoint,
                         const struct address *address)
{
    struct endpoint_target *target;

    assert(endpoint->targets_count < ENDPOINT_TARGETS_MAX);
    target = &endpoint->targets[endpoint->targets_count];
    target->address = *address;
    endpoint_encode(address, target->uri);
    endpoint->targets_count++;
}

static bool endpoint_has(const struct endpoint *endpoint,
                         const struct address *address)
{
    for (size_t i = 0; i < endpoint->targets_count; i++) {
        if (strcmp(endpoint->targets[i].address.host, address->host) == 0) {
            return true;
        }
    }
    return false;
}

static void endpoint_set_port(union endpoint_socket *where, uint16_t port)
{
    if (where->any.sa_family == AF_INET) {
        where->in4.sin_port = htons(port);
    } else if (where->any.sa_family == AF_INET6) {
        where->in6.sin6_port = htons(port);
    }
}

// Binds as gRPC does; `where` becomes what it was bound to. 0 or an errno.
static int endpoint_bind(int fd, union endpoint_socket *where, socklen_t size)
{
    int on = 1;
    int off = 0;

    // Connections that a former server has closed do not keep the port.
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
        return errno;
    }
    if (where->any.sa_family == AF_INET6) {
        // gRPC takes what it gets.
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (bind(fd, &where->any, size) != 0 ||
        getsockname(fd, &where->any, &size) != 0) {
        return errno;
    }
    return 0;
}

// Without listening: a port on which anybody listens cannot be bound, and a
// client that came just now would be turned away.
static int endpoint_try(union endpoint_socket *where, socklen_t size)
{
    int fd = socket(where->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error;

    if (fd == -1) {
        return errno;
    }
    error = endpoint_bind(fd, where, size);
    close(fd);
    return error;
}

// Tries one address; makes a target of it, unless there is one already. A port
// of 0 becomes the one that the system picked. Returns 0 or an errno.
static int endpoint_take(struct endpoint *endpoint,
                         const struct addrinfo *found, struct address *numeric,
                         uint16_t *port)
{
    union endpoint_socket where;
    int error;

    if (found->ai_addrlen > sizeof where) {
        return EAFNOSUPPORT;
    }
    memcpy(&where, found->ai_addr, found->ai_addrlen);
    endpoint_set_port(&where, *port);
    if (!address_from_socket(numeric, &where.any, found->ai_addrlen)) {
        return EAFNOSUPPORT;
    }
    if (endpoint_has(endpoint, numeric)) {
        return 0;
    }
    if (endpoint->targets_count == ENDPOINT_TARGETS_MAX) {
        return E2BIG;
    }
    error = endpoint_try(&where, found->ai_addrlen);
    if (error != 0) {
        return error;
    }
    if (!address_from_socket(numeric, &where.any, found->ai_addrlen)) {
        return EAFNOSUPPORT;
    }
    *port = numeric->port;
    endpoint->is_loopback &= address_is_loopback(&where.any);
    endpoint_add(endpoint, numeric);
    return 0;
}

// Makes targets of all addresses that this machine has. Returns 0 or an errno,
// then with `numeric` as the address that was tried last.
static int endpoint_take_all(struct endpoint *endpoint, uint16_t port,
                             const struct addrinfo *found,
                             struct address *numeric)
{
    int lacking = EADDRNOTAVAIL;
    int error;

    endpoint->targets_count = 0;
    endpoint->is_loopback = true;
    for (; found != NULL; found = found->ai_next) {
        error = endpoint_take(endpoint, found, numeric, &port);
        if (error == EADDRNOTAVAIL || error == EAFNOSUPPORT) {
            lacking = error;
        } else if (error != 0) {
            return error;
        }
    }
    return endpoint->targets_count > 0 ? 0 : lacking;
}

static const char *endpoint_words(int error)
{
    switch (error) {
    case EADDRNOTAVAIL:
        return "not an address of this machine";
    case E2BIG:
        return "the host has too many addresses";
    default:
        return strerror(error);
    }
}

static bool endpoint_fail_numeric(struct endpoint *endpoint,
                                  const struct address *address,
                                  const struct address *numeric, int error)
{
    char text[ADDRESS_TEXT_SIZE];
    char where[ADDRESS_TEXT_SIZE + 4] = "";
    int size;

    endpoint->targets_count = 0;
    endpoint->is_in_use = error == EADDRINUSE;
    if (strcasecmp(address->host, numeric->host) != 0) {
        address_format(numeric, text);
        size = snprintf(where, sizeof where, " (%s)", text);
        assert(size > 0 && (size_t)size < sizeof where);
    }
    return endpoint_fail_words(endpoint, address, where, endpoint_words(error));
}

static void endpoint_init(struct endpoint *endpoint)
{
    endpoint->targets_count = 0;
    endpoint->is_loopback = true;
    endpoint->claim.lock_fd = -1;
    endpoint->error[0] = '\0';
    endpoint->is_in_use = false;
}

bool endpoint_open_resolved(struct endpoint *endpoint,
                            const struct address *address,
                            const struct addrinfo *found)
{
    struct address numeric = *address;
    int error = 0;

    assert(address->kind == ADDRESS_TCP);
    endpoint_init(endpoint);
    for (int i = 0; i < ENDPOINT_TRIES_MAX; i++) {
        error = endpoint_take_all(endpoint, address->port, found, &numeric);
        if (error != EADDRINUSE || address->port != 0) {
            break;
        }
    }
    if (error != 0) {
        return endpoint_fail_numeric(endpoint, address, &numeric, error);
    }
    // A port that nothing else depends on is better picked by who binds it.
    if (endpoint->targets_count == 1 && address->port == 0) {
        numeric = endpoint->targets[0].address;
        numeric.port = 0;
        endpoint->targets_count = 0;
        endpoint_add(endpoint, &numeric);
    }
    return true;
}

static bool endpoint_open_tcp(struct endpoint *endpoint,
                              const struct address *address)
{
    static const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE,
    };
    struct addrinfo *found;
    bool is_open;
    int error;

    error = getaddrinfo(address->host, NULL, &hints, &found);
    if (error != 0) {
        return endpoint_fail_words(
            endpoint, address, ": cannot resolve the host",
            error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
    }
    is_open = endpoint_open_resolved(endpoint, address, found);
    freeaddrinfo(found);
    return is_open;
}

static bool endpoint_open_unix(struct endpoint *endpoint,
                               const struct address *address)
{
    char reason[SOCKET_CLAIM_REASON_SIZE];

    if (!socket_claim_take(&endpoint->claim, address->path, reason)) {
        return endpoint_fail(endpoint, address, ": %s", reason);
    }
    endpoint_add(endpoint, address);
    return true;
}

bool endpoint_open(struct endpoint *endpoint, const struct address *address)
{
    endpoint_init(endpoint);
    switch (address->kind) {
    case ADDRESS_TCP:
        return endpoint_open_tcp(endpoint, address);
    case ADDRESS_UNIX:
        return endpoint_open_unix(endpoint, address);
    }
    return false;
}

void endpoint_close(struct endpoint *endpoint)
{
    socket_claim_release(&endpoint->claim);
    endpoint->targets_count = 0;
}
