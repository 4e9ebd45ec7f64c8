// SPDX-License-Identifier: Apache-2.0

#include "names.h"

#include <assert.h>
#include <string.h>

#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10
#define X250 X50 X50 X50 X50 X50

_Static_assert(sizeof X250 "xxx" - 1 == ELECTD_NAME_SIZE_MAX,
               "the longest name there can be");

static const char *const names[SIM_NAMES] = {
    "a",      "b",       "ab",      "ba",       "aa",      X250 "xxx",
    "node-1", "node-10", X250 "xx", "\xc3\xa9", "a.b.svc", " ",
};

struct electd_name names_get(unsigned which)
{
    assert(which < SIM_NAMES);
    return (struct electd_name){names[which], strlen(names[which])};
}

unsigned names_find(struct electd_name name)
{
    unsigned which = 0;

    while (which < SIM_NAMES && (strlen(names[which]) != name.size ||
                                 strcmp(names[which], name.bytes) != 0)) {
        which++;
    }
    return which;
}
