// SPDX-License-Identifier: Apache-2.0
//
// What an election or a candidate may be called: 1 to 253 bytes of UTF-8
// without control characters.

#ifndef SERVICES_NAME_H
#define SERVICES_NAME_H

#include <stdbool.h>

#include "electd/election.h"

struct name_problem {
    // One sentence, such as "candidate is empty: it takes 1 to 253 bytes".
    char text[128];
};

// Checks a string that is known to be UTF-8 without NULs; `field` is what the
// sender knows it by. False, with the problem filled in, if it breaks a rule.
bool name_check(const char *field, const char *string, struct electd_name *name,
                struct name_problem *problem);

#endif
