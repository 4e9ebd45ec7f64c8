// SPDX-License-Identifier: Apache-2.0
//
// Tells a collection of elections a story and reads where it led.
//
// A story is a list of commands: an operation, a candidate and `@` a session,
// in the election "x" unless another one is named before. What is left out is
// no candidate and session 1. A candidate that enters by a stream has `/` and
// its instance behind its name, and one with a time to live has `~`:
//
//     "enter a; enter b@2; enter c/i1@2; enter d~; y: enter a; close @2"
//
// A name reaches the core in memory of just its size that is gone right after
// the command, so that a sanitizer sees what reads too far or keeps it.

#ifndef TESTS_STORY_H
#define TESTS_STORY_H

#include "electd/election.h"
#include "text.h"

struct story {
    struct electd_elections *elections;
    // Of the last command.
    enum electd_status status;
    struct electd_outcome outcome;
};

// As setup and teardown of a cmocka test: an empty collection with room for
// everything, and the election "x".
int story_setup(void **state);
int story_teardown(void **state);

// Starts the story anew, without any election.
void story_restart(struct story *story, struct electd_limits limits);

// Tells the commands, each of which must be OK.
void tell(struct story *story, const char *commands);

// Tells one command, which must be refused with that status.
void tell_refused(struct story *story, const char *line,
                  enum electd_status status);

// Reads one command; its names are parts of the line.
void story_read(char *line, struct electd_command *command);

// One command, spelled out.
enum electd_status story_apply(struct story *story,
                               const struct electd_command *command);

// The election that the last command named is in this term, and this came of
// the command. The first is "term leader [queue]", with "-" for nobody; the
// second "reason rREVISION", "elected" if it did that, and "was LEADER" if
// somebody led before:
//
//     expect(story, "2 b [c]", "withdrawn r4 elected was a");
void expect(const struct story *story, const char *term, const char *outcome);

// Another election is in this term.
void expect_in(const struct story *story, const char *election,
               const char *term);

// The election of that name, or NULL.
const struct electd_election *story_find(const struct story *story,
                                         const char *name);

// Appends the term of an election: "term leader [queue]".
void story_add_term(const struct electd_election *election, struct text *text);

// Appends all that can be read of the collection.
void story_dump(const struct electd_elections *elections, struct text *text);

#endif
