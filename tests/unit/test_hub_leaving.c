// SPDX-License-Identifier: Apache-2.0
//
// Watchers that leave the hub, memory and all, as soon as they end, between
// others that stay. fake_stream.h says how a stream's log reads.

#include <string.h>

#include "support/test.h"

#include "fake_stream.h"
#include "watch/hub.h"

#define LEAVERS_MAX 256
#define STAYERS 2

static struct watch_hub hub;
static struct stream stayers[STAYERS];
static struct watcher leavers[LEAVERS_MAX];
static size_t leavers_count;
static unsigned gone;

static int leaving_setup(void **state)
{
    watch_hub_init(&hub, LEAVERS_MAX + STAYERS);
    for (size_t i = 0; i < STAYERS; i++) {
        stream_init(&stayers[i], 100, 2);
    }
    leavers_count = 0;
    gone = 0;
    return letters_setup(state);
}

static int leaving_teardown(void **state)
{
    for (size_t i = 0; i < STAYERS; i++) {
        watch_hub_remove(&stayers[i].watcher);
    }
    assert_int_equal(hub.watchers, 0);
    assert_null(hub.topics);
    return letters_teardown(state);
}

static void leaver_send(struct watcher *watcher, struct payload *payload)
{
    (void)watcher;
    (void)payload;
}

static void leaver_end(struct watcher *watcher, enum watch_ending ending)
{
    (void)ending;
    watch_hub_remove(watcher);
    // What is left is of no use to whoever looks at it still.
    memset(watcher, 0xa5, sizeof *watcher);
    gone++;
}

static struct watcher *add_leaver(uint64_t topic, uint64_t session)
{
    static const struct watcher_sink sink = {leaver_send, leaver_end};
    struct watcher *watcher = &leavers[leavers_count++];

    assert_true(leavers_count <= LEAVERS_MAX);
    watcher_init(watcher, &sink, session, (struct watch_backlog){2, 2});
    assert_int_equal(watch_hub_add(&hub, topic, watcher), ELECTD_OK);
    return watcher;
}

static struct stream *add_stayer(uint64_t topic, size_t index)
{
    assert_int_equal(watch_hub_add(&hub, topic, &stayers[index].watcher),
                     ELECTD_OK);
    return &stayers[index];
}

static void test_watchers_may_leave_as_a_close_ends_them(void **state)
{
    struct stream *first;
    struct stream *second;

    (void)state;
    (void)add_leaver(7, 1);
    first = add_stayer(7, 0);
    (void)add_leaver(7, 1);
    (void)add_leaver(7, 1);
    second = add_stayer(7, 1);
    (void)add_leaver(7, 1);
    watch_hub_close_session(&hub, 7, 1);
    assert_int_equal(gone, 4);
    assert_int_equal(hub.watchers, 2);
    watch_hub_publish(&hub, 7, letter('a'));
    stream_expect(first, "a");
    stream_expect(second, "a");
}

static void test_topic_goes_with_the_last_who_leaves_at_a_close(void **state)
{
    (void)state;
    (void)add_leaver(7, 1);
    (void)add_leaver(7, 1);
    (void)add_leaver(8, 1);
    watch_hub_close_session(&hub, 7, 1);
    assert_int_equal(gone, 2);
    assert_false(watch_hub_has(&hub, 7));
    watch_hub_close_session(&hub, 8, 1);
    assert_int_equal(gone, 3);
    assert_null(hub.topics);
}

static void test_watchers_may_leave_as_their_topic_ends(void **state)
{
    struct stream *stayer;

    (void)state;
    (void)add_leaver(7, 1);
    stayer = add_stayer(7, 0);
    (void)add_leaver(7, 2);
    (void)add_leaver(8, 1);
    watch_hub_end_topic(&hub, 7, WATCH_UNTOLD);
    assert_int_equal(gone, 2);
    stream_expect(stayer, "?");
    watch_hub_end_topic(&hub, 8, WATCH_UNTOLD);
    assert_int_equal(gone, 3);
    assert_false(watch_hub_has(&hub, 8));
}

static void test_watchers_may_leave_as_the_hub_ends(void **state)
{
    struct stream *stayer;

    (void)state;
    for (uint64_t topic = 0; topic < 100; topic++) {
        (void)add_leaver(topic, 1);
        (void)add_leaver(topic / 10, 2);
    }
    (void)add_leaver(7, 3);
    stayer = add_stayer(7, 0);
    (void)add_leaver(7, 3);
    watch_hub_end(&hub);
    assert_int_equal(gone, 202);
    assert_int_equal(hub.watchers, 1);
    stream_expect(stayer, "!");
}

static void test_watcher_may_leave_as_it_ends_late(void **state)
{
    struct watcher *watcher;

    (void)state;
    watcher = add_leaver(7, 1);
    watch_hub_publish(&hub, 7, letter('a'));
    watch_hub_publish(&hub, 7, letter('b'));
    watch_hub_end(&hub);
    watcher_sent(watcher);
    assert_int_equal(gone, 0);
    watcher_sent(watcher);
    assert_int_equal(gone, 1);
    assert_int_equal(hub.watchers, 0);
}

static void test_watcher_may_leave_as_it_ends_now(void **state)
{
    struct watcher *idle;
    struct watcher *busy;

    (void)state;
    idle = add_leaver(7, 1);
    watcher_end_now(idle, WATCH_CLOSED);
    assert_int_equal(gone, 1);
    busy = add_leaver(7, 1);
    watch_hub_publish(&hub, 7, letter('a'));
    watch_hub_publish(&hub, 7, letter('b'));
    watcher_end_now(busy, WATCH_CLOSED);
    assert_int_equal(gone, 1);
    watcher_sent(busy);
    assert_int_equal(gone, 2);
    assert_int_equal(hub.watchers, 0);
}

#define LEAVING(name)                                                          \
    cmocka_unit_test_setup_teardown(name, leaving_setup, leaving_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEAVING(test_watchers_may_leave_as_a_close_ends_them),
        LEAVING(test_topic_goes_with_the_last_who_leaves_at_a_close),
        LEAVING(test_watchers_may_leave_as_their_topic_ends),
        LEAVING(test_watchers_may_leave_as_the_hub_ends),
        LEAVING(test_watcher_may_leave_as_it_ends_late),
        LEAVING(test_watcher_may_leave_as_it_ends_now),
    };

    return cmocka_run_group_tests_name("hub, leaving", tests, NULL, NULL);
}
