// SPDX-License-Identifier: Apache-2.0

#include "audience.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

void audience_init(struct audience *audience, struct prng *prng,
                   struct coverage *coverage, const unsigned *now)
{
    memset(audience, 0, sizeof *audience);
    audience->prng = prng;
    audience->coverage = coverage;
    audience->now = now;
    watch_hub_init(&audience->hub, prng_between(prng, 1, AUDIENCE_MAX));
}

uint64_t audience_revision(const struct payload *payload)
{
    struct sim_news news;

    memcpy(&news, payload->bytes, sizeof news);
    return news.revision;
}

static bool audience_watches(const struct slow_stream *stream,
                             unsigned election)
{
    return stream != NULL && stream->election == election;
}

// Nobody still has to do anything, and the hub counts right.
static void audience_check(const struct audience *audience)
{
    unsigned count = 0;

    for (size_t i = 0; i < AUDIENCE_MAX; i++) {
        if (audience->streams[i] != NULL) {
            slow_stream_check(audience->streams[i]);
            count++;
        }
    }
    assert_int_equal(audience->hub.watchers, count);
}

static bool audience_any(const struct audience *audience, unsigned election)
{
    for (size_t i = 0; i < AUDIENCE_MAX; i++) {
        if (audience_watches(audience->streams[i], election)) {
            return true;
        }
    }
    return false;
}

// The status with which the hub has to meet one more.
static enum electd_status audience_expected(const struct audience *audience)
{
    if (audience->hub.ended) {
        return ELECTD_UNAVAILABLE;
    }
    return audience->hub.watchers == audience->hub.watchers_max
               ? ELECTD_WATCHERS_MAX
               : ELECTD_OK;
}

static struct slow_stream **audience_place(struct audience *audience)
{
    size_t place = 0;

    while (place < AUDIENCE_MAX && audience->streams[place] != NULL) {
        place++;
    }
    return place < AUDIENCE_MAX ? &audience->streams[place] : NULL;
}

void audience_join(struct audience *audience, unsigned election,
                   uint64_t number, uint64_t session, struct payload *payload)
{
    enum electd_status expected = audience_expected(audience);
    struct slow_stream *stream = slow_stream_create(audience->prng, session);
    struct slow_stream *nowhere = NULL;
    struct slow_stream **slot = audience_place(audience);

    stream->coverage = audience->coverage;
    stream->now = audience->now;
    stream->election = election;
    // Without a place for it the hub is full too.
    stream->slot = slot != NULL ? slot : &nowhere;
    assert_int_equal(watch_hub_add(&audience->hub, number, &stream->watcher),
                     expected);
    if (expected != ELECTD_OK) {
        audience->coverage->joined_full_hub += expected == ELECTD_WATCHERS_MAX;
        audience->coverage->joined_ended_hub += expected == ELECTD_UNAVAILABLE;
        slow_stream_leave(stream);
        audience_check(audience);
        return;
    }
    *stream->slot = stream;
    audience->coverage->joined++;
    assert_true(watch_hub_has(&audience->hub, number));
    if (payload != NULL) {
        slow_stream_expect_offer(stream, audience_revision(payload));
        watcher_offer(&stream->watcher, payload);
    }
    audience_check(audience);
}

void audience_publish(struct audience *audience, unsigned election,
                      uint64_t number, struct payload *payload)
{
    assert_int_equal(watch_hub_has(&audience->hub, number),
                     audience_any(audience, election));
    for (size_t i = 0; i < AUDIENCE_MAX; i++) {
        if (audience_watches(audience->streams[i], election)) {
            slow_stream_expect_offer(audience->streams[i],
                                     audience_revision(payload));
        }
    }
    watch_hub_publish(&audience->hub, number, payload);
    audience_check(audience);
}

void audience_close_session(struct audience *audience, unsigned election,
                            uint64_t number, uint64_t session)
{
    struct slow_stream *stream;

    for (size_t i = 0; i < AUDIENCE_MAX; i++) {
        stream = audience->streams[i];
        if (audience_watches(stream, election) && stream->session == session) {
            slow_stream_expect_end(stream, WATCH_CLOSED);
        }
    }
    watch_hub_close_session(&audience->hub, number, session);
    audience_check(audience);
}

void audience_end(struct audience *audience)
{
    for (size_t i = 0; i < AUDIENCE_MAX; i++) {
        if (audience->streams[i] != NULL) {
            slow_stream_expect_end(audience->streams[i], WATCH_SHUT_DOWN);
        }
    }
    watch_hub_end(&audience->hub);
    audience_check(audience);
    audience_join(audience, 0, 1, 0, NULL);
}

void audience_turn(struct audience *audience)
{
    struct slow_stream *stream;

    for (size_t i = 0; i < AUDIENCE_MAX; i++) {
        stream = audience->streams[i];
        if (stream != NULL && stream->under_way &&
            stream->due <= *audience->now) {
            slow_stream_sent(stream);
        }
    }
    audience_check(audience);
}

void audience_drain(struct audience *audience)
{
    struct slow_stream **slot;

    for (size_t i = 0; i < AUDIENCE_MAX; i++) {
        slot = &audience->streams[i];
        while (*slot != NULL && (*slot)->under_way) {
            slow_stream_sent(*slot);
        }
        if (*slot != NULL) {
            slow_stream_check_caught_up(*slot);
        }
    }
    audience_check(audience);
}

static void audience_remove(struct audience *audience,
                            struct slow_stream *stream)
{
    if (stream->under_way && stream->ending != WATCH_OPEN) {
        audience->coverage->left_while_ending++;
    } else if (stream->under_way) {
        audience->coverage->left_under_way++;
    } else {
        audience->coverage->left_idle++;
    }
    slow_stream_leave(stream);
}

void audience_leave(struct audience *audience)
{
    struct slow_stream *stream =
        audience->streams[prng_below(audience->prng, AUDIENCE_MAX)];

    if (stream != NULL) {
        audience_remove(audience, stream);
    }
    audience_check(audience);
}

void audience_disconnect(struct audience *audience, uint64_t session)
{
    struct slow_stream *stream;

    for (size_t i = 0; i < AUDIENCE_MAX; i++) {
        stream = audience->streams[i];
        if (stream != NULL && stream->session == session) {
            audience_remove(audience, stream);
        }
    }
    audience_check(audience);
}

void audience_empty(struct audience *audience)
{
    for (size_t i = 0; i < AUDIENCE_MAX; i++) {
        if (audience->streams[i] != NULL) {
            slow_stream_leave(audience->streams[i]);
        }
    }
    assert_int_equal(audience->hub.watchers, 0);
    assert_null(audience->hub.topics);
}
