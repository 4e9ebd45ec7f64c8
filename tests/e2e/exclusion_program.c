// SPDX-License-Identifier: Apache-2.0

#include "exclusion_program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "support/test.h"

#include "support/daemon_process.h"
#include "support/scratch.h"
#include "support/stopwatch.h"

// From the election to the start of its program, and some time.
#define EXCLUSION_START_MS_MAX 6000
#define EXCLUSION_LINE_SIZE 160
#define EXCLUSION_PATH_SIZE 256

static void exclusion_put_line(const char *file, const char *line)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ssize_t size = write(fd, line, strlen(line));

    (void)size;
    close(fd);
}

static bool exclusion_exe(pid_t pid, char exe[EXCLUSION_PATH_SIZE])
{
    char link[64];
    ssize_t size;

    snprintf(link, sizeof link, "/proc/%ld/exe", (long)pid);
    size = readlink(link, exe, EXCLUSION_PATH_SIZE - 1);
    exe[size > 0 ? size : 0] = '\0';
    return size > 0;
}

bool exclusion_is_program(pid_t pid)
{
    char own[EXCLUSION_PATH_SIZE];
    char exe[EXCLUSION_PATH_SIZE];

    return pid > 1 && exclusion_exe(getpid(), own) && exclusion_exe(pid, exe) &&
           strcmp(own, exe) == 0;
}

bool exclusion_is_warden(pid_t pid)
{
    char exe[EXCLUSION_PATH_SIZE];
    const char *name;

    if (pid <= 1 || !exclusion_exe(pid, exe)) {
        return false;
    }
    name = strrchr(exe, '/');
    return name != NULL && strcmp(name, "/electctl") == 0;
}

// 0 if there is none.
static pid_t exclusion_parent(pid_t pid)
{
    char path[64];
    char text[512];
    const char *end = NULL;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    file = fopen(path, "re");
    if (file != NULL) {
        // "PID (NAME) STATE PARENT ..."
        end =
            fgets(text, sizeof text, file) != NULL ? strrchr(text, ')') : NULL;
        (void)fclose(file);
    }
    return end != NULL && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10)
                                          : 0;
}

static pid_t exclusion_find_warden(void)
{
    pid_t pid = getppid();

    while (pid > 1 && !exclusion_is_warden(pid)) {
        pid = exclusion_parent(pid);
    }
    return pid > 1 ? pid : 0;
}

__attribute__((noreturn)) static void exclusion_stay(bool ignores_sigterm)
{
    signal(SIGTERM, ignores_sigterm ? SIG_IGN : SIG_DFL);
    alarm(EXCLUSION_HOLD_S_MAX);
    for (;;) {
        pause();
    }
}

// A child, which may be a daemon: in a session of its own, and nobody's child.
static void exclusion_beget(unsigned kind, bool is_apart)
{
    if (fork() != 0) {
        return;
    }
    if (is_apart) {
        (void)setsid();
        if (kind % 3 == 1 && fork() != 0) {
            _exit(0);
        }
    }
    exclusion_stay(kind % 4 == 0);
}

// Some of them, and some of their children, ignore SIGTERM; some end by
// themselves, and may leave a child behind.
int exclusion_hold(bool is_apart)
{
    int fd = open("lock", O_RDWR | O_CREAT, 0600);
    unsigned kind = (unsigned)getpid() % 12;
    char line[EXCLUSION_LINE_SIZE];

    alarm(EXCLUSION_HOLD_S_MAX);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        snprintf(line, sizeof line, "at %lld: %s in term %s\n",
                 stopwatch_now_ms(), getenv("ELECTD_CANDIDATE"),
                 getenv("ELECTD_TERM"));
        exclusion_put_line("violations", line);
        return 1;
    }
    snprintf(line, sizeof line, "%lld %ld %ld %ld %s %s\n", stopwatch_now_ms(),
             (long)getpid(), (long)getpgrp(), (long)exclusion_find_warden(),
             getenv("ELECTD_TERM"), getenv("ELECTD_CANDIDATE"));
    exclusion_put_line("starts", line);
    if (kind % 2 == 0) {
        exclusion_beget(kind, is_apart);
    }
    if (kind >= 9) {
        usleep(300000);
        return 0;
    }
    exclusion_stay(kind % 3 == 0);
}

void exclusion_command(unsigned kind, const char *self,
                       const char *words[EXCLUSION_WORDS_MAX])
{
    const char *const commands[EXCLUSION_COMMANDS][EXCLUSION_WORDS_MAX] = {
        {self, EXCLUSION_HOLD_APART},
        {"timeout", "60", self, EXCLUSION_HOLD},
        {"sh", "-c", "timeout 60 \"$0\" \"$1\"; exit $?", self, EXCLUSION_HOLD},
        {"setsid", "--wait", self, EXCLUSION_HOLD},
        {"setsid", self, EXCLUSION_HOLD},
        {"bash", "-m", "-c", "\"$0\" \"$1\"; exit $?", self,
         EXCLUSION_HOLD_APART},
    };

    memcpy(words, commands[kind % EXCLUSION_COMMANDS],
           sizeof commands[kind % EXCLUSION_COMMANDS]);
}

unsigned exclusion_read_starts(const struct scratch *scratch,
                               struct exclusion_start *starts)
{
    const char *text = scratch_read(scratch, "starts");
    unsigned count = 0;
    char *at;

    while (strchr(text, '\n') != NULL) {
        struct exclusion_start *start = &starts[count];
        size_t size;

        assert_true(count < EXCLUSION_STARTS_MAX);
        start->at_ms = strtoll(text, &at, 10);
        start->pid = (pid_t)strtol(at, &at, 10);
        start->pgid = (pid_t)strtol(at, &at, 10);
        start->warden = (pid_t)strtol(at, &at, 10);
        start->term = strtoull(at, &at, 10);
        size = strcspn(at + 1, "\n");
        snprintf(start->candidate, sizeof start->candidate, "%.*s", (int)size,
                 at + 1);
        text = at + 1 + size + 1;
        count++;
    }
    return count;
}

static bool exclusion_was_killed_between(const long long *killed_ms,
                                         unsigned killed_count,
                                         long long from_ms, long long to_ms)
{
    for (unsigned i = 0; i < killed_count; i++) {
        if (killed_ms[i] >= from_ms && killed_ms[i] <= to_ms) {
            return true;
        }
    }
    return false;
}

bool exclusion_has_term_twice(const struct scratch *scratch,
                              const long long *killed_ms, unsigned killed_count,
                              char text[EXCLUSION_TEXT_SIZE])
{
    static struct exclusion_start starts[EXCLUSION_STARTS_MAX];
    unsigned count = exclusion_read_starts(scratch, starts);

    for (unsigned i = 1; i < count; i++) {
        for (unsigned j = 0; j < i; j++) {
            long long from_ms = starts[j].at_ms - EXCLUSION_START_MS_MAX;

            if (starts[i].term == starts[j].term &&
                !exclusion_was_killed_between(killed_ms, killed_count, from_ms,
                                              starts[i].at_ms)) {
                snprintf(text, EXCLUSION_TEXT_SIZE,
                         "two starts in term %llu: %s at %lld, %s at %lld",
                         starts[i].term, starts[j].candidate, starts[j].at_ms,
                         starts[i].candidate, starts[i].at_ms);
                return true;
            }
        }
    }
    return false;
}

bool exclusion_await_gone(const struct scratch *scratch)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
    char path[EXCLUSION_PATH_SIZE];
    bool is_free;
    int fd;

    snprintf(path, sizeof path, "%s/lock", scratch->path);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd != -1);
    while (!(is_free = flock(fd, LOCK_EX | LOCK_NB) == 0) &&
           stopwatch_now_ms() < deadline_ms) {
        usleep(5000);
    }
    close(fd);
    return is_free;
}
