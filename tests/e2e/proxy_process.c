// SPDX-License-Identifier: Apache-2.0

#include "proxy_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

#include "support/daemon_process.h"
#include "support/stopwatch.h"

#define PROXY_LINE_SIZE 1024

// In the child: calls async-signal-safe functions only.
__attribute__((noreturn)) static void
proxy_run(const char *binary, const char *const *words, int in_fd, int out_fd)
{
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(in_fd, STDIN_FILENO);
    dup2(out_fd, STDOUT_FILENO);
    execv(binary, (char *const *)(uintptr_t)words);
    _exit(98);
}

static void proxy_read_line(struct proxy_process *proxy,
                            char line[PROXY_LINE_SIZE])
{
    struct pollfd news = {.fd = fileno(proxy->answers), .events = POLLIN};

    // One line for each command: nothing of it has been read before.
    if (poll(&news, 1, STOPWATCH_DEADLINE_MS) != 1 ||
        fgets(line, PROXY_LINE_SIZE, proxy->answers) == NULL) {
        fail_msg("the proxy says nothing");
    }
}

static void proxy_read_doors(struct proxy_process *proxy)
{
    char line[PROXY_LINE_SIZE];
    char *rest = line;
    const char *word;

    proxy_read_line(proxy, line);
    line[strcspn(line, "\n")] = '\0';
    word = strsep(&rest, " ");
    assert_string_equal(word, "ready");
    proxy->doors_count = 0;
    while ((word = strsep(&rest, " ")) != NULL) {
        assert_true(proxy->doors_count < PROXY_PROCESS_DOORS_MAX);
        snprintf(proxy->doors[proxy->doors_count++], sizeof proxy->doors[0],
                 "%s", word);
    }
}

void proxy_spawn(struct proxy_process *proxy, const struct proxy_start *start)
{
    const char *binary = getenv("HTTP2_PROXY_BIN");
    const char *words[PROXY_PROCESS_DOORS_MAX + 5] = {"http2_proxy"};
    size_t count = 1;
    int in[2];
    int out[2];

    if (binary == NULL) {
        fail_msg("HTTP2_PROXY_BIN is not set: it names the proxy");
    }
    if (start->is_pooled) {
        words[count++] = "--pool";
    }
    words[count++] = start->target;
    if (start->listen[0] == NULL) {
        words[count++] = "127.0.0.1:0";
    }
    for (size_t i = 0; start->listen[i] != NULL; i++) {
        words[count++] = start->listen[i];
    }
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    proxy->pid = fork();
    if (proxy->pid == 0) {
        proxy_run(binary, words, in[0], out[1]);
    }
    assert_true(proxy->pid > 0);
    close(in[0]);
    close(out[1]);
    proxy->commands = fdopen(in[1], "we");
    proxy->answers = fdopen(out[0], "re");
    assert_non_null(proxy->commands);
    assert_non_null(proxy->answers);
    proxy_read_doors(proxy);
}

static unsigned proxy_figure(const char *line, const char *name)
{
    const char *at = strstr(line, name);

    assert_non_null(at);
    return (unsigned)strtoul(at + strlen(name), NULL, 10);
}

__attribute__((format(printf, 3, 4))) static void
proxy_tell(struct proxy_process *proxy, struct proxy_state *state,
           const char *format, ...)
{
    char line[PROXY_LINE_SIZE];
    va_list values;

    va_start(values, format);
    (void)vfprintf(proxy->commands, format, values);
    va_end(values);
    (void)fputc('\n', proxy->commands);
    assert_int_equal(fflush(proxy->commands), 0);
    proxy_read_line(proxy, line);
    if (strncmp(line, "ok ", 3) != 0) {
        fail_msg("the proxy says: %s", line);
    }
    if (state != NULL) {
        state->clients = proxy_figure(line, " clients=");
        state->daemons = proxy_figure(line, " daemons=");
        state->streams = proxy_figure(line, " streams=");
        state->client_pings = proxy_figure(line, " client_pings=");
        state->daemon_pings = proxy_figure(line, " daemon_pings=");
    }
}

static const char *proxy_flow_name(enum proxy_flow flow)
{
    return flow == PROXY_REQUESTS ? "requests" : "answers";
}

void proxy_freeze(struct proxy_process *proxy, unsigned door,
                  enum proxy_flow flow)
{
    proxy_tell(proxy, NULL, "freeze %u %s", door, proxy_flow_name(flow));
}

void proxy_thaw(struct proxy_process *proxy, unsigned door,
                enum proxy_flow flow)
{
    proxy_tell(proxy, NULL, "thaw %u %s", door, proxy_flow_name(flow));
}

void proxy_delay(struct proxy_process *proxy, unsigned door,
                 enum proxy_flow flow, unsigned delay_ms)
{
    proxy_tell(proxy, NULL, "delay %u %s %u", door, proxy_flow_name(flow),
               delay_ms);
}

void proxy_cut_clients(struct proxy_process *proxy, unsigned door)
{
    proxy_tell(proxy, NULL, "cut %u clients", door);
}

void proxy_cut_daemon(struct proxy_process *proxy, unsigned door)
{
    proxy_tell(proxy, NULL, "cut %u daemon", door);
}

void proxy_go_away(struct proxy_process *proxy, unsigned door)
{
    proxy_tell(proxy, NULL, "go-away %u", door);
}

void proxy_state(struct proxy_process *proxy, struct proxy_state *state)
{
    proxy_tell(proxy, state, "state");
}

void proxy_kill(struct proxy_process *proxy)
{
    assert_true(proxy->pid > 0);
    kill(proxy->pid, SIGKILL);
    assert_int_equal(waitpid(proxy->pid, NULL, 0), proxy->pid);
    (void)fclose(proxy->commands);
    (void)fclose(proxy->answers);
    proxy->pid = 0;
}

bool proxy_dispose(struct proxy_process *proxy)
{
    int status = 0;

    if (proxy->pid <= 0) {
        return true;
    }
    (void)fputs("end\n", proxy->commands);
    (void)fclose(proxy->commands);
    (void)fclose(proxy->answers);
    if (waitpid(proxy->pid, &status, 0) != proxy->pid) {
        status = -1;
    }
    proxy->pid = 0;
    return status == 0;
}
