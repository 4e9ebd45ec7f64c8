// SPDX-License-Identifier: Apache-2.0
//
// The outcome of every operation that can fail: 0, or a negative status. One
// list makes the enumerators, their names and their descriptions.

#ifndef ELECTD_STATUS_H
#define ELECTD_STATUS_H

// X(name, value, description)
#define ELECTD_STATUS_MAP(X)                                                   \
    X(OK, 0, "success")                                                        \
    X(NO_MEMORY, -1, "out of memory")                                          \
    X(NO_ELECTION, -2, "the election does not exist")                          \
    X(ELECTIONS_MAX, -3, "the limit on elections is reached")                  \
    X(CANDIDATES_MAX, -4, "the limit on candidates in an election is reached") \
    X(WATCHERS_MAX, -5, "the limit on watchers is reached")                    \
    X(UNAVAILABLE, -6, "the store is closing or out of reach")

enum electd_status {
#define ELECTD_STATUS_ENUMERATOR(name, value, text) ELECTD_##name = (value),
    ELECTD_STATUS_MAP(ELECTD_STATUS_ENUMERATOR)
#undef ELECTD_STATUS_ENUMERATOR
};

// The enumerator's name without its prefix, such as "NO_ELECTION". Static.
const char *electd_status_name(enum electd_status status);

// What the status means, in a few words. Static.
const char *electd_status_text(enum electd_status status);

#endif
