// SPDX-License-Identifier: Apache-2.0
//
// How electctl ends. `electctl --help` and electctl(1) say the same.

#ifndef CTL_EXIT_CODE_H
#define CTL_EXIT_CODE_H

enum exit_code {
    EXIT_CODE_DONE = 0,
    // The daemon refused, or could not do it; or the output was not written.
    EXIT_CODE_FAILED = 1,
    // A command line that makes no sense.
    EXIT_CODE_USAGE = 2,
    // Nothing changed: the candidate neither leads nor waits.
    EXIT_CODE_UNKNOWN_CANDIDATE = 3,
    // The daemon could not be reached, or did not answer in time.
    EXIT_CODE_UNREACHABLE = 4,
    // `run`: leadership was lost. `confirm`: that instance must not act.
    EXIT_CODE_LEADERSHIP_LOST = 5,
    // `run`: somebody else leads, and it was told not to wait, or no longer.
    EXIT_CODE_OTHER_LEADS = 6,
};

#endif
