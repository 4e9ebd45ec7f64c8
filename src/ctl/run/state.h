// SPDX-License-Identifier: Apache-2.0
//
// What `electctl run` decides: when its command starts, when it ends, and with
// what electctl exits. Pure: events go in, actions come out, and nothing else
// is known of clocks, processes or calls.
//
// The rule: the command starts only while this candidate leads, the daemon has
// confirmed that for long enough, and all is *quiet*: no earlier leader's
// command can be running any more. How long one may is what the daemon says of
// its promises (`earlier_leader_until`). When the daemon does not know, each
// run tells for itself, from the changes that it sees. A leader that left by
// its lease (EXPIRED, DISCONNECTED) has ended its command: its grace is over,
// or it said so by leaving with none. Any other change of the leader, one that
// was not seen, and whatever was before the first answer of a stream break the
// quiet for the start delay.
//
// An instance runs one command: when that is over, this instance leaves, and
// whoever queues again is another. So no command starts twice in one term, and
// the daemon hears that the command is over, and keeps nobody waiting for it.
//
//      SEEKING -> HOLDING -> FINISHING -> LEAVING -> EXITED
//
// Any phase may be left out, and none comes back.
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
// So many streams in a row may be given up as unconfirmed before it makes way:
// one may be a daemon that was busy.
#define RUN_UNCONFIRMED_MAX 1

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
    RUN_REASON_REPLACED = 11,
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
    // The daemon has confirmed that this instance leads in `term`, and may act
    // until `until_ms`.
    RUN_CONFIRMED,
    // The daemon has answered that this instance does not lead in `term`.
    RUN_DENIED,
    // No Confirm was answered for too long, or another life of the daemon
    // answers: the stream is worth nothing.
    RUN_UNCONFIRMED,
    // The daemon has no Confirm.
    RUN_TOO_OLD,
    // The command itself has ended; `number` is its exit code.
    RUN_COMMAND_ENDED,
    // Nothing is left of the command's process group.
    RUN_GROUP_GONE,
    // The warden is ending the group: it was not confirmed in time.
    RUN_OVERDUE,
    // The warden has ended, and the group is being killed.
    RUN_WARDEN_LOST,
    // electctl was sent the signal `number`.
    RUN_SIGNALLED,
    // RUN_LEAVE is done (`number` is 0), or has failed with gRPC's code.
    RUN_LEFT,
    // Whoever does not lead by now does not wait for it any longer.
    RUN_WAIT_OVER,
    // The time that RUN_AWAIT_HOLD asked for has passed.
    RUN_HOLD_OVER,
};

struct run_event {
    enum run_event_kind kind;
    int number;
    // When it happened. All points in time are of one clock.
    uint64_t now_ms;
    // Of an answer, and the term also of a Confirm.
    uint64_t term;
    uint64_t revision;
    enum run_reason reason;
    bool leads;
    // The daemon knows what earlier leaders were promised: that long from now.
    bool is_earlier_known;
    uint64_t earlier_ms;
    // Of a Confirm.
    uint64_t until_ms;
};

enum run_action_kind {
    // Open the stream.
    RUN_CONNECT,
    // Take a new instance.
    RUN_RENEW,
    // Wait before the next attempt: a little longer each time in a row.
    RUN_PAUSE,
    // Wait for `time_ms` before the next attempt.
    RUN_STAND_BACK,
    // End the stream; RUN_STREAM_OVER follows.
    RUN_CANCEL,
    // Wait for `time_ms`, anew if there was a wait already.
    RUN_AWAIT_QUIET,
    // Start the command in `term`; it may run until `time_ms`.
    RUN_START,
    // The command may run until `time_ms`.
    RUN_EXTEND,
    // Send the group the signal `number`, and SIGKILL after a while.
    RUN_END,
    // Send the group the signal `number`.
    RUN_PASS_ON,
    // Leave the election such that nobody has to wait out the grace. RUN_LEFT
    // follows.
    RUN_LEAVE,
    // Hold the leadership for `time_ms`.
    RUN_AWAIT_HOLD,
    // Exit with the code `number`; what is open is closed. The last action.
    RUN_EXIT,
};

struct run_action {
    enum run_action_kind kind;
    int number;
    uint64_t term;
    uint64_t time_ms;
};

struct run_actions {
    size_t count;
    struct run_action array[RUN_ACTIONS_MAX];
};

enum run_phase {
    // It wants to lead and to run its command, or runs it.
    RUN_SEEKING,
    // Its command has succeeded, and it keeps the leadership for a while.
    RUN_HOLDING,
    // It is going to exit, when the group is gone, and it has left.
    RUN_FINISHING,
    RUN_LEAVING,
    RUN_EXITED,
};

enum run_stream {
    RUN_STREAM_NONE,
    RUN_STREAM_PAUSED,
    RUN_STREAM_OPENING,
    RUN_STREAM_IN,
    RUN_STREAM_CANCELLED,
    // There is none, and the instance before is leaving.
    RUN_STREAM_LEAVING,
};

enum run_group {
    RUN_GROUP_NONE,
    RUN_GROUP_RUNNING,
    RUN_GROUP_ENDING,
};

struct run_rules {
    // Queue again after a loss, instead of exiting.
    bool retries;
    // Do not wait for the leadership at all.
    bool never_waits;
    uint64_t start_delay_ms;
    // Start only if the command may run for at least that long.
    uint64_t start_room_ms;
    // The daemon gives the place to somebody else within that time after the
    // stream.
    uint64_t stand_back_ms;
    // 0: do not hold.
    uint64_t hold_ms;
};

struct run_state {
    struct run_rules rules;
    enum run_phase phase;
    enum run_stream stream;
    enum run_group group;
    // What the last answer said; not `leads` once the stream is over.
    bool leads;
    bool is_earlier_known;
    uint64_t term;
    uint64_t revision;
    bool is_quiet;
    // In this term, by this stream; 0 is not at all.
    uint64_t until_ms;
    // The stream says that it leads in this term, and a Confirm that it does
    // not; nothing was started since.
    bool is_denied;
    // Of the command that was started last.
    uint64_t command_term;
    // A command was started by this instance, which has not left yet.
    bool is_used;
    // There was an answer, at some time, and the last one named another leader.
    bool was_in;
    bool other_led;
    int last_code;
    unsigned names_taken;
    // Streams that were given up in a row, without a Confirm that counts.
    unsigned unconfirmed;
    // It may lead, but cannot hear that it does, and lets its place lapse.
    bool makes_way;
    // It waits for the leadership no longer, unless a command was started.
    bool is_wait_over;
    bool has_started;
    // It exits for that.
    bool has_given_up;
    int exit_code;
    // The command's exit code becomes electctl's.
    bool takes_code;
};

void run_state_init(struct run_state *state, const struct run_rules *rules);

// Takes one event. Sets `*actions` to what is to be done, in order.
void run_state_step(struct run_state *state, const struct run_event *event,
                    struct run_actions *actions);

// These begin the end of the run; other signals are for the command alone.
bool run_state_is_ending_signal(int number);

#endif
