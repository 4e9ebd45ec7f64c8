// SPDX-License-Identifier: Apache-2.0
//
// A process that campaigns and is killed: its kernel closes the connection, and
// the next in line leads. candidacy.h says how to read expect_news().

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "fixture.h"
#include "patience.h"
#include "support/campaigner.h"
#include "support/candidacy.h"
#include "support/child_process.h"
#include "support/stopwatch.h"
#include "support/story.h"

#define LATE_MS_MAX 10000

// A process enters "n1", or "n0", "n1" and so on if there are to be several.
static void spawn(const struct fixture *fixture, struct child_process *process,
                  unsigned count, unsigned grace_ms)
{
    struct campaigner campaigner = {
        .listen = fixture->daemons[0].listen[0],
        .election = "a",
        .candidate = count > 1 ? "n" : "n1",
        .count = count,
        .grace_ms = grace_ms,
    };
    bool is_in;

    // Refused as long as the end of the one before was not noticed.
    do {
        is_in = campaigner_spawn(process, &campaigner);
    } while (!is_in);
}

static void test_leader_that_is_killed_is_followed_at_once(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *watching;
    struct stream *next;
    int64_t killed_ns;
    struct child_process leader;

    tell(client, "Create a");
    watching = watch(client, "a");
    spawn(*state, &leader, 1, 0);
    expect_next(watching, "1 n1 []");
    next = campaign(client, candidacy_of("a", "n2", NULL));
    expect_news(next, "CURRENT 1 n1 [n2] r2");
    killed_ns = stopwatch_ns();
    child_signal(&leader, SIGKILL);
    expect_news(next, "DISCONNECTED 2 n2 [] r3 was n1");
    print_message("# the next leads after %.1f ms\n",
                  stopwatch_ms_since(killed_ns));
    assert_true(stopwatch_ms_since(killed_ns) < LATE_MS_MAX);
    child_dispose(&leader);
    expect_next(watching, "1 n1 [n2]");
    expect_next(watching, "2 n2 []");
}

static void test_grace_is_kept_for_who_is_killed_too(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *watching;
    int64_t killed_ns;
    double lasted_ms;
    struct child_process leader;

    tell(client, "Create a");
    watching = watch(client, "a");
    spawn(*state, &leader, 1, 500);
    expect_next(watching, "1 n1 []");
    killed_ns = stopwatch_ns();
    child_dispose(&leader);
    expect_next(watching, "1 - []");
    lasted_ms = stopwatch_ms_since(killed_ns);
    assert_true(lasted_ms >= 500);
    assert_true(lasted_ms < 500 + LATE_MS_MAX);
}

// As a supervisor does that starts a program again.
static void test_process_that_is_started_again_keeps_its_place(void **state)
{
    struct client *client = fixture_start(*state, PATIENT);
    struct stream *watching;
    struct stream *next;
    struct child_process leader;

    tell(client, "Create a; Enter a first");
    watching = watch(client, "a");
    expect_next(watching, "1 first []");
    spawn(*state, &leader, 1, 600000);
    expect_next(watching, "1 first [n1]");
    tell(client, "Enter a n2");
    expect_next(watching, "1 first [n1 n2]");
    for (unsigned i = 0; i < 3; i++) {
        child_dispose(&leader);
        spawn(*state, &leader, 1, i < 2 ? 600000 : 0);
    }
    // The last one has no grace: it is its stream that keeps it in.
    next = campaign(client, candidacy_of("a", "n3", NULL));
    expect_news(next, "CURRENT 1 first [n1 n2 n3] r4");
    expect_next(watching, "1 first [n1 n2 n3]");
    assert_false(child_has_ended(&leader, 500));
    child_dispose(&leader);
    expect_next(watching, "1 first [n2 n3]");
}

#define MANY 200

// Reads a stream until so many wait, checking all that it tells.
static void read_until(struct stream *stream, struct candidacy_news news[2],
                       unsigned queue_count)
{
    while (news[0].queue_count != queue_count) {
        candidacy_read(stream, &news[1]);
        candidacy_check(&news[0], &news[1]);
        news[0] = news[1];
    }
}

static void test_many_candidates_of_a_killed_process_leave(void **state)
{
    static struct candidacy_news news[2];
    struct client *client =
        fixture_start(*state, PATIENT " --watch-backlog=1000");
    struct stream *stream;
    struct child_process leader;

    tell(client, "Create a");
    stream = campaign(client, candidacy_of("a", "observer", NULL));
    candidacy_read(stream, &news[0]);
    spawn(*state, &leader, MANY, 0);
    read_until(stream, news, MANY);
    // The observer goes to the end of the line, and each of them may lead.
    tell(client, "Enter a last");
    read_until(stream, news, MANY + 1);
    tell(client, "Withdraw a observer");
    candidacy_read(stream, &news[1]);
    candidacy_check(&news[0], &news[1]);
    assert_string_equal(news[1].reason, "WITHDRAWN");
    expect_news(stream, "ABORTED: the candidate was withdrawn by a call of "
                        "Withdraw");
    stream = campaign(client, candidacy_of("a", "observer", NULL));
    candidacy_read(stream, &news[0]);
    assert_int_equal(news[0].queue_count, MANY + 1);
    child_dispose(&leader);
    for (unsigned left = MANY; left > 0; left--) {
        candidacy_read(stream, &news[1]);
        candidacy_check(&news[0], &news[1]);
        assert_string_equal(news[1].reason, "DISCONNECTED");
        assert_int_equal(news[1].queue_count, left);
        news[0] = news[1];
    }
    assert_string_equal(news[0].leader, "last");
    assert_string_equal(news[0].queue[0], "observer");
    expect_no_news(stream);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(test_leader_that_is_killed_is_followed_at_once),
        OVER_TCP(test_grace_is_kept_for_who_is_killed_too),
        OVER_TCP(test_process_that_is_started_again_keeps_its_place),
        OVER_BOTH(test_many_candidates_of_a_killed_process_leave),
    };

    if (campaigner_is_asked_for(argc, argv)) {
        return campaigner_main(argc, argv);
    }
    return fixture_run(tests);
}
