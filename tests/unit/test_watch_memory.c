// SPDX-License-Identifier: Apache-2.0
//
// The watch room without memory: a watcher that cannot let more wait collapses
// what waits into the newest, and a hub that cannot register says so. Also who
// needs memory at all, and that all of it comes back. The room is compiled
// into this test, as failing_alloc.h explains.

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "fake_stream.h"

#include "failing_alloc_on.h"

#include "base/payload.c"
#include "watch/hub.c"
#include "watch/watcher.c"

static int memory_setup(void **state)
{
    assert_int_equal(failing_alloc_live(), 0);
    return letters_setup(state);
}

static int memory_teardown(void **state)
{
    int result = letters_teardown(state);

    assert_int_equal(failing_alloc_live(), 0);
    return result;
}

// Makes the letters, so that they need no memory later.
static void make_letters(const char *letters)
{
    for (; *letters != '\0'; letters++) {
        (void)letter(*letters);
    }
}

static void test_watcher_that_keeps_up_needs_no_memory(void **state)
{
    struct stream stream;

    (void)state;
    make_letters("abcdef");
    failing_alloc_arm_all();
    stream_init(&stream, 1, 8);
    stream_offer(&stream, "a");
    assert_true(stream_sent(&stream));
    // One under way and one that waits is still keeping up.
    stream_offer(&stream, "bc");
    assert_true(stream_sent(&stream));
    stream_offer(&stream, "d");
    assert_true(stream_sent(&stream));
    stream_offer(&stream, "e");
    stream_drain(&stream);
    watcher_end(&stream.watcher, WATCH_CLOSED);
    assert_false(failing_alloc_disarm());
    stream_expect(&stream, "abcde.");
}

static void test_backlog_that_cannot_grow_collapses(void **state)
{
    struct stream stream;

    (void)state;
    make_letters("abcdefgh");
    stream_init(&stream, 1, 100);
    stream_offer(&stream, "ab");
    failing_alloc_arm_all();
    stream_offer(&stream, "cd");
    assert_true(failing_alloc_disarm());
    stream_drain(&stream);
    stream_expect(&stream, "ad");
    stream_offer(&stream, "efgh");
    stream_drain(&stream);
    stream_expect(&stream, "adefgh");
}

static void test_backlog_that_cannot_grow_further_collapses(void **state)
{
    struct stream stream;

    (void)state;
    make_letters("abcdefghij");
    stream_init(&stream, 1, 100);
    stream_offer(&stream, "abcd");
    assert_true(stream_sent(&stream));
    failing_alloc_arm_all();
    stream_offer(&stream, "efghi");
    assert_true(failing_alloc_disarm());
    stream_offer(&stream, "j");
    stream_drain(&stream);
    stream_expect(&stream, "abij");
}

static void test_watcher_that_caught_up_gives_its_backlog_back(void **state)
{
    struct stream stream;
    size_t live;

    (void)state;
    make_letters("abcdefgh");
    live = failing_alloc_live();
    stream_init(&stream, 1, 100);
    stream_offer(&stream, "abcdefgh");
    assert_int_equal(failing_alloc_live(), live + 1);
    stream_drain(&stream);
    assert_int_equal(failing_alloc_live(), live);
    stream_expect(&stream, "abcdefgh");
}

static void test_watcher_that_overflowed_gives_its_backlog_back(void **state)
{
    struct stream stream;
    size_t live;

    (void)state;
    make_letters("abcdefgh");
    live = failing_alloc_live();
    stream_init(&stream, 1, 6);
    stream_offer(&stream, "abcdefgh");
    assert_int_equal(failing_alloc_live(), live);
    stream_drain(&stream);
    stream_expect(&stream, "ah");
}

static void test_cleared_watcher_gives_its_backlog_back(void **state)
{
    struct stream stream;
    size_t live;

    (void)state;
    make_letters("abcd");
    live = failing_alloc_live();
    stream_init(&stream, 1, 100);
    stream_offer(&stream, "abcd");
    watcher_clear(&stream.watcher);
    assert_int_equal(failing_alloc_live(), live);
}

// Fails the first, second, ... allocation until the watcher is registered.
static unsigned add_without_memory(struct watch_hub *hub, uint64_t topic,
                                   struct stream *stream)
{
    uint32_t watchers = hub->watchers;
    size_t live = failing_alloc_live();
    enum electd_status status;
    unsigned nth = 1;

    for (;;) {
        failing_alloc_arm(nth);
        status = watch_hub_add(hub, topic, &stream->watcher);
        if (!failing_alloc_disarm()) {
            assert_int_equal(status, ELECTD_OK);
            return nth - 1;
        }
        assert_int_equal(status, ELECTD_NO_MEMORY);
        assert_int_equal(hub->watchers, watchers);
        assert_int_equal(failing_alloc_live(), live);
        assert_false(watch_hub_has(hub, topic));
        watch_hub_remove(&stream->watcher);
        nth++;
    }
}

static void test_hub_without_memory_registers_nobody(void **state)
{
    struct stream streams[3];
    struct watch_hub hub;

    (void)state;
    watch_hub_init(&hub, 3);
    for (size_t i = 0; i < 3; i++) {
        stream_init(&streams[i], 1, 2);
    }
    // The topic, the table and its buckets; then a topic; then nothing.
    assert_int_equal(add_without_memory(&hub, 7, &streams[0]), 3);
    assert_int_equal(add_without_memory(&hub, 8, &streams[1]), 1);
    assert_int_equal(add_without_memory(&hub, 7, &streams[2]), 0);
    watch_hub_publish(&hub, 7, letter('a'));
    watch_hub_publish(&hub, 8, letter('b'));
    stream_expect(&streams[0], "a");
    stream_expect(&streams[1], "b");
    stream_expect(&streams[2], "a");
    for (size_t i = 0; i < 3; i++) {
        watch_hub_remove(&streams[i].watcher);
    }
}

static void test_hub_that_cannot_grow_stays_whole(void **state)
{
    static struct stream many[700];
    struct watch_hub hub;
    unsigned grown = 0;

    (void)state;
    watch_hub_init(&hub, 700);
    for (size_t i = 0; i < 700; i++) {
        stream_init(&many[i], 1, 2);
        grown += add_without_memory(&hub, i, &many[i]) > 1;
    }
    // The first made the table.
    assert_true(grown > 1);
    for (size_t i = 0; i < 700; i++) {
        watch_hub_publish(&hub, i, letter('a'));
        stream_expect(&many[i], "a");
        watch_hub_remove(&many[i].watcher);
    }
}

static void test_publishing_to_those_who_keep_up_needs_no_memory(void **state)
{
    struct stream streams[2];
    struct watch_hub hub;

    (void)state;
    make_letters("ab");
    watch_hub_init(&hub, 2);
    for (size_t i = 0; i < 2; i++) {
        stream_init(&streams[i], 1, 2);
        assert_int_equal(watch_hub_add(&hub, 7, &streams[i].watcher),
                         ELECTD_OK);
    }
    failing_alloc_arm_all();
    watch_hub_publish(&hub, 7, letter('a'));
    watch_hub_publish(&hub, 7, letter('b'));
    watch_hub_close_session(&hub, 7, 1);
    watch_hub_end(&hub);
    assert_false(failing_alloc_disarm());
    for (size_t i = 0; i < 2; i++) {
        stream_drain(&streams[i]);
        stream_expect(&streams[i], "ab.");
        watch_hub_remove(&streams[i].watcher);
    }
}

#define MEMORY(name)                                                           \
    cmocka_unit_test_setup_teardown(name, memory_setup, memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY(test_watcher_that_keeps_up_needs_no_memory),
        MEMORY(test_backlog_that_cannot_grow_collapses),
        MEMORY(test_backlog_that_cannot_grow_further_collapses),
        MEMORY(test_watcher_that_caught_up_gives_its_backlog_back),
        MEMORY(test_watcher_that_overflowed_gives_its_backlog_back),
        MEMORY(test_cleared_watcher_gives_its_backlog_back),
        MEMORY(test_hub_without_memory_registers_nobody),
        MEMORY(test_hub_that_cannot_grow_stays_whole),
        MEMORY(test_publishing_to_those_who_keep_up_needs_no_memory),
    };

    return cmocka_run_group_tests_name("watch without memory", tests, NULL,
                                       NULL);
}
