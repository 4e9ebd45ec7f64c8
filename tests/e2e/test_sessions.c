// SPDX-License-Identifier: Apache-2.0
//
// A session is one connection: what Close withdraws, and whose watchers it
// ends. Over a Unix socket all clients have the same address, and are sessions
// of their own all the same.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "fixture.h"
#include "support/story.h"

static void test_close_withdraws_the_candidates_of_its_connection(void **state)
{
    struct client *one = fixture_start(*state, NULL);
    struct client *two = fixture_connect(*state);

    tell(one, "Create a; Enter a n1; Enter a n2");
    tell(two, "Enter a n3; Enter a n4");
    tell(one, "Enter a n5");
    expect(one, "GetTerm a", "1 n1 [n2 n3 n4 n5]");
    tell(two, "Close a");
    expect(two, "GetTerm a", "1 n1 [n2 n5]");
    // There is nothing left that it could withdraw.
    tell(two, "Close a");
    expect(two, "GetTerm a", "1 n1 [n2 n5]");
    tell(one, "LeaderElections/Close a");
    expect(two, "GetTerm a", "1 - []");
}

static void test_close_acts_in_the_named_election_alone(void **state)
{
    struct client *client = fixture_start(*state, NULL);

    tell(client, "Create a; Create b; Enter a n1; Enter b n1; Enter b n2");
    tell(client, "Close a");
    expect(client, "GetTerm a", "1 - []");
    expect(client, "GetTerm b", "1 n1 [n2]");
}

static void test_many_connections_are_as_many_sessions(void **state)
{
    struct client *clients[8];
    char line[32];

    clients[0] = fixture_start(*state, NULL);
    tell(clients[0], "Create a; Enter a n0");
    for (int i = 1; i < 8; i++) {
        clients[i] = fixture_connect(*state);
        snprintf(line, sizeof line, "Enter a n%d", i);
        tell(clients[i], line);
    }
    expect(clients[0], "GetTerm a", "1 n0 [n1 n2 n3 n4 n5 n6 n7]");
    for (int i = 7; i > 1; i--) {
        tell(clients[i], "Close a");
    }
    expect(clients[0], "GetTerm a", "1 n0 [n1]");
    tell(clients[0], "Close a");
    expect(clients[0], "GetTerm a", "2 n1 []");
}

static void test_entering_again_binds_to_the_new_connection(void **state)
{
    struct client *one = fixture_start(*state, NULL);
    struct client *two = fixture_connect(*state);

    tell(one, "Create a; Enter a n1; Enter a n2");
    expect(two, "Enter a n1", "1 n1 [n2]");
    tell(one, "Close a");
    expect(one, "GetTerm a", "1 n1 []");
    tell(two, "Close a");
    expect(one, "GetTerm a", "1 - []");
}

static void test_anybody_may_withdraw_anybody(void **state)
{
    struct client *one = fixture_start(*state, NULL);
    struct client *two = fixture_connect(*state);

    tell(one, "Create a; Enter a n1; Enter a n2; Enter a n3");
    expect(two, "Withdraw a n1", "2 n2 [n3]");
    expect(two, "Evict a n3", "2 n2 []");
    expect(two, "Anoint a n2", "2 n2 []");
}

static void test_connection_that_went_away_leaves_its_candidates(void **state)
{
    struct client *one = fixture_start(*state, "--max-watchers=1");
    struct client *two = fixture_connect(*state);

    tell(one, "Create a; Enter a n1; Enter a n2");
    watch(one, "a");
    tell(two, "Enter a n3");
    fixture_disconnect(*state, one);
    // The daemon has noticed when there is a place for a watcher.
    await_place(two, "a");
    expect(two, "GetTerm a", "1 n1 [n2 n3]");
    tell(two, "Close a");
    expect(two, "GetTerm a", "1 n1 [n2]");
    expect(two, "Withdraw a n1", "2 n2 []");
}

#define GONE 30

// A connection may find itself where one that is gone was in memory.
static void
test_new_connection_inherits_nobody_from_one_that_is_gone(void **state)
{
    struct client *client = fixture_start(*state, NULL);
    struct client *other;
    char line[32];
    char *before;

    tell(client, "Create a");
    for (int i = 0; i < GONE; i++) {
        other = fixture_connect(*state);
        snprintf(line, sizeof line, "Enter a n%d", i);
        tell(other, line);
        fixture_disconnect(*state, other);
    }
    before = story_call(client, "GetTerm a");
    for (int i = 0; i < GONE; i++) {
        tell(fixture_connect(*state), "Close a");
    }
    expect(client, "GetTerm a", before);
    free(before);
}

static void test_close_ends_its_own_watchers_after_the_change(void **state)
{
    struct client *one = fixture_start(*state, NULL);
    struct client *two = fixture_connect(*state);
    struct stream *first;
    struct stream *second;
    struct stream *other;

    tell(one, "Create a; Enter a n1");
    tell(two, "Enter a n2");
    tell(one, "Enter a n3");
    first = watch(one, "a");
    second = watch(one, "a");
    other = watch(two, "a");
    expect_next(first, "1 n1 [n2 n3]");
    expect_next(second, "1 n1 [n2 n3]");
    expect_next(other, "1 n1 [n2 n3]");
    tell(one, "Close a");
    // Both candidates left in one change.
    expect_next(first, "2 n2 []");
    expect_end(first, "OK");
    expect_next(second, "2 n2 []");
    expect_end(second, "OK");
    expect_next(other, "2 n2 []");
    tell(one, "Enter a n4");
    expect_next(other, "2 n2 [n4]");
}

static void test_close_without_candidates_ends_its_own_watchers(void **state)
{
    struct client *one = fixture_start(*state, NULL);
    struct client *two = fixture_connect(*state);
    struct stream *own;
    struct stream *other;

    tell(one, "Create a");
    tell(two, "Enter a n1");
    own = watch(one, "a");
    other = watch(two, "a");
    expect_next(own, "1 n1 []");
    expect_next(other, "1 n1 []");
    tell(one, "LeaderElections/Close a");
    expect_end(own, "OK");
    tell(two, "Withdraw a n1");
    expect_next(other, "1 - []");
    // A session that has closed goes on as any other.
    own = watch(one, "a");
    expect_next(own, "1 - []");
    tell(one, "Enter a n2");
    expect_next(own, "2 n2 []");
    expect_next(other, "2 n2 []");
}

static void test_close_leaves_watchers_of_other_elections_alone(void **state)
{
    struct client *client = fixture_start(*state, NULL);
    struct stream *stream;

    tell(client, "Create a; Create b; Enter a n1; Enter b n1");
    stream = watch(client, "b");
    expect_next(stream, "1 n1 []");
    tell(client, "Close a; Enter b n2");
    expect_next(stream, "1 n1 [n2]");
    tell(client, "Close b");
    expect_next(stream, "1 - []");
    expect_end(stream, "OK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_close_withdraws_the_candidates_of_its_connection),
        OVER_TCP(test_close_acts_in_the_named_election_alone),
        OVER_BOTH(test_many_connections_are_as_many_sessions),
        OVER_BOTH(test_entering_again_binds_to_the_new_connection),
        OVER_TCP(test_anybody_may_withdraw_anybody),
        OVER_BOTH(test_connection_that_went_away_leaves_its_candidates),
        OVER_BOTH(test_new_connection_inherits_nobody_from_one_that_is_gone),
        OVER_BOTH(test_close_ends_its_own_watchers_after_the_change),
        OVER_BOTH(test_close_without_candidates_ends_its_own_watchers),
        OVER_TCP(test_close_leaves_watchers_of_other_elections_alone),
    };

    return fixture_run(tests);
}
