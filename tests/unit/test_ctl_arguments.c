// SPDX-License-Identifier: Apache-2.0

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "ctl/arguments.h"
#include "ctl/commands.h"

#define WORDS_MAX (2 * ARGUMENTS_TAGS_MAX + 8)

// A command line: words separated by blanks.
struct command_line {
    char text[2048];
    char *words[WORDS_MAX];
    int count;
};

static void split(struct command_line *line, const char *text)
{
    char *rest;

    assert_true(strlen(text) < sizeof line->text);
    memcpy(line->text, text, strlen(text) + 1);
    line->count = 0;
    for (char *word = strtok_r(line->text, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        assert_true(line->count < WORDS_MAX);
        line->words[line->count++] = word;
    }
}

// Reads what stands behind a command.
static bool take(struct arguments *arguments, struct command_line *line,
                 const char *command, const char *text)
{
    arguments_init(arguments);
    split(line, text);
    return arguments_take(arguments, command_find(command)->flags, line->count,
                          line->words);
}

static void expect_error(const char *command, const char *text,
                         const char *expected)
{
    struct arguments arguments;
    struct command_line line;

    assert_false(take(&arguments, &line, command, text));
    assert_string_equal(arguments.error, expected);
}

static void test_flags_and_words_stand_in_any_order(void **state)
{
    struct arguments arguments;
    struct command_line line;

    (void)state;
    assert_true(take(&arguments, &line, "enter",
                     "a --ttl 15s n1 -o json --timeout=250ms"));
    assert_int_equal(arguments.words_count, 2);
    assert_string_equal(arguments.words[0], "a");
    assert_string_equal(arguments.words[1], "n1");
    assert_int_equal(arguments.ttl_ms, 15000);
    assert_int_equal(arguments.options.timeout_ms, 250);
    assert_int_equal(arguments.options.output, CTL_OUTPUT_JSON);
}

static void test_defaults_are_in_place(void **state)
{
    struct arguments arguments;
    struct command_line line;

    (void)state;
    unsetenv("ELECTD_ENDPOINT");
    assert_true(take(&arguments, &line, "campaign", "a"));
    assert_true(arguments_complete(&arguments));
    assert_string_equal(arguments.options.endpoint, "127.0.0.1:5678");
    assert_int_equal(arguments.options.timeout_ms, 5000);
    assert_int_equal(arguments.options.output, CTL_OUTPUT_TEXT);
    assert_int_equal(arguments.ttl_ms, 0);
    assert_int_equal(arguments.grace_ms, 0);
    assert_null(arguments.candidate);
    assert_false(arguments.create);
}

static void test_two_dashes_end_the_flags(void **state)
{
    struct arguments arguments;
    struct command_line line;

    (void)state;
    assert_true(take(&arguments, &line, "enter", "-- --ttl --help"));
    assert_string_equal(arguments.words[0], "--ttl");
    assert_string_equal(arguments.words[1], "--help");
    assert_false(arguments.help);
    assert_true(take(&arguments, &line, "enter", "a -"));
    assert_string_equal(arguments.words[1], "-");
}

static void test_flag_wins_over_the_environment(void **state)
{
    struct arguments arguments;
    struct command_line line;

    (void)state;
    setenv("ELECTD_ENDPOINT", "unix:/tmp/a", 1);
    assert_true(take(&arguments, &line, "term", "a"));
    assert_true(arguments_complete(&arguments));
    assert_string_equal(arguments.options.endpoint, "unix:/tmp/a");
    assert_true(take(&arguments, &line, "term", "--endpoint unix:b a"));
    assert_true(arguments_complete(&arguments));
    assert_string_equal(arguments.options.endpoint, "unix:b");
    setenv("ELECTD_ENDPOINT", "", 1);
    assert_true(take(&arguments, &line, "term", "a"));
    assert_true(arguments_complete(&arguments));
    assert_string_equal(arguments.options.endpoint, "127.0.0.1:5678");
    setenv("ELECTD_ENDPOINT", "x\ny", 1);
    assert_true(take(&arguments, &line, "term", "a"));
    assert_false(arguments_complete(&arguments));
    assert_string_equal(arguments.error,
                        "ELECTD_ENDPOINT: 'x?y' has no port: write host:port, "
                        "[ipv6]:port or unix:PATH");
    unsetenv("ELECTD_ENDPOINT");
}

static void test_common_flags_stand_in_front_too(void **state)
{
    struct arguments arguments;
    struct command_line line;

    (void)state;
    arguments_init(&arguments);
    split(&line, "-ojson --timeout 0 term a");
    assert_int_equal(arguments_take_front(&arguments, line.count, line.words),
                     3);
    assert_int_equal(arguments.options.output, CTL_OUTPUT_JSON);
    assert_int_equal(arguments.options.timeout_ms, 0);
    split(&line, "--ttl 1s enter a n1");
    assert_int_equal(arguments_take_front(&arguments, line.count, line.words),
                     -1);
    assert_string_equal(arguments.error, "unknown flag '--ttl'");
}

static void test_tags_are_kept_in_order_up_to_the_limit(void **state)
{
    struct arguments arguments;
    struct command_line line;
    char text[2048] = "a";

    (void)state;
    assert_true(take(&arguments, &line, "create", "--tag x a --tag=y=z"));
    assert_int_equal(arguments.tags_count, 2);
    assert_string_equal(arguments.tags[0], "x");
    assert_string_equal(arguments.tags[1], "y=z");
    for (int i = 0; i < ARGUMENTS_TAGS_MAX; i++) {
        strcat(text, " --tag t");
    }
    assert_true(take(&arguments, &line, "create", text));
    strcat(text, " --tag t");
    expect_error("create", text, "--tag: 't' is one more than the limit of 64");
}

static void test_what_is_wrong_is_named(void **state)
{
    (void)state;
    expect_error("term", "--ttl 1s a", "unknown flag '--ttl'");
    expect_error("enter", "--tt 1s a", "unknown flag '--tt'");
    expect_error("watch", "--create=yes a", "--create takes no value");
    expect_error("enter", "a n1 --ttl", "--ttl needs a value: --ttl DURATION");
    expect_error("enter", "--ttl 1h1 a n1",
                 "--ttl: '1h1' has an unknown unit: write 500ms, 2s, 1m or 1h");
    expect_error("enter", "--ttl 0 a n1",
                 "--ttl: '0' is not a duration from 100ms to 1h");
    expect_error("enter", "--ttl 2h a n1",
                 "--ttl: '2h' is not a duration from 100ms to 1h");
    expect_error("campaign", "--grace 11m a",
                 "--grace: '11m' is not a duration from 0s to 10m");
    expect_error("term", "-o yaml a",
                 "--output: 'yaml' is not one of text, "
                 "json");
    expect_error("term", "a b c", "unexpected argument 'c'");
}

static void test_help_and_version_end_the_reading(void **state)
{
    struct arguments arguments;
    struct command_line line;

    (void)state;
    assert_true(take(&arguments, &line, "term", "-h --nonsense"));
    assert_true(arguments.help);
    assert_true(take(&arguments, &line, "term", "a --version --nonsense"));
    assert_true(arguments.version);
}

static void test_commands_are_found_by_their_whole_name(void **state)
{
    (void)state;
    assert_non_null(command_find("run"));
    assert_null(command_find("ru"));
    assert_null(command_find("runs"));
    assert_null(command_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_and_words_stand_in_any_order),
        cmocka_unit_test(test_defaults_are_in_place),
        cmocka_unit_test(test_two_dashes_end_the_flags),
        cmocka_unit_test(test_flag_wins_over_the_environment),
        cmocka_unit_test(test_common_flags_stand_in_front_too),
        cmocka_unit_test(test_tags_are_kept_in_order_up_to_the_limit),
        cmocka_unit_test(test_what_is_wrong_is_named),
        cmocka_unit_test(test_help_and_version_end_the_reading),
        cmocka_unit_test(test_commands_are_found_by_their_whole_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
