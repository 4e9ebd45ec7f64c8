// SPDX-License-Identifier: Apache-2.0

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <unistr.h>

#include "support/test.h"

#include "base/descriptors.h"
#include "log/log.h"
#include "log/log_writer.h"

// `time=2026-11-22T10:00:00.123Z `, or the same in JSON.
#define TEXT_TIME_SIZE 30
#define JSON_TIME_SIZE 35
#define ELLIPSIS "\xe2\x80\xa6"

#define THREADS 4
#define LINES_PER_THREAD 500

// A pipe to log into, and what was read from it.
struct fixture {
    int reader;
    int writer;
    size_t size;
    char bytes[1 << 18];
};

static int setup(void **state)
{
    static struct fixture fixture;
    int fds[2];

    if (pipe(fds) != 0) {
        return -1;
    }
    fixture = (struct fixture){.reader = fds[0], .writer = fds[1]};
    log_init(LOG_INFO, LOG_TEXT);
    log_writer_set_descriptor(fixture.writer);
    *state = &fixture;
    // A write that blocks is a failure, not a test that hangs.
    alarm(20);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    log_writer_set_descriptor(STDERR_FILENO);
    close(fixture->reader);
    close(fixture->writer);
    alarm(0);
    return 0;
}

// Reads what is in the pipe by now, behind what was read before.
static void read_more(struct fixture *fixture)
{
    ssize_t count;

    assert_int_equal(fcntl(fixture->reader, F_SETFL, O_NONBLOCK), 0);
    do {
        count = read(fixture->reader, fixture->bytes + fixture->size,
                     sizeof fixture->bytes - 1 - fixture->size);
        fixture->size += count > 0 ? (size_t)count : 0;
    } while (count > 0);
    fixture->bytes[fixture->size] = '\0';
}

static void read_all(struct fixture *fixture)
{
    fixture->size = 0;
    read_more(fixture);
}

// Expects lines that are given without their times, which are cut out.
static void expect_lines(struct fixture *fixture, size_t time_size,
                         const char *expected)
{
    char *from;
    char *to = fixture->bytes;
    size_t line_size;

    read_all(fixture);
    for (from = fixture->bytes; *from != '\0'; from += line_size) {
        line_size = strcspn(from, "\n") + 1;
        assert_true(line_size > time_size);
        memmove(to, from + time_size, line_size - time_size);
        to += line_size - time_size;
    }
    *to = '\0';
    assert_string_equal(fixture->bytes, expected);
}

static void expect_text(struct fixture *fixture, const char *expected)
{
    expect_lines(fixture, TEXT_TIME_SIZE, expected);
}

static void expect_json(struct fixture *fixture, const char *expected)
{
    expect_lines(fixture, JSON_TIME_SIZE, expected);
}

static void emit_value(const char *bytes, size_t size)
{
    struct log_line line;

    log_begin(&line, LOG_INFO, "e");
    log_str(&line, "v", bytes, size);
    log_emit(&line);
}

static void emit_number(uint64_t number)
{
    struct log_line line;

    log_begin(&line, LOG_INFO, "e");
    log_u64(&line, "n", number);
    log_emit(&line);
}

static void emit_all_kinds(void)
{
    struct log_line line;

    log_begin(&line, LOG_WARN, "leader_changed");
    log_str(&line, "election", "abc", 1);
    log_u64(&line, "term", UINT64_MAX);
    log_i64(&line, "shift", INT64_MIN);
    log_bool(&line, "first", true);
    log_bool(&line, "last", false);
    log_list_begin(&line, "listen");
    log_list_item(&line, "127.0.0.1:5678", 14);
    log_list_item(&line, "unix:a b", 8);
    log_list_end(&line);
    log_text(&line, "reason", "expired");
    log_emit(&line);
}

static void test_a_text_line_has_its_fields_in_order(void **state)
{
    emit_all_kinds();
    expect_text(*state, "level=warn event=leader_changed election=a "
                        "term=18446744073709551615 shift=-9223372036854775808 "
                        "first=true last=false listen=127.0.0.1:5678 "
                        "listen=\"unix:a b\" reason=expired\n");
}

static void test_a_json_line_has_its_fields_in_order(void **state)
{
    log_init(LOG_INFO, LOG_JSON);
    emit_all_kinds();
    expect_json(*state, "\"level\":\"warn\",\"event\":\"leader_changed\","
                        "\"election\":\"a\",\"term\":18446744073709551615,"
                        "\"shift\":-9223372036854775808,"
                        "\"first\":true,\"last\":false,"
                        "\"listen\":[\"127.0.0.1:5678\",\"unix:a b\"],"
                        "\"reason\":\"expired\"}\n");
}

static void test_an_empty_list_is_an_empty_array(void **state)
{
    struct log_line line;

    log_init(LOG_INFO, LOG_JSON);
    log_begin(&line, LOG_INFO, "e");
    log_list_begin(&line, "none");
    log_list_end(&line);
    log_u64(&line, "n", 1);
    log_emit(&line);
    expect_json(*state, "\"level\":\"info\",\"event\":\"e\",\"none\":[],"
                        "\"n\":1}\n");
}

// Of the very clock that the log reads: time() may lag behind it.
static time_t now(void)
{
    struct timespec time = {.tv_sec = 0};

    assert_int_equal(clock_gettime(CLOCK_REALTIME, &time), 0);
    return time.tv_sec;
}

// Reads a time as the log writes it; the milliseconds are checked by form.
static time_t parse_time(const char *text)
{
    struct tm utc = {.tm_year = 0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);

    assert_non_null(rest);
    assert_int_equal(rest[0], '.');
    assert_int_equal(strspn(rest + 1, "0123456789"), 3);
    assert_int_equal(rest[4], 'Z');
    return timegm(&utc);
}

static void test_a_line_begins_with_the_time_in_utc(void **state)
{
    struct fixture *fixture = *state;
    time_t before = now();
    time_t logged;

    // A place where it is another time.
    assert_int_equal(setenv("TZ", "XYZ-5:30", 1), 0);
    tzset();
    emit_number(1);
    read_all(fixture);
    assert_memory_equal(fixture->bytes, "time=", 5);
    logged = parse_time(fixture->bytes + 5);
    assert_in_range(logged, before, now());

    log_init(LOG_INFO, LOG_JSON);
    emit_number(1);
    read_all(fixture);
    assert_memory_equal(fixture->bytes, "{\"time\":\"", 9);
    logged = parse_time(fixture->bytes + 9);
    assert_in_range(logged, before, now());
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

static void test_a_text_value_is_quoted_when_it_must_be(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *expected;
    } cases[] = {
        {"plain:/-_.,'[]{}", 16, "plain:/-_.,'[]{}"},
        {"", 0, "\"\""},
        {"a b", 3, "\"a b\""},
        {"a=b", 3, "\"a=b\""},
        {"a\"b", 3, "\"a\\\"b\""},
        {"a\\b", 3, "\"a\\\\b\""},
        {"a\nb\tc\rd", 7, "\"a\\nb\\tc\\u000dd\""},
        {"a\0b", 3, "\"a\\u0000b\""},
        {"\x1b[31m", 5, "\"\\u001b[31m\""},
        {"\x7f", 1, "\"\\u007f\""},
        // The same escape sequence behind ASCII.
        {"\xc2\x9b"
         "31m",
         5, "\"\\u009b31m\""},
        {"\xc2\xa0", 2, "\xc2\xa0"},
        {"h\xc3\xa9\xf0\x9f\x91\x91", 7, "h\xc3\xa9\xf0\x9f\x91\x91"},
    };
    char expected[128];
    int size;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        emit_value(cases[i].bytes, cases[i].size);
        size = snprintf(expected, sizeof expected, "level=info event=e v=%s\n",
                        cases[i].expected);
        assert_true(size > 0 && (size_t)size < sizeof expected);
        expect_text(*state, expected);
    }
}

static void test_what_is_not_utf8_is_replaced_byte_by_byte(void **state)
{
    // A lone byte, an overlong form, a surrogate, a character cut short.
    emit_value("a\xff"
               "b\xc0\xaf\xed\xa0\x80\xe2\x82",
               10);
    expect_text(*state, "level=info event=e v=\"a\xef\xbf\xbd"
                        "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n");
}

static void test_a_json_value_is_always_a_string(void **state)
{
    log_init(LOG_INFO, LOG_JSON);
    emit_value("12", 2);
    emit_value("a\"\\/\n\x01\xff\xc3\xa9", 9);
    expect_json(*state, "\"level\":\"info\",\"event\":\"e\",\"v\":\"12\"}\n"
                        "\"level\":\"info\",\"event\":\"e\","
                        "\"v\":\"a\\\"\\\\/\\n\\u0001\xef\xbf\xbd\xc3\xa9\"}"
                        "\n");
}

static void test_levels_below_the_one_asked_for_write_nothing(void **state)
{
    struct log_line line;

    log_init(LOG_WARN, LOG_TEXT);
    assert_false(log_is_enabled(LOG_INFO));
    assert_true(log_is_enabled(LOG_WARN));
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
        log_begin(&line, (enum log_level)i, "e");
        log_text(&line, "v", "x");
        log_u64(&line, "n", 1);
        log_i64(&line, "n", 1);
        log_bool(&line, "n", true);
        log_list_begin(&line, "l");
        log_list_item(&line, "x", 1);
        log_list_end(&line);
        log_emit(&line);
    }
    expect_text(*state, "level=warn event=e v=x n=1 n=1 n=true l=x\n"
                        "level=error event=e v=x n=1 n=1 n=true l=x\n");
}

// A line may be as long as the limit, and ends as `end` when truncated.
static void expect_bounded(struct fixture *fixture, const char *end)
{
    size_t end_size = strlen(end);

    read_all(fixture);
    assert_in_range(fixture->size, 1, LOG_LINE_SIZE);
    assert_int_equal(fixture->bytes[fixture->size - 1], '\n');
    assert_int_equal(strcspn(fixture->bytes, "\n"), fixture->size - 1);
    assert_null(u8_check((uint8_t *)fixture->bytes, fixture->size));
    if (strstr(fixture->bytes, "truncated") == NULL) {
        return;
    }
    assert_true(fixture->size > end_size);
    assert_string_equal(fixture->bytes + fixture->size - end_size, end);
    // Nothing comes behind what did not fit, even if it would.
    assert_null(strstr(fixture->bytes, " n=1"));
    assert_null(strstr(fixture->bytes, "\"n\":1"));
}

static void test_a_value_that_does_not_fit_ends_in_an_ellipsis(void **state)
{
    struct fixture *fixture = *state;
    struct log_line line;
    char value[LOG_LINE_SIZE];

    memset(value, 'x', sizeof value);
    log_begin(&line, LOG_INFO, "e");
    log_str(&line, "v", value, sizeof value);
    log_u64(&line, "left_out", 1);
    log_emit(&line);
    expect_bounded(fixture, "xx" ELLIPSIS " truncated=true\n");
    assert_non_null(strstr(fixture->bytes, "truncated"));
    assert_null(strstr(fixture->bytes, "left_out"));
    // Most of the room is used.
    assert_true(fixture->size > LOG_LINE_SIZE - 64);

    log_init(LOG_INFO, LOG_JSON);
    log_begin(&line, LOG_INFO, "e");
    log_str(&line, "v", value, sizeof value);
    log_u64(&line, "left_out", 1);
    log_emit(&line);
    expect_bounded(fixture, "xx" ELLIPSIS "\",\"truncated\":true}\n");
    assert_non_null(strstr(fixture->bytes, "truncated"));
    assert_null(strstr(fixture->bytes, "left_out"));
}

static void emit_list(const char *value, size_t size)
{
    struct log_line line;

    log_begin(&line, LOG_INFO, "e");
    log_list_begin(&line, "l");
    log_list_item(&line, value, size);
    log_list_item(&line, "a\"", 2);
    log_list_end(&line);
    log_text(&line, "s", "\n");
    log_u64(&line, "a_key_that_is_rather_long", 1);
    log_list_begin(&line, "m");
    log_list_item(&line, "i", 1);
    log_list_end(&line);
    log_u64(&line, "n", 1);
    log_emit(&line);
}

// Every string, list and object that is opened is closed.
static void expect_balanced(const char *json)
{
    bool is_string = false;
    int depth = 0;

    for (; *json != '\0'; json++) {
        if (is_string && *json == '\\') {
            json++;
        } else if (*json == '"') {
            is_string = !is_string;
        } else if (!is_string) {
            depth += (*json == '{') + (*json == '[');
            depth -= (*json == '}') + (*json == ']');
        }
    }
    assert_false(is_string);
    assert_int_equal(depth, 0);
}

static void expect_bounded_json(struct fixture *fixture)
{
    expect_bounded(fixture, ",\"truncated\":true}\n");
    expect_balanced(fixture->bytes);
    if (strstr(fixture->bytes, "truncated") == NULL) {
        assert_non_null(strstr(fixture->bytes,
                               "\",\"a\\\"\"],\"s\":\"\\n\","
                               "\"a_key_that_is_rather_long\":1,\"m\":[\"i\"],"
                               "\"n\":1}\n"));
    }
}

// Method: move the point at which the line is full over all that may stand
// there, with bytes that are plain, escaped, and of several bytes each.
static void test_a_line_is_well_formed_wherever_it_is_cut(void **state)
{
    static const struct {
        const char *bytes;
        // How much longer it is in a line.
        size_t factor;
    } units[] = {{"x", 1}, {"\"", 2}, {"\x01", 6}, {"\xf0\x9f\x91\x91", 1}};
    char value[LOG_LINE_SIZE];
    size_t size;

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        for (size_t j = 0; j < sizeof value; j++) {
            value[j] = units[i].bytes[j % strlen(units[i].bytes)];
        }
        size = (LOG_LINE_SIZE - 200) / units[i].factor;
        for (; size < LOG_LINE_SIZE / units[i].factor; size++) {
            log_init(LOG_INFO, LOG_JSON);
            emit_list(value, size);
            expect_bounded_json(*state);
            log_init(LOG_INFO, LOG_TEXT);
            emit_list(value, size);
            expect_bounded(*state, " truncated=true\n");
        }
    }
}

// Fills a pipe as a reader that stalls does; the write end blocks again.
static void fill(struct fixture *fixture)
{
    char bytes[4096];
    ssize_t count;

    memset(bytes, '\n', sizeof bytes);
    assert_int_equal(fcntl(fixture->writer, F_SETFL, O_NONBLOCK), 0);
    do {
        count = write(fixture->writer, bytes, sizeof bytes);
    } while (count > 0);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(fcntl(fixture->writer, F_SETFL, 0), 0);
}

static void test_a_stalled_reader_costs_lines_that_are_counted(void **state)
{
    struct fixture *fixture = *state;

    fill(fixture);
    emit_number(1);
    emit_number(2);
    emit_number(3);
    read_all(fixture);
    assert_int_equal(fixture->bytes[0], '\n');
    assert_null(strstr(fixture->bytes, "event"));
    emit_number(4);
    emit_number(5);
    expect_text(fixture, "level=warn event=log_lines_dropped count=3\n"
                         "level=info event=e n=4\n"
                         "level=info event=e n=5\n");
}

static void test_lost_lines_are_reported_at_any_level(void **state)
{
    struct fixture *fixture = *state;
    struct log_line line;

    log_init(LOG_ERROR, LOG_JSON);
    fill(fixture);
    for (int i = 0; i < 2; i++) {
        log_begin(&line, LOG_ERROR, "e");
        log_emit(&line);
        read_all(fixture);
    }
    assert_non_null(strstr(fixture->bytes, "\"level\":\"warn\",\"event\":"
                                           "\"log_lines_dropped\",\"count\":1}"
                                           "\n{\"time\""));
}

static void test_a_reader_that_is_gone_costs_lines_and_no_signal(void **state)
{
    struct fixture *fixture = *state;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    assert_ptr_equal(signal(SIGPIPE, SIG_DFL), SIG_DFL);
    log_writer_set_descriptor(fds[1]);
    close(fds[0]);
    emit_number(1);
    close(fds[1]);
    // Now it is closed on this side, too.
    emit_number(2);
    log_writer_set_descriptor(fixture->writer);
    emit_number(3);
    expect_text(fixture, "level=warn event=log_lines_dropped count=2\n"
                         "level=info event=e n=3\n");
}

static void test_logging_leaves_errno_alone(void **state)
{
    struct fixture *fixture = *state;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    assert_true(full >= 0);
    log_writer_set_descriptor(full);
    errno = EXDEV;
    emit_number(1);
    assert_int_equal(errno, EXDEV);
    log_writer_set_descriptor(fixture->writer);
    emit_number(2);
    assert_int_equal(errno, EXDEV);
    close(full);
    expect_text(fixture, "level=warn event=log_lines_dropped count=1\n"
                         "level=info event=e n=2\n");
}

// Method: a file that may not grow beyond 50 bytes takes a part of a line.
static void test_a_line_after_a_torn_one_begins_a_new_line(void **state)
{
    struct fixture *fixture = *state;
    FILE *file = tmpfile();
    struct rlimit old;
    struct rlimit small;
    char *second;

    assert_non_null(file);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){.rlim_cur = 50, .rlim_max = old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    log_writer_set_descriptor(fileno(file));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    emit_number(1);
    emit_number(2);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    emit_number(3);
    emit_number(4);
    rewind(file);
    fixture->size = fread(fixture->bytes, 1, sizeof fixture->bytes - 1, file);
    fixture->bytes[fixture->size] = '\0';
    assert_int_equal(strcspn(fixture->bytes, "\n"), 50);
    second = fixture->bytes + 51;
    assert_non_null(strstr(second, "event=log_lines_dropped count=2\ntime="));
    assert_non_null(strstr(second, "event=e n=3\ntime="));
    assert_non_null(strstr(second, "event=e n=4\n"));
    assert_null(strstr(second, "\n\n"));
    fclose(file);
}

static void *thread_run(void *argument)
{
    atomic_int *running = argument;

    for (uint64_t i = 0; i < LINES_PER_THREAD; i++) {
        struct log_line line;

        log_begin(&line, LOG_INFO, "thread");
        log_text(&line, "v", "0123456789012345678901234567890123456789");
        log_u64(&line, "n", i);
        log_emit(&line);
    }
    atomic_fetch_sub(running, 1);
    return NULL;
}

// What a line stands for: itself, or so many that were lost.
static uint64_t count_line(const char *line)
{
    const char *dropped = "level=warn event=log_lines_dropped count=";
    const char *found = line + TEXT_TIME_SIZE;
    uint64_t count = 0;

    assert_memory_equal(line, "time=", 5);
    if (strncmp(found, "level=info event=e ", 19) == 0) {
        return 1;
    }
    if (strncmp(found, dropped, strlen(dropped)) != 0) {
        assert_memory_equal(
            line + TEXT_TIME_SIZE,
            "level=info event=thread v=012345678901234567890123456789"
            "0123456789 n=",
            69);
        return 1;
    }
    for (found += strlen(dropped); *found >= '0' && *found <= '9'; found++) {
        count = count * 10 + (uint64_t)(*found - '0');
    }
    return count;
}

static void test_lines_of_several_threads_never_mix(void **state)
{
    struct fixture *fixture = *state;
    struct pollfd more = {.fd = fixture->reader, .events = POLLIN};
    atomic_int running = THREADS;
    pthread_t threads[THREADS];
    uint64_t count = 0;
    char *line;

    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(
            pthread_create(&threads[i], NULL, thread_run, &running), 0);
    }
    while (atomic_load(&running) > 0) {
        assert_true(poll(&more, 1, 10) >= 0);
        read_more(fixture);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    read_more(fixture);
    // Has what was lost last reported.
    emit_number(1);
    read_more(fixture);
    line = fixture->bytes;
    while (*line != '\0') {
        count += count_line(line);
        line = strchr(line, '\n') + 1;
    }
    // The last one is none of theirs.
    assert_int_equal(count, THREADS * LINES_PER_THREAD + 1);
}

static void test_levels_and_formats_have_names(void **state)
{
    enum log_level level = LOG_ERROR;
    enum log_format format = LOG_TEXT;

    (void)state;
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
        const char *name = log_level_name((enum log_level)i);

        assert_true(log_level_parse(name, strlen(name), &level));
        assert_int_equal(level, i);
    }
    assert_true(log_level_parse("debug", 5, &level));
    assert_int_equal(level, LOG_DEBUG);
    assert_true(log_format_parse("json", 4, &format));
    assert_int_equal(format, LOG_JSON);
    assert_string_equal(log_format_name(LOG_TEXT), "text");
    assert_false(log_level_parse("INFO", 4, &level));
    assert_false(log_level_parse("info ", 5, &level));
    assert_false(log_level_parse("inf", 3, &level));
    assert_false(log_level_parse("", 0, &level));
    assert_int_equal(level, LOG_DEBUG);
    assert_false(log_format_parse("xml", 3, &format));
    assert_int_equal(format, LOG_JSON);
}

static bool is_null_device(int fd, int access)
{
    struct stat opened;
    struct stat null;

    return fstat(fd, &opened) == 0 && stat("/dev/null", &null) == 0 &&
           opened.st_rdev == null.st_rdev &&
           (fcntl(fd, F_GETFL) & O_ACCMODE) == access;
}

static bool guard_opens_what_is_closed(void)
{
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    return descriptors_guard() && is_null_device(0, O_RDONLY) &&
           is_null_device(1, O_WRONLY) && is_null_device(2, O_WRONLY);
}

static bool guard_keeps_what_is_open(int writer)
{
    close(STDIN_FILENO);
    return dup2(writer, STDERR_FILENO) == STDERR_FILENO &&
           descriptors_guard() && is_null_device(0, O_RDONLY) &&
           !is_null_device(2, O_WRONLY);
}

// In a process of its own, whose descriptors may be closed. 0 if it holds.
static int run_guard(bool keeps, int writer)
{
    pid_t child = fork();
    int status = -1;

    assert_true(child >= 0);
    if (child == 0) {
        _exit(keeps ? !guard_keeps_what_is_open(writer)
                    : !guard_opens_what_is_closed());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void test_closed_standard_descriptors_become_dev_null(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(run_guard(false, fixture->writer), 0);
    assert_int_equal(run_guard(true, fixture->writer), 0);
}

int main(void)
{
#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        LOG_TEST(test_a_text_line_has_its_fields_in_order),
        LOG_TEST(test_a_json_line_has_its_fields_in_order),
        LOG_TEST(test_an_empty_list_is_an_empty_array),
        LOG_TEST(test_a_line_begins_with_the_time_in_utc),
        LOG_TEST(test_a_text_value_is_quoted_when_it_must_be),
        LOG_TEST(test_what_is_not_utf8_is_replaced_byte_by_byte),
        LOG_TEST(test_a_json_value_is_always_a_string),
        LOG_TEST(test_levels_below_the_one_asked_for_write_nothing),
        LOG_TEST(test_a_value_that_does_not_fit_ends_in_an_ellipsis),
        LOG_TEST(test_a_line_is_well_formed_wherever_it_is_cut),
        LOG_TEST(test_a_stalled_reader_costs_lines_that_are_counted),
        LOG_TEST(test_lost_lines_are_reported_at_any_level),
        LOG_TEST(test_a_reader_that_is_gone_costs_lines_and_no_signal),
        LOG_TEST(test_logging_leaves_errno_alone),
        LOG_TEST(test_a_line_after_a_torn_one_begins_a_new_line),
        LOG_TEST(test_lines_of_several_threads_never_mix),
        LOG_TEST(test_levels_and_formats_have_names),
        LOG_TEST(test_closed_standard_descriptors_become_dev_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
