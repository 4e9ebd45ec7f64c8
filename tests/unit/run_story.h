// SPDX-License-Identifier: Apache-2.0
//
// What `electctl run` decides, as stories: each line is an event and what is
// done about it.
//
//     ONCE(RUNS, {ENDED(3), ""}, {GONE, "leave"}, {LEFT(OK), "exit 3"});

#ifndef UNIT_RUN_STORY_H
#define UNIT_RUN_STORY_H

#include <grpc/status.h>
#include <stddef.h>

#include "ctl/run/state.h"

#define RUN_STORY_START_DELAY_MS 9000
#define RUN_STORY_ROOM_MS 500
#define RUN_STORY_HOLD_MS 60000
#define RUN_STORY_STAND_BACK_MS 14000

struct run_story_line {
    struct run_event event;
    const char *actions;
};

#define BEGUN                                                                  \
    {                                                                          \
        .kind = RUN_BEGUN                                                      \
    }
// The revision counts up unless a change was missed: it is the term's, here.
#define LEADS(in_term, because)                                                \
    {                                                                          \
        .kind = RUN_ANSWERED, .leads = true, .term = (in_term),                \
        .revision = (in_term), .reason = RUN_REASON_##because                  \
    }
#define WAITS(in_term, because)                                                \
    {                                                                          \
        .kind = RUN_ANSWERED, .leads = false, .term = (in_term),               \
        .revision = (in_term), .reason = RUN_REASON_##because                  \
    }
// The daemon knows how long an earlier leader may act.
#define LEADS_AFTER(time_ms, in_term, because)                                 \
    {                                                                          \
        .kind = RUN_ANSWERED, .leads = true, .term = (in_term),                \
        .revision = (in_term), .reason = RUN_REASON_##because,                 \
        .is_earlier_known = true, .earlier_ms = (time_ms)                      \
    }
#define WAITS_AFTER(time_ms, in_term, because)                                 \
    {                                                                          \
        .kind = RUN_ANSWERED, .leads = false, .term = (in_term),               \
        .revision = (in_term), .reason = RUN_REASON_##because,                 \
        .is_earlier_known = true, .earlier_ms = (time_ms)                      \
    }
#define OVER(code)                                                             \
    {                                                                          \
        .kind = RUN_STREAM_OVER, .number = GRPC_STATUS_##code                  \
    }
#define PAUSE_OVER                                                             \
    {                                                                          \
        .kind = RUN_PAUSE_OVER                                                 \
    }
#define QUIET                                                                  \
    {                                                                          \
        .kind = RUN_QUIET                                                      \
    }
// At 0 there is room for a start until 1000, and none at 600.
#define CONFIRMED(in_term)                                                     \
    {                                                                          \
        .kind = RUN_CONFIRMED, .term = (in_term), .until_ms = 1000             \
    }
#define CONFIRMED_UNTIL(time_ms, in_term)                                      \
    {                                                                          \
        .kind = RUN_CONFIRMED, .term = (in_term), .until_ms = (time_ms)        \
    }
#define QUIET_AT(time_ms)                                                      \
    {                                                                          \
        .kind = RUN_QUIET, .now_ms = (time_ms)                                 \
    }
#define DENIED(in_term)                                                        \
    {                                                                          \
        .kind = RUN_DENIED, .term = (in_term)                                  \
    }
#define UNCONFIRMED                                                            \
    {                                                                          \
        .kind = RUN_UNCONFIRMED                                                \
    }
#define TOO_OLD                                                                \
    {                                                                          \
        .kind = RUN_TOO_OLD                                                    \
    }
#define ENDED(code)                                                            \
    {                                                                          \
        .kind = RUN_COMMAND_ENDED, .number = (code)                            \
    }
#define GONE                                                                   \
    {                                                                          \
        .kind = RUN_GROUP_GONE                                                 \
    }
#define SIGNALLED(signal)                                                      \
    {                                                                          \
        .kind = RUN_SIGNALLED, .number = (signal)                              \
    }
#define OVERDUE                                                                \
    {                                                                          \
        .kind = RUN_OVERDUE                                                    \
    }
#define WARDEN_LOST                                                            \
    {                                                                          \
        .kind = RUN_WARDEN_LOST                                                \
    }
#define LEFT(code)                                                             \
    {                                                                          \
        .kind = RUN_LEFT, .number = GRPC_STATUS_##code                         \
    }
#define WAIT_OVER                                                              \
    {                                                                          \
        .kind = RUN_WAIT_OVER                                                  \
    }
#define HOLD_OVER                                                              \
    {                                                                          \
        .kind = RUN_HOLD_OVER                                                  \
    }

// How most stories begin: it leads in term 1, and its command runs.
#define RUNS                                                                   \
    {BEGUN, "connect"}, {LEADS(1, CURRENT), "await 9000"}, {CONFIRMED(1), ""}, \
    {                                                                          \
        QUIET, "start 1"                                                       \
    }
// It is second in line behind the leader of term 1, and has been for long.
#define QUEUES                                                                 \
    {BEGUN, "connect"}, {WAITS(1, CURRENT), "await 9000"},                     \
    {                                                                          \
        QUIET, ""                                                              \
    }

// Tells a story under these rules; fails the test where something else is done.
void run_story_tell(const struct run_rules *rules,
                    const struct run_story_line *lines, size_t count);

#define RUN_STORY_RULES                                                        \
    .start_delay_ms = RUN_STORY_START_DELAY_MS,                                \
    .start_room_ms = RUN_STORY_ROOM_MS,                                        \
    .stand_back_ms = RUN_STORY_STAND_BACK_MS

#define RUN_STORY(more_rules, ...)                                             \
    do {                                                                       \
        static const struct run_rules rules = {RUN_STORY_RULES, more_rules};   \
        static const struct run_story_line lines[] = {__VA_ARGS__};            \
        run_story_tell(&rules, lines, sizeof lines / sizeof lines[0]);         \
    } while (0)

#define ONCE(...) RUN_STORY(.retries = false, __VA_ARGS__)
#define RETRY(...) RUN_STORY(.retries = true, __VA_ARGS__)
#define HOLD(...) RUN_STORY(.hold_ms = RUN_STORY_HOLD_MS, __VA_ARGS__)
#define NO_WAIT(...) RUN_STORY(.never_waits = true, __VA_ARGS__)

#endif
