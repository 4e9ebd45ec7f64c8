// SPDX-License-Identifier: Apache-2.0
//
// Where to listen, as people write it: `host:port`, `[ipv6]:port` or
// `unix:PATH`. Only text is looked at here; what a name resolves to and whether
// a path is free is endpoint.h's affair.
//
// Thread: any; nothing is kept.

#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

// With the NUL: the longest DNS name, the longest path in a sockaddr_un, and
// the longest of both with what stands around it.
#define ADDRESS_HOST_SIZE 254
#define ADDRESS_PATH_SIZE 108
#define ADDRESS_TEXT_SIZE (ADDRESS_HOST_SIZE + 8)

enum address_kind {
    ADDRESS_TCP,
    ADDRESS_UNIX,
};

struct address {
    enum address_kind kind;
    // TCP; 0 lets the system pick one.
    uint16_t port;
    // TCP: a name or a numeric address, without brackets. A colon in it means
    // IPv6, which is kept in its canonical form.
    char host[ADDRESS_HOST_SIZE];
    // Unix: relative or absolute, never empty.
    char path[ADDRESS_PATH_SIZE];
};

// Reads an address. On failure `*reason` says what is wrong, as the end of a
// sentence that begins with the value, and `*address` means nothing. Borrows
// the bytes, which need no NUL; the reason is static.
//
// `unix:///PATH`, as gRPC's own names have it, is the same as `unix:/PATH`.
// Abstract sockets, IPv6 without brackets, and empty hosts are refused.
__attribute__((warn_unused_result)) bool address_parse(struct address *address,
                                                       const char *bytes,
                                                       size_t size,
                                                       const char **reason);

// Writes an address such that address_parse() reads the same again.
void address_format(const struct address *address,
                    char text[ADDRESS_TEXT_SIZE]);

// The two are written the same, but for upper and lower case in a host.
bool address_equal(const struct address *a, const struct address *b);

// Fills in the numeric form of an IPv4 or IPv6 address; false for any other.
__attribute__((warn_unused_result)) bool
address_from_socket(struct address *address, const struct sockaddr *socket,
                    socklen_t size);

// Only this machine can reach it: 127.0.0.0/8, ::1, or the former as IPv6.
bool address_is_loopback(const struct sockaddr *socket);

#endif
