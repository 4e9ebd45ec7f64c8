// SPDX-License-Identifier: Apache-2.0
//
// Enter with request metadata: a candidate with a time to live. Each call comes
// by a connection of its own, so that it belongs to a session that is gone.

#ifndef SUPPORT_TIMED_ENTER_H
#define SUPPORT_TIMED_ENTER_H

// Enters with `electd-ttl-ms` of any text; returns what story.h tells of the
// answer, owned.
char *timed_enter(const char *listen, const char *election,
                  const char *candidate, const char *ttl_ms);

// The same, and this came back.
void expect_timed_enter(const char *listen, const char *candidate,
                        const char *ttl_ms, const char *reply);

#endif
