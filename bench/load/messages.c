// SPDX-License-Identifier: Apache-2.0

#include "messages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The size of the message that begins there, with its prefix, or 0 if the file
// ends before the message does, or if what stands there is none.
static size_t messages_size_at(const uint8_t *bytes, size_t left)
{
    size_t size;

    if (left < MESSAGE_PREFIX_SIZE || bytes[0] > 1) {
        return 0;
    }
    size = (size_t)bytes[1] << 24 | (size_t)bytes[2] << 16 |
           (size_t)bytes[3] << 8 | bytes[4];
    size += MESSAGE_PREFIX_SIZE;
    return size <= left ? size : 0;
}

static bool messages_split(struct messages *messages, size_t file_size)
{
    size_t capacity = 0;
    size_t size;

    for (size_t at = 0; at < file_size; at += size) {
        size = messages_size_at(messages->file + at, file_size - at);
        if (size == 0) {
            errno = EBADMSG;
            return false;
        }
        if (messages->count == capacity) {
            size_t more = capacity == 0 ? 16 : 2 * capacity;
            struct message *all =
                reallocarray(messages->all, more, sizeof *all);

            if (all == NULL) {
                return false;
            }
            messages->all = all;
            capacity = more;
        }
        messages->all[messages->count++] =
            (struct message){messages->file + at, size};
    }
    if (messages->count == 0) {
        errno = ENODATA;
    }
    return messages->count > 0;
}

// Reads all of it; a pipe will do.
static bool messages_load(struct messages *messages, FILE *file, size_t *size)
{
    size_t capacity = 0;

    *size = 0;
    do {
        uint8_t *bytes;

        capacity = capacity == 0 ? 65536 : 2 * capacity;
        bytes = realloc(messages->file, capacity);
        if (bytes == NULL) {
            return false;
        }
        messages->file = bytes;
        *size += fread(bytes + *size, 1, capacity - *size, file);
    } while (*size == capacity);
    return ferror(file) == 0;
}

bool messages_read(struct messages *messages, const char *file_name)
{
    FILE *file = fopen(file_name, "re");
    bool is_read = false;
    size_t size;

    *messages = (struct messages){.all = NULL};
    if (file != NULL) {
        is_read = messages_load(messages, file, &size) &&
                  messages_split(messages, size);
    }
    if (!is_read) {
        (void)fprintf(stderr, "%s: no file of gRPC frames: %s\n", file_name,
                      strerror(errno));
        messages_free(messages);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return is_read;
}

void messages_free(struct messages *messages)
{
    free(messages->all);
    free(messages->file);
    *messages = (struct messages){.all = NULL};
}
