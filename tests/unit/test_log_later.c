// SPDX-License-Identifier: Apache-2.0
//
// Lines that wait for others, to go out in one write with them.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

#include "log/log.h"
#include "log/log_writer.h"

#define MANY_LINES 1000

static int ends[2];
static char text[1 << 18];

static int setup(void **state)
{
    (void)state;
    if (pipe(ends) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
        return -1;
    }
    log_init(LOG_INFO, LOG_TEXT);
    log_writer_set_descriptor(ends[1]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    log_writer_set_descriptor(STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

// What is in the pipe by now, as `text`.
static void read_pipe(void)
{
    size_t size = 0;
    ssize_t count;

    do {
        count = read(ends[0], text + size, sizeof text - 1 - size);
        size += count > 0 ? (size_t)count : 0;
    } while (count > 0);
    text[size] = '\0';
}

// The pipe holds lines of these numbers, and no others.
static void expect_numbers(unsigned first, unsigned last)
{
    char field[32];
    const char *at = text;

    read_pipe();
    for (unsigned number = first; number <= last; number++) {
        (void)snprintf(field, sizeof field, " event=e n=%u\n", number);
        at = strstr(at, field);
        assert_non_null(at);
        at += strlen(field);
    }
    assert_int_equal(*at, '\0');
}

static void begin(struct log_line *line, uint64_t number)
{
    log_begin(line, LOG_INFO, "e");
    log_u64(line, "n", number);
}

static void emit_later(uint64_t number)
{
    struct log_line line;

    begin(&line, number);
    log_emit_later(&line);
}

static void emit(uint64_t number)
{
    struct log_line line;

    begin(&line, number);
    log_emit(&line);
}

static void test_lines_wait_for_a_flush(void **state)
{
    (void)state;
    emit_later(1);
    emit_later(2);
    read_pipe();
    assert_string_equal(text, "");
    log_flush();
    expect_numbers(1, 2);
    log_flush();
    read_pipe();
    assert_string_equal(text, "");
}

static void test_a_line_that_does_not_wait_comes_behind_them(void **state)
{
    (void)state;
    emit_later(1);
    emit_later(2);
    emit(3);
    expect_numbers(1, 3);
}

static void test_none_is_lost_for_want_of_room(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= MANY_LINES; i++) {
        emit_later(i);
    }
    log_flush();
    expect_numbers(1, MANY_LINES);
}

static void test_a_line_below_the_level_does_not_wait(void **state)
{
    struct log_line line;

    (void)state;
    log_begin(&line, LOG_DEBUG, "e");
    log_emit_later(&line);
    log_flush();
    read_pipe();
    assert_string_equal(text, "");
}

static void test_those_that_are_lost_are_counted(void **state)
{
    char bytes[4096] = {0};

    (void)state;
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    while (write(ends[1], bytes, sizeof bytes) > 0) {
    }
    assert_int_equal(errno, EAGAIN);
    emit_later(1);
    emit_later(2);
    log_flush();
    emit(3);
    read_pipe();
    emit_later(4);
    log_flush();
    read_pipe();
    assert_non_null(strstr(text, " event=log_lines_dropped count=3\n"));
    assert_non_null(strstr(text, " event=e n=4\n"));
}

#define LATER(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LATER(test_lines_wait_for_a_flush),
        LATER(test_a_line_that_does_not_wait_comes_behind_them),
        LATER(test_none_is_lost_for_want_of_room),
        LATER(test_a_line_below_the_level_does_not_wait),
        LATER(test_those_that_are_lost_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
