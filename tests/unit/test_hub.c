// SPDX-License-Identifier: Apache-2.0
//
// Who hears what. What is published and sent are letters, and what a stream
// did reads as a word: see fake_stream.h.

#include "support/test.h"

#include "fake_stream.h"
#include "watch/hub.h"

#define MANY 1000

static struct watch_hub hub;
static struct stream streams[4];

static int hub_setup(void **state)
{
    watch_hub_init(&hub, 300);
    for (size_t i = 0; i < 4; i++) {
        stream_init(&streams[i], i + 1, 2);
    }
    return letters_setup(state);
}

// Whoever is still registered goes, and then nothing is left.
static int hub_teardown(void **state)
{
    for (size_t i = 0; i < 4; i++) {
        watch_hub_remove(&streams[i].watcher);
    }
    assert_int_equal(hub.watchers, 0);
    assert_null(hub.topics);
    return letters_teardown(state);
}

// Registers the stream of that index.
static void watch(uint64_t topic, size_t index)
{
    assert_int_equal(watch_hub_add(&hub, topic, &streams[index].watcher),
                     ELECTD_OK);
}

static void publish(uint64_t topic, char which)
{
    watch_hub_publish(&hub, topic, letter(which));
}

static void expect_all(const char *first, const char *second, const char *third)
{
    stream_expect(&streams[0], first);
    stream_expect(&streams[1], second);
    stream_expect(&streams[2], third);
}

static void drain_all(void)
{
    for (size_t i = 0; i < 4; i++) {
        stream_drain(&streams[i]);
    }
}

static void test_all_who_watch_a_topic_hear_it(void **state)
{
    (void)state;
    watch(7, 0);
    watch(7, 1);
    watch(7, 2);
    publish(7, 'a');
    expect_all("a", "a", "a");
    publish(7, 'b');
    drain_all();
    expect_all("ab", "ab", "ab");
}

static void test_who_watches_another_topic_does_not_hear_it(void **state)
{
    (void)state;
    watch(1, 0);
    watch(2, 1);
    watch(UINT64_C(0x100000001), 2);
    publish(1, 'a');
    publish(3, 'b');
    expect_all("a", "", "");
    publish(UINT64_C(0x100000001), 'c');
    publish(2, 'd');
    expect_all("a", "d", "c");
}

static void test_topic_exists_while_somebody_watches_it(void **state)
{
    (void)state;
    assert_false(watch_hub_has(&hub, 7));
    watch(7, 0);
    watch(7, 1);
    assert_true(watch_hub_has(&hub, 7));
    assert_false(watch_hub_has(&hub, 8));
    watch_hub_remove(&streams[0].watcher);
    assert_true(watch_hub_has(&hub, 7));
    watch_hub_remove(&streams[1].watcher);
    assert_false(watch_hub_has(&hub, 7));
    publish(7, 'a');
    expect_all("", "", "");
}

static void test_slow_watcher_does_not_hold_up_the_others(void **state)
{
    (void)state;
    watch(7, 0);
    watch(7, 1);
    for (char next = 'a'; next <= 'f'; next++) {
        publish(7, next);
        stream_drain(&streams[1]);
    }
    expect_all("a", "abcdef", "");
    drain_all();
    // Of the two that may wait, `d` and `e` made way for `f`.
    expect_all("af", "abcdef", "");
}

static void check_remove(size_t index)
{
    for (size_t i = 0; i < 3; i++) {
        stream_init(&streams[i], 1, 2);
        watch(7, i);
    }
    watch_hub_remove(&streams[index].watcher);
    assert_int_equal(hub.watchers, 2);
    publish(7, 'a');
    expect_all(index == 0 ? "" : "a", index == 1 ? "" : "a",
               index == 2 ? "" : "a");
    for (size_t i = 0; i < 3; i++) {
        watch_hub_remove(&streams[i].watcher);
    }
    assert_int_equal(hub.watchers, 0);
}

static void test_removed_watcher_hears_no_more(void **state)
{
    (void)state;
    check_remove(0);
    check_remove(1);
    check_remove(2);
}

static void test_removed_watcher_forgets_what_waits(void **state)
{
    (void)state;
    watch(7, 0);
    publish(7, 'a');
    publish(7, 'b');
    watch_hub_close_session(&hub, 7, 1);
    assert_int_equal(letter_holders('b'), 1);
    watch_hub_remove(&streams[0].watcher);
    assert_int_equal(letter_holders('b'), 0);
    watch_hub_end(&hub);
    expect_all("a", "", "");
}

static void test_watcher_that_is_not_registered_is_left_alone(void **state)
{
    (void)state;
    stream_offer(&streams[0], "ab");
    watch_hub_remove(&streams[0].watcher);
    stream_drain(&streams[0]);
    expect_all("ab", "", "");

    watch(7, 1);
    watch_hub_remove(&streams[1].watcher);
    watch_hub_remove(&streams[1].watcher);
    assert_int_equal(hub.watchers, 0);
}

static void test_removed_watcher_can_come_back(void **state)
{
    (void)state;
    watch(7, 0);
    publish(7, 'a');
    watch_hub_remove(&streams[0].watcher);
    stream_init(&streams[0], 1, 2);
    watch(8, 0);
    publish(7, 'b');
    publish(8, 'c');
    expect_all("c", "", "");
}

static void test_one_more_watcher_than_the_limit_is_refused(void **state)
{
    (void)state;
    watch_hub_init(&hub, 2);
    watch(7, 0);
    watch(8, 1);
    assert_int_equal(watch_hub_add(&hub, 7, &streams[2].watcher),
                     ELECTD_WATCHERS_MAX);
    assert_int_equal(watch_hub_add(&hub, 9, &streams[2].watcher),
                     ELECTD_WATCHERS_MAX);
    assert_false(watch_hub_has(&hub, 9));
    publish(7, 'a');
    publish(9, 'b');
    expect_all("a", "", "");
    watch_hub_remove(&streams[2].watcher);
    assert_int_equal(hub.watchers, 2);
    watch_hub_remove(&streams[0].watcher);
    watch(9, 2);
    publish(9, 'c');
    expect_all("a", "", "c");
}

static void test_hub_for_nobody_refuses_everybody(void **state)
{
    (void)state;
    watch_hub_init(&hub, 0);
    assert_int_equal(watch_hub_add(&hub, 7, &streams[0].watcher),
                     ELECTD_WATCHERS_MAX);
}

static void test_close_ends_the_sessions_watchers_of_the_topic(void **state)
{
    (void)state;
    stream_init(&streams[3], 1, 2);
    watch(7, 0);
    watch(7, 1);
    watch(8, 3);
    watch_hub_close_session(&hub, 7, 1);
    watch_hub_close_session(&hub, 9, 2);
    publish(7, 'a');
    publish(8, 'b');
    expect_all(".", "a", "");
    stream_expect(&streams[3], "b");
}

static void test_close_ends_all_of_the_session(void **state)
{
    (void)state;
    stream_init(&streams[2], 1, 2);
    watch(7, 0);
    watch(7, 1);
    watch(7, 2);
    publish(7, 'a');
    publish(7, 'b');
    watch_hub_close_session(&hub, 7, 1);
    publish(7, 'c');
    drain_all();
    expect_all("ab.", "abc", "ab.");
}

static void test_sessions_of_64_bits_are_told_apart(void **state)
{
    (void)state;
    stream_init(&streams[0], UINT64_C(0x100000001), 2);
    watch(7, 0);
    watch_hub_close_session(&hub, 7, 1);
    publish(7, 'a');
    expect_all("a", "", "");
}

static void test_end_of_a_topic_ends_its_watchers_now(void **state)
{
    (void)state;
    watch(7, 0);
    watch(7, 1);
    watch(8, 2);
    publish(7, 'a');
    stream_drain(&streams[0]);
    publish(8, 'b');
    publish(8, 'c');
    publish(7, 'd');
    stream_drain(&streams[0]);
    watch_hub_end_topic(&hub, 7, WATCH_UNTOLD);
    watch_hub_end_topic(&hub, 9, WATCH_UNTOLD);
    publish(7, 'e');
    drain_all();
    expect_all("ad?", "a?", "bc");
    // It may be watched anew.
    watch(7, 3);
    publish(7, 'f');
    stream_expect(&streams[3], "f");
}

static void test_end_of_a_topic_leaves_those_alone_that_end(void **state)
{
    (void)state;
    watch(7, 0);
    publish(7, 'a');
    publish(7, 'b');
    watch_hub_close_session(&hub, 7, 1);
    watch_hub_end_topic(&hub, 7, WATCH_UNTOLD);
    drain_all();
    expect_all("ab.", "", "");
}

static void test_end_ends_everybody_after_what_waits(void **state)
{
    (void)state;
    watch(7, 0);
    watch(8, 1);
    watch(8, 2);
    publish(8, 'a');
    publish(8, 'b');
    watch_hub_close_session(&hub, 8, 3);
    watch_hub_end(&hub);
    expect_all("!", "a", "a");
    publish(8, 'c');
    drain_all();
    expect_all("!", "ab!", "ab.");
    watch_hub_end(&hub);
    expect_all("!", "ab!", "ab.");
}

static void test_nobody_comes_after_the_end(void **state)
{
    (void)state;
    watch(7, 0);
    watch_hub_end(&hub);
    assert_int_equal(watch_hub_add(&hub, 7, &streams[1].watcher),
                     ELECTD_UNAVAILABLE);
    assert_int_equal(watch_hub_add(&hub, 8, &streams[1].watcher),
                     ELECTD_UNAVAILABLE);
    assert_int_equal(hub.watchers, 1);
    publish(7, 'a');
    expect_all("!", "", "");
}

static void test_many_topics_are_told_apart(void **state)
{
    static struct stream many[MANY];
    char word[2] = {0};

    (void)state;
    watch_hub_init(&hub, MANY);
    for (size_t i = 0; i < MANY; i++) {
        stream_init(&many[i], 1, 2);
        assert_int_equal(watch_hub_add(&hub, i, &many[i].watcher), ELECTD_OK);
    }
    for (size_t i = 0; i < MANY; i++) {
        publish(i, (char)('a' + i % 26));
    }
    for (size_t i = 0; i < MANY; i++) {
        word[0] = (char)('a' + i % 26);
        stream_expect(&many[i], word);
        watch_hub_remove(&many[i].watcher);
        assert_int_equal(hub.watchers, MANY - 1 - i);
    }
}

#define HUB(name) cmocka_unit_test_setup_teardown(name, hub_setup, hub_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB(test_all_who_watch_a_topic_hear_it),
        HUB(test_who_watches_another_topic_does_not_hear_it),
        HUB(test_topic_exists_while_somebody_watches_it),
        HUB(test_slow_watcher_does_not_hold_up_the_others),
        HUB(test_removed_watcher_hears_no_more),
        HUB(test_removed_watcher_forgets_what_waits),
        HUB(test_watcher_that_is_not_registered_is_left_alone),
        HUB(test_removed_watcher_can_come_back),
        HUB(test_one_more_watcher_than_the_limit_is_refused),
        HUB(test_hub_for_nobody_refuses_everybody),
        HUB(test_close_ends_the_sessions_watchers_of_the_topic),
        HUB(test_close_ends_all_of_the_session),
        HUB(test_sessions_of_64_bits_are_told_apart),
        HUB(test_end_of_a_topic_ends_its_watchers_now),
        HUB(test_end_of_a_topic_leaves_those_alone_that_end),
        HUB(test_end_ends_everybody_after_what_waits),
        HUB(test_nobody_comes_after_the_end),
        HUB(test_many_topics_are_told_apart),
    };

    return cmocka_run_group_tests_name("hub", tests, NULL, NULL);
}
