// SPDX-License-Identifier: Apache-2.0
//
// Passes on what has come in, once it is due and not frozen.

#ifndef SUPPORT_PROXY_PASS_H
#define SUPPORT_PROXY_PASS_H

#include "support/proxy/proxy_exchange.h"

// Passes on what may pass. Returns when to try again, or -1.
long long proxy_pass_on(struct proxy_exchange *exchange);

#endif
