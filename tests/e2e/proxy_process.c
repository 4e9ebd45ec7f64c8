// SPDX-License-Identifier: Apache-2.0

#include "proxy_process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

#include "support/stopwatch.h"

#define PROXY_LINE_SIZE 1024

static void proxy_read_line(struct proxy_process *proxy,
                            char line[PROXY_LINE_SIZE])
{
    const struct child_output *out = &proxy->process.out;
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
    size_t size;

    while (strchr(out->text + proxy->read_size, '\n') == NULL) {
        if (!child_is_alive(&proxy->process) ||
            stopwatch_now_ms() > deadline_ms) {
            fail_msg("the proxy says nothing");
        }
        child_tick(&proxy->process);
    }
    size = strcspn(out->text + proxy->read_size, "\n");
    assert_true(size < PROXY_LINE_SIZE);
    memcpy(line, out->text + proxy->read_size, size);
    line[size] = '\0';
    proxy->read_size += size + 1;
}

static void proxy_read_doors(struct proxy_process *proxy)
{
    char line[PROXY_LINE_SIZE];
    char *rest = line;
    const char *word;

    proxy_read_line(proxy, line);
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
    const char *words[PROXY_PROCESS_DOORS_MAX + 4] = {NULL};
    struct child_start how = {
        .path = getenv("HTTP2_PROXY_BIN"),
        .words = words,
        .err_fd = STDERR_FILENO,
    };
    size_t count = 0;
    int ends[2];

    if (how.path == NULL) {
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
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    how.in_fd = ends[0];
    proxy->read_size = 0;
    child_spawn(&proxy->process, &how);
    close(ends[0]);
    proxy->commands = fdopen(ends[1], "we");
    assert_non_null(proxy->commands);
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
    assert_true(proxy->process.pid > 0);
    child_dispose(&proxy->process);
    (void)fclose(proxy->commands);
}

bool proxy_dispose(struct proxy_process *proxy)
{
    bool is_fine;

    if (proxy->process.pid <= 0) {
        return true;
    }
    (void)fputs("end\n", proxy->commands);
    (void)fclose(proxy->commands);
    is_fine = child_has_ended(&proxy->process, STOPWATCH_DEADLINE_MS) &&
              child_exit_status(&proxy->process) == 0;
    child_dispose(&proxy->process);
    return is_fine;
}
