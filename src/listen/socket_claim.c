// SPDX-License-Identifier: Apache-2.0
//
// Happy path: create the lock file, lock it, find nothing at the socket's path.
// In the end remove the socket, then the lock file while its lock is held, then
// close it.
//
// Failure modes. Two daemons start at once: one gets the lock. One starts while
// the other removes its lock file: it may have locked a file that no longer has
// a name, sees that, and tries again. A daemon was killed: its lock went with
// it, its socket refuses connections and is removed. A server that knows
// nothing of the lock: it answers the connection, and is left alone. Anything
// that is not a socket, or not a lock file, is somebody's data and stays.

#include "listen/socket_claim.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// How often a lock file may be removed by others while it is being locked.
#define SOCKET_CLAIM_TRIES_MAX 100

// What is at the path.
enum socket_claim_state {
    SOCKET_CLAIM_FREE,
    // A socket that nobody listens on.
    SOCKET_CLAIM_STALE,
    // Somebody else listens on it; this process does.
    SOCKET_CLAIM_LIVE,
    SOCKET_CLAIM_OWN,
    SOCKET_CLAIM_NO_SOCKET,
    // It cannot be told; errno says why.
    SOCKET_CLAIM_UNKNOWN,
};

__attribute__((format(printf, 2, 3))) static bool
socket_claim_fail(char reason[SOCKET_CLAIM_REASON_SIZE], const char *format,
                  ...)
{
    va_list arguments;
    int size;

    va_start(arguments, format);
    // One that is too long is cut.
    size = vsnprintf(reason, SOCKET_CLAIM_REASON_SIZE, format, arguments);
    va_end(arguments);
    assert(size > 0);
    return false;
}

// Who is at the other end: the process that listens there, or one that is not
// to be seen from here.
static enum socket_claim_state socket_claim_whose(int fd)
{
    struct ucred peer = {.pid = 0};
    socklen_t size = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
        peer.pid == getpid()) {
        return SOCKET_CLAIM_OWN;
    }
    return SOCKET_CLAIM_LIVE;
}

// Says what could not be done, and in the system's own words why; they begin
// with a capital.
static bool socket_claim_fail_system(char reason[SOCKET_CLAIM_REASON_SIZE],
                                     const char *what, const char *path,
                                     int error)
{
    const char *words = strerror(error);

    return socket_claim_fail(reason, "cannot %s %s: %c%s", what, path,
                             tolower((unsigned char)words[0]), words + 1);
}

static enum socket_claim_state socket_claim_refused(int error)
{
    switch (error) {
    // A full backlog.
    case EAGAIN:
    // A socket of another type: somebody's, though not one that answers.
    case EPROTOTYPE:
        return SOCKET_CLAIM_LIVE;
    case ECONNREFUSED:
        return SOCKET_CLAIM_STALE;
    case ENOENT:
        return SOCKET_CLAIM_FREE;
    default:
        return SOCKET_CLAIM_UNKNOWN;
    }
}

static enum socket_claim_state socket_claim_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    enum socket_claim_state state;
    size_t size = strlen(path);
    int error;
    int fd;

    assert(size < sizeof address.sun_path);
    memcpy(address.sun_path, path, size);
    // A server whose backlog is full must not keep us waiting.
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1) {
        return SOCKET_CLAIM_UNKNOWN;
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        state = socket_claim_whose(fd);
    } else {
        state = socket_claim_refused(errno);
    }
    error = errno;
    close(fd);
    errno = error;
    return state;
}

static enum socket_claim_state socket_claim_look(const char *path)
{
    struct stat status;

    // Not following links: gRPC could not bind behind one.
    if (lstat(path, &status) != 0) {
        return errno == ENOENT ? SOCKET_CLAIM_FREE : SOCKET_CLAIM_UNKNOWN;
    }
    if (!S_ISSOCK(status.st_mode)) {
        return SOCKET_CLAIM_NO_SOCKET;
    }
    return socket_claim_connect(path);
}

// The lock file still has its name: nobody removed it, or put another there.
static bool socket_claim_is_current(int fd, const char *path)
{
    struct stat opened;
    struct stat named;

    return fstat(fd, &opened) == 0 && lstat(path, &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

// A file of ours is empty. One that is not was there for another purpose, and
// must not be removed in the end.
static bool socket_claim_is_lock_file(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
           status.st_size == 0;
}

static bool socket_claim_open(struct socket_claim *claim,
                              char reason[SOCKET_CLAIM_REASON_SIZE])
{
    int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

    claim->lock_fd = open(claim->lock_path, flags, 0600);
    if (claim->lock_fd != -1) {
        return true;
    }
    if (errno == ENOENT) {
        return socket_claim_fail(reason, "its directory does not exist");
    }
    return socket_claim_fail_system(reason, "create", claim->lock_path, errno);
}

static void socket_claim_close(struct socket_claim *claim)
{
    // The lock goes with it.
    close(claim->lock_fd);
    claim->lock_fd = -1;
}

// Takes the lock on a file that has the lock's name.
static bool socket_claim_lock(struct socket_claim *claim,
                              char reason[SOCKET_CLAIM_REASON_SIZE])
{
    for (int i = 0; i < SOCKET_CLAIM_TRIES_MAX; i++) {
        if (!socket_claim_open(claim, reason)) {
            return false;
        }
        if (!socket_claim_is_lock_file(claim->lock_fd)) {
            socket_claim_close(claim);
            return socket_claim_fail(reason, "%s is not a lock file",
                                     claim->lock_path);
        }
        if (flock(claim->lock_fd, LOCK_EX | LOCK_NB) != 0) {
            int error = errno;

            socket_claim_close(claim);
            if (error == EWOULDBLOCK) {
                return socket_claim_fail(reason, "another electd holds %s",
                                         claim->lock_path);
            }
            return socket_claim_fail_system(reason, "lock", claim->lock_path,
                                            error);
        }
        if (socket_claim_is_current(claim->lock_fd, claim->lock_path)) {
            return true;
        }
        socket_claim_close(claim);
    }
    return socket_claim_fail(reason, "others keep removing %s",
                             claim->lock_path);
}

static void socket_claim_unlock(struct socket_claim *claim)
{
    // Still under the lock, so that it cannot be anybody else's by now.
    if (socket_claim_is_current(claim->lock_fd, claim->lock_path)) {
        unlink(claim->lock_path);
    }
    socket_claim_close(claim);
}

// Clears the path, if it may be.
static bool socket_claim_clear(const char *path,
                               char reason[SOCKET_CLAIM_REASON_SIZE])
{
    switch (socket_claim_look(path)) {
    case SOCKET_CLAIM_FREE:
        return true;
    case SOCKET_CLAIM_LIVE:
    case SOCKET_CLAIM_OWN:
        return socket_claim_fail(reason, "another server is listening");
    case SOCKET_CLAIM_NO_SOCKET:
        return socket_claim_fail(reason,
                                 "a file that is not a socket is there");
    case SOCKET_CLAIM_UNKNOWN:
        return socket_claim_fail_system(reason, "look at", path, errno);
    case SOCKET_CLAIM_STALE:
        break;
    }
    if (unlink(path) != 0 && errno != ENOENT) {
        return socket_claim_fail_system(reason, "remove", path, errno);
    }
    return true;
}

bool socket_claim_take(struct socket_claim *claim, const char *path,
                       char reason[SOCKET_CLAIM_REASON_SIZE])
{
    int path_size;
    int lock_path_size;

    path_size = snprintf(claim->path, sizeof claim->path, "%s", path);
    assert(path_size > 0 && (size_t)path_size < sizeof claim->path);
    lock_path_size = snprintf(claim->lock_path, sizeof claim->lock_path,
                              "%s" SOCKET_CLAIM_LOCK_SUFFIX, path);
    assert(lock_path_size > path_size);
    assert((size_t)lock_path_size < sizeof claim->lock_path);
    if (!socket_claim_lock(claim, reason)) {
        return false;
    }
    if (!socket_claim_clear(path, reason)) {
        socket_claim_unlock(claim);
        return false;
    }
    return true;
}

void socket_claim_release(struct socket_claim *claim)
{
    enum socket_claim_state state;

    if (claim->lock_fd == -1) {
        return;
    }
    // gRPC has removed the socket with its listener, if all went well; not if
    // the process is about to end in the middle of something.
    state = socket_claim_look(claim->path);
    if (state == SOCKET_CLAIM_STALE || state == SOCKET_CLAIM_OWN) {
        unlink(claim->path);
    }
    socket_claim_unlock(claim);
}
