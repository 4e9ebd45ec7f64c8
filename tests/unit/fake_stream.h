// SPDX-License-Identifier: Apache-2.0
//
// A stream that writes down what its watcher sends, and payloads of one letter
// each to send. A payload "a" that is sent appears as `a` in the log, the end
// of the stream as `.` when its session closed the election, as `!` when the
// daemon shuts down, and as `?` when a change could not be told:
//
//     stream_expect(stream, "abc.")

#ifndef TESTS_FAKE_STREAM_H
#define TESTS_FAKE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/payload.h"
#include "watch/watcher.h"

#define STREAM_LOG_MAX 128

struct stream {
    struct watcher watcher;
    size_t log_size;
    char log[STREAM_LOG_MAX];
    // Something is under way, as the stream sees it.
    bool sending;
    bool ended;
};

void stream_init(struct stream *stream, uint64_t session, uint32_t waiting_max);

// The same, bounded in bytes too: a letter is one.
void stream_init_bounded(struct stream *stream, uint64_t session,
                         struct watch_backlog backlog);

// What is under way is out. False if nothing was.
bool stream_sent(struct stream *stream);

// What is under way is out, and so is all that comes after it.
void stream_drain(struct stream *stream);

void stream_expect(const struct stream *stream, const char *log);

// The payload of a letter, from `a` to `z`; borrowed.
struct payload *letter(char which);

// How many hold the letter's payload, the one who asks not counted.
unsigned letter_holders(char which);

// Offers the letters of the word, in order.
void stream_offer(struct stream *stream, const char *word);

// As setup and teardown of a test: in the end nobody holds a letter.
int letters_setup(void **state);
int letters_teardown(void **state);

#endif
