// SPDX-License-Identifier: Apache-2.0
//
// Whether a log line is JSON (RFC 8259) of the kind that the log writes: an
// object of strings, numbers, booleans and arrays of these, without blanks.

#ifndef E2E_JSON_H
#define E2E_JSON_H

#include <stdbool.h>

bool json_is_object(const char *text);

#endif
