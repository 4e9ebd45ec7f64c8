// SPDX-License-Identifier: Apache-2.0
//
// Elections as a story: what is called, and what comes back, each as one text.
//
// A call is "Method election [candidate]". What comes back is the term as
// "term leader [queue]", with "-" for nobody; "OK" where an answer has no term;
// or the error as "CODE: text":
//
//     tell(client, "Create a; Enter a n1; Enter a n2");
//     expect(client, "GetTerm a", "1 n1 [n2]");
//     expect(client, "GetTerm b", "NOT_FOUND: election 'b' does not exist: "
//                                 "call Create first");
//
// A service other than LeaderElection stands before its method:
// "LeaderElections/Create a".

#ifndef SUPPORT_STORY_H
#define SUPPORT_STORY_H

#include "support/client.h"

// Of a request by hand.
#define STORY_REQUEST_SIZE_MAX 1024

// One call, and all that came back.
void expect(struct client *client, const char *line, const char *reply);

// The same, of which the reply's text only has to hold a part.
void expect_part(struct client *client, const char *line, const char *part);

// Calls, each of which must be OK.
void tell(struct client *client, const char *lines);

// One call; returns the reply, owned.
char *story_call(struct client *client, const char *text);

// Opens a Watch and waits for its initial metadata, which means that it hears
// every change from here on.
struct stream *watch(struct client *client, const char *election);

// The same without waiting.
struct stream *watch_start(struct client *client, const char *election,
                           unsigned deadline_ms);

// Opens a Watch again and again until it is not refused for want of a place,
// and cancels it then: whoever had the place is gone. The election has a term.
void await_place(struct client *client, const char *election);

// The stream's next message, as a term.
void expect_next(struct stream *stream, const char *term);

// The stream has no more messages, and ended so: "OK", "CODE", "CODE: text".
void expect_end(struct stream *stream, const char *reply);

// The next message, or the end, as text, owned; NULL at the deadline.
char *story_next(struct stream *stream, unsigned deadline_ms);

// What a story says of a reply, owned.
char *story_reply(const struct client_reply *reply);

// A request of any names, by hand: these may hold what protobuf-c would not
// send. NULL bytes leave the field out. The result points into the buffer.
struct client_bytes story_request(uint8_t buffer[STORY_REQUEST_SIZE_MAX],
                                  struct client_bytes election,
                                  struct client_bytes candidate);

// "/atomix.runtime.election.v1.LeaderElection/Method".
#define STORY_PATH(method) "/atomix.runtime.election.v1.LeaderElection/" method

// Calls a method with bytes of one's own.
void expect_raw(struct client *client, const char *path,
                struct client_bytes request, const char *reply);

// The same; returns what is told of the reply, owned.
char *story_call_raw(struct client *client, const char *path,
                     struct client_bytes request);

// Frees the text, which must hold a part.
void expect_text_part(char *text, const char *part);

#endif
