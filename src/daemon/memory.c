// SPDX-License-Identifier: Apache-2.0
//
// The allocator is jemalloc: what lies idle in it for `dirty_decay_ms` goes
// back to the system. It looks at that only as it is used, hence the timer, for
// a daemon to which nothing happens any more.

#include "daemon/memory.h"

#include <stdint.h>

#include "log/log.h"

#define MEMORY_INTERVAL_MS 1000

#ifdef HAVE_JEMALLOC
#include <jemalloc/jemalloc.h>

#define MEMORY_STRING_(text) #text
#define MEMORY_STRING(text) MEMORY_STRING_(text)
#define MEMORY_ALL_ARENAS "arena." MEMORY_STRING(MALLCTL_ARENAS_ALL)

// jemalloc reads it as the process starts. One thread does nearly all the work:
// more arenas would only keep more each.
const char *malloc_conf = "narenas:2,dirty_decay_ms:100,muzzy_decay_ms:0";

static void memory_give_back(void)
{
    // What the loop's thread keeps at hand, so that whole pages become idle.
    (void)mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    (void)mallctl(MEMORY_ALL_ARENAS ".decay", NULL, NULL, NULL, 0);
}

static size_t memory_stat(const char *name)
{
    size_t value = 0;
    size_t size = sizeof value;

    (void)mallctl(name, &value, &size, NULL, 0);
    return value;
}

static void memory_log(void)
{
    uint64_t epoch = 1;
    struct log_line line;

    (void)mallctl("epoch", NULL, NULL, &epoch, sizeof epoch);
    log_begin(&line, LOG_DEBUG, "memory");
    log_u64(&line, "in_use", memory_stat("stats.allocated"));
    log_u64(&line, "kept", memory_stat("stats.resident"));
    log_emit(&line);
}
#else
static void memory_give_back(void)
{
}

static void memory_log(void)
{
}
#endif

static void memory_look_cb(uv_timer_t *timer)
{
    (void)timer;
    memory_give_back();
    if (log_is_enabled(LOG_DEBUG)) {
        memory_log();
    }
}

void memory_init(struct memory *memory, uv_loop_t *loop)
{
    // Cannot fail: the callback is given and the handle open.
    uv_timer_init(loop, &memory->timer);
    uv_timer_start(&memory->timer, memory_look_cb, MEMORY_INTERVAL_MS,
                   MEMORY_INTERVAL_MS);
}

void memory_close(struct memory *memory)
{
    uv_close((uv_handle_t *)&memory->timer, NULL);
}
