// SPDX-License-Identifier: Apache-2.0
//
// A process of its own that campaigns, so that it can be stopped and killed. It
// is this very program, started again with other arguments: main() must begin
// with
//
//     if (campaigner_is_asked_for(argc, argv)) {
//         return campaigner_main(argc, argv);
//     }
//
// It ends when its first stream does.

#ifndef SUPPORT_CAMPAIGNER_H
#define SUPPORT_CAMPAIGNER_H

#include <stdbool.h>

#include "support/child_process.h"

struct campaigner {
    const char *listen;
    const char *election;
    // Of several candidates, all on one connection, the number from 0 on is
    // put behind it.
    const char *candidate;
    unsigned count;
    unsigned grace_ms;
};

bool campaigner_is_asked_for(int argc, char **argv);
int campaigner_main(int argc, char **argv);

// Starts a process, and waits until its first candidate is in. False if that is
// refused. Does not fail a test.
bool campaigner_spawn(struct child_process *process,
                      const struct campaigner *campaigner);

#endif
