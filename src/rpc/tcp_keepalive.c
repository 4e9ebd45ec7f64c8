// SPDX-License-Identifier: Apache-2.0
//
// Happy path:
// - C-core owns its sockets and names none of them, so the listening ones are
//   found by asking each low descriptor. Right after they were bound, at the
//   start of the process, they are among the first.
// - What they are told, the sockets that they accept inherit (Linux).
//
// Failure modes:
// - A host that is gone answers no probe: TCP_USER_TIMEOUT closes the
//   connection, also when data waits to be acknowledged. It replaces what
//   C-core sets, which is too short for more than one probe.
// - A kernel that refuses an option: the caller cannot listen.

#include "rpc/tcp_keepalive.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define RPC_DESCRIPTORS_MAX 1024

// How far apart the probes are. TCP counts in seconds.
#define RPC_PROBE_INTERVAL_S 1
#define RPC_PROBES_MIN 3

static int rpc_tcp_option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;

    return getsockopt(fd, level, name, &value, &size) == 0 ? value : -1;
}

static bool rpc_tcp_is_listening(int fd)
{
    int domain = rpc_tcp_option(fd, SOL_SOCKET, SO_DOMAIN);

    return (domain == AF_INET || domain == AF_INET6) &&
           rpc_tcp_option(fd, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP &&
           rpc_tcp_option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1;
}

static bool rpc_tcp_set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

static bool rpc_tcp_keep_alive(int fd, int idle_s, int timeout_ms)
{
    int patience_ms = RPC_PROBES_MIN * RPC_PROBE_INTERVAL_S * 1000;

    if (timeout_ms > patience_ms) {
        patience_ms = timeout_ms;
    }
    return rpc_tcp_set(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s) &&
           rpc_tcp_set(fd, IPPROTO_TCP, TCP_KEEPINTVL, RPC_PROBE_INTERVAL_S) &&
           rpc_tcp_set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
                       idle_s * 1000 + patience_ms) &&
           rpc_tcp_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

bool rpc_tcp_keepalive_set(int time_ms, int timeout_ms)
{
    int idle_s = (time_ms + 999) / 1000;
    bool is_set = true;

    for (int fd = 0; fd < RPC_DESCRIPTORS_MAX; fd++) {
        if (rpc_tcp_is_listening(fd)) {
            is_set &= rpc_tcp_keep_alive(fd, idle_s, timeout_ms);
        }
    }
    return is_set;
}
