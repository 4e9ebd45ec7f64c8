// SPDX-License-Identifier: Apache-2.0

#include "contender.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/test.h"

#include "support/daemon_process.h"

#define CONTENDER_TICK_NS 2000000
#define SCRATCH_FILE_SIZE 65536

static char contender_endpoint[128];

static void contender_tick(void)
{
    struct timespec tick = {.tv_nsec = CONTENDER_TICK_NS};

    nanosleep(&tick, NULL);
}

void scratch_make(struct scratch *scratch)
{
    snprintf(scratch->path, sizeof scratch->path, "/tmp/electctl-test-XXXXXX");
    assert_non_null(mkdtemp(scratch->path));
}

static int scratch_remove_cb(const char *path, const struct stat *status,
                             int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

void scratch_remove(struct scratch *scratch)
{
    if (scratch->path[0] != '\0') {
        nftw(scratch->path, scratch_remove_cb, 8, FTW_DEPTH | FTW_PHYS);
    }
    scratch->path[0] = '\0';
}

static void scratch_name(const struct scratch *scratch, const char *name,
                         char path[128])
{
    snprintf(path, 128, "%s/%.40s", scratch->path, name);
}

const char *scratch_read(const struct scratch *scratch, const char *name)
{
    static char text[SCRATCH_FILE_SIZE];
    char path[128];
    ssize_t size = 0;
    int fd;

    scratch_name(scratch, name, path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd != -1) {
        size = read(fd, text, sizeof text - 1);
        close(fd);
    }
    text[size > 0 ? size : 0] = '\0';
    return text;
}

void scratch_await(const struct scratch *scratch, const char *name,
                   const char *text)
{
    long long deadline_ms = daemon_now_ms() + CONTENDER_DEADLINE_MS;

    while (strstr(scratch_read(scratch, name), text) == NULL) {
        if (daemon_now_ms() > deadline_ms) {
            fail_msg("no '%s' in %s:\n%s", text, name,
                     scratch_read(scratch, name));
        }
        contender_tick();
    }
}

long scratch_await_number(const struct scratch *scratch, const char *name,
                          unsigned lines)
{
    long long deadline_ms = daemon_now_ms() + CONTENDER_DEADLINE_MS;

    for (;;) {
        const char *text = scratch_read(scratch, name);
        const char *last = text;
        unsigned count = 0;

        for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
            count++;
            last = count < lines ? at + 1 : last;
        }
        if (count >= lines) {
            return strtol(last, NULL, 10);
        }
        if (daemon_now_ms() > deadline_ms) {
            fail_msg("%s has no %u lines:\n%s", name, lines, text);
        }
        contender_tick();
    }
}

void contender_set_endpoint(const char *listen)
{
    snprintf(contender_endpoint, sizeof contender_endpoint, "%s", listen);
}

// In the child.
__attribute__((noreturn)) static void
contender_run(const struct contender *contender, int in_fd, const char *binary,
              char **arguments)
{
    char name[64];
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (chdir(contender->scratch->path) != 0) {
        _exit(99);
    }
    dup2(in_fd != -1 ? in_fd : open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    snprintf(name, sizeof name, "%s.out", contender->name);
    dup2(open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), 1);
    snprintf(name, sizeof name, "%s.err", contender->name);
    dup2(open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), 2);
    // What this process was itself left with.
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    execv(binary, arguments);
    _exit(98);
}

void contender_spawn(struct contender *contender, const struct scratch *scratch,
                     const char *name, int in_fd, const char *const *arguments)
{
    const char *binary = getenv("ELECTCTL_BIN");
    const char *list[CONTENDER_ARGUMENTS_MAX + 4] = {"electctl", "--endpoint",
                                                     contender_endpoint};
    size_t count = 3;

    if (binary == NULL) {
        fail_msg("ELECTCTL_BIN is not set: it names the electctl to test");
    }
    for (; *arguments != NULL; arguments++) {
        assert_true(count < CONTENDER_ARGUMENTS_MAX + 3);
        list[count] = *arguments;
        count++;
    }
    contender->scratch = scratch;
    snprintf(contender->name, sizeof contender->name, "%s", name);
    contender->pid = fork();
    if (contender->pid == 0) {
        contender_run(contender, in_fd, binary, (char **)(uintptr_t)list);
    }
    assert_true(contender->pid > 0);
}

int contender_await_exit(struct contender *contender)
{
    long long deadline_ms = daemon_now_ms() + CONTENDER_DEADLINE_MS;
    int status;
    pid_t pid;

    assert_true(contender->pid > 0);
    while ((pid = waitpid(contender->pid, &status, WNOHANG)) == 0) {
        if (daemon_now_ms() > deadline_ms) {
            fail_msg("electctl does not end; it said:\n%s",
                     contender_error(contender));
        }
        contender_tick();
    }
    assert_int_equal(pid, contender->pid);
    contender->pid = 0;
    return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool contender_is_alive(struct contender *contender)
{
    siginfo_t info = {.si_pid = 0};

    return contender->pid > 0 &&
           waitid(P_PID, (id_t)contender->pid, &info,
                  WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

const char *contender_error(const struct contender *contender)
{
    char name[64];

    snprintf(name, sizeof name, "%s.err", contender->name);
    return scratch_read(contender->scratch, name);
}

void contender_await_error(const struct contender *contender, const char *text)
{
    char name[64];

    snprintf(name, sizeof name, "%s.err", contender->name);
    scratch_await(contender->scratch, name, text);
}

int contender_call(const struct scratch *scratch, const char *const *arguments)
{
    struct contender contender;

    contender_spawn(&contender, scratch, "call", -1, arguments);
    return contender_await_exit(&contender);
}

void contender_dispose(struct contender *contender)
{
    if (contender->pid > 0) {
        kill(contender->pid, SIGKILL);
        waitpid(contender->pid, NULL, 0);
        contender->pid = 0;
    }
}

void group_await_gone(pid_t pgid)
{
    long long deadline_ms = daemon_now_ms() + CONTENDER_DEADLINE_MS;

    assert_true(pgid > 1);
    while (kill(-pgid, 0) == 0 || errno != ESRCH) {
        if (daemon_now_ms() > deadline_ms) {
            fail_msg("there are processes left in group %ld", (long)pgid);
        }
        contender_tick();
    }
}

void process_await_stopped(pid_t pid)
{
    long long deadline_ms = daemon_now_ms() + CONTENDER_DEADLINE_MS;
    char path[64];
    char text[512];
    bool is_stopped = false;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    while (!is_stopped) {
        FILE *file = fopen(path, "re");

        assert_non_null(file);
        assert_non_null(fgets(text, sizeof text, file));
        (void)fclose(file);
        is_stopped = strstr(text, ") T ") != NULL;
        assert_true(daemon_now_ms() < deadline_ms);
        contender_tick();
    }
}
