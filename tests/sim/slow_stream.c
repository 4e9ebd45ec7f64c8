// SPDX-License-Identifier: Apache-2.0

#include "slow_stream.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "base/container_of.h"

// Between the newest and the oldest reader there are those who read at once,
// those who lag, and those who have stopped reading.
static unsigned slow_stream_delay_max(struct prng *prng)
{
    static const unsigned delays[] = {0, 1, 4, 40, 400, 1000000};

    return delays[prng_below(prng, sizeof delays / sizeof delays[0])];
}

static unsigned slow_stream_waiting_max(struct prng *prng)
{
    return prng_percent(prng, 20) ? SLOW_WAITING_MAX : prng_between(prng, 1, 9);
}

// So many of our payloads, and no more, by their number or by their size.
static struct watch_backlog slow_stream_backlog(struct prng *prng,
                                                unsigned waiting_max)
{
    unsigned bytes_max = waiting_max * (unsigned)sizeof(struct sim_news);

    if (prng_percent(prng, 50)) {
        return (struct watch_backlog){waiting_max, UINT32_MAX};
    }
    return (struct watch_backlog){
        SLOW_WAITING_MAX,
        bytes_max + prng_below(prng, sizeof(struct sim_news)),
    };
}

static void slow_stream_send_cb(struct watcher *watcher,
                                struct payload *payload)
{
    struct slow_stream *stream =
        container_of(watcher, struct slow_stream, watcher);
    struct sim_news news;

    assert_int_equal(payload->size, sizeof news);
    memcpy(&news, payload->bytes, sizeof news);
    assert_false(stream->ended);
    assert_int_equal(news.election, stream->election);
    assert_int_equal(news.revision, stream->must_send);
    stream->must_send = 0;

    // The same once more, without the account.
    assert_true(news.revision > stream->seen);
    if (!stream->overflowed && stream->seen > 0) {
        assert_int_equal(news.revision, stream->seen + 1);
    }
    stream->seen = news.revision;
    stream->due =
        *stream->now + prng_below(stream->prng, stream->delay_max + 1);
    stream->coverage->sent++;
}

static void slow_stream_end_cb(struct watcher *watcher,
                               enum watch_ending ending)
{
    struct slow_stream *stream =
        container_of(watcher, struct slow_stream, watcher);

    assert_false(stream->ended);
    assert_int_equal(ending, stream->must_end);
    assert_int_equal(ending, stream->ending);
    stream->must_end = WATCH_OPEN;
    stream->ended = true;
    slow_stream_check_caught_up(stream);
    stream->coverage->closed += ending == WATCH_CLOSED;
    stream->coverage->shut_down += ending == WATCH_SHUT_DOWN;
    if (stream->goes_as_it_ends) {
        stream->coverage->left_as_it_ended++;
        slow_stream_leave(stream);
    }
}

struct slow_stream *slow_stream_create(struct prng *prng, uint64_t session)
{
    static const struct watcher_sink sink = {
        slow_stream_send_cb,
        slow_stream_end_cb,
    };
    struct slow_stream *stream = calloc(1, sizeof *stream);

    assert_non_null(stream);
    stream->prng = prng;
    stream->session = session;
    stream->waiting_max = slow_stream_waiting_max(prng);
    stream->delay_max = slow_stream_delay_max(prng);
    stream->goes_as_it_ends = prng_percent(prng, 50);
    watcher_init(&stream->watcher, &sink, session,
                 slow_stream_backlog(prng, stream->waiting_max));
    return stream;
}

void slow_stream_expect_offer(struct slow_stream *stream, uint64_t revision)
{
    if (stream->ending != WATCH_OPEN) {
        return;
    }
    stream->offered = revision;
    if (!stream->under_way) {
        stream->under_way = true;
        stream->must_send = revision;
        return;
    }
    if (stream->waiting_count == stream->waiting_max) {
        stream->waiting_count = 0;
        stream->overflowed = true;
        stream->coverage->overflowed++;
    }
    stream->waiting[stream->waiting_count++] = revision;
}

void slow_stream_expect_end(struct slow_stream *stream,
                            enum watch_ending ending)
{
    if (stream->ending != WATCH_OPEN) {
        return;
    }
    stream->ending = ending;
    if (!stream->under_way) {
        stream->must_end = ending;
    }
}

void slow_stream_check(const struct slow_stream *stream)
{
    assert_int_equal(stream->must_send, 0);
    assert_int_equal(stream->must_end, WATCH_OPEN);
}

void slow_stream_sent(struct slow_stream *stream)
{
    struct slow_stream **slot = stream->slot;

    assert_true(stream->under_way);
    if (stream->waiting_count > 0) {
        stream->must_send = stream->waiting[0];
        stream->waiting_count--;
        memmove(stream->waiting, stream->waiting + 1,
                stream->waiting_count * sizeof stream->waiting[0]);
    } else {
        stream->under_way = false;
        stream->must_end = stream->ending;
    }
    watcher_sent(&stream->watcher);
    if (*slot != NULL) {
        slow_stream_check(stream);
    }
}

void slow_stream_check_caught_up(const struct slow_stream *stream)
{
    assert_false(stream->under_way);
    assert_int_equal(stream->waiting_count, 0);
    assert_int_equal(stream->seen, stream->offered);
    stream->coverage->saw_everything += !stream->overflowed;
}

void slow_stream_leave(struct slow_stream *stream)
{
    watch_hub_remove(&stream->watcher);
    *stream->slot = NULL;
    free(stream);
}
