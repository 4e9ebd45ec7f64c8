// SPDX-License-Identifier: Apache-2.0
//
// An endpoint, as people write it, as the target that C-core wants.
//
// Thread: any; nothing is kept.

#ifndef CTL_TARGET_H
#define CTL_TARGET_H

#include <stdbool.h>

// Room for any target, with its NUL.
#define TARGET_SIZE 512

// Reads host:port, [ipv6]:port or unix:PATH. On failure `*reason` says what is
// wrong, as the end of a sentence that begins with the endpoint.
__attribute__((warn_unused_result)) bool target_parse(const char *endpoint,
                                                      char target[TARGET_SIZE],
                                                      const char **reason);

#endif
