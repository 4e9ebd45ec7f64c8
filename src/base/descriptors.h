// SPDX-License-Identifier: Apache-2.0
//
// The standard descriptors 0, 1 and 2.
//
// Thread: the only one.

#ifndef BASE_DESCRIPTORS_H
#define BASE_DESCRIPTORS_H

#include <stdbool.h>

// Opens /dev/null on each of the descriptors 0, 1 and 2 that is closed, so that
// no socket can ever become standard error. Before anything else is opened.
// False if it cannot.
__attribute__((warn_unused_result)) bool descriptors_guard(void);

#endif
