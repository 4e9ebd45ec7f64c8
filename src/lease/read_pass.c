// SPDX-License-Identifier: Apache-2.0
//
// Happy path:
// - read_pass_join() finds no pass on, and begins one.
// - The reader says that it is over, and so is the wait of those it served.
// - Those who joined meanwhile are served by the next one.
//
// Failure modes:
// - The pass does not end: the ticker ends the wait of each in its time, and of
//   those who are late for the pass as well.
// - Whoever is told that its wait is over makes others leave: they are taken
//   off their list one at a time.

#include "lease/read_pass.h"

#include <assert.h>
#include <stddef.h>
#include <utlist.h>

#include "base/container_of.h"

static void read_pass_enlist(struct read_pass_wait *wait,
                             struct read_pass_wait **list)
{
    wait->list = list;
    DL_APPEND(*list, wait);
}

void read_pass_leave(struct read_pass_wait *wait)
{
    if (wait->list != NULL) {
        DL_DELETE(*wait->list, wait);
        wait->list = NULL;
    }
}

static void read_passes_move(struct read_pass_wait **from,
                             struct read_pass_wait **to)
{
    struct read_pass_wait *wait;

    while (*from != NULL) {
        wait = *from;
        read_pass_leave(wait);
        read_pass_enlist(wait, to);
    }
}

static void read_passes_begin(struct read_passes *passes)
{
    assert(!passes->is_on && passes->served == NULL);
    read_passes_move(&passes->late, &passes->served);
    passes->is_on = true;
    passes->reader->begin_pass(passes->reader);
}

static void read_passes_tell(struct read_passes *passes)
{
    struct read_pass_wait *wait;

    while (passes->over != NULL) {
        wait = passes->over;
        read_pass_leave(wait);
        passes->over_cb(wait);
    }
}

void read_passes_over(struct read_passes *passes)
{
    if (!passes->is_on) {
        return;
    }
    passes->is_on = false;
    read_passes_move(&passes->served, &passes->over);
    read_passes_tell(passes);
    // One that joined just now has begun it.
    if (passes->late != NULL && !passes->is_on) {
        read_passes_begin(passes);
    }
}

static void read_passes_count(struct read_passes *passes,
                              struct read_pass_wait *list)
{
    struct read_pass_wait *wait;
    struct read_pass_wait *next;

    DL_FOREACH_SAFE(list, wait, next) {
        if (wait->last_tick <= passes->ticks) {
            read_pass_leave(wait);
            read_pass_enlist(wait, &passes->over);
        }
    }
}

static void read_passes_tick_cb(uv_timer_t *ticker);

// Cannot fail: the callback is given and the handle open.
static void read_passes_start_ticker(struct read_passes *passes)
{
    uv_timer_start(&passes->ticker, read_passes_tick_cb, READ_PASS_TICK_MS, 0);
}

static void read_passes_tick_cb(uv_timer_t *ticker)
{
    struct read_passes *passes =
        container_of(ticker, struct read_passes, ticker);

    passes->ticks++;
    read_passes_count(passes, passes->served);
    read_passes_count(passes, passes->late);
    read_passes_tell(passes);
    if (passes->served != NULL || passes->late != NULL) {
        read_passes_start_ticker(passes);
    }
}

void read_passes_init(struct read_passes *passes, uv_loop_t *loop,
                      void (*over_cb)(struct read_pass_wait *wait))
{
    *passes = (struct read_passes){.over_cb = over_cb};
    uv_timer_init(loop, &passes->ticker);
}

void read_pass_join(struct read_passes *passes, struct read_pass_wait *wait,
                    uint64_t limit_ms)
{
    assert(wait->list == NULL);
    if (passes->reader == NULL) {
        passes->over_cb(wait);
        return;
    }
    // The tick that is under way counts as well.
    wait->last_tick = passes->ticks + limit_ms / READ_PASS_TICK_MS_MAX;
    read_pass_enlist(wait, &passes->late);
    if (!uv_is_active((uv_handle_t *)&passes->ticker)) {
        read_passes_start_ticker(passes);
    }
    if (!passes->is_on) {
        read_passes_begin(passes);
    }
}

static void read_passes_closed_cb(uv_handle_t *handle)
{
    struct read_passes *passes =
        container_of((uv_timer_t *)handle, struct read_passes, ticker);

    passes->closed_cb(passes);
}

void read_passes_close(struct read_passes *passes,
                       void (*closed_cb)(struct read_passes *passes))
{
    assert(passes->served == NULL && passes->late == NULL);
    passes->closed_cb = closed_cb;
    uv_close((uv_handle_t *)&passes->ticker, read_passes_closed_cb);
}
