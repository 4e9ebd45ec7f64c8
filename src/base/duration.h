// SPDX-License-Identifier: Apache-2.0
//
// A length of time as people write it: 500ms, 2s, 1m, 1h. One number, one unit,
// nothing else.
//
// Thread: any; nothing is kept.

#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Room for any duration as text, with its NUL.
#define DURATION_TEXT_SIZE 24

// Reads a duration. On failure `*reason` says what is wrong, as the end of a
// sentence that begins with the value, and `*duration_ms` stays as it was.
// Borrows the bytes, which need no NUL; the reason is static. Zero is a
// duration: whether it makes sense is for the caller to say.
__attribute__((warn_unused_result)) bool duration_parse(const char *bytes,
                                                        size_t size,
                                                        uint64_t *duration_ms,
                                                        const char **reason);

// Writes a duration in the largest unit that divides it: 90000 becomes "90s".
void duration_format(uint64_t duration_ms, char text[DURATION_TEXT_SIZE]);

#endif
