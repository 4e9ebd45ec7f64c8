// SPDX-License-Identifier: Apache-2.0
//
// A thread takes the filter's end from the child, and then answers for one
// write after the other.

#include "held_writes.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

#include "support/daemon_process.h"
#include "support/stopwatch.h"

#define HELD_WRITES_TICK_MS 2

// Returns the filter's end, or -1.
static int held_writes_install(void)
{
    // The first argument's lower half: these machines are little-endian.
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, STDERR_FILENO, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {
        .len = sizeof filter / sizeof filter[0],
        .filter = filter,
    };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return -1;
    }
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                        SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

bool held_writes_is_possible(void)
{
    pid_t child = fork();
    int status = -1;

    assert_true(child >= 0);
    if (child == 0) {
        _exit(held_writes_install() == -1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status == 0;
}

// The message that carries one descriptor, and its memory.
struct held_writes_message {
    struct msghdr header;
    struct iovec part;
    char byte;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
};

static void held_writes_message_init(struct held_writes_message *message)
{
    memset(message, 0, sizeof *message);
    message->part = (struct iovec){.iov_base = &message->byte, .iov_len = 1};
    message->header.msg_iov = &message->part;
    message->header.msg_iovlen = 1;
    message->header.msg_control = message->control;
    message->header.msg_controllen = sizeof message->control;
}

bool held_writes_prepare_cb(void *context)
{
    struct held_writes *writes = context;
    struct held_writes_message message;
    struct cmsghdr *control;
    int fd = held_writes_install();
    bool is_sent;

    if (fd == -1) {
        return false;
    }
    held_writes_message_init(&message);
    control = CMSG_FIRSTHDR(&message.header);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(control), &fd, sizeof fd);
    is_sent = sendmsg(writes->ends[1], &message.header, 0) == 1;
    close(fd);
    return is_sent;
}

// Waits for input; false: it is the end.
static bool held_writes_poll(const struct held_writes *writes, int fd)
{
    struct pollfd input = {.fd = fd, .events = POLLIN};

    while (!atomic_load(&writes->is_closing)) {
        if (poll(&input, 1, HELD_WRITES_TICK_MS) == 1) {
            return (input.revents & POLLIN) != 0;
        }
    }
    return false;
}

// Returns the filter's end, owned, or -1.
static int held_writes_take(struct held_writes *writes)
{
    struct held_writes_message message;
    int fd = -1;

    held_writes_message_init(&message);
    if (held_writes_poll(writes, writes->ends[0]) &&
        recvmsg(writes->ends[0], &message.header, MSG_CMSG_CLOEXEC) == 1 &&
        CMSG_FIRSTHDR(&message.header) != NULL) {
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message.header)), sizeof fd);
    }
    return fd;
}

static void held_writes_answer(struct held_writes *writes, int fd)
{
    struct seccomp_notif request;
    struct seccomp_notif_resp answer;

    memset(&request, 0, sizeof request);
    if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) {
        return;
    }
    while (atomic_load(&writes->is_holding) &&
           !atomic_load(&writes->is_closing)) {
        atomic_store(&writes->has_one, true);
        usleep(HELD_WRITES_TICK_MS * 1000);
    }
    atomic_store(&writes->has_one, false);
    memset(&answer, 0, sizeof answer);
    answer.id = request.id;
    answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    // One that has died meanwhile hears nothing.
    (void)ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

static void *held_writes_run(void *argument)
{
    struct held_writes *writes = argument;
    int fd = held_writes_take(writes);

    while (fd != -1 && held_writes_poll(writes, fd)) {
        held_writes_answer(writes, fd);
    }
    if (fd != -1) {
        close(fd);
    }
    return NULL;
}

void held_writes_init(struct held_writes *writes)
{
    memset(writes, 0, sizeof *writes);
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, writes->ends), 0);
    assert_int_equal(
        pthread_create(&writes->thread, NULL, held_writes_run, writes), 0);
}

void held_writes_hold(struct held_writes *writes)
{
    atomic_store(&writes->is_holding, true);
}

void held_writes_release(struct held_writes *writes)
{
    atomic_store(&writes->is_holding, false);
}

void held_writes_await(struct held_writes *writes)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;

    while (!atomic_load(&writes->has_one)) {
        assert_true(stopwatch_now_ms() < deadline_ms);
        usleep(HELD_WRITES_TICK_MS * 1000);
    }
}

void held_writes_close(struct held_writes *writes)
{
    atomic_store(&writes->is_closing, true);
    pthread_join(writes->thread, NULL);
    close(writes->ends[0]);
    close(writes->ends[1]);
}
