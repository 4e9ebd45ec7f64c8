// SPDX-License-Identifier: Apache-2.0
//
// uthash as the core uses it: an insertion that runs out of memory leaves the
// table as it was and the element's handle with a NULL `tbl`, instead of ending
// the process.

#ifndef BASE_HASH_H
#define BASE_HASH_H

#define HASH_NONFATAL_OOM 1

#include <uthash.h>

#endif
