// SPDX-License-Identifier: Apache-2.0
//
// Asks the daemon, for as long as a stream is open, whether its candidate may
// act as the leader, and until when: one Confirm after the other.
//
// Pings of HTTP/2 tell less: they cover one hop, and a proxy answers them.
//
// Thread: the loop's. No callback runs inside the call that caused it.

#ifndef CTL_RUN_RUN_CONFIRM_H
#define CTL_RUN_RUN_CONFIRM_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "ctl/client.h"
#include "ctl/request.h"
#include "ctl/run/times.h"

// A longer id of a life is cut, and no Confirm is of it: daemons have shorter
// ones.
#define RUN_CONFIRM_LIFE_SIZE 128

struct run_confirm;

enum run_confirm_news {
    // The instance leads in `term`, and may act until `until_ms` of
    // boot_clock_ms().
    RUN_CONFIRM_LEADS,
    // It does not lead in `term`.
    RUN_CONFIRM_NOT,
    // A Confirm failed with `code` and `message`. Another one follows.
    RUN_CONFIRM_FAILED,
    // It leads, but may not act for long enough. Another one follows.
    RUN_CONFIRM_SHORT,
    // They have failed for too long.
    RUN_CONFIRM_SILENT,
    // The answer is from another life of the daemon.
    RUN_CONFIRM_OTHER_LIFE,
    // The daemon does not know the call.
    RUN_CONFIRM_UNKNOWN,
};

struct run_confirm_result {
    enum run_confirm_news news;
    uint64_t term;
    uint64_t until_ms;
    int code;
    // Borrowed.
    const char *message;
};

typedef void run_confirm_cb(struct run_confirm *confirm,
                            const struct run_confirm_result *result);

// Borrowed.
struct run_confirm_options {
    struct client *client;
    const char *election;
    const char *candidate;
    const char *instance;
    const struct run_times *times;
    // How long the first answer of a stream may take; 0 is for ever.
    uint64_t opening_ms;
};

struct run_confirm {
    struct run_confirm_options options;
    run_confirm_cb *result_cb;
    uv_timer_t timer;
    struct request request;
    struct client_call call;
    bool is_open;
    // Of the stream's last answer; there was none yet if the life is empty.
    char life[RUN_CONFIRM_LIFE_SIZE];
    uint64_t term;
    // To which a Confirm was sent, and is over.
    char known_life[RUN_CONFIRM_LIFE_SIZE];
    // The call under way, and whether its stream is over.
    bool is_asking;
    bool is_stale;
    bool is_due;
    uint64_t asked_term;
    uint64_t sent_ms;
    // When the stream was opened, or a Confirm was answered last.
    uint64_t heard_ms;
};

// Borrows the loop. Nothing of this can fail.
void run_confirm_init(struct run_confirm *confirm, uv_loop_t *loop,
                      const struct run_confirm_options *options,
                      run_confirm_cb *result_cb);

// A stream is being opened.
void run_confirm_open(struct run_confirm *confirm);

// The stream has answered. A term that is new is asked about at once.
void run_confirm_hear(struct run_confirm *confirm, const char *life,
                      uint64_t term);

// The stream is over. What is still answered does not count.
void run_confirm_stop(struct run_confirm *confirm);

// Closes the timer; the call is the client's to cancel.
void run_confirm_close(struct run_confirm *confirm);

#endif
