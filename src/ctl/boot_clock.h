// SPDX-License-Identifier: Apache-2.0
//
// A clock that goes on while the machine is suspended, as the daemon's does on
// another machine. The same in all processes.
//
// Thread: any.

#ifndef CTL_BOOT_CLOCK_H
#define CTL_BOOT_CLOCK_H

#include <stdint.h>

uint64_t boot_clock_ms(void);

#endif
