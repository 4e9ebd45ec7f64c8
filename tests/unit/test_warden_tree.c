// SPDX-License-Identifier: Apache-2.0
//
// Which processes are found, and when they are gone: where the kernel lists
// children, and where it does not. The process of the test is the subreaper.

// Of the C library's functions below, the headers are to bring no copy.
#undef _FORTIFY_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

#include "ctl/run/warden_tree.h"

static bool has_no_children_list;
static bool has_no_proc;

// In the C library's place: /proc is as old, or as absent, as a test wants it.
int open(const char *path, int flags, ...)
{
    if ((has_no_children_list && strstr(path, "/children") != NULL) ||
        (has_no_proc && strncmp(path, "/proc", 5) == 0)) {
        errno = ENOENT;
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

ssize_t readlink(const char *path, char *text, size_t size)
{
    if (has_no_proc) {
        errno = ENOENT;
        return -1;
    }
    return syscall(SYS_readlinkat, AT_FDCWD, path, text, size);
}

static int set_up(void **state)
{
    *state = NULL;
    has_no_children_list = false;
    has_no_proc = false;
    return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static int set_up_old_kernel(void **state)
{
    int status = set_up(state);

    has_no_children_list = true;
    return status;
}

// Nobody is left to the next test.
static int tear_down(void **state)
{
    (void)state;
    has_no_children_list = false;
    has_no_proc = false;
    warden_tree_kill_children(NULL);
    while (waitpid(-1, NULL, 0) > 0) {
        warden_tree_kill_children(NULL);
    }
    return warden_tree_is_gone(NULL) ? 0 : -1;
}

__attribute__((noreturn)) static void stay(void)
{
    for (;;) {
        pause();
    }
}

static pid_t start_child(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        stay();
    }
    assert_true(pid > 0);
    return pid;
}

// A child with a child in a session of its own; both stay. The child's child is
// returned.
static pid_t start_pair(pid_t *child)
{
    pid_t pid = 0;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    *child = fork();
    if (*child == 0) {
        pid = fork();
        if (pid == 0) {
            (void)setsid();
            pid = getpid();
            (void)!write(ends[1], &pid, sizeof pid);
        }
        stay();
    }
    assert_true(*child > 0);
    assert_int_equal(read(ends[0], &pid, sizeof pid), sizeof pid);
    close(ends[0]);
    close(ends[1]);
    return pid;
}

// Ends it, and leaves the zombie.
static void end_child(pid_t pid)
{
    siginfo_t info;

    kill(pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void test_descendants_are_found_in_any_session(void **state)
{
    struct warden_list list;
    const struct warden_list_process *found;
    pid_t child;
    pid_t grandchild;

    (void)state;
    grandchild = start_pair(&child);
    assert_true(warden_tree_read(&list, NULL));
    assert_int_equal(list.count, 2);
    found = warden_list_find(&list, grandchild);
    assert_non_null(found);
    assert_int_equal(found->parent, child);
    assert_int_equal(found->pgid, grandchild);
    assert_false(found->is_dead);
    warden_list_clear(&list);
    assert_true(warden_tree_read_children(&list, NULL));
    assert_int_equal(list.count, 1);
    assert_int_equal(list.processes[0].pid, child);
    warden_list_clear(&list);
}

static void test_others_are_left_out_with_what_they_started(void **state)
{
    struct warden_list others;
    struct warden_list list;
    pid_t other;
    pid_t mine;

    (void)state;
    start_pair(&other);
    assert_true(warden_tree_read_children(&others, NULL));
    assert_true(warden_tree_is_gone(&others));
    mine = start_child();
    assert_true(warden_tree_read(&list, &others));
    assert_int_equal(list.count, 1);
    assert_int_equal(list.processes[0].pid, mine);
    assert_false(warden_tree_is_gone(&others));
    warden_list_clear(&list);
    warden_tree_kill_children(&others);
    assert_int_equal(waitpid(mine, NULL, 0), mine);
    assert_true(warden_tree_is_gone(&others));
    assert_int_equal(kill(other, 0), 0);
    assert_true(warden_tree_read(&list, NULL));
    assert_int_equal(list.count, 2);
    warden_list_clear(&list);
    warden_list_clear(&others);
}

static void test_it_is_gone_when_only_zombies_are_left(void **state)
{
    pid_t child;
    pid_t grandchild;

    (void)state;
    assert_true(warden_tree_is_gone(NULL));
    grandchild = start_pair(&child);
    assert_false(warden_tree_is_gone(NULL));
    end_child(child);
    // An orphan by now.
    assert_false(warden_tree_is_gone(NULL));
    end_child(grandchild);
    assert_true(warden_tree_is_gone(NULL));
}

static void *thread_stay(void *nothing)
{
    (void)nothing;
    stay();
}

// Its first thread is a zombie for /proc; the other one runs.
static void test_a_process_without_its_first_thread_is_alive(void **state)
{
    struct warden_list list;
    pthread_t thread;
    char process_state = '?';
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        if (pthread_create(&thread, NULL, thread_stay, NULL) != 0) {
            _exit(1);
        }
        syscall(SYS_exit, 0);
    }
    assert_true(pid > 0);
    while (process_state != 'Z') {
        char text[512];
        char path[64];
        int fd;
        ssize_t size;

        snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
        fd = open(path, O_RDONLY);
        size = read(fd, text, sizeof text - 1);
        close(fd);
        assert_true(size > 0);
        text[size] = '\0';
        process_state = strrchr(text, ')')[2];
    }
    assert_true(warden_tree_read_children(&list, NULL));
    assert_int_equal(list.count, 1);
    assert_false(list.processes[0].is_dead);
    assert_false(warden_tree_is_gone(NULL));
    warden_list_clear(&list);
}

static void test_only_that_very_process_is_signalled(void **state)
{
    struct warden_list_process process;
    pid_t child = start_child();

    (void)state;
    assert_true(warden_list_read_one(child, &process));
    // The number was another's before.
    process.started--;
    assert_int_equal(warden_tree_signal(&process, SIGKILL), -ESRCH);
    process.started++;
    assert_int_equal(warden_tree_signal(&process, 0), 0);
    assert_int_equal(warden_tree_signal(&process, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(warden_tree_signal(&process, SIGKILL), -ESRCH);
}

// Before Linux 5.3, and where a filter does not know the call.
static bool forbid_pidfds(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {
        .len = sizeof filter / sizeof filter[0],
        .filter = filter,
    };

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int signal_without_pidfds(void)
{
    struct warden_list_process process;
    pid_t child = fork();

    if (child == 0) {
        stay();
    }
    if (!forbid_pidfds() || !warden_list_read_one(child, &process)) {
        return 77;
    }
    process.started--;
    if (warden_tree_signal(&process, SIGKILL) != -ESRCH) {
        return 1;
    }
    process.started++;
    if (warden_tree_signal(&process, SIGKILL) != 0 ||
        waitpid(child, NULL, 0) != child) {
        return 2;
    }
    return warden_tree_signal(&process, SIGKILL) == -ESRCH ? 0 : 3;
}

static void test_it_is_signalled_without_pidfds_too(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        _exit(signal_without_pidfds());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_without_proc_there_is_no_telling(void **state)
{
    struct warden_list list;
    pid_t child = start_child();

    (void)state;
    has_no_proc = true;
    assert_false(warden_tree_read_children(&list, NULL));
    assert_false(warden_tree_is_gone(NULL));
    end_child(child);
    assert_false(warden_tree_is_gone(NULL));
    assert_int_equal(waitpid(child, NULL, 0), child);
    // This is what the kernel says itself.
    assert_true(warden_tree_is_gone(NULL));
}

int main(void)
{
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, set_up, tear_down),                  \
    {                                                                          \
#name " without a list of children", name, set_up_old_kernel,          \
            tear_down, NULL                                                    \
    }
    const struct CMUnitTest tests[] = {
        TEST(test_descendants_are_found_in_any_session),
        TEST(test_others_are_left_out_with_what_they_started),
        TEST(test_it_is_gone_when_only_zombies_are_left),
        TEST(test_a_process_without_its_first_thread_is_alive),
        TEST(test_only_that_very_process_is_signalled),
        TEST(test_it_is_signalled_without_pidfds_too),
        TEST(test_without_proc_there_is_no_telling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
