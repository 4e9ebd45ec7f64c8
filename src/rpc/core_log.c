// SPDX-License-Identifier: Apache-2.0

#include "rpc/core_log.h"

#include <grpc/support/log.h>
#include <stddef.h>
#include <string.h>

#ifdef HAVE_GPR_SET_LOG_FUNCTION

// C-core's log function takes no context.
static rpc_core_log_cb rpc_core_log;

static void rpc_core_log_function(gpr_log_func_args *arguments)
{
    rpc_core_log(arguments->severity == GPR_LOG_SEVERITY_ERROR,
                 arguments->message);
}

void rpc_core_log_set(rpc_core_log_cb log_cb)
{
    rpc_core_log = log_cb;
    gpr_set_log_function(rpc_core_log_function);
}

#else

void rpc_core_log_set(rpc_core_log_cb log_cb)
{
    (void)log_cb;
}

#endif

bool rpc_core_log_is_lost_listener(const char *message)
{
    static const char start[] = "Failed accept4:";

    return strncmp(message, start, sizeof start - 1) == 0;
}
