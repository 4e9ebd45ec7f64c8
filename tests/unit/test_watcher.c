// SPDX-License-Identifier: Apache-2.0
//
// One watcher and its stream. What is offered and sent are letters, and what a
// stream did reads as a word: see fake_stream.h.

#include <string.h>

#include "support/test.h"

#include "fake_stream.h"

#define ALPHABET "abcdefghijklmnopqrstuvwxyz"

static void test_first_change_is_sent_at_once(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 4);
    stream_offer(&stream, "a");
    stream_expect(&stream, "a");
}

static void test_one_is_under_way_and_the_next_waits(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 4);
    stream_offer(&stream, "ab");
    stream_expect(&stream, "a");
    assert_true(stream_sent(&stream));
    stream_expect(&stream, "ab");
    assert_true(stream_sent(&stream));
    assert_false(stream_sent(&stream));
    stream_expect(&stream, "ab");
}

static void test_watcher_that_caught_up_is_sent_the_next_at_once(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 4);
    stream_offer(&stream, "abc");
    stream_drain(&stream);
    stream_offer(&stream, "d");
    stream_expect(&stream, "abcd");
    stream_drain(&stream);
}

static void test_changes_keep_their_order_however_they_mix(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 8);
    stream_offer(&stream, "abcde");
    assert_true(stream_sent(&stream));
    assert_true(stream_sent(&stream));
    stream_expect(&stream, "abc");
    // From here the ring runs over its end, and grows while it does.
    stream_offer(&stream, "fg");
    assert_true(stream_sent(&stream));
    stream_offer(&stream, "hijk");
    stream_expect(&stream, "abcd");
    stream_drain(&stream);
    stream_expect(&stream, "abcdefghijk");
}

static void test_full_backlog_keeps_everything(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 3);
    stream_offer(&stream, "abcd");
    stream_drain(&stream);
    stream_expect(&stream, "abcd");
}

static void test_overflow_collapses_into_the_newest(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 3);
    stream_offer(&stream, "abcde");
    assert_int_equal(letter_holders('b'), 0);
    assert_int_equal(letter_holders('c'), 0);
    assert_int_equal(letter_holders('d'), 0);
    assert_int_equal(letter_holders('e'), 1);
    stream_drain(&stream);
    stream_expect(&stream, "ae");
}

static void test_backlog_fills_anew_after_an_overflow(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 3);
    stream_offer(&stream, "abcdefg");
    assert_true(stream_sent(&stream));
    stream_expect(&stream, "ae");
    stream_offer(&stream, "h");
    stream_drain(&stream);
    stream_expect(&stream, "aefgh");
    stream_offer(&stream, "ijklm");
    stream_drain(&stream);
    stream_expect(&stream, "aefghim");
}

static void test_backlog_of_one_keeps_the_newest(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 1);
    stream_offer(&stream, "ab");
    assert_int_equal(letter_holders('b'), 1);
    stream_offer(&stream, "cd");
    stream_drain(&stream);
    stream_expect(&stream, "ad");
}

static void test_overflow_of_bytes_collapses_into_the_newest(void **state)
{
    struct stream stream;

    (void)state;
    stream_init_bounded(&stream, 1, (struct watch_backlog){100, 3});
    stream_offer(&stream, "abcd");
    assert_int_equal(letter_holders('b'), 1);
    stream_offer(&stream, "e");
    assert_int_equal(letter_holders('b'), 0);
    assert_int_equal(letter_holders('e'), 1);
    // From here on there is room for two again.
    stream_offer(&stream, "fg");
    stream_drain(&stream);
    stream_expect(&stream, "aefg");
}

static void test_bytes_that_were_sent_make_room(void **state)
{
    struct stream stream;

    (void)state;
    stream_init_bounded(&stream, 1, (struct watch_backlog){100, 3});
    stream_offer(&stream, "abcd");
    assert_true(stream_sent(&stream));
    stream_offer(&stream, "e");
    assert_true(stream_sent(&stream));
    assert_true(stream_sent(&stream));
    stream_offer(&stream, "fg");
    stream_drain(&stream);
    stream_expect(&stream, "abcdefg");
    stream_offer(&stream, "hijk");
    stream_drain(&stream);
    stream_expect(&stream, "abcdefghijk");
}

static void test_newest_may_wait_however_large_it_is(void **state)
{
    struct stream stream;
    struct payload *large = payload_create(1000);

    (void)state;
    assert_non_null(large);
    large->bytes[0] = 'z';
    stream_init_bounded(&stream, 1, (struct watch_backlog){100, 10});
    stream_offer(&stream, "abc");
    watcher_offer(&stream.watcher, large);
    assert_int_equal(letter_holders('b'), 0);
    assert_int_equal(atomic_load(&large->references), 2);
    // It is in the way of the next one, which is all that is kept then.
    stream_offer(&stream, "d");
    assert_int_equal(atomic_load(&large->references), 1);
    stream_offer(&stream, "ef");
    stream_drain(&stream);
    stream_expect(&stream, "adef");
    payload_unref(large);
}

// A watcher that is obviously right: what waits is a word.
struct naive {
    char log[STREAM_LOG_MAX];
    char waiting[STREAM_LOG_MAX];
    bool under_way;
};

static void naive_offer(struct naive *naive, char which, size_t waiting_max)
{
    const char word[2] = {which, '\0'};

    if (!naive->under_way) {
        naive->under_way = true;
        strcat(naive->log, word);
        return;
    }
    if (strlen(naive->waiting) == waiting_max) {
        naive->waiting[0] = '\0';
    }
    strcat(naive->waiting, word);
}

static void naive_sent(struct naive *naive)
{
    size_t waiting = strlen(naive->waiting);

    if (waiting == 0) {
        naive->under_way = false;
        return;
    }
    strncat(naive->log, naive->waiting, 1);
    memmove(naive->waiting, naive->waiting + 1, waiting);
}

// Offers `first` letters, lets `sent` of them out, offers the other letters of
// the alphabet, and lets all out.
static void check_backlog(uint32_t waiting_max, size_t first, size_t sent)
{
    struct naive naive = {.under_way = false};
    struct stream stream;

    stream_init(&stream, 1, waiting_max);
    for (size_t i = 0; i < strlen(ALPHABET); i++) {
        for (size_t j = 0; i == first && j < sent; j++) {
            if (naive.under_way) {
                naive_sent(&naive);
            }
            (void)stream_sent(&stream);
        }
        naive_offer(&naive, ALPHABET[i], waiting_max);
        watcher_offer(&stream.watcher, letter(ALPHABET[i]));
    }
    while (naive.under_way) {
        naive_sent(&naive);
    }
    stream_drain(&stream);
    stream_expect(&stream, naive.log);
    assert_int_equal(stream.log[stream.log_size - 1], 'z');
}

// Every size of the backlog, filled from every place in its ring.
static void test_last_change_arrives_whatever_overflows(void **state)
{
    (void)state;
    for (uint32_t waiting_max = 1; waiting_max <= 26; waiting_max++) {
        for (size_t first = 0; first <= 26; first++) {
            for (size_t sent = 0; sent <= first; sent++) {
                check_backlog(waiting_max, first, sent);
            }
        }
    }
}

static void test_watcher_keeps_no_more_than_its_backlog(void **state)
{
    struct stream stream;
    unsigned held;

    (void)state;
    stream_init(&stream, 1, 5);
    for (const char *next = ALPHABET; *next != '\0'; next++) {
        watcher_offer(&stream.watcher, letter(*next));
        held = 0;
        for (const char *all = ALPHABET; *all != '\0'; all++) {
            held += letter_holders(*all);
        }
        assert_true(held <= 5);
    }
    stream_drain(&stream);
}

static void test_watcher_that_keeps_up_holds_nothing(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 4);
    for (const char *next = ALPHABET; *next != '\0'; next++) {
        watcher_offer(&stream.watcher, letter(*next));
        assert_int_equal(letter_holders(*next), 0);
        assert_true(stream_sent(&stream));
    }
    stream_expect(&stream, ALPHABET);
}

static void test_idle_watcher_ends_at_once(void **state)
{
    struct stream streams[2];

    (void)state;
    stream_init(&streams[0], 1, 4);
    watcher_end(&streams[0].watcher, WATCH_CLOSED);
    stream_expect(&streams[0], ".");
    stream_init(&streams[1], 1, 4);
    stream_offer(&streams[1], "ab");
    stream_drain(&streams[1]);
    watcher_end(&streams[1].watcher, WATCH_SHUT_DOWN);
    stream_expect(&streams[1], "ab!");
}

static void test_watcher_ends_after_what_is_under_way(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 4);
    stream_offer(&stream, "a");
    watcher_end(&stream.watcher, WATCH_CLOSED);
    stream_expect(&stream, "a");
    assert_true(stream_sent(&stream));
    stream_expect(&stream, "a.");
}

static void test_watcher_ends_after_what_waits(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 2);
    stream_offer(&stream, "abcde");
    watcher_end(&stream.watcher, WATCH_SHUT_DOWN);
    assert_true(stream_sent(&stream));
    stream_expect(&stream, "ad");
    stream_drain(&stream);
    stream_expect(&stream, "ade!");
}

static void test_of_several_endings_the_first_counts(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 2);
    stream_offer(&stream, "ab");
    watcher_end(&stream.watcher, WATCH_CLOSED);
    watcher_end(&stream.watcher, WATCH_SHUT_DOWN);
    stream_drain(&stream);
    stream_expect(&stream, "ab.");
    watcher_end(&stream.watcher, WATCH_SHUT_DOWN);
    watcher_end(&stream.watcher, WATCH_CLOSED);
    stream_expect(&stream, "ab.");
}

static void test_idle_watcher_that_ends_now_ends_at_once(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 4);
    watcher_end_now(&stream.watcher, WATCH_CLOSED);
    stream_expect(&stream, ".");
    watcher_end_now(&stream.watcher, WATCH_SHUT_DOWN);
    stream_expect(&stream, ".");
}

static void test_watcher_that_ends_now_drops_what_waits(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 4);
    stream_offer(&stream, "abcd");
    watcher_end_now(&stream.watcher, WATCH_CLOSED);
    assert_int_equal(letter_holders('b'), 0);
    assert_int_equal(letter_holders('c'), 0);
    assert_int_equal(letter_holders('d'), 0);
    stream_offer(&stream, "e");
    // Not before what is under way is out.
    stream_expect(&stream, "a");
    assert_true(stream_sent(&stream));
    stream_expect(&stream, "a.");
}

static void test_watcher_that_ends_may_be_told_to_end_now(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 4);
    stream_offer(&stream, "abcd");
    watcher_end(&stream.watcher, WATCH_SHUT_DOWN);
    assert_true(stream_sent(&stream));
    watcher_end_now(&stream.watcher, WATCH_CLOSED);
    assert_true(stream_sent(&stream));
    stream_expect(&stream, "ab!");
    assert_false(stream_sent(&stream));
}

static void test_nothing_is_sent_that_is_offered_after_the_end(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 4);
    stream_offer(&stream, "ab");
    watcher_end(&stream.watcher, WATCH_CLOSED);
    stream_offer(&stream, "cd");
    stream_drain(&stream);
    stream_offer(&stream, "e");
    stream_expect(&stream, "ab.");
}

static void test_cleared_watcher_forgets_what_waits(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 4);
    stream_offer(&stream, "abcd");
    watcher_clear(&stream.watcher);
    stream_expect(&stream, "a");
    assert_int_equal(letter_holders('b'), 0);
    assert_int_equal(letter_holders('c'), 0);
    assert_int_equal(letter_holders('d'), 0);
}

static void test_cleared_watcher_forgets_its_ending(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 4);
    stream_offer(&stream, "ab");
    watcher_end(&stream.watcher, WATCH_CLOSED);
    watcher_clear(&stream.watcher);
    stream_expect(&stream, "a");
}

static void test_clearing_twice_or_an_idle_watcher_is_allowed(void **state)
{
    struct stream stream;

    (void)state;
    stream_init(&stream, 1, 4);
    watcher_clear(&stream.watcher);
    watcher_clear(&stream.watcher);
    stream_init(&stream, 1, 4);
    stream_offer(&stream, "abc");
    watcher_clear(&stream.watcher);
    watcher_clear(&stream.watcher);
    stream_expect(&stream, "a");
}

#define WATCHER(name)                                                          \
    cmocka_unit_test_setup_teardown(name, letters_setup, letters_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WATCHER(test_first_change_is_sent_at_once),
        WATCHER(test_one_is_under_way_and_the_next_waits),
        WATCHER(test_watcher_that_caught_up_is_sent_the_next_at_once),
        WATCHER(test_changes_keep_their_order_however_they_mix),
        WATCHER(test_full_backlog_keeps_everything),
        WATCHER(test_overflow_collapses_into_the_newest),
        WATCHER(test_backlog_fills_anew_after_an_overflow),
        WATCHER(test_backlog_of_one_keeps_the_newest),
        WATCHER(test_overflow_of_bytes_collapses_into_the_newest),
        WATCHER(test_bytes_that_were_sent_make_room),
        WATCHER(test_newest_may_wait_however_large_it_is),
        WATCHER(test_last_change_arrives_whatever_overflows),
        WATCHER(test_watcher_keeps_no_more_than_its_backlog),
        WATCHER(test_watcher_that_keeps_up_holds_nothing),
        WATCHER(test_idle_watcher_ends_at_once),
        WATCHER(test_watcher_ends_after_what_is_under_way),
        WATCHER(test_watcher_ends_after_what_waits),
        WATCHER(test_of_several_endings_the_first_counts),
        WATCHER(test_idle_watcher_that_ends_now_ends_at_once),
        WATCHER(test_watcher_that_ends_now_drops_what_waits),
        WATCHER(test_watcher_that_ends_may_be_told_to_end_now),
        WATCHER(test_nothing_is_sent_that_is_offered_after_the_end),
        WATCHER(test_cleared_watcher_forgets_what_waits),
        WATCHER(test_cleared_watcher_forgets_its_ending),
        WATCHER(test_clearing_twice_or_an_idle_watcher_is_allowed),
    };

    return cmocka_run_group_tests_name("watcher", tests, NULL, NULL);
}
