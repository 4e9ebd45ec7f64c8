// SPDX-License-Identifier: Apache-2.0

#include "fake_stream.h"

#include <string.h>

#include "support/test.h"

#include "base/container_of.h"

#define LETTERS ('z' - 'a' + 1)

static struct payload *letters[LETTERS];

static void stream_log(struct stream *stream, char what)
{
    assert_true(stream->log_size + 1 < sizeof stream->log);
    stream->log[stream->log_size++] = what;
    stream->log[stream->log_size] = '\0';
}

static void stream_send(struct watcher *watcher, struct payload *payload)
{
    struct stream *stream = container_of(watcher, struct stream, watcher);

    assert_false(stream->sending);
    assert_false(stream->ended);
    assert_int_equal(payload->size, 1);
    stream->sending = true;
    stream_log(stream, (char)payload->bytes[0]);
}

static void stream_end(struct watcher *watcher, enum watch_ending ending)
{
    struct stream *stream = container_of(watcher, struct stream, watcher);

    assert_false(stream->sending);
    assert_false(stream->ended);
    stream->ended = true;
    switch (ending) {
    case WATCH_CLOSED:
        stream_log(stream, '.');
        return;
    case WATCH_SHUT_DOWN:
        stream_log(stream, '!');
        return;
    case WATCH_UNTOLD:
        stream_log(stream, '?');
        return;
    case WATCH_OPEN:
        break;
    }
    fail_msg("a stream cannot end as open");
}

void stream_init_bounded(struct stream *stream, uint64_t session,
                         struct watch_backlog backlog)
{
    static const struct watcher_sink sink = {stream_send, stream_end};

    // Whatever is not initialised shows.
    memset(stream, 0xa5, sizeof *stream);
    stream->log_size = 0;
    stream->log[0] = '\0';
    stream->sending = false;
    stream->ended = false;
    watcher_init(&stream->watcher, &sink, session, backlog);
}

void stream_init(struct stream *stream, uint64_t session, uint32_t waiting_max)
{
    stream_init_bounded(stream, session,
                        (struct watch_backlog){waiting_max, UINT32_MAX});
}

bool stream_sent(struct stream *stream)
{
    if (!stream->sending) {
        return false;
    }
    stream->sending = false;
    watcher_sent(&stream->watcher);
    return true;
}

void stream_drain(struct stream *stream)
{
    while (stream_sent(stream)) {
    }
}

void stream_expect(const struct stream *stream, const char *log)
{
    assert_string_equal(stream->log, log);
}

struct payload *letter(char which)
{
    struct payload **payload = &letters[which - 'a'];

    assert_true(which >= 'a' && which <= 'z');
    if (*payload == NULL) {
        *payload = payload_create(1);
        assert_non_null(*payload);
        (*payload)->bytes[0] = (uint8_t)which;
    }
    return *payload;
}

unsigned letter_holders(char which)
{
    return atomic_load(&letter(which)->references) - 1;
}

void stream_offer(struct stream *stream, const char *word)
{
    for (; *word != '\0'; word++) {
        watcher_offer(&stream->watcher, letter(*word));
    }
}

int letters_setup(void **state)
{
    (void)state;
    memset(letters, 0, sizeof letters);
    return 0;
}

int letters_teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < LETTERS; i++) {
        if (letters[i] != NULL) {
            assert_int_equal(atomic_load(&letters[i]->references), 1);
            payload_unref(letters[i]);
            letters[i] = NULL;
        }
    }
    return 0;
}
