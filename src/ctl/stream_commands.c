// SPDX-License-Identifier: Apache-2.0

#include "ctl/stream_commands.h"

#include "ctl/exit_code.h"
#include "ctl/follow.h"
#include "ctl/identity.h"
#include "ctl/output.h"
#include "ctl/request.h"

static void watch_put_cb(FILE *out, const struct follow_plan *plan,
                         const ProtobufCMessage *message, const char *life)
{
    const request_term_answer *answer = (const request_term_answer *)message;

    output_watch(out, plan->options->output, plan->election, answer->term,
                 life);
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
                            const ProtobufCMessage *message, const char *life)
{
    // Each answer says it by itself.
    (void)life;
    output_campaign(out, plan->options->output, plan->election,
                    (const Electd__V1__CampaignResponse *)message);
}

// Fills in who campaigns. False: it was said what is missing.
static bool campaign_identify(const struct arguments *arguments,
                              char host[IDENTITY_NAME_SIZE],
                              char random[IDENTITY_INSTANCE_SIZE],
                              struct confirmer_plan *plan)
{
    plan->candidate = arguments->candidate;
    plan->instance = arguments->instance;
    if (plan->candidate == NULL) {
        if (!identity_host(host)) {
            fputs("electctl: this host has no name: use --candidate\n", stderr);
            return false;
        }
        plan->candidate = host;
    }
    if (plan->instance == NULL) {
        identity_instance(random);
        plan->instance = random;
    }
    return true;
}

int campaign_command(const struct arguments *arguments)
{
    char host[IDENTITY_NAME_SIZE];
    char random[IDENTITY_INSTANCE_SIZE];
    struct confirmer_plan confirm = {
        .election = arguments->words[0],
        .grace_ms = arguments->grace_ms,
        .within_ms = arguments->confirm_within_ms,
    };
    struct request create;
    struct request stream;
    struct request leave;
    struct follow_plan plan = {
        .options = &arguments->options,
        .election = confirm.election,
        .create = arguments->create ? &create.client : NULL,
        .stream = &stream.client,
        .leave = &leave.client,
        .confirm = &confirm,
        .put_cb = campaign_put_cb,
    };

    if (!campaign_identify(arguments, host, random, &confirm)) {
        return EXIT_CODE_FAILED;
    }
    request_create(&create, plan.election, NULL, 0);
    request_campaign(&stream, plan.election, confirm.candidate);
    request_set_grace(&stream, confirm.grace_ms);
    request_set_instance(&stream, confirm.instance);
    request_set_confirm_within(&stream, confirm.within_ms);
    request_candidate(&leave, REQUEST_PATH("Withdraw"), plan.election,
                      confirm.candidate);
    return follow_run(&plan);
}
