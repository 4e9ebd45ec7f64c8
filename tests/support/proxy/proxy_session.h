// SPDX-License-Identifier: Apache-2.0
//
// What comes in by a hop's HTTP/2 session, noted in the exchanges.

#ifndef SUPPORT_PROXY_SESSION_H
#define SUPPORT_PROXY_SESSION_H

#include <nghttp2/nghttp2.h>

// The callbacks of a session whose user data is its hop. Returns owned.
nghttp2_session_callbacks *proxy_session_callbacks(void);

#endif
