// SPDX-License-Identifier: Apache-2.0
//
// A program is found where execvp() finds it.

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/run/program.h"

static char directory[] = "/tmp/electctl-program-XXXXXX";

static void make_file(const char *path, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    assert_true(fd != -1);
    assert_int_equal(write(fd, "#!/bin/sh\n", 10), 10);
    close(fd);
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    assert_int_equal(mkdir("plain", 0700), 0);
    assert_int_equal(mkdir("good", 0700), 0);
    assert_int_equal(mkdir("plain/dir", 0700), 0);
    make_file("plain/tool", 0600);
    make_file("good/tool", 0700);
    make_file("here", 0700);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const files[] = {"plain/tool", "good/tool", "here",
                                        "plain/dir",  "plain",     "good"};

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        assert_int_equal(remove(files[i]), 0);
    }
    assert_int_equal(chdir("/"), 0);
    return rmdir(directory);
}

// With what execvp() fails, or 0, in a child that is that program then.
static int try(const char *name)
{
    char *arguments[] = {(char *)(uintptr_t)name, NULL};
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        execvp(name, arguments);
        _exit(errno);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_it_is_found_as_execvp_finds_it(void **state)
{
    static const struct {
        const char *path;
        const char *name;
        int error;
    } cases[] = {
        {"good", "tool", 0},
        {"good:plain", "tool", 0},
        {"plain:good", "tool", 0},
        {"nowhere:good", "tool", 0},
        {"here:good", "tool", 0},
        {"plain", "tool", EACCES},
        {"plain:nowhere", "tool", EACCES},
        {"plain", "dir", EACCES},
        {"nowhere", "tool", ENOENT},
        {"good", "here", ENOENT},
        {"good:", "here", 0},
        {":good", "here", 0},
        {"", "here", 0},
        {"good", "./here", 0},
        {"nowhere", "good/tool", 0},
        {"good", "./tool", ENOENT},
        {"good", "plain/tool", EACCES},
        {"good", "./plain", EACCES},
        {"good", "here/tool", ENOTDIR},
        {"good", "", ENOENT},
        {NULL, "sh", 0},
        {NULL, "here", ENOENT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (cases[i].path == NULL) {
            unsetenv("PATH");
        } else {
            setenv("PATH", cases[i].path, 1);
        }
        if (program_find(cases[i].name) != cases[i].error) {
            fail_msg("'%s' in PATH '%s': %d", cases[i].name,
                     cases[i].path != NULL ? cases[i].path : "(none)",
                     program_find(cases[i].name));
        }
        if (cases[i].path != NULL || cases[i].error != 0) {
            assert_int_equal(try(cases[i].name), cases[i].error);
        }
    }
}

static void test_what_is_not_there_is_127_and_all_else_126(void **state)
{
    (void)state;
    assert_int_equal(program_exit_code(ENOENT), 127);
    assert_int_equal(program_exit_code(EACCES), 126);
    assert_int_equal(program_exit_code(ENOTDIR), 126);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_found_as_execvp_finds_it),
        cmocka_unit_test(test_what_is_not_there_is_127_and_all_else_126),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
