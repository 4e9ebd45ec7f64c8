// SPDX-License-Identifier: Apache-2.0

#include "ctl/health_command.h"

#include "ctl/exit_code.h"
#include "ctl/line.h"
#include "ctl/output.h"
#include "ctl/unary.h"
#include "grpc/health/v1/health.pb-c.h"

#define HEALTH_SERVING                                                         \
    GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING

typedef Grpc__Health__V1__HealthCheckRequest health_request;
typedef Grpc__Health__V1__HealthCheckResponse health_answer;

static const char *health_status_name(int status)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
        &grpc__health__v1__health_check_response__serving_status__descriptor,
        status);

    return value != NULL ? value->name : "UNKNOWN";
}

static int health_print(const struct arguments *arguments, const char *service,
                        const health_answer *answer)
{
    struct line line;
    bool is_written;

    output_health(line_begin(&line), arguments->options.output, service,
                  health_status_name((int)answer->status));
    line_end(&line);
    is_written = line_write(&line);
    line_free(&line);
    return is_written && answer->status == HEALTH_SERVING ? EXIT_CODE_DONE
                                                          : EXIT_CODE_FAILED;
}

int health_command(const struct arguments *arguments)
{
    // Empty: the daemon as a whole.
    const char *service = arguments->words_count > 0 ? arguments->words[0] : "";
    health_request message = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    struct client_request request = {
        .path = "/grpc.health.v1.Health/Check",
        .message = &message.base,
        .answer = &grpc__health__v1__health_check_response__descriptor,
    };
    const health_answer *answer;
    struct unary unary;
    int exit_code;

    message.service = (char *)(uintptr_t)service;
    if (!unary_open(&unary, &arguments->options)) {
        return EXIT_CODE_FAILED;
    }
    answer = (const health_answer *)unary_call(&unary, &request);
    exit_code = answer != NULL ? health_print(arguments, service, answer)
                               : unary.exit_code;
    unary_close(&unary);
    return exit_code;
}
