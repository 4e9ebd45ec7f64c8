// SPDX-License-Identifier: Apache-2.0

#include "ctl/run/warden_wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>

bool warden_message_send(int fd, const struct warden_message *message)
{
    ssize_t size;

    do {
        size = send(fd, message, sizeof *message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (size == -1 && errno == EINTR);
    return size == (ssize_t)sizeof *message;
}

enum warden_news warden_message_receive(int fd, struct warden_message *message)
{
    ssize_t size;

    do {
        size = recv(fd, message, sizeof *message, MSG_DONTWAIT);
    } while (size == -1 && errno == EINTR);
    if (size == (ssize_t)sizeof *message) {
        return WARDEN_NEWS_MESSAGE;
    }
    if (size == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return WARDEN_NEWS_NONE;
    }
    return WARDEN_NEWS_END;
}
