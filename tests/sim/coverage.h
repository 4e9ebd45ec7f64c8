// SPDX-License-Identifier: Apache-2.0
//
// How often the simulation came to the places that it is for.

#ifndef SIM_COVERAGE_H
#define SIM_COVERAGE_H

#define COVERAGE_OPERATIONS 10
#define COVERAGE_STATUSES 7

struct coverage {
    unsigned commands;
    // By operation.
    unsigned changed[COVERAGE_OPERATIONS];
    unsigned unchanged[COVERAGE_OPERATIONS];
    // By status, without its sign.
    unsigned statuses[COVERAGE_STATUSES];
    unsigned elected;
    unsigned replaced;
    // Watchers.
    unsigned joined;
    unsigned joined_ended_hub;
    unsigned joined_full_hub;
    unsigned sent;
    unsigned overflowed;
    unsigned closed;
    unsigned shut_down;
    unsigned left_idle;
    unsigned left_under_way;
    unsigned left_while_ending;
    unsigned left_as_it_ended;
    unsigned saw_everything;
};

#endif
