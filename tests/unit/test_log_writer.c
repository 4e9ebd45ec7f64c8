// SPDX-License-Identifier: Apache-2.0
//
// The log with its thread: what waits, what is dropped, and how it ends.

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/test.h"

#include "log/log.h"
#include "log/log_writer.h"

// More than the pipe and the writer's buffer take.
#define TOO_MANY 20000
#define THREADS 4
#define LINES_PER_THREAD 2000
#define DEADLINE_S 50

static int ends[2];
static char text[1 << 22];
static size_t text_size;

static int setup(void **state)
{
    (void)state;
    if (pipe(ends) != 0) {
        return -1;
    }
    text_size = 0;
    text[0] = '\0';
    log_init(LOG_INFO, LOG_TEXT);
    log_writer_set_descriptor(ends[1]);
    // What hangs is a failure.
    alarm(DEADLINE_S);
    return log_writer_start() ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    log_writer_stop();
    log_writer_set_descriptor(STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    alarm(0);
    return 0;
}

static void emit(uint64_t number)
{
    struct log_line line;

    log_begin(&line, LOG_INFO, "e");
    log_u64(&line, "n", number);
    log_emit(&line);
}

// Reads until the text has come.
static void await(const char *part)
{
    while (strstr(text, part) == NULL) {
        ssize_t count =
            read(ends[0], text + text_size, sizeof text - 1 - text_size);

        assert_true(count > 0);
        text_size += (size_t)count;
        text[text_size] = '\0';
    }
}

// Reads the rest; the log is over.
static void read_rest(void)
{
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    while (true) {
        ssize_t count =
            read(ends[0], text + text_size, sizeof text - 1 - text_size);

        if (count <= 0) {
            break;
        }
        text_size += (size_t)count;
    }
    text[text_size] = '\0';
}

// How many lines the text has, or says that it has not. All are whole.
static uint64_t count_lines(void)
{
    static const char key[] = " event=log_lines_dropped count=";
    uint64_t count = 0;
    const char *end;

    for (const char *line = text; *line != '\0'; line = end + 1) {
        const char *dropped = strstr(line, key);

        assert_memory_equal(line, "time=", 5);
        end = strchr(line, '\n');
        assert_non_null(end);
        if (dropped != NULL && dropped < end) {
            count += strtoull(dropped + sizeof key - 1, NULL, 10);
        } else {
            count++;
        }
    }
    return count;
}

static void expect_in_order(unsigned first, unsigned last)
{
    const char *at = text;
    char field[32];

    for (unsigned number = first; number <= last; number++) {
        (void)snprintf(field, sizeof field, " event=e n=%u\n", number);
        at = strstr(at, field);
        assert_non_null(at);
    }
}

static void test_lines_come_in_order(void **state)
{
    (void)state;
    // Around the ring, more than once.
    for (unsigned i = 1; i <= 30; i++) {
        char last[32];

        for (unsigned j = (i - 1) * 500 + 1; j <= i * 500; j++) {
            emit(j);
        }
        (void)snprintf(last, sizeof last, " n=%u\n", i * 500);
        await(last);
    }
    expect_in_order(1, 30 * 500);
    assert_int_equal(count_lines(), 30 * 500);
}

static void test_one_line_is_written_without_another(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 20; i++) {
        char last[32];

        emit(i);
        (void)snprintf(last, sizeof last, " n=%u\n", i);
        await(last);
    }
}

static void test_reader_that_stalls_costs_lines_that_are_told(void **state)
{
    (void)state;
    errno = EXDEV;
    for (unsigned i = 1; i <= TOO_MANY; i++) {
        emit(i);
    }
    assert_int_equal(errno, EXDEV);
    // No other line has to come for it.
    await(" event=log_lines_dropped count=");
    emit(TOO_MANY + 1);
    await(" n=20001\n");
    assert_int_equal(count_lines(), TOO_MANY + 1);
    // Those that came were the first.
    expect_in_order(1, 1000);
}

static void test_what_waits_is_written_at_the_end(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 500; i++) {
        emit(i);
    }
    log_writer_stop();
    // From here on at once.
    emit(501);
    read_rest();
    expect_in_order(1, 501);
    assert_int_equal(count_lines(), 501);
}

static void test_reader_that_is_gone_costs_lines_and_no_signal(void **state)
{
    struct sigaction action;

    (void)state;
    assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
    assert_ptr_equal(action.sa_handler, SIG_DFL);
    close(ends[0]);
    for (unsigned i = 1; i <= TOO_MANY; i++) {
        emit(i);
    }
    log_writer_stop();
    close(ends[1]);
    assert_int_equal(pipe(ends), 0);
    log_writer_set_descriptor(ends[1]);
    emit(TOO_MANY + 1);
    read_rest();
    assert_int_equal(count_lines(), TOO_MANY + 1);
}

static void *emit_many(void *argument)
{
    for (unsigned i = 1; i <= LINES_PER_THREAD; i++) {
        emit(i);
    }
    return argument;
}

static void *stop(void *argument)
{
    log_writer_stop();
    return argument;
}

static void test_lines_of_several_threads_never_mix(void **state)
{
    pthread_t threads[THREADS];
    pthread_t stopper;
    struct pollfd input = {.fd = ends[0], .events = POLLIN};

    (void)state;
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, emit_many, NULL), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(pthread_create(&stopper, NULL, stop, NULL), 0);
    while (poll(&input, 1, 100) == 1) {
        ssize_t count =
            read(ends[0], text + text_size, sizeof text - 1 - text_size);

        assert_true(count > 0);
        text_size += (size_t)count;
    }
    assert_int_equal(pthread_join(stopper, NULL), 0);
    read_rest();
    assert_int_equal(count_lines(), THREADS * LINES_PER_THREAD);
}

// The last one, since its thread stays behind, and the pipe with it.
static void test_writer_that_hangs_is_left_behind(void **state)
{
    struct timespec before;
    struct timespec after;

    (void)state;
    for (unsigned i = 1; i <= TOO_MANY; i++) {
        emit(i);
    }
    clock_gettime(CLOCK_MONOTONIC, &before);
    log_writer_stop();
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_in_range(after.tv_sec - before.tv_sec, 0, 10);
    // Nor does a later line wait for it.
    emit(0);
    log_writer_stop();
    assert_false(log_writer_start());
}

#define WRITER(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WRITER(test_lines_come_in_order),
        WRITER(test_one_line_is_written_without_another),
        WRITER(test_reader_that_stalls_costs_lines_that_are_told),
        WRITER(test_what_waits_is_written_at_the_end),
        WRITER(test_reader_that_is_gone_costs_lines_and_no_signal),
        WRITER(test_lines_of_several_threads_never_mix),
        cmocka_unit_test_setup(test_writer_that_hangs_is_left_behind, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
