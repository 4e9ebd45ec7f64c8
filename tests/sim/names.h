// SPDX-License-Identifier: Apache-2.0
//
// The elections and candidates of a simulation are numbers; these are their
// names: the shortest, the longest, and some that are the start of others. An
// election and a candidate may share one.

#ifndef SIM_NAMES_H
#define SIM_NAMES_H

#include "electd/election.h"

#define SIM_NAMES 12
#define SIM_NOBODY SIM_NAMES

struct electd_name names_get(unsigned which);

// The number of a name; SIM_NOBODY for none, and for one that is not known.
unsigned names_find(struct electd_name name);

#endif
