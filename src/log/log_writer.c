// SPDX-License-Identifier: Apache-2.0
//
// Happy path: a line is copied behind the others in a ring; the thread, woken
// if it sleeps, takes what is there, LOG_LINE_SIZE bytes at a time and always
// whole lines, and writes it. Then it naps for a moment, in which lines gather,
// so that a busy daemon neither wakes it for each line nor writes each by
// itself. A nap that brought nothing ends in a sleep without end.
//
// Failure modes: a write that waits, which fills the ring, or fails: a reader
// that is gone, a full disk. Either costs lines, which are counted. Once one
// did not fit, all are dropped until the ring is empty, so that the number of
// those stands in their place. A thread that still waits when the process is
// to end is left behind.
//
// Who puts lines holds the mutex, and the thread takes it only to end such a
// time of dropping: the loop never waits for a thread that is not running.

#include "log/log_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log/log.h"

#define LOG_WRITER_STACK_SIZE (128 * 1024)
#define LOG_WRITER_NAP_MS 1
// A terminal may have room for a byte, and none for a newline, which is two.
#define LOG_WRITER_RETRY_MS 100

#define LOG_WRITER_MS_PER_S 1000
#define LOG_WRITER_NS_PER_MS 1000000

// What becomes of a line.
//
//     DIRECT --start--> QUEUED --stop--> FLUSHING ---> DIRECT
//                                            |
//                                            +-------> LOST
enum log_writer_phase {
    // It is written at once.
    LOG_WRITER_DIRECT,
    // It goes to the thread.
    LOG_WRITER_QUEUED,
    // It is dropped: the thread is to end, or did not.
    LOG_WRITER_FLUSHING,
    LOG_WRITER_LOST,
};

static struct {
    atomic_int fd;
    atomic_int phase;
    // Lines that could not be written, since the last report of them.
    atomic_uint_fast64_t failed;
    // What was written last is the beginning of a line.
    atomic_bool is_torn;
    pthread_t thread;
    sem_t awake;
    sem_t ended;
    atomic_bool is_asleep;
    atomic_bool is_stopping;
    // Held by who puts lines.
    pthread_mutex_t mutex;
    // Lines that found no room. While it is not 0, none is put.
    uint64_t unfit;
    // How many bytes were ever put, and taken.
    atomic_size_t put;
    atomic_size_t taken;
    char ring[LOG_WRITER_BUFFER_SIZE];
} log_writer = {.fd = STDERR_FILENO, .mutex = PTHREAD_MUTEX_INITIALIZER};

void log_writer_set_descriptor(int fd)
{
    atomic_store(&log_writer.fd, fd);
}

void log_writer_open_terminal(void)
{
    int fd;

    if (isatty(STDERR_FILENO) != 1) {
        return;
    }
    fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0) {
        log_writer_set_descriptor(fd);
    }
}

static uint64_t log_writer_lines(const char *bytes, size_t size)
{
    uint64_t lines = 0;

    for (size_t i = 0; i < size; i++) {
        lines += bytes[i] == '\n';
    }
    return lines;
}

static void log_writer_sleep(unsigned ms)
{
    struct timespec time = {.tv_nsec = (long)ms * LOG_WRITER_NS_PER_MS};

    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

// One write, when there is room. A reader that is gone shows in `revents`, so
// that not even SIGPIPE has to be ignored for it. Returns as write().
static ssize_t log_writer_write_some(const char *bytes, size_t size,
                                     int wait_ms)
{
    struct pollfd room = {.fd = atomic_load(&log_writer.fd), .events = POLLOUT};

    if (poll(&room, 1, wait_ms) != 1 || room.revents != POLLOUT) {
        errno = EIO;
        return -1;
    }
    return write(room.fd, bytes, size);
}

// Writes all that it can: for the thread, that is until there is an error.
// Returns how many bytes it was.
static size_t log_writer_write_all(const char *bytes, size_t size, int wait_ms)
{
    size_t written = 0;

    while (written < size) {
        ssize_t count =
            log_writer_write_some(bytes + written, size - written, wait_ms);

        if (count > 0) {
            written += (size_t)count;
        }
        if (wait_ms == 0 || count == 0 ||
            (count < 0 && errno != EAGAIN && errno != EINTR)) {
            break;
        }
        if (count < 0) {
            log_writer_sleep(LOG_WRITER_RETRY_MS);
        }
    }
    return written;
}

// Writes lines behind a newline, of which the latter is left out if it can be.
// Returns how many lines it could not write.
static uint64_t log_writer_write(const char *bytes, size_t size, int wait_ms)
{
    size_t start = atomic_load(&log_writer.is_torn) ? 0 : 1;
    size_t written =
        start + log_writer_write_all(bytes + start, size - start, wait_ms);

    if (written > start) {
        atomic_store(&log_writer.is_torn, bytes[written - 1] != '\n');
    }
    // The newline in front ends another line.
    written = written > 0 ? written : 1;
    return log_writer_lines(bytes + written, size - written);
}

// Says how many lines were lost, if any were. False: that was lost as well.
static bool log_writer_report(int wait_ms)
{
    uint64_t count = atomic_exchange(&log_writer.failed, 0);
    struct log_line line;

    if (count == 0) {
        return true;
    }
    log_build_dropped(&line, count);
    if (log_writer_write(line.bytes, line.size, wait_ms) == 0) {
        return true;
    }
    atomic_fetch_add(&log_writer.failed, count);
    return false;
}

static void log_writer_deliver(const char *bytes, size_t size, int wait_ms)
{
    uint64_t failed = log_writer_report(wait_ms)
                          ? log_writer_write(bytes, size, wait_ms)
                          : log_writer_lines(bytes + 1, size - 1);

    if (failed > 0) {
        atomic_fetch_add(&log_writer.failed, failed);
    }
}

static void log_writer_copy_in(size_t at, const char *bytes, size_t size)
{
    size_t offset = at % LOG_WRITER_BUFFER_SIZE;
    size_t first = LOG_WRITER_BUFFER_SIZE - offset;

    first = size < first ? size : first;
    memcpy(log_writer.ring + offset, bytes, first);
    memcpy(log_writer.ring, bytes + first, size - first);
}

static void log_writer_copy_out(size_t at, char *bytes, size_t size)
{
    size_t offset = at % LOG_WRITER_BUFFER_SIZE;
    size_t first = LOG_WRITER_BUFFER_SIZE - offset;

    first = size < first ? size : first;
    memcpy(bytes, log_writer.ring + offset, first);
    memcpy(bytes + first, log_writer.ring, size - first);
}

// Under the mutex. False: there is no room.
static bool log_writer_put(const char *bytes, size_t size)
{
    size_t put = atomic_load(&log_writer.put);
    size_t waiting = put - atomic_load(&log_writer.taken);

    if (atomic_load(&log_writer.phase) != LOG_WRITER_QUEUED ||
        log_writer.unfit > 0 || size > LOG_WRITER_BUFFER_SIZE - waiting) {
        return false;
    }
    log_writer_copy_in(put, bytes, size);
    atomic_store(&log_writer.put, put + size);
    return true;
}

static void log_writer_queue(const char *bytes, size_t size)
{
    (void)pthread_mutex_lock(&log_writer.mutex);
    if (!log_writer_put(bytes, size)) {
        log_writer.unfit += log_writer_lines(bytes, size);
    }
    (void)pthread_mutex_unlock(&log_writer.mutex);
    if (atomic_load(&log_writer.is_asleep) &&
        atomic_exchange(&log_writer.is_asleep, false)) {
        (void)sem_post(&log_writer.awake);
    }
}

void log_writer_send(const char *bytes, size_t size)
{
    int saved_errno = errno;

    if (atomic_load(&log_writer.phase) == LOG_WRITER_DIRECT) {
        log_writer_deliver(bytes, size, 0);
    } else {
        log_writer_queue(bytes + 1, size - 1);
    }
    errno = saved_errno;
}

// Takes as many whole lines as there are, behind a newline. Returns the size of
// them all, or 0.
static size_t log_writer_take(char bytes[LOG_LINE_SIZE])
{
    size_t taken = atomic_load(&log_writer.taken);
    size_t size = atomic_load(&log_writer.put) - taken;

    if (size == 0) {
        return 0;
    }
    size = size < LOG_LINE_SIZE - 1 ? size : LOG_LINE_SIZE - 1;
    bytes[0] = '\n';
    log_writer_copy_out(taken, bytes + 1, size);
    // A line fits: there is a newline.
    while (bytes[size] != '\n') {
        size--;
    }
    atomic_store(&log_writer.taken, taken + size);
    return size + 1;
}

static bool log_writer_is_empty(void)
{
    return atomic_load(&log_writer.put) == atomic_load(&log_writer.taken);
}

// Nothing waits: what was dropped meanwhile belongs here.
static void log_writer_end_dropping(void)
{
    (void)pthread_mutex_lock(&log_writer.mutex);
    if (log_writer_is_empty()) {
        atomic_fetch_add(&log_writer.failed, log_writer.unfit);
        log_writer.unfit = 0;
    }
    (void)pthread_mutex_unlock(&log_writer.mutex);
}

static void log_writer_drain(void)
{
    char bytes[LOG_LINE_SIZE];
    size_t size;

    while ((size = log_writer_take(bytes)) > 0) {
        log_writer_deliver(bytes, size, -1);
    }
    log_writer_end_dropping();
    (void)log_writer_report(-1);
}

// Sleeps until there are lines. False: there are none, and will be none.
static bool log_writer_await(void)
{
    for (;;) {
        // Once it is to stop, nobody puts any more.
        bool is_stopping = atomic_load(&log_writer.is_stopping);

        // Whoever puts a line from here on wakes it.
        atomic_store(&log_writer.is_asleep, true);
        if (!log_writer_is_empty()) {
            atomic_store(&log_writer.is_asleep, false);
            return true;
        }
        if (is_stopping) {
            return false;
        }
        (void)sem_wait(&log_writer.awake);
    }
}

static void *log_writer_run(void *argument)
{
    (void)argument;
    while (log_writer_await()) {
        log_writer_drain();
        log_writer_sleep(LOG_WRITER_NAP_MS);
    }
    (void)sem_post(&log_writer.ended);
    return NULL;
}

static bool log_writer_create_thread(void)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    int status;

    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }
    (void)pthread_attr_setstacksize(&attributes, LOG_WRITER_STACK_SIZE);
    // Signals are for the loop.
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    status =
        pthread_create(&log_writer.thread, &attributes, log_writer_run, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return status == 0;
}

bool log_writer_start(void)
{
    if (atomic_load(&log_writer.phase) != LOG_WRITER_DIRECT ||
        sem_init(&log_writer.awake, 0, 0) != 0 ||
        sem_init(&log_writer.ended, 0, 0) != 0) {
        return false;
    }
    atomic_store(&log_writer.is_stopping, false);
    if (!log_writer_create_thread()) {
        return false;
    }
    (void)pthread_setname_np(log_writer.thread, "log");
    atomic_store(&log_writer.phase, LOG_WRITER_QUEUED);
    return true;
}

static bool log_writer_await_end(void)
{
    struct timespec by;
    int status;

    (void)clock_gettime(CLOCK_MONOTONIC, &by);
    by.tv_sec += LOG_WRITER_FLUSH_MS / LOG_WRITER_MS_PER_S;
    do {
        status = sem_clockwait(&log_writer.ended, CLOCK_MONOTONIC, &by);
    } while (status != 0 && errno == EINTR);
    return status == 0;
}

void log_writer_stop(void)
{
    if (atomic_load(&log_writer.phase) != LOG_WRITER_QUEUED) {
        return;
    }
    // Who is putting a line has put it before the thread is told.
    (void)pthread_mutex_lock(&log_writer.mutex);
    atomic_store(&log_writer.phase, LOG_WRITER_FLUSHING);
    (void)pthread_mutex_unlock(&log_writer.mutex);
    atomic_store(&log_writer.is_stopping, true);
    (void)sem_post(&log_writer.awake);
    if (log_writer_await_end()) {
        (void)pthread_join(log_writer.thread, NULL);
        atomic_store(&log_writer.phase, LOG_WRITER_DIRECT);
    } else {
        atomic_store(&log_writer.phase, LOG_WRITER_LOST);
    }
}
