// SPDX-License-Identifier: Apache-2.0
//
// Usage: http2_proxy [--pool] TARGET LISTEN...
//
// The proxy as a program: a door for each LISTEN (127.0.0.1:0, unix:PATH) to
// the daemon at TARGET. It prints "ready" and the doors' addresses, and takes
// commands on standard input, one a line, each of which it answers with a line:
//
//     freeze DOOR requests|answers    they wait; pings are still answered
//     thaw DOOR requests|answers
//     delay DOOR requests|answers MS  they are passed on that much later
//     cut DOOR clients|daemon         closes connections
//     go-away DOOR                    tells the clients to connect anew
//     state                           does nothing
//     end                             ends the program
//
// The answer is "ok" with figures, and true when it comes: what is frozen is
// frozen. The end of standard input is an `end`, too.

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "support/proxy/proxy.h"
#include "support/proxy/proxy_exchange.h"
#include "support/proxy/proxy_hop.h"
#include "support/proxy/proxy_pass.h"

#define COMMANDS_SIZE 512
#define COMMAND_WORDS 4
// Standard input, and the doors.
#define POLL_FIXED (1 + PROXY_DOORS_MAX)
#define POLL_MAX (POLL_FIXED + 2048)

static long long http2_proxy_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void http2_proxy_answer(const struct proxy *proxy)
{
    const struct proxy_exchange *exchange;
    const struct proxy_hop *hop;
    unsigned hops[2] = {0, 0};
    unsigned streams = 0;

    DL_FOREACH(proxy->hops, hop) {
        hops[hop->side] += hop->is_lost ? 0 : 1;
    }
    DL_FOREACH(proxy->exchanges, exchange) {
        streams++;
    }
    printf("ok clients=%u daemons=%u streams=%u client_pings=%u "
           "daemon_pings=%u\n",
           hops[PROXY_CLIENT], hops[PROXY_DAEMON], streams,
           proxy->pings[PROXY_CLIENT], proxy->pings[PROXY_DAEMON]);
}

static bool http2_proxy_hop_is_of(const struct proxy_hop *hop, unsigned door,
                                  enum proxy_side side)
{
    return !hop->is_lost && hop->side == side &&
           (hop->is_shared || hop->door == door);
}

static void http2_proxy_cut(struct proxy *proxy, unsigned door,
                            enum proxy_side side)
{
    struct proxy_hop *hop;

    DL_FOREACH(proxy->hops, hop) {
        if (http2_proxy_hop_is_of(hop, door, side)) {
            proxy_hop_lose(hop);
        }
    }
}

static void http2_proxy_go_away(struct proxy *proxy, unsigned door)
{
    struct proxy_hop *hop;

    DL_FOREACH(proxy->hops, hop) {
        if (http2_proxy_hop_is_of(hop, door, PROXY_CLIENT)) {
            proxy_hop_go_away(hop);
        }
    }
}

static enum proxy_side http2_proxy_side(const char *what)
{
    return strcmp(what, "answers") == 0 || strcmp(what, "daemon") == 0
               ? PROXY_DAEMON
               : PROXY_CLIENT;
}

// Does a command. False if it is none.
static bool http2_proxy_do(struct proxy *proxy, char *line)
{
    const char *words[COMMAND_WORDS] = {"", "0", "", "0"};
    const char *word;
    unsigned long number;
    enum proxy_side side;

    for (int i = 0; i < COMMAND_WORDS && (word = strsep(&line, " ")); i++) {
        words[i] = word;
    }
    number = strtoul(words[1], NULL, 10);
    side = http2_proxy_side(words[2]);
    if (number >= proxy->doors_count) {
        return false;
    }
    if (strcmp(words[0], "freeze") == 0 || strcmp(words[0], "thaw") == 0) {
        proxy->doors[number].is_frozen[side] = words[0][0] == 'f';
    } else if (strcmp(words[0], "delay") == 0) {
        proxy->doors[number].delay_ms[side] =
            (unsigned)strtoul(words[3], NULL, 10);
    } else if (strcmp(words[0], "cut") == 0) {
        http2_proxy_cut(proxy, (unsigned)number, side);
    } else if (strcmp(words[0], "go-away") == 0) {
        http2_proxy_go_away(proxy, (unsigned)number);
    } else {
        return strcmp(words[0], "state") == 0;
    }
    return true;
}

// Reads commands. False at their end.
static bool http2_proxy_read_commands(struct proxy *proxy)
{
    static char text[COMMANDS_SIZE];
    static size_t size;
    ssize_t more = read(STDIN_FILENO, text + size, sizeof text - size - 1);
    char *end;

    if (more <= 0) {
        return more == -1 && (errno == EAGAIN || errno == EINTR);
    }
    size += (size_t)more;
    text[size] = '\0';
    while ((end = strchr(text, '\n')) != NULL) {
        *end = '\0';
        if (strcmp(text, "end") == 0) {
            return false;
        }
        if (http2_proxy_do(proxy, text)) {
            http2_proxy_answer(proxy);
        } else {
            printf("no such command\n");
        }
        size -= (size_t)(end + 1 - text);
        memmove(text, end + 1, size + 1);
    }
    return true;
}

// Passes on what is due, and writes. Returns how long to wait then, or -1.
static int http2_proxy_pass(struct proxy *proxy)
{
    struct proxy_exchange *exchange;
    struct proxy_hop *hop;
    long long due_ms = -1;
    bool has_lost = false;

    DL_FOREACH(proxy->exchanges, exchange) {
        long long its_due_ms = proxy_pass_on(exchange);

        if (its_due_ms != -1 && (due_ms == -1 || its_due_ms < due_ms)) {
            due_ms = its_due_ms;
        }
    }
    DL_FOREACH(proxy->hops, hop) {
        if (!hop->is_lost) {
            proxy_hop_flush(hop);
        }
        // The other side is to be told.
        has_lost |= hop->is_lost;
    }
    proxy_exchange_sweep(proxy);
    proxy_hop_sweep(proxy);
    if (has_lost) {
        return 0;
    }
    return due_ms == -1 ? -1 : (int)(due_ms - proxy->now_ms);
}

static nfds_t http2_proxy_fill(const struct proxy *proxy,
                               struct pollfd fds[POLL_MAX],
                               struct proxy_hop *hops[POLL_MAX])
{
    nfds_t count = POLL_FIXED;
    struct proxy_hop *hop;

    fds[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    for (unsigned i = 0; i < PROXY_DOORS_MAX; i++) {
        fds[1 + i] = (struct pollfd){
            .fd = i < proxy->doors_count ? proxy->doors[i].listen_fd : -1,
            .events = POLLIN,
        };
    }
    DL_FOREACH(proxy->hops, hop) {
        assert(count < POLL_MAX);
        fds[count] = (struct pollfd){
            .fd = hop->fd,
            .events = proxy_hop_wants_write(hop) ? POLLIN | POLLOUT : POLLIN,
        };
        hops[count++] = hop;
    }
    return count;
}

// Waits for something, and takes it in. False at the end of the commands.
static bool http2_proxy_turn(struct proxy *proxy, int wait_ms)
{
    static struct pollfd fds[POLL_MAX];
    static struct proxy_hop *hops[POLL_MAX];
    nfds_t count = http2_proxy_fill(proxy, fds, hops);

    if (poll(fds, count, wait_ms) < 0) {
        return errno == EINTR;
    }
    proxy->now_ms = http2_proxy_now_ms();
    for (nfds_t i = POLL_FIXED; i < count; i++) {
        if ((fds[i].revents & ~POLLOUT) != 0 && !hops[i]->is_lost) {
            proxy_hop_read(hops[i]);
        }
    }
    for (unsigned i = 0; i < proxy->doors_count; i++) {
        if (fds[1 + i].revents != 0) {
            proxy_hop_accept(proxy, i);
        }
    }
    return fds[0].revents == 0 || http2_proxy_read_commands(proxy);
}

static void http2_proxy_close(struct proxy *proxy)
{
    struct proxy_hop *hop;

    DL_FOREACH(proxy->hops, hop) {
        if (!hop->is_lost) {
            proxy_hop_lose(hop);
        }
    }
    proxy_exchange_sweep(proxy);
    proxy_hop_sweep(proxy);
}

int main(int argc, char **argv)
{
    static struct proxy proxy;
    int first = 1;
    int wait_ms = -1;

    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && strcmp(argv[1], "--pool") == 0) {
        proxy.is_pooled = true;
        first++;
    }
    if (argc < first + 2 || argc > first + 1 + PROXY_DOORS_MAX) {
        fputs("Usage: http2_proxy [--pool] TARGET LISTEN...\n", stderr);
        return 2;
    }
    proxy.target = argv[first];
    for (int i = first + 1; i < argc; i++) {
        struct proxy_door *door = &proxy.doors[proxy.doors_count++];

        door->listen_fd = proxy_listen(argv[i], door->address);
        if (door->listen_fd == -1) {
            fprintf(stderr, "http2_proxy: cannot listen on %s: %s\n", argv[i],
                    strerror(errno));
            return 1;
        }
    }
    printf("ready");
    for (unsigned i = 0; i < proxy.doors_count; i++) {
        printf(" %s", proxy.doors[i].address);
    }
    printf("\n");
    while (http2_proxy_turn(&proxy, wait_ms)) {
        wait_ms = http2_proxy_pass(&proxy);
    }
    http2_proxy_close(&proxy);
    return 0;
}
