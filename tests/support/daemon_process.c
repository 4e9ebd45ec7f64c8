// SPDX-License-Identifier: Apache-2.0

#include "support/daemon_process.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "support/stopwatch.h"

void daemon_spawn(struct daemon *daemon, const struct child_start *start)
{
    struct child_start how = *start;

    *daemon = (struct daemon){.is_told = false};
    how.path = getenv("ELECTD_BIN");
    if (how.path == NULL) {
        fail_msg("ELECTD_BIN is not set: it names the daemon to test");
    }
    how.without = "ELECTD_";
    child_spawn(&daemon->process, &how);
}

bool daemon_is_alive(struct daemon *daemon)
{
    return child_is_alive(&daemon->process);
}

bool daemon_log_has(struct daemon *daemon, const char *text)
{
    child_read(&daemon->process);
    return strstr(daemon->process.err.text, text) != NULL;
}

unsigned daemon_log_count(const struct daemon *daemon, const char *text)
{
    const char *at = daemon->process.err.text;
    unsigned count = 0;

    while ((at = strstr(at, text)) != NULL) {
        at += strlen(text);
        count++;
    }
    return count;
}

void daemon_await_log(struct daemon *daemon, const char *text)
{
    child_await(&daemon->process, &daemon->process.err, text);
}

static void daemon_take_listen(struct daemon *daemon, const char *line,
                               const char *end)
{
    static const char key[] = " listen=";
    const char *value = strstr(line, key);
    size_t size;

    while (value != NULL && value < end) {
        value += sizeof key - 1;
        value += *value == '"' ? 1 : 0;
        size = strcspn(value, " \"\n");
        assert_true(daemon->listen_count < DAEMON_LISTEN_MAX);
        assert_true(size < sizeof daemon->listen[0]);
        memcpy(daemon->listen[daemon->listen_count], value, size);
        daemon->listen[daemon->listen_count][size] = '\0';
        daemon->listen_count++;
        value = strstr(value, key);
    }
}

void daemon_await_ready(struct daemon *daemon)
{
    const char *ready;
    const char *end;

    daemon_await_log(daemon, " event=ready ");
    ready = strstr(daemon->process.err.text, " event=ready ");
    while ((end = strchr(ready, '\n')) == NULL) {
        // The rest of the line is under way.
        daemon_await_log(daemon, "\n");
        ready = strstr(daemon->process.err.text, " event=ready ");
    }
    daemon->listen_count = 0;
    daemon_take_listen(daemon, ready, end);
    assert_true(daemon->listen_count > 0);
}

void daemon_signal(struct daemon *daemon, int number)
{
    child_signal(&daemon->process, number);
}

int daemon_await_exit(struct daemon *daemon, unsigned deadline_ms)
{
    int status = child_await_exit(&daemon->process, deadline_ms);

    daemon->is_told = true;
    return status;
}

bool daemon_dispose(struct daemon *daemon)
{
    struct child_process *process = &daemon->process;
    bool is_fine = true;
    bool was_alive;

    if (process->err.text == NULL) {
        return true;
    }
    was_alive = child_is_alive(process);
    if (was_alive) {
        kill(process->pid, SIGTERM);
        if (!child_has_ended(process, STOPWATCH_DEADLINE_MS)) {
            child_kill(process);
        }
    }
    child_read(process);
    if (!daemon->is_told) {
        is_fine = was_alive && child_exit_status(process) == 0;
    }
    if (!is_fine) {
        print_error("electd ended %s with %d; its log:\n%s\n",
                    was_alive ? "at SIGTERM" : "by itself",
                    child_exit_status(process), process->err.text);
    }
    child_dispose(process);
    *daemon = (struct daemon){.is_told = false};
    return is_fine;
}

size_t daemon_rss_kib(const struct daemon *daemon)
{
    char path[64];
    char line[256];
    size_t rss_kib = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/status", (int)daemon->process.pid);
    file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            rss_kib = (size_t)strtoul(line + 6, NULL, 10);
        }
    }
    (void)fclose(file);
    assert_true(rss_kib > 0);
    return rss_kib;
}

unsigned daemon_descriptors(const struct daemon *daemon)
{
    char path[64];
    unsigned count = 0;
    DIR *directory;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)daemon->process.pid);
    directory = opendir(path);
    while (directory != NULL && readdir(directory) != NULL) {
        count++;
    }
    if (directory != NULL) {
        closedir(directory);
    }
    // Without "." and "..".
    return count > 2 ? count - 2 : 0;
}
