// SPDX-License-Identifier: Apache-2.0
//
// A thread copies bytes from each side to the other. What one of them closes
// ends both, unless it is silent.

#include "silent_proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/test.h"

#include "support/raw_socket.h"

#define SILENT_PROXY_TICK_MS 1

// False when it is the end.
static bool silent_proxy_copy(int from, int to)
{
    char bytes[65536];
    ssize_t size = recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
    ssize_t sent = 0;

    if (size == -1) {
        return errno == EAGAIN || errno == EINTR;
    }
    for (ssize_t done = 0; done < size; done += sent) {
        struct pollfd room = {.fd = to, .events = POLLOUT};

        sent = send(to, bytes + done, (size_t)(size - done), MSG_NOSIGNAL);
        if (sent == -1 && errno == EAGAIN) {
            poll(&room, 1, 1000);
            sent = 0;
        } else if (sent == -1) {
            return false;
        }
    }
    return size > 0;
}

static void *silent_proxy_run(void *argument)
{
    struct silent_proxy *proxy = argument;
    struct pollfd news[2];
    bool is_open = true;

    proxy->fds[0] = accept(proxy->listen_fd, NULL, NULL);
    proxy->fds[1] = raw_connect(proxy->target);
    while (is_open && !atomic_load(&proxy->is_closing)) {
        if (atomic_load(&proxy->is_silent)) {
            poll(NULL, 0, SILENT_PROXY_TICK_MS);
            continue;
        }
        for (int i = 0; i < 2; i++) {
            news[i] = (struct pollfd){.fd = proxy->fds[i], .events = POLLIN};
        }
        poll(news, 2, SILENT_PROXY_TICK_MS);
        for (int i = 0; i < 2; i++) {
            is_open &= news[i].revents == 0 ||
                       silent_proxy_copy(proxy->fds[i], proxy->fds[1 - i]);
        }
    }
    close(proxy->fds[0]);
    close(proxy->fds[1]);
    return NULL;
}

void silent_proxy_init(struct silent_proxy *proxy, const char *target)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof address;

    *proxy = (struct silent_proxy){.target = target};
    proxy->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(proxy->listen_fd != -1);
    assert_int_equal(
        bind(proxy->listen_fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(proxy->listen_fd, 1), 0);
    assert_int_equal(
        getsockname(proxy->listen_fd, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(proxy->listen, sizeof proxy->listen, "127.0.0.1:%u",
                   (unsigned)ntohs(address.sin_port));
    assert_int_equal(
        pthread_create(&proxy->thread, NULL, silent_proxy_run, proxy), 0);
}

void silent_proxy_fall_silent(struct silent_proxy *proxy)
{
    atomic_store(&proxy->is_silent, true);
}

void silent_proxy_close(struct silent_proxy *proxy)
{
    atomic_store(&proxy->is_closing, true);
    // Nobody may have come.
    shutdown(proxy->listen_fd, SHUT_RDWR);
    assert_int_equal(pthread_join(proxy->thread, NULL), 0);
    close(proxy->listen_fd);
}
