// SPDX-License-Identifier: Apache-2.0
//
// What a Watch promises: it tells that it listens before anything else, then
// the current term if there was one, then every change once and in order, and
// nothing else.

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "fixture.h"
#include "support/story.h"

static void test_watch_of_term_0_opens_and_says_nothing(void **state)
{
    struct client *client = fixture_start(*state, NULL);
    struct stream *stream;

    tell(client, "Create a");
    // Waits for the initial metadata, with nothing behind it.
    stream = watch(client, "a");
    assert_null(story_next(stream, 0));
    tell(client, "Enter a n1");
    expect_next(stream, "1 n1 []");
}

static void test_watch_tells_the_current_term_at_once(void **state)
{
    struct client *client = fixture_start(*state, NULL);

    tell(client, "Create a; Enter a n1; Enter a n2");
    expect_next(watch(client, "a"), "1 n1 [n2]");
    tell(client, "Withdraw a n2; Withdraw a n1");
    // Also of a term that nobody leads any more.
    expect_next(watch(client, "a"), "1 - []");
}

static void test_every_kind_of_change_is_told(void **state)
{
    struct client *client = fixture_start(*state, NULL);
    struct stream *stream;

    tell(client, "Create a");
    stream = watch(client, "a");
    tell(client, "Enter a n1; Enter a n2; Enter a n3");
    expect_next(stream, "1 n1 []");
    expect_next(stream, "1 n1 [n2]");
    expect_next(stream, "1 n1 [n2 n3]");
    tell(client, "Promote a n3; Demote a n3; Anoint a n3; Promote a n1");
    expect_next(stream, "1 n1 [n3 n2]");
    expect_next(stream, "1 n1 [n2 n3]");
    expect_next(stream, "2 n3 [n1 n2]");
    expect_next(stream, "3 n1 [n3 n2]");
    tell(client, "Demote a n1; Withdraw a n3; Evict a n2");
    expect_next(stream, "4 n3 [n1 n2]");
    expect_next(stream, "5 n1 [n2]");
    expect_next(stream, "5 n1 []");
    // Losing the only leader is a change.
    tell(client, "Evict a n1");
    expect_next(stream, "5 - []");
    tell(client, "Enter a n4; Close a");
    expect_next(stream, "6 n4 []");
    expect_next(stream, "6 - []");
    expect_end(stream, "OK");
}

static void test_what_is_no_change_is_not_told(void **state)
{
    struct client *client = fixture_start(*state, NULL);
    struct client *other = fixture_connect(*state);
    struct stream *stream;

    tell(client, "Create a; Create b; Enter a n1; Enter a n2");
    stream = watch(client, "a");
    expect_next(stream, "1 n1 [n2]");
    tell(client, "Create a; LeaderElections/Create a; GetTerm a");
    tell(client, "Enter a n1; Enter a n2; Promote a n1; Demote a n2");
    tell(client, "Anoint a n1; Anoint a nobody; Promote a nobody");
    tell(client, "Demote a nobody; Withdraw a nobody; Evict a nobody");
    tell(other, "Close a; Enter b n1; Enter a n1");
    // Had one of these been told, it would come before this.
    tell(client, "Enter a n3");
    expect_next(stream, "1 n1 [n2 n3]");
}

static void test_watch_of_an_unknown_election_ends_with_not_found(void **state)
{
    struct client *client = fixture_start(*state, "--max-watchers=1");
    struct stream *stream;

    stream = watch_start(client, "x", CLIENT_DEADLINE_MS);
    expect_end(stream, "NOT_FOUND: election 'x' does not exist: call Create "
                       "first");
    // It did not take the place.
    tell(client, "Create x; Enter x n1");
    expect_next(watch(client, "x"), "1 n1 []");
}

#define READERS 3
#define STREAMS_OF_EACH 10
#define STEPS 200

// One call of eight candidates and five methods, as the number says.
static void make_line(char line[64], unsigned number)
{
    static const char *const methods[] = {"Enter", "Withdraw", "Anoint",
                                          "Promote", "Demote"};

    snprintf(line, 64, "%s a n%u", methods[number / 8 % 5], number % 8);
}

static void test_every_watcher_sees_every_change_once_in_order(void **state)
{
    struct client *client = fixture_start(*state, NULL);
    struct stream *streams[READERS * STREAMS_OF_EACH];
    unsigned changes = 0;
    uint32_t number = 1;
    char *before;
    char *after;
    char line[64];

    tell(client, "Create a");
    for (unsigned i = 0; i < READERS; i++) {
        struct client *reader = fixture_connect(*state);

        for (unsigned j = 0; j < STREAMS_OF_EACH; j++) {
            streams[i * STREAMS_OF_EACH + j] = watch(reader, "a");
        }
    }
    before = story_call(client, "GetTerm a");
    for (unsigned i = 0; i < STEPS; i++) {
        number = number * 1664525 + 1013904223;
        make_line(line, number >> 16);
        after = story_call(client, line);
        for (unsigned j = 0;
             strcmp(after, before) != 0 && j < READERS * STREAMS_OF_EACH; j++) {
            expect_next(streams[j], after);
        }
        changes += strcmp(after, before) != 0;
        free(before);
        before = after;
    }
    free(before);
    // There were both, and nothing is left over.
    assert_in_range(changes, STEPS / 4, STEPS - 10);
    tell(client, "Enter a last");
    after = story_call(client, "GetTerm a");
    for (unsigned j = 0; j < READERS * STREAMS_OF_EACH; j++) {
        expect_next(streams[j], after);
    }
    free(after);
}

#define BEGINNINGS 50

static void test_watch_that_begins_among_changes_misses_none(void **state)
{
    struct client *client = fixture_start(*state, NULL);
    struct client *reader = fixture_connect(*state);
    struct stream *stream;
    uint64_t term;
    char *told;
    char next[32];

    tell(client, "Create a; Enter a n1; Enter a n2");
    term = 1;
    for (unsigned i = 0; i < BEGINNINGS; i++) {
        stream = watch_start(reader, "a", CLIENT_DEADLINE_MS);
        tell(client, "Demote a n1; Demote a n2; Demote a n1; Demote a n2");
        term += 4;
        told = story_next(stream, CLIENT_DEADLINE_MS);
        assert_non_null(told);
        // Whichever it begins with, the others follow.
        for (uint64_t seen = strtoull(told, NULL, 10); seen != term;) {
            assert_in_range(seen, term - 4, term - 1);
            seen++;
            snprintf(next, sizeof next, "%u n%u [n%u]", (unsigned)seen,
                     seen % 2 == 1 ? 1 : 2, seen % 2 == 1 ? 2 : 1);
            expect_next(stream, next);
        }
        free(told);
        stream_release(stream);
    }
}

#define WRITERS 4
#define ROUNDS 100

struct writer {
    pthread_t thread;
    struct client *client;
    unsigned index;
    unsigned failures;
};

static void *write_changes(void *argument)
{
    struct writer *writer = argument;
    uint8_t buffer[STORY_REQUEST_SIZE_MAX];
    char name[8];
    int size = snprintf(name, sizeof name, "n%u", writer->index);
    struct client_bytes request =
        story_request(buffer, (struct client_bytes){"a", 1},
                      (struct client_bytes){name, (size_t)size});
    struct client_reply reply;

    for (unsigned i = 0; i < 2 * ROUNDS; i++) {
        client_call(writer->client,
                    i % 2 == 0 ? STORY_PATH("Enter") : STORY_PATH("Withdraw"),
                    request, CLIENT_DEADLINE_MS, &reply);
        writer->failures += reply.code != GRPC_STATUS_OK;
        client_reply_clear(&reply);
    }
    return NULL;
}

// Each step of each writer is a change, whatever the others do.
static void test_changes_of_many_writers_are_each_told_once(void **state)
{
    struct client *client = fixture_start(*state, "--watch-backlog=1000");
    struct writer writers[WRITERS];
    struct stream *stream;
    uint64_t term = 0;
    char *before = strdup("");
    char *told;

    tell(client, "Create a");
    stream = watch(client, "a");
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] =
            (struct writer){.client = fixture_connect(*state), .index = i};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_changes,
                                        &writers[i]),
                         0);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        assert_int_equal(writers[i].failures, 0);
    }
    for (unsigned i = 0; i < WRITERS * 2 * ROUNDS; i++) {
        told = story_next(stream, CLIENT_DEADLINE_MS);
        assert_non_null(told);
        assert_string_not_equal(told, before);
        assert_in_range(strtoull(told, NULL, 10), term, term + 1);
        term = strtoull(told, NULL, 10);
        free(before);
        before = told;
    }
    expect(client, "GetTerm a", before);
    free(before);
    tell(client, "Enter a last");
    told = story_call(client, "GetTerm a");
    expect_next(stream, told);
    free(told);
}

static void test_watcher_that_is_gone_gives_its_place_back(void **state)
{
    struct client *client = fixture_start(*state, "--max-watchers=1");
    struct client *other = fixture_connect(*state);
    struct stream *stream;

    tell(client, "Create a; Enter a n1");
    stream = watch(client, "a");
    expect_next(stream, "1 n1 []");
    expect_part(other, "Watch a", "RESOURCE_EXHAUSTED");
    stream_cancel(stream);
    // The words are gRPC's own.
    expect_text_part(story_next(stream, CLIENT_DEADLINE_MS), "CANCELLED");
    // Each of these takes the place, and cancels again.
    for (unsigned i = 0; i < 20; i++) {
        await_place(i % 2 == 0 ? client : other, "a");
    }
    await_place(client, "a");
}

static void test_connection_that_is_gone_gives_its_places_back(void **state)
{
    struct client *client = fixture_start(*state, "--max-watchers=1");
    struct client *other = fixture_connect(*state);

    tell(client, "Create a; Enter a n1");
    expect_next(watch(other, "a"), "1 n1 []");
    expect_part(client, "Watch a", "RESOURCE_EXHAUSTED");
    fixture_disconnect(*state, other);
    await_place(client, "a");
}

static void test_watcher_that_close_has_ended_gives_its_place_back(void **state)
{
    struct client *client = fixture_start(*state, "--max-watchers=1");
    struct client *other = fixture_connect(*state);
    struct stream *stream;

    tell(client, "Create a; Enter a n1");
    stream = watch(other, "a");
    expect_next(stream, "1 n1 []");
    expect_part(client, "Watch a", "RESOURCE_EXHAUSTED");
    tell(other, "Close a");
    expect_end(stream, "OK");
    await_place(client, "a");
}

static void test_watch_ends_at_its_deadline(void **state)
{
    struct client *client = fixture_start(*state, "--max-watchers=1");
    struct stream *stream;

    tell(client, "Create a; Enter a n1");
    stream = watch_start(client, "a", 300);
    assert_true(stream_await_open(stream, CLIENT_DEADLINE_MS));
    expect_next(stream, "1 n1 []");
    expect_text_part(story_next(stream, CLIENT_DEADLINE_MS),
                     "DEADLINE_EXCEEDED");
    await_place(client, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_watch_of_term_0_opens_and_says_nothing),
        OVER_BOTH(test_watch_tells_the_current_term_at_once),
        OVER_BOTH(test_every_kind_of_change_is_told),
        OVER_TCP(test_what_is_no_change_is_not_told),
        OVER_TCP(test_watch_of_an_unknown_election_ends_with_not_found),
        OVER_BOTH(test_every_watcher_sees_every_change_once_in_order),
        OVER_BOTH(test_watch_that_begins_among_changes_misses_none),
        OVER_BOTH(test_changes_of_many_writers_are_each_told_once),
        OVER_BOTH(test_watcher_that_is_gone_gives_its_place_back),
        OVER_BOTH(test_connection_that_is_gone_gives_its_places_back),
        OVER_BOTH(test_watcher_that_close_has_ended_gives_its_place_back),
        OVER_BOTH(test_watch_ends_at_its_deadline),
    };

    return fixture_run(tests);
}
