// SPDX-License-Identifier: Apache-2.0
//
// What electd would gain if C-core joined its writes. C-core writes to a
// connection once for each batch that is started on it, and its C API has no
// way to start several at once. This library does have one: preloaded, it keeps
// what C-core writes, and writes what there is for each connection in one piece
// before the process waits again.
//
// For measurements only. What it took was reported as sent: it is lost, or sent
// to the next connection of that descriptor, if the connection is closed in
// that turn; no error is told, and a peer that does not read stops the whole
// process.

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define DESCRIPTORS_MAX (1 << 20)

struct kept {
    char *bytes;
    size_t size;
    size_t room;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept kept[DESCRIPTORS_MAX];
// The descriptors that have something, in the order in which they got it.
static int waiting[DESCRIPTORS_MAX];
static size_t waiting_count;

static void keep(int fd, const void *bytes, size_t size)
{
    struct kept *to = &kept[fd];

    if (to->size + size > to->room) {
        to->room = 2 * (to->size + size);
        to->bytes = realloc(to->bytes, to->room);
        if (to->bytes == NULL) {
            abort();
        }
    }
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    size_t size = 0;

    (void)flags;
    if (fd < 0 || fd >= DESCRIPTORS_MAX) {
        errno = EBADF;
        return -1;
    }
    (void)pthread_mutex_lock(&lock);
    if (kept[fd].size == 0) {
        waiting[waiting_count++] = fd;
    }
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        const struct iovec *part = &message->msg_iov[i];

        keep(fd, part->iov_base, part->iov_len);
        size += part->iov_len;
    }
    (void)pthread_mutex_unlock(&lock);
    return (ssize_t)size;
}

static void write_out(int fd)
{
    struct kept *from = &kept[fd];
    size_t done = 0;

    while (done < from->size) {
        ssize_t written =
            send(fd, from->bytes + done, from->size - done, MSG_NOSIGNAL);

        if (written < 0 && errno != EAGAIN && errno != EINTR) {
            break;
        }
        done += written > 0 ? (size_t)written : 0;
    }
    from->size = 0;
}

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name)
int epoll_wait(int fd, struct epoll_event *events, int count, int timeout)
{
    static int (*wait)(int, struct epoll_event *, int, int);

    (void)pthread_mutex_lock(&lock);
    if (wait == NULL) {
        *(void **)&wait = dlsym(RTLD_NEXT, "epoll_wait");
    }
    for (size_t i = 0; i < waiting_count; i++) {
        write_out(waiting[i]);
    }
    waiting_count = 0;
    (void)pthread_mutex_unlock(&lock);
    return wait(fd, events, count, timeout);
}
