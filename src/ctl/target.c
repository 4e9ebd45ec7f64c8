// SPDX-License-Identifier: Apache-2.0

#include "ctl/target.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define TARGET_FORMS "write host:port, [ipv6]:port or unix:PATH"
// In a sockaddr_un, with the NUL.
#define TARGET_PATH_SIZE 108
#define TARGET_HOST_SIZE 254
#define TARGET_PORT_MAX 65535

static bool target_fail(const char **reason, const char *why)
{
    *reason = why;
    return false;
}

// In a target, a path is part of a URI.
static bool target_is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || strchr("/-._~", c) != NULL;
}

static bool target_parse_unix(const char *path, char target[TARGET_SIZE],
                              const char **reason)
{
    size_t size = strlen(path);
    char *at = target;

    _Static_assert(sizeof "unix:" + TARGET_PATH_SIZE * 3 <= TARGET_SIZE,
                   "every byte may become three");
    if (size == 0) {
        return target_fail(reason, "has no path: write unix:PATH");
    }
    if (size >= TARGET_PATH_SIZE) {
        return target_fail(reason, "has a path of more than 107 bytes");
    }
    // `unix:///x` is gRPC's own way to write it, and `unix://x` would be a
    // host.
    if (strncmp(path, "//", 2) == 0 && path[2] != '/') {
        return target_fail(reason, "has two slashes behind `unix:`: write "
                                   "unix:/absolute or unix:relative");
    }
    at += snprintf(at, TARGET_SIZE, "unix:");
    for (; *path != '\0'; path++) {
        if (target_is_plain(*path)) {
            *at++ = *path;
        } else {
            at += snprintf(at, 4, "%%%02X", (unsigned)(unsigned char)*path);
        }
    }
    *at = '\0';
    return true;
}

static bool target_is_port(const char *text)
{
    unsigned long port = 0;
    size_t size = strlen(text);

    for (size_t i = 0; i < size && i < 6; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        port = port * 10 + (unsigned long)(text[i] - '0');
    }
    return size <= 5 && port >= 1 && port <= TARGET_PORT_MAX;
}

// A host that could be taken for something else by a parser of URIs is none.
static bool target_is_host(const char *host, size_t size)
{
    bool is_ipv6 = size > 2 && host[0] == '[' && host[size - 1] == ']';

    for (size_t i = is_ipv6 ? 1 : 0; i < size - (is_ipv6 ? 1 : 0); i++) {
        char c = host[i];

        if (!target_is_plain(c) && !(is_ipv6 && c == ':')) {
            return false;
        }
        if (c == '/' || c == '~') {
            return false;
        }
    }
    return size > 0 && size < TARGET_HOST_SIZE;
}

bool target_parse(const char *endpoint, char target[TARGET_SIZE],
                  const char **reason)
{
    const char *colon = strrchr(endpoint, ':');
    int size;

    if (strncmp(endpoint, "unix:", 5) == 0) {
        return target_parse_unix(endpoint + 5, target, reason);
    }
    if (colon == NULL) {
        return target_fail(reason, "has no port: " TARGET_FORMS);
    }
    if (!target_is_port(colon + 1)) {
        return target_fail(
            reason, "has no port from 1 to 65535 at its end: " TARGET_FORMS);
    }
    if (!target_is_host(endpoint, (size_t)(colon - endpoint))) {
        return target_fail(reason, "has no such host: " TARGET_FORMS);
    }
    // C-core would guess what the part before the first colon is.
    size = snprintf(target, TARGET_SIZE, "dns:///%s", endpoint);
    assert(size > 0 && size < TARGET_SIZE);
    return true;
}
