// SPDX-License-Identifier: Apache-2.0
//
// C-core gives a listening socket up for good when accept4() fails for want of
// a descriptor: two hundred connections that say nothing would end a daemon
// that has 128. It offers no limit on connections, nor a hook in front of its
// accept4(). But it calls it through the dynamic linker, which finds this one
// first, in the program.
//
// Happy path: a system call, as in the C library.
//
// Failure modes:
// - Few descriptors are left. A new one is always the lowest that is free, so
//   that its number says how many are in use: a high one is closed at once,
//   and the next connection tried. Clients see their connection end, and come
//   back.
// - There is none at all, or no memory for one: C-core hears that nobody has
//   connected, and tries again with the next connection.

#include "rpc/accept.h"

#include <errno.h>
#include <fcntl.h>
#include <grpc/support/log.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// For whatever else opens something now and then.
#define RPC_DESCRIPTORS_KEPT 16

// How far apart the lines in the log are.
#define RPC_REFUSED_LOG_S 10

// Descriptors from here on are for others.
static atomic_int rpc_accept_fd_max = INT_MAX;

static atomic_llong rpc_accept_logged_s;

// What a connection would get.
static bool rpc_accept_has_room(void)
{
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

    if (fd == -1) {
        return false;
    }
    close(fd);
    return fd < atomic_load(&rpc_accept_fd_max);
}

bool rpc_accept_keep_reserve(void)
{
    struct rlimit limit;
    rlim_t kept = RPC_DESCRIPTORS_KEPT;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX) {
        return true;
    }
    if (limit.rlim_cur < 4 * kept) {
        kept = limit.rlim_cur / 4;
    }
    atomic_store(&rpc_accept_fd_max, (int)(limit.rlim_cur - kept));
    return rpc_accept_has_room();
}

// Now and then.
static void rpc_accept_log_refused(void)
{
    struct timespec now;
    long long logged_s = atomic_load(&rpc_accept_logged_s);

    clock_gettime(CLOCK_MONOTONIC, &now);
    if ((logged_s == 0 || now.tv_sec >= logged_s + RPC_REFUSED_LOG_S) &&
        atomic_compare_exchange_strong(&rpc_accept_logged_s, &logged_s,
                                       (long long)now.tv_sec)) {
#ifdef HAVE_GPR_SET_LOG_FUNCTION
        gpr_log(GPR_ERROR, "refusing connections: too many open files; raise "
                           "the limit on them");
#endif
    }
}

static bool rpc_accept_is_out_of_room(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS ||
           error == ENOMEM;
}

// In place of the C library's. Under its own name, the headers' type of the
// address would be in the way.
int rpc_accept4(int listener, void *address, socklen_t *size,
                int flags) __asm__("accept4");

int rpc_accept4(int listener, void *address, socklen_t *size, int flags)
{
    socklen_t room = size != NULL ? *size : 0;
    int fd;

    for (;;) {
        if (size != NULL) {
            *size = room;
        }
        fd = (int)syscall(SYS_accept4, listener, address, size, flags);
        if (fd < atomic_load(&rpc_accept_fd_max)) {
            break;
        }
        (void)close(fd);
        rpc_accept_log_refused();
    }
    if (fd < 0 && rpc_accept_is_out_of_room(errno)) {
        rpc_accept_log_refused();
        errno = EAGAIN;
    }
    return fd;
}
