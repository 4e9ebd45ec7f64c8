// SPDX-License-Identifier: Apache-2.0
//
// Watchers that stop reading. Nobody else may feel it, the daemon's memory may
// not grow with it, and whoever reads again must reach the last state.

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "crowd.h"
#include "fixture.h"
#include "support/candidacy.h"
#include "support/story.h"

// Together they would be 25 MiB.
#define CHANGES 1000
#define RSS_GROWTH_MAX_KIB (8 * 1024)

// Reads until a term has come; all that comes is newer than what came before.
// Returns how many came.
static unsigned read_up_to(struct stream *stream, uint64_t last)
{
    unsigned count = 0;
    uint64_t before = 0;
    uint64_t term;

    do {
        term = crowd_next(stream, CLIENT_DEADLINE_MS);
        assert_in_range(term, before + 1, last);
        before = term;
        count++;
    } while (term != last);
    return count;
}

static void test_stalled_watcher_gets_the_newest_and_harms_nobody(void **state)
{
    struct client *client = fixture_start(*state, "--watch-backlog=4");
    struct client *other = fixture_connect(*state);
    const struct daemon *daemon = &((struct fixture *)*state)->daemons[0];
    struct stream *stalled;
    struct stream *beside_it;
    struct stream *elsewhere;
    struct crowd crowd;
    size_t before_kib;
    unsigned count;

    crowd_init(&crowd, client);
    stalled = watch(client, "crowd");
    beside_it = watch(client, "crowd");
    elsewhere = watch(other, "crowd");
    assert_int_equal(crowd_next(beside_it, CLIENT_DEADLINE_MS), 1);
    assert_int_equal(crowd_next(elsewhere, CLIENT_DEADLINE_MS), 1);
    before_kib = daemon_rss_kib(daemon);
    for (unsigned i = 0; i < CHANGES; i++) {
        crowd_change(&crowd);
        assert_int_equal(crowd_next(beside_it, CLIENT_DEADLINE_MS), crowd.term);
        assert_int_equal(crowd_next(elsewhere, CLIENT_DEADLINE_MS), crowd.term);
    }
    if (!FIXTURE_IS_SANITIZED) {
        assert_in_range(daemon_rss_kib(daemon), 0,
                        before_kib + RSS_GROWTH_MAX_KIB);
    }
    // What was under way, and no more than may wait behind it.
    count = read_up_to(stalled, crowd.term);
    assert_in_range(count, 2, 1 + 4);
    // From here on it gets everything again.
    for (unsigned i = 0; i < 10; i++) {
        crowd_change(&crowd);
        assert_int_equal(crowd_next(stalled, CLIENT_DEADLINE_MS), crowd.term);
    }
}

static void test_stalled_watcher_misses_nothing_within_the_backlog(void **state)
{
    struct client *client =
        fixture_start(*state, "--watch-backlog=50 "
                              "--watch-backlog-bytes=2097152");
    struct stream *stream;
    struct crowd crowd;

    crowd_init(&crowd, client);
    stream = watch(client, "crowd");
    for (unsigned i = 0; i < 50; i++) {
        crowd_change(&crowd);
    }
    for (uint64_t term = 1; term <= 51; term++) {
        assert_int_equal(crowd_next(stream, CLIENT_DEADLINE_MS), term);
    }
    assert_int_equal(crowd_next(stream, 0), 0);
}

// A term of the crowd is at least so many bytes.
#define CROWD_TERM_SIZE 24000
#define BYTES_MAX (1024 * 1024)

// 256 changes may wait, which is not the limit that is met.
static void test_backlog_is_bounded_in_bytes_too(void **state)
{
    struct client *client = fixture_start(*state, "");
    struct stream *stream;
    struct crowd crowd;

    crowd_init(&crowd, client);
    stream = watch(client, "crowd");
    for (unsigned i = 0; i < 200; i++) {
        crowd_change(&crowd);
    }
    // A backlog that has just overflowed is short, and a full one is not.
    assert_in_range(read_up_to(stream, crowd.term), 2,
                    1 + BYTES_MAX / CROWD_TERM_SIZE);
    for (unsigned i = 0; i < 10; i++) {
        crowd_change(&crowd);
        assert_int_equal(crowd_next(stream, CLIENT_DEADLINE_MS), crowd.term);
    }
}

static void test_campaigns_backlog_is_bounded_in_bytes_too(void **state)
{
    struct client *client =
        fixture_start(*state, "--watch-backlog-bytes=102400");
    static struct candidacy_news news;
    struct stream *stream;
    struct crowd crowd;
    unsigned count = 0;

    crowd_init(&crowd, client);
    stream = campaign(client, candidacy_of("crowd", "slow", NULL));
    candidacy_read(stream, &news);
    for (unsigned i = 0; i < 100; i++) {
        crowd_change(&crowd);
    }
    do {
        candidacy_read(stream, &news);
        assert_string_not_equal(news.reason, "");
        count++;
    } while (news.term != crowd.term);
    assert_in_range(count, 2, 1 + 102400 / CROWD_TERM_SIZE);
}

#define IDLE_STREAMS 20

// Nobody waits on the idle client, so that it does not even read its socket.
static void test_connection_that_reads_nothing_harms_nobody(void **state)
{
    struct client *client = fixture_start(*state, "--watch-backlog=2");
    struct client *idle = fixture_connect(*state);
    struct stream *streams[IDLE_STREAMS];
    struct stream *stream;
    struct crowd crowd;

    crowd_init(&crowd, client);
    for (unsigned i = 0; i < IDLE_STREAMS; i++) {
        streams[i] = watch(idle, "crowd");
    }
    stream = watch(client, "crowd");
    assert_int_equal(crowd_next(stream, CLIENT_DEADLINE_MS), 1);
    for (unsigned i = 0; i < 50; i++) {
        crowd_change(&crowd);
        assert_int_equal(crowd_next(stream, CLIENT_DEADLINE_MS), crowd.term);
    }
    for (unsigned i = 0; i < IDLE_STREAMS; i++) {
        assert_in_range(read_up_to(streams[i], crowd.term), 2, 1 + 2);
    }
}

static void test_close_ends_a_stalled_watcher_when_it_has_read(void **state)
{
    struct client *client = fixture_start(*state, "--watch-backlog=8");
    struct client *writer = fixture_connect(*state);
    struct stream *stream;
    struct crowd crowd;

    crowd_init(&crowd, writer);
    stream = watch(client, "crowd");
    crowd_change(&crowd);
    tell(client, "Close crowd");
    // Not for it any more.
    crowd_change(&crowd);
    assert_int_equal(crowd_next(stream, CLIENT_DEADLINE_MS), 1);
    assert_int_equal(crowd_next(stream, CLIENT_DEADLINE_MS), 2);
    expect_end(stream, "OK");
}

static void test_stalled_watcher_that_is_cancelled_gives_its_place(void **state)
{
    struct client *client = fixture_start(*state, "--max-watchers=1");
    struct client *writer = fixture_connect(*state);
    struct stream *stream;
    struct crowd crowd;

    crowd_init(&crowd, writer);
    for (unsigned i = 0; i < 10; i++) {
        stream = watch(client, "crowd");
        crowd_change(&crowd);
        crowd_change(&crowd);
        stream_release(stream);
        await_place(writer, "crowd");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_stalled_watcher_gets_the_newest_and_harms_nobody),
        OVER_BOTH(test_stalled_watcher_misses_nothing_within_the_backlog),
        OVER_BOTH(test_backlog_is_bounded_in_bytes_too),
        OVER_BOTH(test_campaigns_backlog_is_bounded_in_bytes_too),
        OVER_BOTH(test_connection_that_reads_nothing_harms_nobody),
        OVER_BOTH(test_close_ends_a_stalled_watcher_when_it_has_read),
        OVER_BOTH(test_stalled_watcher_that_is_cancelled_gives_its_place),
    };

    return fixture_run(tests);
}
