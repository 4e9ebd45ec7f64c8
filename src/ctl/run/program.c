// SPDX-License-Identifier: Apache-2.0
//
// Happy path: one directory of PATH has an executable file of that name.
//
// Failure modes: nothing is there (ENOENT), or only what may not be executed
// (EACCES). What is found may still fail to run later: its interpreter may be
// missing, or it is deleted meanwhile. The child then says so itself.

#include "ctl/run/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Where execvp() looks when there is no PATH.
#define PROGRAM_DEFAULT_PATH "/bin:/usr/bin"

static int program_look(const char *path)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        return errno;
    }
    if (!S_ISREG(status.st_mode)) {
        return EACCES;
    }
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

static int program_look_in(const char *directory, size_t size, const char *name)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%.*s%s%s", (int)size, directory,
                          size > 0 ? "/" : "", name);

    return length > 0 && (size_t)length < sizeof path ? program_look(path)
                                                      : ENAMETOOLONG;
}

int program_find(const char *name)
{
    const char *directories = getenv("PATH");
    int error = ENOENT;

    if (name[0] == '\0') {
        return ENOENT;
    }
    if (strchr(name, '/') != NULL) {
        return program_look(name);
    }
    if (directories == NULL) {
        directories = PROGRAM_DEFAULT_PATH;
    }
    for (;;) {
        size_t size = strcspn(directories, ":");
        int found = program_look_in(directories, size, name);

        if (found == 0) {
            return 0;
        }
        // Another directory may have one that may be executed.
        if (found == EACCES) {
            error = EACCES;
        }
        if (directories[size] == '\0') {
            return error;
        }
        directories += size + 1;
    }
}

int program_exit_code(int error)
{
    return error == ENOENT ? PROGRAM_EXIT_NOT_FOUND : PROGRAM_EXIT_NOT_RUN;
}
