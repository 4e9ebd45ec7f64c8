// SPDX-License-Identifier: Apache-2.0

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

#include "listen/socket_claim.h"

#define NOBODY 65534
#define RACERS 8
#define RACE_ROUNDS 200

// A directory of its own, in which every test begins.
struct fixture {
    char directory[64];
    struct socket_claim claim;
    struct socket_claim second;
    char reason[SOCKET_CLAIM_REASON_SIZE];
};

// How many times a lock file is to be removed right before it is locked.
static int removals;

// Stands in for the system's: what others may do between two calls is done
// here.
int flock(int fd, int operation)
{
    if (removals > 0) {
        removals--;
        unlink("s.lock");
    }
    return (int)syscall(SYS_flock, fd, operation);
}

static int setup(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.directory = "/tmp/electd-test-XXXXXX"};
    fixture.claim.lock_fd = -1;
    fixture.second.lock_fd = -1;
    *state = &fixture;
    return mkdtemp(fixture.directory) == NULL || chdir(fixture.directory) != 0
               ? -1
               : 0;
}

// How many files there are besides `.` and `..`.
static int count_files(void)
{
    DIR *directory = opendir(".");
    int count = -2;

    assert_non_null(directory);
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    return chdir("/") != 0 || rmdir(fixture->directory) != 0 ? -1 : 0;
}

static bool exists(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

static int make_file(const char *path, const char *content)
{
    size_t size = strlen(content);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, size), size);
    return fd;
}

// Binds a socket to a path, and listens if it can.
static int make_socket(const char *path, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    if (type == SOCK_STREAM) {
        assert_int_equal(listen(fd, 0), 0);
    }
    return fd;
}

// A process that listens at a path until it is ended.
static pid_t start_listener(const char *path)
{
    int ready[2];
    char byte = 0;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        make_socket(path, SOCK_STREAM);
        _exit(write(ready[1], &byte, 1) == 1 && close(ready[1]) == 0 ? pause()
                                                                     : 1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

static void stop(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void expect_taken(struct fixture *fixture)
{
    fixture->reason[0] = '\0';
    if (!socket_claim_take(&fixture->claim, "s", fixture->reason)) {
        fail_msg("%s", fixture->reason);
    }
}

// Expects a refusal that leaves things as they are.
static void expect_refused(struct fixture *fixture, const char *path,
                           const char *expected)
{
    int files = count_files();

    assert_false(socket_claim_take(&fixture->second, path, fixture->reason));
    assert_string_equal(fixture->reason, expected);
    assert_int_equal(fixture->second.lock_fd, -1);
    assert_int_equal(count_files(), files);
    // What was not taken cannot be released.
    socket_claim_release(&fixture->second);
    assert_int_equal(count_files(), files);
}

static void test_a_claim_holds_a_private_lock_file(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;

    expect_taken(fixture);
    assert_int_equal(stat("s.lock", &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(status.st_size, 0);
    assert_true(fcntl(fixture->claim.lock_fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(count_files(), 1);
    socket_claim_release(&fixture->claim);
}

static void test_a_released_claim_leaves_nothing_behind(void **state)
{
    struct fixture *fixture = *state;

    expect_taken(fixture);
    socket_claim_release(&fixture->claim);
    assert_int_equal(count_files(), 0);
    // Once more does nothing.
    close(make_socket("s", SOCK_STREAM));
    socket_claim_release(&fixture->claim);
    assert_int_equal(count_files(), 1);
    expect_taken(fixture);
    socket_claim_release(&fixture->claim);
    assert_int_equal(count_files(), 0);
}

static void test_a_second_claim_is_refused_until_the_first_ends(void **state)
{
    struct fixture *fixture = *state;

    expect_taken(fixture);
    expect_refused(fixture, "s", "another electd holds s.lock");
    expect_refused(fixture, "./s", "another electd holds ./s.lock");
    socket_claim_release(&fixture->claim);
    assert_true(socket_claim_take(&fixture->second, "s", fixture->reason));
    socket_claim_release(&fixture->second);
}

static void test_claims_of_two_paths_do_not_meet(void **state)
{
    struct fixture *fixture = *state;

    expect_taken(fixture);
    assert_true(socket_claim_take(&fixture->second, "s2", fixture->reason));
    socket_claim_release(&fixture->second);
    assert_true(exists("s.lock"));
    socket_claim_release(&fixture->claim);
}

static void test_what_a_crash_has_left_is_taken_over(void **state)
{
    struct fixture *fixture = *state;

    close(make_file("s.lock", ""));
    close(make_socket("s", SOCK_STREAM));
    expect_taken(fixture);
    assert_false(exists("s"));
    socket_claim_release(&fixture->claim);
    assert_int_equal(count_files(), 0);
}

static void test_a_server_that_is_listening_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    pid_t child = start_listener("s");

    expect_refused(fixture, "s", "another server is listening");
    assert_true(exists("s"));
    stop(child);
    assert_int_equal(unlink("s"), 0);
}

static void test_a_server_with_a_full_backlog_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s"};
    int server = make_socket("s", SOCK_STREAM);
    int clients[8];
    size_t count = 0;
    int result;

    do {
        clients[count] =
            socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        result = connect(clients[count], (struct sockaddr *)&address,
                         sizeof address);
        count++;
    } while (result == 0 && count < 8);
    assert_int_equal(errno, EAGAIN);
    // Ends the test if it waits.
    alarm(10);
    expect_refused(fixture, "s", "another server is listening");
    alarm(0);
    while (count > 0) {
        close(clients[--count]);
    }
    close(server);
    assert_int_equal(unlink("s"), 0);
}

static void test_a_socket_of_another_type_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    int server = make_socket("s", SOCK_DGRAM);

    expect_refused(fixture, "s", "another server is listening");
    assert_true(exists("s"));
    close(server);
    assert_int_equal(unlink("s"), 0);
}

static void test_what_is_not_a_socket_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    const char *expected = "a file that is not a socket is there";

    close(make_file("s", ""));
    expect_refused(fixture, "s", expected);
    assert_int_equal(unlink("s"), 0);
    assert_int_equal(mkdir("s", 0700), 0);
    expect_refused(fixture, "s", expected);
    assert_int_equal(rmdir("s"), 0);
    close(make_socket("stale", SOCK_STREAM));
    assert_int_equal(symlink("stale", "s"), 0);
    expect_refused(fixture, "s", expected);
    assert_int_equal(unlink("s"), 0);
    assert_int_equal(unlink("stale"), 0);
}

static void test_a_lock_file_that_is_none_is_left_alone(void **state)
{
    struct fixture *fixture = *state;

    close(make_file("s.lock", "precious"));
    expect_refused(fixture, "s", "s.lock is not a lock file");
    assert_int_equal(unlink("s.lock"), 0);
    assert_int_equal(mkfifo("s.lock", 0600), 0);
    expect_refused(fixture, "s", "s.lock is not a lock file");
    assert_int_equal(unlink("s.lock"), 0);
    assert_int_equal(mkdir("s.lock", 0700), 0);
    expect_refused(fixture, "s", "cannot create s.lock: is a directory");
    assert_int_equal(rmdir("s.lock"), 0);
    assert_int_equal(symlink("elsewhere", "s.lock"), 0);
    expect_refused(fixture, "s",
                   "cannot create s.lock: too many levels of symbolic links");
    assert_false(exists("elsewhere"));
    assert_int_equal(unlink("s.lock"), 0);
}

static void test_a_missing_directory_is_named_as_such(void **state)
{
    struct fixture *fixture = *state;

    expect_refused(fixture, "no/s", "its directory does not exist");
    close(make_file("no", ""));
    expect_refused(fixture, "no/s", "cannot create no/s.lock: not a directory");
    assert_int_equal(unlink("no"), 0);
}

static void test_a_directory_that_may_not_be_written_is_named(void **state)
{
    struct fixture *fixture = *state;
    bool is_root = geteuid() == 0;

    assert_int_equal(chmod(".", 0555), 0);
    assert_int_equal(is_root ? seteuid(NOBODY) : 0, 0);
    expect_refused(fixture, "s", "cannot create s.lock: permission denied");
    assert_int_equal(is_root ? seteuid(0) : 0, 0);
    assert_int_equal(chmod(".", 0700), 0);
}

static void test_the_longest_path_can_be_claimed(void **state)
{
    struct fixture *fixture = *state;
    char path[ADDRESS_PATH_SIZE];

    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    close(make_socket(path, SOCK_STREAM));
    assert_true(socket_claim_take(&fixture->claim, path, fixture->reason));
    assert_false(exists(path));
    socket_claim_release(&fixture->claim);
    assert_int_equal(count_files(), 0);
}

static void test_a_release_removes_a_socket_that_was_left_over(void **state)
{
    struct fixture *fixture = *state;

    expect_taken(fixture);
    close(make_socket("s", SOCK_STREAM));
    socket_claim_release(&fixture->claim);
    assert_int_equal(count_files(), 0);
}

static void test_a_release_removes_what_its_own_process_serves(void **state)
{
    struct fixture *fixture = *state;
    int server;

    expect_taken(fixture);
    server = make_socket("s", SOCK_STREAM);
    socket_claim_release(&fixture->claim);
    assert_int_equal(count_files(), 0);
    close(server);
}

static void test_a_release_keeps_what_another_process_serves(void **state)
{
    struct fixture *fixture = *state;
    pid_t child;

    expect_taken(fixture);
    child = start_listener("s");
    socket_claim_release(&fixture->claim);
    assert_true(exists("s"));
    assert_int_equal(count_files(), 1);
    stop(child);
    assert_int_equal(unlink("s"), 0);
}

static void test_a_release_keeps_a_lock_file_that_others_made(void **state)
{
    struct fixture *fixture = *state;

    expect_taken(fixture);
    assert_int_equal(unlink("s.lock"), 0);
    close(make_file("s.lock", ""));
    socket_claim_release(&fixture->claim);
    assert_true(exists("s.lock"));
    assert_int_equal(unlink("s.lock"), 0);
}

static void test_a_process_that_dies_gives_its_claim_back(void **state)
{
    struct fixture *fixture = *state;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        _exit(socket_claim_take(&fixture->second, "s", fixture->reason) ? 0
                                                                        : 1);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(exists("s.lock"));
    expect_taken(fixture);
    socket_claim_release(&fixture->claim);
    assert_int_equal(count_files(), 0);
}

static void test_a_lock_file_without_a_name_is_no_claim(void **state)
{
    struct fixture *fixture = *state;

    removals = 2;
    expect_taken(fixture);
    assert_int_equal(removals, 0);
    assert_true(exists("s.lock"));
    expect_refused(fixture, "s", "another electd holds s.lock");
    socket_claim_release(&fixture->claim);
    assert_int_equal(count_files(), 0);
}

static void test_lock_files_that_vanish_again_and_again_are_named(void **state)
{
    struct fixture *fixture = *state;

    removals = 1000000;
    expect_refused(fixture, "s", "others keep removing s.lock");
    removals = 0;
}

// Claims again and again; false if another was inside at the same time.
static bool race(struct fixture *fixture)
{
    for (int i = 0; i < RACE_ROUNDS; i++) {
        int fd;

        if (!socket_claim_take(&fixture->claim, "s", fixture->reason)) {
            continue;
        }
        fd = open("inside", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd == -1) {
            return false;
        }
        close(fd);
        if (unlink("inside") != 0) {
            return false;
        }
        socket_claim_release(&fixture->claim);
    }
    return true;
}

static void test_of_many_processes_one_at_a_time_has_the_claim(void **state)
{
    struct fixture *fixture = *state;
    pid_t children[RACERS];
    int status;
    int failures = 0;

    for (size_t i = 0; i < RACERS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            _exit(race(fixture) ? 0 : 1);
        }
    }
    for (size_t i = 0; i < RACERS; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        failures += status != 0;
    }
    assert_int_equal(failures, 0);
    assert_int_equal(count_files(), 0);
}

int main(void)
{
#define CLAIM_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CLAIM_TEST(test_a_claim_holds_a_private_lock_file),
        CLAIM_TEST(test_a_released_claim_leaves_nothing_behind),
        CLAIM_TEST(test_a_second_claim_is_refused_until_the_first_ends),
        CLAIM_TEST(test_claims_of_two_paths_do_not_meet),
        CLAIM_TEST(test_what_a_crash_has_left_is_taken_over),
        CLAIM_TEST(test_a_server_that_is_listening_is_left_alone),
        CLAIM_TEST(test_a_server_with_a_full_backlog_is_left_alone),
        CLAIM_TEST(test_a_socket_of_another_type_is_left_alone),
        CLAIM_TEST(test_what_is_not_a_socket_is_left_alone),
        CLAIM_TEST(test_a_lock_file_that_is_none_is_left_alone),
        CLAIM_TEST(test_a_missing_directory_is_named_as_such),
        CLAIM_TEST(test_a_directory_that_may_not_be_written_is_named),
        CLAIM_TEST(test_the_longest_path_can_be_claimed),
        CLAIM_TEST(test_a_release_removes_a_socket_that_was_left_over),
        CLAIM_TEST(test_a_release_removes_what_its_own_process_serves),
        CLAIM_TEST(test_a_release_keeps_what_another_process_serves),
        CLAIM_TEST(test_a_release_keeps_a_lock_file_that_others_made),
        CLAIM_TEST(test_a_process_that_dies_gives_its_claim_back),
        CLAIM_TEST(test_a_lock_file_without_a_name_is_no_claim),
        CLAIM_TEST(test_lock_files_that_vanish_again_and_again_are_named),
        CLAIM_TEST(test_of_many_processes_one_at_a_time_has_the_claim),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
