// SPDX-License-Identifier: Apache-2.0

#include "daemon/memory.h"

#include <malloc.h>

#include "core/container_of.h"
#include "daemon/log.h"

// How often it looks, and how much must newly lie idle before it is given back.
#define MEMORY_INTERVAL_MS 1000
#define MEMORY_IDLE_MIN (1024 * 1024)

static void memory_log(const char *event)
{
    struct mallinfo2 now;
    size_t resident_size = 0;
    struct log_line line;

    if (!log_is_enabled(LOG_DEBUG)) {
        return;
    }
    now = mallinfo2();
    (void)uv_resident_set_memory(&resident_size);
    log_begin(&line, LOG_DEBUG, event);
    log_u64(&line, "in_use", now.uordblks + now.hblkhd);
    log_u64(&line, "idle", now.fordblks);
    log_u64(&line, "resident", resident_size);
    log_emit(&line);
}

// The allocator goes on counting as idle what it has given back: only what is
// new counts here.
static void memory_look_cb(uv_timer_t *timer)
{
    struct memory *memory = container_of(timer, struct memory, timer);
    size_t idle_size = mallinfo2().fordblks;

    if (idle_size > memory->idle_size + MEMORY_IDLE_MIN) {
        malloc_trim(0);
        memory->idle_size = idle_size;
        memory_log("memory_given_back");
    } else if (idle_size < memory->idle_size) {
        memory->idle_size = idle_size;
    }
}

void memory_init(struct memory *memory, uv_loop_t *loop)
{
    memory->idle_size = mallinfo2().fordblks;
    memory_log("memory");
    // Cannot fail: the callback is given and the handle open.
    uv_timer_init(loop, &memory->timer);
    uv_timer_start(&memory->timer, memory_look_cb, MEMORY_INTERVAL_MS,
                   MEMORY_INTERVAL_MS);
}

void memory_close(struct memory *memory)
{
    uv_close((uv_handle_t *)&memory->timer, NULL);
}
