// SPDX-License-Identifier: Apache-2.0

#include "base/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ADDRESS_FORMS "write host:port, [ipv6]:port or unix:PATH"

static bool address_fail(const char **reason, const char *text)
{
    *reason = text;
    return false;
}

static bool address_has_prefix(const char *bytes, size_t size,
                               const char *prefix)
{
    size_t prefix_size = strlen(prefix);

    return size >= prefix_size && memcmp(bytes, prefix, prefix_size) == 0;
}

// Control characters would break a log line, and hide in an error's.
static bool address_has_control(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

// What a DNS name, a numeric IPv4 address and an interface are made of. Not
// isalnum(), which follows the locale.
static bool address_is_name(const char *bytes, size_t size)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-_";

    for (size_t i = 0; i < size; i++) {
        if (memchr(allowed, bytes[i], sizeof allowed - 1) == NULL) {
            return false;
        }
    }
    return size > 0;
}

static bool address_parse_port(struct address *address, const char *bytes,
                               size_t size, const char **reason)
{
    uint32_t port = 0;

    if (size == 0) {
        return address_fail(reason, "has no port: " ADDRESS_FORMS);
    }
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] < '0' || bytes[i] > '9') {
            port = UINT16_MAX + 1;
            break;
        }
        port = port * 10 + (uint32_t)(bytes[i] - '0');
        if (port > UINT16_MAX) {
            break;
        }
    }
    if (port > UINT16_MAX) {
        return address_fail(
            reason, "has a port that is not a whole number from 0 to 65535");
    }
    address->port = (uint16_t)port;
    return true;
}

// Reads what stands between the brackets: an address, and perhaps a zone.
static bool address_parse_ipv6(struct address *address, const char *bytes,
                               size_t size)
{
    const char *zone = memchr(bytes, '%', size);
    size_t plain_size = zone == NULL ? size : (size_t)(zone - bytes);
    size_t zone_size = size - plain_size;
    char plain[INET6_ADDRSTRLEN];
    struct in6_addr in6;
    size_t length;

    if (plain_size >= sizeof plain) {
        return false;
    }
    memcpy(plain, bytes, plain_size);
    plain[plain_size] = '\0';
    if (inet_pton(AF_INET6, plain, &in6) != 1) {
        return false;
    }
    if (inet_ntop(AF_INET6, &in6, address->host, ADDRESS_HOST_SIZE) == NULL) {
        return false;
    }
    if (zone == NULL) {
        return true;
    }
    length = strlen(address->host);
    if (!address_is_name(zone + 1, zone_size - 1) ||
        length + zone_size >= ADDRESS_HOST_SIZE) {
        return false;
    }
    memcpy(address->host + length, zone, zone_size);
    address->host[length + zone_size] = '\0';
    return true;
}

static bool address_parse_brackets(struct address *address, const char *bytes,
                                   size_t size, const char **reason)
{
    const char *end = memchr(bytes, ']', size);
    size_t host_size;

    if (end == NULL) {
        return address_fail(reason, "has no closing bracket: " ADDRESS_FORMS);
    }
    host_size = (size_t)(end - bytes) - 1;
    if (!address_parse_ipv6(address, bytes + 1, host_size)) {
        return address_fail(reason, "has no IPv6 address between its brackets");
    }
    // The host, its two brackets, and a colon.
    if (size < host_size + 3 || end[1] != ':') {
        return address_fail(reason, "has no port: " ADDRESS_FORMS);
    }
    return address_parse_port(address, end + 2, size - host_size - 3, reason);
}

static bool address_parse_tcp(struct address *address, const char *bytes,
                              size_t size, const char **reason)
{
    const char *colon = memchr(bytes, ':', size);
    size_t host_size = colon == NULL ? size : (size_t)(colon - bytes);
    const char *port = bytes + host_size + 1;

    if (memmem(bytes, size, "://", 3) != NULL) {
        return address_fail(reason, "is a URL: " ADDRESS_FORMS);
    }
    if (colon == NULL) {
        return address_fail(reason, "has no port: " ADDRESS_FORMS);
    }
    if (memchr(port, ':', size - host_size - 1) != NULL) {
        return address_fail(reason, "has more than one colon: write an IPv6 "
                                    "address in brackets, as in [::1]:5678");
    }
    if (host_size == 0) {
        return address_fail(
            reason, "has no host: write 0.0.0.0 or [::] for every address");
    }
    if (host_size >= ADDRESS_HOST_SIZE) {
        return address_fail(reason, "has a host longer than 253 bytes");
    }
    if (!address_is_name(bytes, host_size)) {
        return address_fail(
            reason, "has a host with a character that no host's name holds");
    }
    memcpy(address->host, bytes, host_size);
    address->host[host_size] = '\0';
    return address_parse_port(address, port, size - host_size - 1, reason);
}

static bool address_parse_unix(struct address *address, const char *path,
                               size_t size, const char **reason)
{
    bool has_authority = address_has_prefix(path, size, "//");

    if (has_authority && !address_has_prefix(path, size, "///")) {
        return address_fail(reason, "has two slashes behind `unix:`: write "
                                    "unix:/absolute or unix:relative");
    }
    // Any number of slashes in front is one: `unix:///x` and `unix:/x` are the
    // same file, and are to be seen as the same.
    while (address_has_prefix(path, size, "//")) {
        path++;
        size--;
    }
    if (size == 0) {
        return address_fail(reason, "has no path: write unix:PATH");
    }
    if (size >= ADDRESS_PATH_SIZE) {
        return address_fail(reason, "has a path longer than 107 bytes");
    }
    address->kind = ADDRESS_UNIX;
    memcpy(address->path, path, size);
    address->path[size] = '\0';
    return true;
}

bool address_parse(struct address *address, const char *bytes, size_t size,
                   const char **reason)
{
    static const char unix_prefix[] = "unix:";
    size_t prefix_size = sizeof unix_prefix - 1;

    *address = (struct address){.kind = ADDRESS_TCP};
    if (size == 0) {
        return address_fail(reason, "is empty: " ADDRESS_FORMS);
    }
    if (address_has_control(bytes, size)) {
        return address_fail(reason, "holds a control character");
    }
    if (address_has_prefix(bytes, size, unix_prefix)) {
        return address_parse_unix(address, bytes + prefix_size,
                                  size - prefix_size, reason);
    }
    if (address_has_prefix(bytes, size, "unix-abstract:")) {
        return address_fail(reason, "is an abstract socket, which is not "
                                    "supported: write unix:PATH");
    }
    if (bytes[0] == '[') {
        return address_parse_brackets(address, bytes, size, reason);
    }
    return address_parse_tcp(address, bytes, size, reason);
}

void address_format(const struct address *address, char text[ADDRESS_TEXT_SIZE])
{
    bool is_ipv6 = strchr(address->host, ':') != NULL;
    int size = 0;

    switch (address->kind) {
    case ADDRESS_TCP:
        size = snprintf(text, ADDRESS_TEXT_SIZE, "%s%s%s:%u",
                        is_ipv6 ? "[" : "", address->host, is_ipv6 ? "]" : "",
                        (unsigned)address->port);
        break;
    case ADDRESS_UNIX:
        size = snprintf(text, ADDRESS_TEXT_SIZE, "unix:%s", address->path);
        break;
    }
    assert(size > 0 && size < ADDRESS_TEXT_SIZE);
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->kind == b->kind && a->port == b->port &&
           strcasecmp(a->host, b->host) == 0 && strcmp(a->path, b->path) == 0;
}

static uint16_t address_port(const struct sockaddr *socket)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;

    if (socket->sa_family == AF_INET) {
        memcpy(&in4, socket, sizeof in4);
        return ntohs(in4.sin_port);
    }
    memcpy(&in6, socket, sizeof in6);
    return ntohs(in6.sin6_port);
}

bool address_from_socket(struct address *address, const struct sockaddr *socket,
                         socklen_t size)
{
    *address = (struct address){.kind = ADDRESS_TCP};
    if (socket->sa_family != AF_INET && socket->sa_family != AF_INET6) {
        return false;
    }
    address->port = address_port(socket);
    return getnameinfo(socket, size, address->host, ADDRESS_HOST_SIZE, NULL, 0,
                       NI_NUMERICHOST) == 0;
}

bool address_is_loopback(const struct sockaddr *socket)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;

    if (socket->sa_family == AF_INET) {
        memcpy(&in4, socket, sizeof in4);
        return (ntohl(in4.sin_addr.s_addr) >> 24) == 127;
    }
    if (socket->sa_family == AF_INET6) {
        memcpy(&in6, socket, sizeof in6);
        return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr) &&
                in6.sin6_addr.s6_addr[12] == 127);
    }
    return false;
}
