// SPDX-License-Identifier: Apache-2.0

#include "ctl/stream_commands.h"

#include "ctl/exit_code.h"
#include "ctl/follow.h"
#include "ctl/identity.h"
#include "ctl/output.h"
#include "ctl/request.h"

static void watch_put_cb(FILE *out, const struct follow_plan *plan,
                         const ProtobufCMessage *message)
{
    const request_term_answer *answer = (const request_term_answer *)message;

    output_term(out, plan->options->output, plan->election, answer->term);
}

int watch_command(const struct arguments *arguments)
{
    struct request create;
    struct request stream;
    struct follow_plan plan = {
        .options = &arguments->options,
        .election = arguments->words[0],
        .create = arguments->create ? &create.client : NULL,
        .stream = &stream.client,
        .put_cb = watch_put_cb,
    };

    request_create(&create, plan.election, NULL, 0);
    request_term(&stream, REQUEST_PATH("Watch"), plan.election);
    return follow_run(&plan);
}

static void campaign_put_cb(FILE *out, const struct follow_plan *plan,
                            const ProtobufCMessage *message)
{
    output_campaign(out, plan->options->output, plan->election,
                    (const Electd__V1__CampaignResponse *)message);
}

int campaign_command(const struct arguments *arguments)
{
    char host[IDENTITY_NAME_SIZE];
    char instance[IDENTITY_INSTANCE_SIZE];
    const char *candidate = arguments->candidate;
    struct request create;
    struct request stream;
    struct request leave;
    struct follow_plan plan = {
        .options = &arguments->options,
        .election = arguments->words[0],
        .create = arguments->create ? &create.client : NULL,
        .stream = &stream.client,
        .leave = &leave.client,
        .put_cb = campaign_put_cb,
    };

    if (candidate == NULL) {
        if (!identity_host(host)) {
            fputs("electctl: this host has no name: use --candidate\n", stderr);
            return EXIT_CODE_FAILED;
        }
        candidate = host;
    }
    identity_instance(instance);
    request_create(&create, plan.election, NULL, 0);
    request_campaign(&stream, plan.election, candidate);
    request_set_grace(&stream, arguments->grace_ms);
    request_set_instance(&stream, instance);
    request_candidate(&leave, REQUEST_PATH("Withdraw"), plan.election,
                      candidate);
    return follow_run(&plan);
}
