// SPDX-License-Identifier: Apache-2.0
//
// gRPC's client answers the pings of keepalive only while it is waited on,
// which a test may not do for a while: its daemon is to be patient, unless
// keepalive is what the test is about.

#ifndef E2E_PATIENCE_H
#define E2E_PATIENCE_H

#define PATIENT "--keepalive-time=1h"

#endif
