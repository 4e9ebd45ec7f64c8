// SPDX-License-Identifier: Apache-2.0
//
// To be included last before the .c files under test: see failing_alloc.h.

#include "failing_alloc.h"

#define malloc(size) failing_malloc(size)
#define calloc(count, size) failing_calloc((count), (size))
#define free(memory) failing_free(memory)
