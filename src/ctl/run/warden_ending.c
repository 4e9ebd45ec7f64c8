// SPDX-License-Identifier: Apache-2.0
//
// Happy path:
// - Search first and signal then, so that what is asked to end is found before
//   it ends.
// - Kill the children. Theirs become children of this process, and are killed
//   in their turn.
//
// Failure modes:
// - A process may not be signalled: it is another user's, as under sudo. That
//   is said once. Those below it are found by a search of /proc.
// - A process hangs in the kernel, or forks faster than it is found: searched
//   for again and again, after pauses that grow, so that a machine with many
//   processes has time for other things.

#include "ctl/run/warden_ending.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "ctl/boot_clock.h"
#include "ctl/run/warden_tree.h"
#include "ctl/say.h"

#define WARDEN_SEARCH_PAUSE_MS_MIN 10
#define WARDEN_SEARCH_PAUSE_MS_MAX 640
// How much longer than the search the pause is at the least.
#define WARDEN_SEARCH_PAUSE_SHARE 20

static bool warden_ending_search(struct warden_ending *ending,
                                 struct warden_list *list)
{
    bool is_read = warden_tree_read(list, ending->others);

    if (!is_read && !ending->has_said) {
        ending->has_said = true;
        run_say("cannot search /proc: what the program left outside of its "
                "process group may go on running");
    }
    return is_read;
}

// Signals one, and says it if that is not allowed.
static void warden_ending_signal(struct warden_ending *ending,
                                 const struct warden_list_process *process,
                                 int number)
{
    int status = warden_tree_signal(process, number);

    if (status < 0 && status != -ESRCH && !ending->has_said) {
        ending->has_said = true;
        run_say("cannot signal process %ld: %s; waiting until it ends",
                (long)process->pid, strerror(-status));
    }
}

void warden_ending_ask(struct warden_ending *ending, pid_t pgid, int number)
{
    struct warden_list list;
    bool is_read = warden_ending_search(ending, &list);

    (void)kill(-pgid, number);
    (void)kill(-pgid, SIGCONT);
    if (!is_read) {
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        const struct warden_list_process *process = &list.processes[i];

        if (process->is_dead) {
            continue;
        }
        if (process->pgid == pgid) {
            // Signalled already, if that is allowed.
            warden_ending_signal(ending, process, 0);
        } else {
            warden_ending_signal(ending, process, SIGTERM);
            (void)warden_tree_signal(process, SIGCONT);
        }
    }
    warden_list_clear(&list);
}

// Searches less and less often, and never for more than a small part of the
// time.
static void warden_ending_pause(struct warden_ending *ending, uint64_t begun_ms)
{
    uint64_t now_ms = boot_clock_ms();
    uint64_t pause_ms_min = (now_ms - begun_ms) * WARDEN_SEARCH_PAUSE_SHARE;

    ending->pause_ms *= 2;
    if (ending->pause_ms < WARDEN_SEARCH_PAUSE_MS_MIN) {
        ending->pause_ms = WARDEN_SEARCH_PAUSE_MS_MIN;
    } else if (ending->pause_ms > WARDEN_SEARCH_PAUSE_MS_MAX) {
        ending->pause_ms = WARDEN_SEARCH_PAUSE_MS_MAX;
    }
    ending->search_at_ms =
        now_ms +
        (ending->pause_ms > pause_ms_min ? ending->pause_ms : pause_ms_min);
}

void warden_ending_kill(struct warden_ending *ending)
{
    struct warden_list list;
    uint64_t begun_ms = boot_clock_ms();

    warden_tree_kill_children(ending->others);
    if (begun_ms < ending->search_at_ms) {
        return;
    }
    if (warden_ending_search(ending, &list)) {
        for (size_t i = 0; i < list.count; i++) {
            if (!list.processes[i].is_dead) {
                warden_ending_signal(ending, &list.processes[i], SIGKILL);
            }
        }
        warden_list_clear(&list);
    }
    warden_ending_pause(ending, begun_ms);
}
