// SPDX-License-Identifier: Apache-2.0

#include "contender.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

#include "support/daemon_process.h"
#include "support/stopwatch.h"

#define CONTENDER_TICK_MS 2

static char contender_endpoint[128];

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
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
    int status;
    pid_t pid;

    assert_true(contender->pid > 0);
    while ((pid = waitpid(contender->pid, &status, WNOHANG)) == 0) {
        if (stopwatch_now_ms() > deadline_ms) {
            fail_msg("electctl does not end; it said:\n%s",
                     contender_error(contender));
        }
        stopwatch_pause(CONTENDER_TICK_MS);
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
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;

    assert_true(pgid > 1);
    while (kill(-pgid, 0) == 0 || errno != ESRCH) {
        if (stopwatch_now_ms() > deadline_ms) {
            fail_msg("there are processes left in group %ld", (long)pgid);
        }
        stopwatch_pause(CONTENDER_TICK_MS);
    }
}

void process_await_stopped(pid_t pid)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;
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
        assert_true(stopwatch_now_ms() < deadline_ms);
        stopwatch_pause(CONTENDER_TICK_MS);
    }
}
