// SPDX-License-Identifier: Apache-2.0

#include "ctl_process.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/test.h"

#include "support/stopwatch.h"

void ctl_spawn(struct child_process *ctl, const char *endpoint,
               const struct child_start *start)
{
    struct child_start how = *start;
    char variable[256];

    child_dispose(ctl);
    how.path = getenv("ELECTCTL_BIN");
    if (how.path == NULL) {
        fail_msg("ELECTCTL_BIN is not set: it names the electctl to test");
    }
    how.without = "ELECTD_";
    if (endpoint != NULL) {
        snprintf(variable, sizeof variable, "ELECTD_ENDPOINT=%s", endpoint);
        how.environment = variable;
    }
    child_spawn(ctl, &how);
}

int ctl_await_exit(struct child_process *ctl)
{
    return child_await_exit(ctl, STOPWATCH_DEADLINE_MS);
}

int ctl_run(struct child_process *ctl, const char *endpoint,
            const char *arguments)
{
    ctl_spawn(ctl, endpoint, &(struct child_start){.arguments = arguments});
    return ctl_await_exit(ctl);
}
