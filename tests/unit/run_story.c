// SPDX-License-Identifier: Apache-2.0

#include "run_story.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

#define TEXT_SIZE 256

static void run_story_append(char text[TEXT_SIZE],
                             const struct run_action *action)
{
    static const char *const names[] = {
        [RUN_CONNECT] = "connect",
        [RUN_RENEW] = "renew",
        [RUN_PAUSE] = "pause",
        [RUN_CANCEL] = "cancel",
        [RUN_AWAIT_QUIET] = "await",
        [RUN_START] = "start",
        [RUN_EXTEND] = "extend",
        [RUN_END] = "end",
        [RUN_PASS_ON] = "pass on",
        [RUN_LEAVE] = "leave",
        [RUN_STAND_BACK] = "stand back",
        [RUN_AWAIT_HOLD] = "hold",
        [RUN_EXIT] = "exit",
    };
    size_t size = strlen(text);
    unsigned long long number = (unsigned long long)action->number;
    bool has_number = true;

    switch (action->kind) {
    case RUN_START:
        number = action->term;
        break;
    case RUN_STAND_BACK:
    case RUN_AWAIT_QUIET:
    case RUN_EXTEND:
    case RUN_AWAIT_HOLD:
        number = action->time_ms;
        break;
    case RUN_END:
    case RUN_PASS_ON:
    case RUN_EXIT:
        break;
    case RUN_CONNECT:
    case RUN_RENEW:
    case RUN_PAUSE:
    case RUN_CANCEL:
    case RUN_LEAVE:
        has_number = false;
        break;
    }
    size += (size_t)snprintf(text + size, TEXT_SIZE - size, "%s%s",
                             size > 0 ? ", " : "", names[action->kind]);
    if (has_number) {
        snprintf(text + size, TEXT_SIZE - size, " %llu", number);
    }
}

void run_story_tell(const struct run_rules *rules,
                    const struct run_story_line *lines, size_t count)
{
    struct run_state state;
    struct run_actions actions;
    char text[TEXT_SIZE];

    run_state_init(&state, rules);
    for (size_t i = 0; i < count; i++) {
        run_state_step(&state, &lines[i].event, &actions);
        text[0] = '\0';
        for (size_t j = 0; j < actions.count; j++) {
            run_story_append(text, &actions.array[j]);
        }
        if (strcmp(text, lines[i].actions) != 0) {
            fail_msg("line %zu: '%s' instead of '%s'", i, text,
                     lines[i].actions);
        }
    }
}
