// SPDX-License-Identifier: Apache-2.0

#include "services/campaign_answer.h"

#include "lease/clock.h"
#include "services/campaign.h"
#include "services/candidacy_service.h"

static Electd__V1__Reason campaign_reason(enum electd_reason reason)
{
    switch (reason) {
    case ELECTD_UNCHANGED:
        return ELECTD__V1__REASON__REASON_CURRENT;
    case ELECTD_ENTERED:
        return ELECTD__V1__REASON__REASON_ENTERED;
    case ELECTD_WITHDRAWN:
        return ELECTD__V1__REASON__REASON_WITHDRAWN;
    case ELECTD_EVICTED:
        return ELECTD__V1__REASON__REASON_EVICTED;
    case ELECTD_ANOINTED:
        return ELECTD__V1__REASON__REASON_ANOINTED;
    case ELECTD_PROMOTED:
        return ELECTD__V1__REASON__REASON_PROMOTED;
    case ELECTD_DEMOTED:
        return ELECTD__V1__REASON__REASON_DEMOTED;
    case ELECTD_CLOSED:
        return ELECTD__V1__REASON__REASON_CLOSED;
    case ELECTD_EXPIRED:
        return ELECTD__V1__REASON__REASON_EXPIRED;
    case ELECTD_DISCONNECTED:
        return ELECTD__V1__REASON__REASON_DISCONNECTED;
    case ELECTD_REPLACED:
        return ELECTD__V1__REASON__REASON_REPLACED;
    }
    return ELECTD__V1__REASON__REASON_UNSPECIFIED;
}

void campaign_put_duration(Google__Protobuf__Duration *duration,
                           uint64_t duration_ms)
{
    google__protobuf__duration__init(duration);
    duration->seconds = (int64_t)(duration_ms / 1000);
    duration->nanos = (int32_t)(duration_ms % 1000 * 1000000);
}

// For how long earlier leaders may still act. False: that is not known.
static bool campaign_earlier_until(struct candidacy_service *service,
                                   const struct campaign_news *news,
                                   const struct campaign *leading,
                                   Google__Protobuf__Duration *until)
{
    uint64_t left_ms;
    bool is_known = promises_left_ms(
        &service->promises, electd_election_number(news->election),
        campaign_holder(leading), lease_clock_ms(), &left_ms);

    campaign_put_duration(until, left_ms);
    return is_known;
}

// protobuf-c wants its strings writable, and does not write them.
static char *campaign_string(const char *string)
{
    return (char *)(uintptr_t)string;
}

struct payload *campaign_answer(struct candidacy_service *service,
                                const struct campaign_news *news,
                                const struct campaign *leading)
{
    Electd__V1__CampaignResponse rest = ELECTD__V1__CAMPAIGN_RESPONSE__INIT;
    Google__Protobuf__Duration until;

    rest.reason = campaign_reason(news->reason);
    if (news->previous_leader.size > 0) {
        rest.previous_leader = campaign_string(news->previous_leader.bytes);
    }
    rest.revision = electd_election_revision(news->election);
    rest.life = campaign_string(service->life);
    if (leading != NULL) {
        rest.leads = true;
        if (campaign_earlier_until(service, news, leading, &until)) {
            rest.earlier_leader_until = &until;
        }
    }
    return term_cache_encode(service->terms, news->election, &rest.base);
}
