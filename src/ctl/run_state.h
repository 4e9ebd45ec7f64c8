// SPDX-License-Identifier: Apache-2.0
//
// What `electctl run` decides: when its command starts, when it ends, and with
// what electctl exits. Pure: events go in, actions come out, and nothing else
// is known of clocks, processes or calls.
//
// The rule: the command starts only while this candidate leads and all is
// *quiet*, that is, when no earlier leader's command can be running any more.
// Each run tells for itself, from the changes that it sees. A leader that left
// by its lease (EXPIRED, DISCONNECTED) has ended its command: its grace is
// over, or it said so by leaving with none. Any other change of the leader, a
// change that was not seen, and whatever was before the first answer of a
// stream break the quiet, for as long as a leader that was cut off may take to
// end its command.
//
// Thread: any; nothing is kept but the struct, which is its owner's.

#ifndef CTL_RUN_STATE_H
#define CTL_RUN_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUN_ACTIONS_MAX 6
// How often a name that somebody else has is tried again: its stream may be
// one whose end the daemon has yet to notice.
#define RUN_NAME_TAKEN_MAX 8

// The numbers of electd.v1.Reason.
enum run_reason {
    RUN_REASON_UNSPECIFIED = 0,
    RUN_REASON_CURRENT = 1,
    RUN_REASON_ENTERED = 2,
    RUN_REASON_WITHDRAWN = 3,
    RUN_REASON_EVICTED = 4,
    RUN_REASON_ANOINTED = 5,
    RUN_REASON_PROMOTED = 6,
    RUN_REASON_DEMOTED = 7,
    RUN_REASON_CLOSED = 8,
    RUN_REASON_EXPIRED = 9,
    RUN_REASON_DISCONNECTED = 10,
};

enum run_event_kind {
    RUN_BEGUN,
    // The stream's first answer, or a change.
    RUN_ANSWERED,
    // The stream, or the attempt to open it, is over: `number` is gRPC's code.
    RUN_STREAM_OVER,
    // The pause that RUN_PAUSE asked for is over.
    RUN_PAUSE_OVER,
    // The time that RUN_AWAIT_QUIET asked for has passed.
    RUN_QUIET,
    // The command itself has ended; `number` is its exit code.
    RUN_COMMAND_ENDED,
    // Nothing is left of the command's process group.
    RUN_GROUP_GONE,
    // electctl was sent the signal `number`.
    RUN_SIGNALLED,
    // electctl was itself stopped or starved: what it knows is old.
    RUN_STALLED,
    // The warden has ended, and the group is being killed.
    RUN_WARDEN_LOST,
    // RUN_LEAVE is done, or has failed.
    RUN_LEFT,
};

struct run_event {
    enum run_event_kind kind;
    int number;
    // Of an answer.
    bool leads;
    uint64_t term;
    uint64_t revision;
    enum run_reason reason;
};

enum run_action_kind {
    // Open the stream.
    RUN_CONNECT,
    // Wait before the next attempt: a little longer each time in a row.
    RUN_PAUSE,
    // End the stream; RUN_STREAM_OVER follows.
    RUN_CANCEL,
    // Begin to wait, anew if it was begun already.
    RUN_AWAIT_QUIET,
    // Start the command in `term`.
    RUN_START,
    // Send the group the signal `number`, and SIGKILL after a while.
    RUN_END,
    // Send the group the signal `number`.
    RUN_PASS_ON,
    // Leave the election such that nobody has to wait out the grace.
    RUN_LEAVE,
    // Exit with the code `number`; what is open is closed. The last action.
    RUN_EXIT,
};

struct run_action {
    enum run_action_kind kind;
    int number;
    uint64_t term;
};

struct run_actions {
    size_t count;
    struct run_action array[RUN_ACTIONS_MAX];
};

enum run_stream {
    RUN_STREAM_NONE,
    RUN_STREAM_PAUSED,
    RUN_STREAM_OPENING,
    RUN_STREAM_IN,
    RUN_STREAM_CANCELLED,
};

enum run_group {
    RUN_GROUP_NONE,
    RUN_GROUP_RUNNING,
    RUN_GROUP_ENDING,
};

struct run_state {
    // Queue again after a loss, instead of exiting.
    bool retries;
    enum run_stream stream;
    enum run_group group;
    // What the last answer said.
    bool leads;
    uint64_t term;
    uint64_t revision;
    bool is_quiet;
    // Of the command that was started last.
    uint64_t command_term;
    // There was an answer, at some time.
    bool was_in;
    unsigned names_taken;
    // It is going to exit: when the group is gone, and it has left.
    bool is_finishing;
    int exit_code;
    // The command's exit code becomes electctl's.
    bool takes_code;
    bool is_leaving;
    bool has_exited;
};

void run_state_init(struct run_state *state, bool retries);

// Takes one event. Sets `*actions` to what is to be done, in order.
void run_state_step(struct run_state *state, const struct run_event *event,
                    struct run_actions *actions);

// These begin the end of the run; other signals are for the command alone.
bool run_state_is_ending_signal(int number);

#endif
