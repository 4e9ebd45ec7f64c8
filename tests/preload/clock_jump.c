// SPDX-License-Identifier: Apache-2.0
//
// Preloaded into a daemon: puts its monotonic clock forward by what a file
// says, so that a test need not wait for ten minutes.

#include <assert.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef int (*clock_gettime_function)(clockid_t clock, struct timespec *now);

static clock_gettime_function clock_jump_real;
// Seconds; NULL without a file.
static const volatile int64_t *clock_jump_seconds;

__attribute__((constructor)) static void clock_jump_init(void)
{
    const char *path = getenv("CLOCK_JUMP_FILE");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map;

    // The conversion that dlsym(3) asks for.
    *(void **)(&clock_jump_real) = dlsym(RTLD_NEXT, "clock_gettime");
    assert(clock_jump_real != NULL);
    if (fd == -1) {
        return;
    }
    map = mmap(NULL, sizeof *clock_jump_seconds, PROT_READ, MAP_SHARED, fd, 0);
    assert(map != MAP_FAILED);
    close(fd);
    clock_jump_seconds = map;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int status;

    if (clock_jump_real == NULL) {
        clock_jump_init();
    }
    status = clock_jump_real(clock, now);
    if (status == 0 && clock_jump_seconds != NULL && clock != CLOCK_REALTIME &&
        clock != CLOCK_REALTIME_COARSE) {
        now->tv_sec += (time_t)*clock_jump_seconds;
    }
    return status;
}
