// SPDX-License-Identifier: Apache-2.0

#include "ctl/failure.h"

#include <grpc/status.h>
#include <stddef.h>
#include <stdio.h>

#include "ctl/exit_code.h"

static const char *const failure_names[] = {
    [GRPC_STATUS_OK] = "OK",
    [GRPC_STATUS_CANCELLED] = "CANCELLED",
    [GRPC_STATUS_UNKNOWN] = "UNKNOWN",
    [GRPC_STATUS_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
    [GRPC_STATUS_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
    [GRPC_STATUS_NOT_FOUND] = "NOT_FOUND",
    [GRPC_STATUS_ALREADY_EXISTS] = "ALREADY_EXISTS",
    [GRPC_STATUS_PERMISSION_DENIED] = "PERMISSION_DENIED",
    [GRPC_STATUS_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
    [GRPC_STATUS_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
    [GRPC_STATUS_ABORTED] = "ABORTED",
    [GRPC_STATUS_OUT_OF_RANGE] = "OUT_OF_RANGE",
    [GRPC_STATUS_UNIMPLEMENTED] = "UNIMPLEMENTED",
    [GRPC_STATUS_INTERNAL] = "INTERNAL",
    [GRPC_STATUS_UNAVAILABLE] = "UNAVAILABLE",
    [GRPC_STATUS_DATA_LOSS] = "DATA_LOSS",
    [GRPC_STATUS_UNAUTHENTICATED] = "UNAUTHENTICATED",
};

#define FAILURE_NAMES (sizeof failure_names / sizeof failure_names[0])

const char *failure_name(int code)
{
    // A peer may send any number.
    if (code < 0 || (size_t)code >= FAILURE_NAMES) {
        return "UNKNOWN";
    }
    return failure_names[code];
}

void failure_format(int code, const char *message, char text[FAILURE_SIZE])
{
    if (message[0] == '\0') {
        snprintf(text, FAILURE_SIZE, "%s", failure_name(code));
    } else {
        snprintf(text, FAILURE_SIZE, "%s: %s", failure_name(code), message);
    }
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = ' ';
        }
    }
}

int failure_report(int code, const char *message)
{
    char text[FAILURE_SIZE];

    failure_format(code, message, text);
    if (code == GRPC_STATUS_UNIMPLEMENTED) {
        fprintf(stderr,
                "electctl: the daemon is older than this electctl (%s)\n",
                text);
        return EXIT_CODE_FAILED;
    }
    fprintf(stderr, "electctl: %s\n", text);
    if (code == GRPC_STATUS_UNAVAILABLE ||
        code == GRPC_STATUS_DEADLINE_EXCEEDED) {
        return EXIT_CODE_UNREACHABLE;
    }
    return EXIT_CODE_FAILED;
}

// A connection that breaks shows as UNAVAILABLE mostly, but a stream that is
// reset on the way, by a proxy say, has whatever code the reset is mapped to.
bool failure_is_passing(int code)
{
    return code == GRPC_STATUS_UNAVAILABLE || code == GRPC_STATUS_OK ||
           code == GRPC_STATUS_DEADLINE_EXCEEDED ||
           code == GRPC_STATUS_CANCELLED || code == GRPC_STATUS_UNKNOWN ||
           code == GRPC_STATUS_INTERNAL;
}
