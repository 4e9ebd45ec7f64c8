// SPDX-License-Identifier: Apache-2.0

#include "ctl/run/run_campaign.h"

#include <assert.h>
#include <grpc/status.h>

#include "base/container_of.h"

void run_campaign_init(struct run_campaign *campaign, struct client *client,
                       const struct run_candidacy *candidacy,
                       const struct run_campaign_callbacks *callbacks)
{
    *campaign = (struct run_campaign){
        .client = client,
        .callbacks = callbacks,
        .candidacy = candidacy,
    };
    request_create(&campaign->create, candidacy->election, NULL, 0);
    campaign->create.client.timeout_ms = candidacy->timeout_ms;
    request_campaign(&campaign->stream, candidacy->election,
                     candidacy->candidate);
    request_set_instance(&campaign->stream, candidacy->instance);
    request_set_grace(&campaign->stream, candidacy->grace_ms);
    request_set_confirm_within(&campaign->stream, candidacy->confirm_within_ms);
    request_campaign(&campaign->leave, candidacy->election,
                     candidacy->candidate);
    request_set_instance(&campaign->leave, candidacy->instance);
    campaign->leave.client.timeout_ms = candidacy->timeout_ms;
}

static void campaign_message_cb(struct client_call *call,
                                const ProtobufCMessage *message)
{
    struct run_campaign *campaign =
        container_of(call, struct run_campaign, call);
    const Electd__V1__CampaignResponse *answer =
        (const Electd__V1__CampaignResponse *)message;

    if (!campaign->is_cancelled && answer->term != NULL) {
        campaign->callbacks->answered_cb(campaign, answer);
    }
}

static void campaign_over_cb(struct client_call *call, int code,
                             const char *message)
{
    struct run_campaign *campaign =
        container_of(call, struct run_campaign, call);

    campaign->is_open = false;
    campaign->callbacks->over_cb(campaign, code, message);
}

static const struct client_call_callbacks campaign_callbacks = {
    .message_cb = campaign_message_cb,
    .over_cb = campaign_over_cb,
};

static void campaign_created_cb(struct client_call *call,
                                const ProtobufCMessage *message)
{
    (void)call;
    (void)message;
}

static void campaign_create_over_cb(struct client_call *call, int code,
                                    const char *message)
{
    struct run_campaign *campaign =
        container_of(call, struct run_campaign, call);

    if (code != GRPC_STATUS_OK || campaign->is_cancelled ||
        campaign->client->closing) {
        campaign_over_cb(call, code, message);
        return;
    }
    client_call_start(campaign->client, &campaign->call,
                      &campaign->stream.client, &campaign_callbacks);
}

static const struct client_call_callbacks create_callbacks = {
    .message_cb = campaign_created_cb,
    .over_cb = campaign_create_over_cb,
};

void run_campaign_open(struct run_campaign *campaign)
{
    assert(!campaign->is_open);
    campaign->is_open = true;
    campaign->is_cancelled = false;
    if (campaign->candidacy->creates) {
        client_call_start(campaign->client, &campaign->call,
                          &campaign->create.client, &create_callbacks);
    } else {
        client_call_start(campaign->client, &campaign->call,
                          &campaign->stream.client, &campaign_callbacks);
    }
}

void run_campaign_cancel(struct run_campaign *campaign)
{
    assert(campaign->is_open);
    campaign->is_cancelled = true;
    client_call_cancel(&campaign->call);
}

// The candidate is this stream's now, and leaves with it.
static void leave_message_cb(struct client_call *call,
                             const ProtobufCMessage *message)
{
    (void)message;
    container_of(call, struct run_campaign, leave_call)->has_left = true;
    client_call_cancel(call);
}

static void leave_over_cb(struct client_call *call, int code,
                          const char *message)
{
    struct run_campaign *campaign =
        container_of(call, struct run_campaign, leave_call);

    campaign->callbacks->left_cb(
        campaign, campaign->has_left ? GRPC_STATUS_OK : code, message);
}

static const struct client_call_callbacks leave_callbacks = {
    .message_cb = leave_message_cb,
    .over_cb = leave_over_cb,
};

void run_campaign_leave(struct run_campaign *campaign)
{
    campaign->has_left = false;
    client_call_start(campaign->client, &campaign->leave_call,
                      &campaign->leave.client, &leave_callbacks);
}
