// SPDX-License-Identifier: Apache-2.0
//
// Happy path: a socket pair, a fork, and words to and fro.
//
// Failure modes: the warden is killed: electctl, who inherits its children,
// reads what it still said, sends SIGKILL to the group unless that was done,
// and to whatever the command started, until nobody is left. What electctl had
// for children when the command was started, of a shell that became electctl
// say, is left alone; a process that became its child since may be the
// command's, and is not. The warden is stopped: it does not answer, and
// is killed. A word that cannot be sent is not missed: either reason for that
// ends in one of these.

#include "ctl/run/warden.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/container_of.h"
#include "ctl/run/warden_tree.h"
#include "ctl/run/warden_wire.h"

// The answer to one of them may be under way.
#define WARDEN_UNANSWERED_MAX 6

int warden_fork(struct warden *warden, const struct warden_options *options)
{
    int ends[2];

    *warden = (struct warden){.socket_fd = -1};
    // Should the warden be killed, its children become electctl's.
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return -errno;
    }
    warden->pid = fork();
    if (warden->pid == 0) {
        close(ends[0]);
        _exit(warden_process_run(options, ends[1]));
    }
    close(ends[1]);
    if (warden->pid == -1) {
        int error = errno;

        close(ends[0]);
        return -error;
    }
    warden->socket_fd = ends[0];
    return 0;
}

static void warden_say(struct warden *warden, struct warden_message message)
{
    if (!warden->is_lost) {
        (void)warden_message_send(warden->socket_fd, &message);
    }
}

static void warden_forget_group(struct warden *warden)
{
    warden->has_group = false;
    warden->pgid = 0;
    warden->is_swept = false;
    warden->unanswered = 0;
    warden_list_clear(&warden->others);
}

static void warden_hear(struct warden *warden,
                        const struct warden_message *message)
{
    warden->unanswered = 0;
    switch (message->word) {
    case WARDEN_STARTED:
        warden->pgid = (pid_t)message->number;
        return;
    case WARDEN_OVERDUE:
        warden->callbacks->overdue_cb(warden);
        return;
    case WARDEN_ENDED:
        warden->callbacks->ended_cb(warden, message->number);
        return;
    case WARDEN_SWEPT:
        warden->is_swept = true;
        return;
    case WARDEN_GONE:
        warden_forget_group(warden);
        warden->callbacks->gone_cb(warden);
        return;
    case WARDEN_ALIVE:
    case WARDEN_START:
    case WARDEN_EXTEND:
    case WARDEN_BEAT:
    case WARDEN_END:
    case WARDEN_PASS_ON:
        return;
    }
}

// The warden has ended, and all it said was heard.
static void warden_lose(struct warden *warden)
{
    warden->is_lost = true;
    uv_poll_stop(&warden->poll);
    if (warden->pid > 0) {
        // It may only have closed its socket.
        kill(warden->pid, SIGKILL);
    }
    if (warden->pgid > 0 && !warden->is_swept) {
        kill(-warden->pgid, SIGKILL);
    }
    if (warden->has_group) {
        warden->ending = (struct warden_ending){.others = &warden->others};
        warden_ending_kill(&warden->ending);
    }
    warden->callbacks->lost_cb(warden);
}

static void warden_listen(struct warden *warden)
{
    struct warden_message message;
    enum warden_news news = WARDEN_NEWS_MESSAGE;

    while (news == WARDEN_NEWS_MESSAGE && warden->closed_cb == NULL) {
        news = warden_message_receive(warden->socket_fd, &message);
        if (news == WARDEN_NEWS_MESSAGE) {
            warden_hear(warden, &message);
        }
    }
    if (news == WARDEN_NEWS_END && !warden->is_lost) {
        warden_lose(warden);
    }
}

static void warden_poll_cb(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    warden_listen(container_of(poll, struct warden, poll));
}

int warden_attach(struct warden *warden, uv_loop_t *loop,
                  const struct warden_callbacks *callbacks)
{
    int status = uv_poll_init(loop, &warden->poll, warden->socket_fd);

    warden->callbacks = callbacks;
    if (status != 0) {
        close(warden->socket_fd);
        (void)waitpid(warden->pid, NULL, 0);
        return status;
    }
    // Cannot fail: the handle is new.
    status = uv_poll_start(&warden->poll, UV_READABLE, warden_poll_cb);
    assert(status == 0);
    return 0;
}

// There is no group: what there is are others, and the warden.
static void warden_note_others(struct warden *warden)
{
    // Without /proc, nobody will be found who could be taken for another.
    if (warden_tree_read(&warden->others, NULL)) {
        warden_list_remove(&warden->others, warden->pid);
    }
}

void warden_start(struct warden *warden, uint64_t term, const char *life,
                  uint64_t until_ms)
{
    struct warden_message message = {
        .word = WARDEN_START, .term = term, .time_ms = until_ms};

    assert(!warden->has_group);
    warden->has_group = true;
    warden_note_others(warden);
    snprintf(message.life, sizeof message.life, "%s", life);
    warden_say(warden, message);
}

void warden_extend(struct warden *warden, uint64_t until_ms)
{
    warden_say(warden, (struct warden_message){.word = WARDEN_EXTEND,
                                               .time_ms = until_ms});
}

void warden_end(struct warden *warden, int number, uint64_t kill_at_ms)
{
    warden_say(warden, (struct warden_message){.word = WARDEN_END,
                                               .number = number,
                                               .time_ms = kill_at_ms});
}

void warden_pass_on(struct warden *warden, int number)
{
    warden_say(warden, (struct warden_message){.word = WARDEN_PASS_ON,
                                               .number = number});
}

void warden_beat(struct warden *warden)
{
    if (!warden->has_group) {
        return;
    }
    if (warden->is_lost) {
        warden_reap(warden);
        if (warden->pid == 0 && warden_tree_is_gone(&warden->others)) {
            warden_forget_group(warden);
            warden->callbacks->gone_cb(warden);
        }
        return;
    }
    warden->unanswered++;
    if (warden->unanswered > WARDEN_UNANSWERED_MAX && warden->pid > 0) {
        // Its end of the socket closes, and the poll tells.
        kill(warden->pid, SIGKILL);
    }
    warden_say(warden, (struct warden_message){.word = WARDEN_BEAT});
}

// Before anything of a group is reaped, and its number free again, the group
// was killed: electctl only has it to reap because the warden has ended.
void warden_reap(struct warden *warden)
{
    siginfo_t info = {.si_pid = 0};

    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0) {
        if (!warden->is_lost &&
            (info.si_pid == warden->pid || info.si_pid == warden->pgid)) {
            warden_listen(warden);
        }
        if (info.si_pid == warden->pid) {
            warden->pid = 0;
        }
        (void)waitpid(info.si_pid, NULL, WNOHANG);
        info.si_pid = 0;
    }
    if (warden->is_lost && warden->has_group) {
        warden_ending_kill(&warden->ending);
    }
}

static void warden_poll_closed_cb(uv_handle_t *handle)
{
    struct warden *warden =
        container_of((uv_poll_t *)handle, struct warden, poll);

    close(warden->socket_fd);
    warden_list_clear(&warden->others);
    // It ends when it sees that, as soon as it has seen to the group.
    while (warden->pid > 0 && waitpid(warden->pid, NULL, 0) == -1 &&
           errno == EINTR) {
    }
    warden->closed_cb(warden);
}

void warden_close(struct warden *warden,
                  void (*closed_cb)(struct warden *warden))
{
    warden->closed_cb = closed_cb;
    if (!warden->has_group && warden->pid > 0) {
        // It has nothing to do, and may be stopped.
        kill(warden->pid, SIGKILL);
    }
    uv_close((uv_handle_t *)&warden->poll, warden_poll_closed_cb);
}
