// SPDX-License-Identifier: Apache-2.0
//
// Gives memory back that the allocator keeps. C-core takes 12 KiB a call, and a
// burst may be of thousands; what was freed lies idle in pages that nothing
// else may ever fill.
//
// Thread: the loop's.

#ifndef DAEMON_MEMORY_H
#define DAEMON_MEMORY_H

#include <uv.h>

struct memory {
    uv_timer_t timer;
};

// Looks at the memory from here on, each second. Borrows the loop.
void memory_init(struct memory *memory, uv_loop_t *loop);

// Its handle is closed in the next turn of the loop.
void memory_close(struct memory *memory);

#endif
