// SPDX-License-Identifier: Apache-2.0
//
// An allocator that fails on order and counts what is not given back.
//
// A test that wants the code under test to run out of memory compiles that
// code into itself: it includes the system's headers, then this header and
// failing_alloc_on.h, which makes malloc and the like macros, and then the
// .c files under test. The linker takes their functions from the test, and the
// same ones in the libraries are left out. No interposition is needed, and the
// sanitizers keep their allocator.

#ifndef TESTS_FAILING_ALLOC_H
#define TESTS_FAILING_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

// The n-th allocation from now on fails, and it alone; 1 is the next one.
void failing_alloc_arm(unsigned nth);

// All allocations from now on fail.
void failing_alloc_arm_all(void);

// None fails from now on. True if one did since it was armed.
bool failing_alloc_disarm(void);

// How many allocations were asked for so far.
size_t failing_alloc_count(void);

// How many blocks are not freed.
size_t failing_alloc_live(void);

void *failing_malloc(size_t size);
void *failing_calloc(size_t count, size_t size);
void failing_free(void *memory);

#endif
