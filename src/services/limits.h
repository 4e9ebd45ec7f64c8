// SPDX-License-Identifier: Apache-2.0
//
// The limits that a caller may run into, each with the flag that sets it.

#ifndef SERVICES_LIMITS_H
#define SERVICES_LIMITS_H

#include <stdint.h>

#include "watch/watcher.h"

struct service_limits {
    // --max-elections
    uint32_t elections_max;
    // --max-candidates: in one election, the leader included.
    uint32_t candidates_max;
    // --max-watchers: open Watch streams of elections; as many again of health.
    uint32_t watchers_max;
    // --watch-backlog and --watch-backlog-bytes: of changes that wait for one
    // slow reader.
    struct watch_backlog backlog;
};

#endif
