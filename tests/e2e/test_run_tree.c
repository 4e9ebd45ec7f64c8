// SPDX-License-Identifier: Apache-2.0
//
// `electctl run` ends what its command has started outside of its process
// group. Method: the command takes a lock, which all that it starts inherit, so
// that when the lock can be taken nobody is left, whoever that was.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

#include "contender.h"
#include "support/child_process.h"
#include "support/daemon_process.h"
#include "support/scratch.h"
#include "support/stopwatch.h"

#define RUN(kill_after)                                                        \
    "run", "--create", "--candidate", "a", "--kill-after", kill_after,         \
        "--start-delay", "0"
#define KILLS_SOON RUN("300ms")
#define LOCKED "--", self_path, "--locked", "sh", "-c"
// Time for what must not happen.
#define REST_US 1000000

static char self_path[256];

// $0 of the scripts below, for sh.
static const char gentle[] = "echo $$ >> pids; exec sleep 600";
static const char deaf[] =
    "trap '' TERM INT HUP; echo $$ >> pids; while :; do sleep 1; done";
static const char traps[] =
    "trap 'echo x >> ended; exit 0' TERM; echo $$ >> pids; "
    "while :; do sleep 0.1; done";

// Runs $0 in a session of its own.
static const char in_session[] =
    "echo $PPID >> wardens; setsid sh -c \"$0\" & wait";

struct fixture {
    struct daemon daemon;
    struct scratch scratch;
    struct contender a;
    struct contender b;
    const char *binary;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.binary = getenv("ELECTCTL_BIN")};
    *state = &fixture;
    scratch_make(&fixture.scratch);
    // Some commands are another user's.
    chmod(fixture.scratch.path, 0777);
    daemon_spawn(&fixture.daemon,
                 &(struct child_start){.arguments = "--listen 127.0.0.1:0"});
    daemon_await_ready(&fixture.daemon);
    contender_set_endpoint(fixture.daemon.listen[0]);
    return 0;
}

// Kills what a test that failed has left, whose parents are no more.
static void kill_orphans(void)
{
    char path[64];
    char text[32];
    pid_t pid;
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
    do {
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        pid = 0;
        file = fopen(path, "re");
        if (file != NULL) {
            if (fgets(text, sizeof text, file) != NULL) {
                pid = (pid_t)strtol(text, NULL, 10);
            }
            (void)fclose(file);
        }
        if (pid > 0) {
            kill(pid, SIGKILL);
        }
    } while (pid > 0);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    bool is_fine;

    if (fixture->binary != NULL) {
        setenv("ELECTCTL_BIN", fixture->binary, 1);
    }
    contender_dispose(&fixture->a);
    contender_dispose(&fixture->b);
    is_fine = daemon_dispose(&fixture->daemon);
    kill_orphans();
    scratch_remove(&fixture->scratch);
    return is_fine ? 0 : -1;
}

#define SPAWN(contender, name, ...)                                            \
    contender_spawn(contender, &fixture->scratch, name, -1,                    \
                    (const char *const[]){__VA_ARGS__, NULL})
#define CALL(...)                                                              \
    contender_call(&fixture->scratch, (const char *const[]){__VA_ARGS__, NULL})

static bool lock_is_free(const struct fixture *fixture)
{
    char path[96];
    bool is_free;
    int fd;

    snprintf(path, sizeof path, "%s/lock", fixture->scratch.path);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    assert_true(fd != -1);
    is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;
    close(fd);
    return is_free;
}

static void await_lock(const struct fixture *fixture)
{
    long long deadline_ms = stopwatch_now_ms() + STOPWATCH_DEADLINE_MS;

    while (!lock_is_free(fixture)) {
        assert_true(stopwatch_now_ms() < deadline_ms);
        usleep(2000);
    }
}

static unsigned count(const char *text, const char *what)
{
    unsigned found = 0;

    for (; (text = strstr(text, what)) != NULL; text += strlen(what)) {
        found++;
    }
    return found;
}

static pid_t await_worker(const struct fixture *fixture, unsigned n)
{
    return (pid_t)scratch_await_number(&fixture->scratch, "pids", n);
}

// It has ended, with that code, and nobody is left already.
static void expect_exit(struct fixture *fixture, int code)
{
    assert_int_equal(contender_await_exit(&fixture->a), code);
    assert_true(lock_is_free(fixture));
}

// Another program in electctl's place, which becomes electctl.
static void wrap_electctl(const struct fixture *fixture, const char *before)
{
    char path[96];
    FILE *file;

    snprintf(path, sizeof path, "%s/wrapper", fixture->scratch.path);
    file = fopen(path, "we");
    assert_non_null(file);
    (void)fprintf(file, "#!/bin/sh\n%s %s \"$@\"\n", before, fixture->binary);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
    setenv("ELECTCTL_BIN", path, 1);
}

static void test_what_has_left_the_group_is_ended(void **state)
{
    static const char *const scripts[] = {
        in_session,
        "timeout 600 sh -c \"$0\"; true",
        "timeout 600 timeout 600 setsid -w sh -c \"$0\"; true",
        "bash -mc 'sh -c \"$0\" & wait' \"$0\"; true",
        "setsid setsid -f setsid sh -c \"$0\"; sleep 600",
        "env -i PATH=\"$PATH\" setsid -f sh -c \"$0\"; sleep 600",
    };
    struct fixture *fixture = *state;
    unsigned workers = 0;

    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        for (size_t j = 0; j < 2; j++) {
            SPAWN(&fixture->a, "a", KILLS_SOON, "e", LOCKED, scripts[i],
                  j == 0 ? gentle : deaf);
            workers++;
            await_worker(fixture, workers);
            child_signal(&fixture->a.process, SIGTERM);
            contender_await_exit(&fixture->a);
            if (!lock_is_free(fixture)) {
                fail_msg("something is left of: %s", scripts[i]);
            }
        }
    }
}

static void test_it_is_asked_first(void **state)
{
    struct fixture *fixture = *state;

    SPAWN(&fixture->a, "a", RUN("30s"), "e", LOCKED, in_session, traps);
    await_worker(fixture, 1);
    // Whatever the signal, what is in the background is asked with SIGTERM.
    child_signal(&fixture->a.process, SIGINT);
    expect_exit(fixture, 128 + SIGINT);
    assert_string_equal(scratch_read(&fixture->scratch, "ended"), "x\n");
}

static void test_a_stopped_one_is_continued_to_end(void **state)
{
    struct fixture *fixture = *state;
    pid_t worker;

    SPAWN(&fixture->a, "a", RUN("30s"), "e", LOCKED, in_session, gentle);
    worker = await_worker(fixture, 1);
    kill(worker, SIGSTOP);
    process_await_stopped(worker);
    child_signal(&fixture->a.process, SIGTERM);
    expect_exit(fixture, 128 + SIGTERM);
}

static void test_a_daemon_that_the_command_leaves_behind_is_ended(void **state)
{
    static const char script[] =
        "(setsid sh -c \"(setsid sh -c '$0' &)\" &); "
        "until [ -s pids ]; do sleep 0.01; done; exit 7";
    struct fixture *fixture = *state;

    SPAWN(&fixture->a, "a", RUN("30s"), "e", LOCKED, script, gentle);
    expect_exit(fixture, 7);
}

static void test_after_anoint_the_workers_of_two_terms_never_meet(void **state)
{
    struct fixture *fixture = *state;

    SPAWN(&fixture->a, "a", KILLS_SOON, "e", LOCKED, in_session, deaf);
    await_worker(fixture, 1);
    SPAWN(&fixture->b, "b", "run", "--candidate", "b", "--kill-after", "300ms",
          "e", LOCKED, in_session, gentle);
    contender_await_error(&fixture->b, "'a' leads");
    assert_int_equal(CALL("anoint", "e", "b"), 0);
    assert_int_equal(contender_await_exit(&fixture->a), 5);
    scratch_await_number(&fixture->scratch, "starts", 2);
    await_worker(fixture, 2);
    assert_string_equal(scratch_read(&fixture->scratch, "violations"), "");
    child_signal(&fixture->b.process, SIGTERM);
    contender_await_exit(&fixture->b);
    assert_true(lock_is_free(fixture));
}

static void test_a_chain_of_daemons_is_ended(void **state)
{
    // 200 generations and one that stays; and more than there is time for.
    static const char *const generations[] = {"200", "100000"};
    struct fixture *fixture = *state;

    for (unsigned i = 0; i < 2; i++) {
        SPAWN(&fixture->a, "a", KILLS_SOON, "e", "--", self_path, "--locked",
              self_path, "--chain", generations[i]);
        if (i == 0) {
            await_worker(fixture, 1);
        } else {
            scratch_await_number(&fixture->scratch, "begun", 2);
        }
        child_signal(&fixture->a.process, SIGTERM);
        contender_await_exit(&fixture->a);
        assert_true(lock_is_free(fixture));
    }
    // The second one was still at it.
    assert_int_equal(count(scratch_read(&fixture->scratch, "pids"), "\n"), 1);
}

static void test_a_crowd_of_sessions_is_ended(void **state)
{
    struct fixture *fixture = *state;

    // 2 to the 7th at the bottom.
    SPAWN(&fixture->a, "a", KILLS_SOON, "e", "--", self_path, "--locked",
          self_path, "--crowd", "7");
    await_worker(fixture, 128);
    child_signal(&fixture->a.process, SIGTERM);
    contender_await_exit(&fixture->a);
    assert_true(lock_is_free(fixture));
}

// Its parent has left the group, and reaps nobody.
static void test_a_zombie_in_the_group_does_not_keep_it(void **state)
{
    static const char script[] =
        "\"$0\" --zombie & until [ -s pids ]; do sleep 0.01; done; exit 3";
    struct fixture *fixture = *state;

    SPAWN(&fixture->a, "a", KILLS_SOON, "e", LOCKED, script, self_path);
    expect_exit(fixture, 3);
}

// Whoever traces it keeps it from its parent.
static void test_a_zombie_that_nobody_can_reap_does_not_keep_it(void **state)
{
    static const char script[] = "sleep 600 & echo $! >> pids; wait";
    struct fixture *fixture = *state;
    pid_t worker;

    SPAWN(&fixture->a, "a", KILLS_SOON, "e", LOCKED, script);
    worker = await_worker(fixture, 1);
    if (ptrace(PTRACE_SEIZE, worker, NULL, NULL) != 0) {
        skip();
    }
    child_signal(&fixture->a.process, SIGTERM);
    expect_exit(fixture, 128 + SIGTERM);
    assert_int_equal(kill(worker, 0), 0);
    assert_int_equal(waitpid(worker, NULL, __WALL), worker);
}

static void test_without_its_warden_electctl_ends_them(void **state)
{
    static const int numbers[] = {SIGKILL, SIGSTOP};
    static const char *const workers[] = {gentle, deaf};
    struct fixture *fixture = *state;

    for (unsigned i = 0; i < 4; i++) {
        SPAWN(&fixture->a, "a", KILLS_SOON, "e", LOCKED, in_session,
              workers[i % 2]);
        await_worker(fixture, i + 1);
        kill((pid_t)scratch_await_number(&fixture->scratch, "wardens", i + 1),
             numbers[i / 2]);
        expect_exit(fixture, 1);
    }
}

static void test_without_electctl_its_warden_ends_them(void **state)
{
    struct fixture *fixture = *state;

    SPAWN(&fixture->a, "a", KILLS_SOON, "e", LOCKED, in_session, deaf);
    await_worker(fixture, 1);
    child_signal(&fixture->a.process, SIGKILL);
    await_lock(fixture);
    assert_int_equal(contender_await_exit(&fixture->a), 256 + SIGKILL);
}

// Electctl's own child, and that one's, of a shell that became electctl.
static void test_other_children_of_electctl_are_left_alone(void **state)
{
    struct fixture *fixture = *state;
    pid_t others[2];

    wrap_electctl(fixture, "sh -c 'sleep 600 & echo $! >> others; wait' &\n"
                           "until [ -s others ]; do sleep 0.01; done\n"
                           "echo $! >> others\nexec");
    SPAWN(&fixture->a, "a", KILLS_SOON, "e", LOCKED, in_session, deaf);
    await_worker(fixture, 1);
    kill((pid_t)scratch_await_number(&fixture->scratch, "wardens", 1), SIGKILL);
    expect_exit(fixture, 1);
    for (unsigned i = 0; i < 2; i++) {
        others[i] =
            (pid_t)scratch_await_number(&fixture->scratch, "others", i + 1);
        assert_int_equal(kill(others[i], 0), 0);
    }
    kill(others[1], SIGKILL);
    kill(others[0], SIGKILL);
}

static void test_another_run_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    pid_t worker;

    SPAWN(&fixture->b, "b", RUN("300ms"), "f", "--", "sh", "-c", in_session,
          gentle);
    worker = await_worker(fixture, 1);
    SPAWN(&fixture->a, "a", KILLS_SOON, "e", LOCKED, in_session, deaf);
    await_worker(fixture, 2);
    child_signal(&fixture->a.process, SIGTERM);
    contender_await_exit(&fixture->a);
    assert_true(lock_is_free(fixture));
    assert_int_equal(kill(worker, 0), 0);
    child_signal(&fixture->b.process, SIGTERM);
    assert_int_equal(contender_await_exit(&fixture->b), 128 + SIGTERM);
}

// As under sudo: electctl is nobody's, and the worker, by a program that is
// set-user-id, root's.
static void expect_patience_with_root(struct fixture *fixture)
{
    static const char script[] =
        "setsid ./su --reuid=0 --regid=0 --clear-groups sh -c \"$0\" & wait";
    pid_t worker;

    SPAWN(&fixture->a, "a", KILLS_SOON, "e", LOCKED, script, gentle);
    worker = await_worker(fixture, 1);
    child_signal(&fixture->a.process, SIGTERM);
    contender_await_error(&fixture->a, "cannot signal process ");
    usleep(REST_US);
    assert_true(contender_is_alive(&fixture->a));
    setenv("ELECTCTL_BIN", fixture->binary, 1);
    assert_int_equal(CALL("term", "e"), 0);
    assert_non_null(
        strstr(scratch_read(&fixture->scratch, "call.out"), "leader a"));
    assert_int_equal(kill(worker, SIGKILL), 0);
    expect_exit(fixture, 128 + SIGTERM);
    assert_int_equal(count(contender_error(&fixture->a), "cannot signal"), 1);
}

#define AS_NOBODY "setpriv --reuid=65534 --regid=65534 --clear-groups"

static bool shell(const char *command)
{
    const char *const words[] = {"-c", command, NULL};
    struct child_process child;

    child_spawn(&child, &(struct child_start){.path = "/bin/sh",
                                              .words = words,
                                              .out_fd = STDERR_FILENO,
                                              .err_fd = STDERR_FILENO});
    return child_await_exit(&child, STOPWATCH_DEADLINE_MS) == 0;
}

// False where this is not possible.
static bool make_su(const struct fixture *fixture)
{
    char command[400];

    snprintf(
        command, sizeof command,
        "cp \"$(command -v setpriv)\" %s/su && chmod 4755 %s/su && " AS_NOBODY
        " %s/su --reuid=0 true",
        fixture->scratch.path, fixture->scratch.path, fixture->scratch.path);
    return getuid() == 0 && shell(command);
}

static void test_what_may_not_be_signalled_is_waited_for(void **state)
{
    struct fixture *fixture = *state;

    if (!make_su(fixture)) {
        skip();
    }
    wrap_electctl(fixture, "exec " AS_NOBODY);
    expect_patience_with_root(fixture);
}

#define MOUNTS "mount -t proc -o hidepid=2 proc /proc"

static void test_what_is_hidden_is_waited_for(void **state)
{
    struct fixture *fixture = *state;

    if (!make_su(fixture) || !shell("unshare -m sh -c '" MOUNTS "'")) {
        skip();
    }
    wrap_electctl(fixture, "exec unshare -m sh -c '" MOUNTS
                           " && exec " AS_NOBODY " \"$0\" \"$@\"'");
    expect_patience_with_root(fixture);
}

static void put_number(const char *file, long number)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

    (void)dprintf(fd, "%ld\n", number);
    close(fd);
}

__attribute__((noreturn)) static void stay(void)
{
    put_number("pids", (long)getpid());
    for (;;) {
        pause();
    }
}

// Takes the lock, which stays open, and becomes another program.
static int locked(char **arguments)
{
    int fd = open("lock", O_RDWR | O_CREAT, 0666);

    (void)fchmod(fd, 0666);
    put_number("starts", (long)getpid());
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        put_number("violations", (long)getpid());
        return 1;
    }
    execvp(arguments[0], arguments);
    return 99;
}

// Each generation leaves for a session of its own, and ends.
__attribute__((noreturn)) static void chain(unsigned long generations)
{
    signal(SIGTERM, SIG_IGN);
    if (fork() != 0) {
        for (;;) {
            pause();
        }
    }
    put_number("begun", (long)getpid());
    for (unsigned long i = 0; i < generations; i++) {
        if (fork() != 0) {
            _exit(0);
        }
        (void)setsid();
    }
    stay();
}

// Each has two children, in sessions of their own, and stays.
__attribute__((noreturn)) static void crowd(unsigned long generations)
{
    unsigned children = 0;

    signal(SIGTERM, SIG_IGN);
    while (generations > 0 && children < 2) {
        if (fork() == 0) {
            (void)setsid();
            generations--;
            children = 0;
        } else {
            children++;
        }
    }
    if (generations == 0) {
        stay();
    }
    for (;;) {
        pause();
    }
}

__attribute__((noreturn)) static void zombie(void)
{
    siginfo_t info;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(0);
    }
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    (void)setsid();
    stay();
}

static int run_all(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_what_has_left_the_group_is_ended),
        TEST(test_it_is_asked_first),
        TEST(test_a_stopped_one_is_continued_to_end),
        TEST(test_a_daemon_that_the_command_leaves_behind_is_ended),
        TEST(test_after_anoint_the_workers_of_two_terms_never_meet),
        TEST(test_a_chain_of_daemons_is_ended),
        TEST(test_a_crowd_of_sessions_is_ended),
        TEST(test_a_zombie_in_the_group_does_not_keep_it),
        TEST(test_a_zombie_that_nobody_can_reap_does_not_keep_it),
        TEST(test_without_its_warden_electctl_ends_them),
        TEST(test_without_electctl_its_warden_ends_them),
        TEST(test_other_children_of_electctl_are_left_alone),
        TEST(test_another_run_is_left_alone),
        TEST(test_what_may_not_be_signalled_is_waited_for),
        TEST(test_what_is_hidden_is_waited_for),
    };

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "--locked") == 0) {
        return locked(argv + 2);
    }
    if (argc == 3 && strcmp(argv[1], "--chain") == 0) {
        chain(strtoul(argv[2], NULL, 10));
    }
    if (argc == 3 && strcmp(argv[1], "--crowd") == 0) {
        crowd(strtoul(argv[2], NULL, 10));
    }
    if (argc == 2 && strcmp(argv[1], "--zombie") == 0) {
        zombie();
    }
    if (readlink("/proc/self/exe", self_path, sizeof self_path - 1) <= 0) {
        return 1;
    }
    return run_all();
}
