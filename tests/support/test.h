// SPDX-License-Identifier: Apache-2.0
//
// cmocka, and what its header needs before itself. Include this instead, behind
// the system's headers and before those of the project.

#ifndef SUPPORT_TEST_H
#define SUPPORT_TEST_H

// IWYU pragma: begin_exports
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
// IWYU pragma: end_exports

#endif
