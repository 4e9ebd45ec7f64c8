// SPDX-License-Identifier: Apache-2.0
//
// One call of Confirm: proves to a client that it leads, end to end, and for
// how long it may act without asking again.
//
// Thread: the loop's.

#ifndef SERVICES_CONFIRM_H
#define SERVICES_CONFIRM_H

#include "electd/v1/candidacy.pb-c.h"
#include "services/host.h"
#include "store/store.h"

struct candidacy_service;

struct confirm {
    struct service_call call;
    struct candidacy_service *service;
    struct store_request request;
    // What is asked about; the names are the request's.
    struct electd_name candidate;
    struct electd_name instance;
    uint64_t term;
};

// Begins the call, whose other fields are zero. Borrows the request until the
// call is ended.
void confirm_begin(struct confirm *confirm,
                   const Electd__V1__ConfirmRequest *request);

#endif
