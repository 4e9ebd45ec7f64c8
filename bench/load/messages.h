// SPDX-License-Identifier: Apache-2.0
//
// A file of gRPC frames, one after the other: each a byte that is 0, four bytes
// with the length, the most significant one first, and the message. What the
// messages mean is for those to know who wrote the file.

#ifndef LOAD_MESSAGES_H
#define LOAD_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_PREFIX_SIZE 5

// One message with its prefix, as it goes over the wire.
struct message {
    const uint8_t *bytes;
    size_t size;
};

struct messages {
    struct message *all;
    size_t count;
    uint8_t *file;
};

// Reads a file of at least one message. If false, it has said why on stderr and
// there is nothing to free.
bool messages_read(struct messages *messages, const char *file_name);

void messages_free(struct messages *messages);

#endif
