// SPDX-License-Identifier: Apache-2.0

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

#include "daemon/options.h"
#include "daemon/options_table.h"

#define ARGUMENTS_MAX 40

// What a test gives in, both NULL-terminated, and what comes out.
struct call {
    const char *arguments[ARGUMENTS_MAX];
    const char *environment[ARGUMENTS_MAX];
    struct options options;
    char error[OPTIONS_ERROR_SIZE];
};

static enum options_action run(struct call *call)
{
    char *argv[ARGUMENTS_MAX + 2] = {(char *)(uintptr_t) "electd"};
    char *environment[ARGUMENTS_MAX + 1] = {NULL};
    int argc = 1;

    for (size_t i = 0; call->arguments[i] != NULL; i++) {
        argv[argc++] = (char *)(uintptr_t)call->arguments[i];
    }
    for (size_t i = 0; call->environment[i] != NULL; i++) {
        environment[i] = (char *)(uintptr_t)call->environment[i];
    }
    // What was there before must not shine through.
    memset(&call->options, 0xa5, sizeof call->options);
    memset(call->error, 'x', sizeof call->error - 1);
    return options_parse(&call->options, argc, argv, environment, call->error);
}

static void expect_run(struct call *call)
{
    enum options_action action = run(call);

    assert_string_equal(call->error, "");
    assert_int_equal(action, OPTIONS_RUN);
}

static void expect_error(struct call call, const char *expected)
{
    assert_int_equal(run(&call), OPTIONS_ERROR);
    assert_string_equal(call.error, expected);
}

static void expect_listen(const struct options *options, size_t index,
                          const char *expected)
{
    char text[ADDRESS_TEXT_SIZE];

    assert_true(index < options->listen_count);
    address_format(&options->listen[index], text);
    assert_string_equal(text, expected);
}

static void test_without_flags_and_variables_defaults_hold(void **state)
{
    struct call call = {.arguments = {NULL}};

    (void)state;
    expect_run(&call);
    assert_int_equal(call.options.listen_count, 1);
    expect_listen(&call.options, 0, "127.0.0.1:5678");
    assert_int_equal(call.options.elections_max, 1000000);
    assert_int_equal(call.options.candidates_max, 10000);
    assert_int_equal(call.options.watchers_max, 100000);
    assert_int_equal(call.options.watch_backlog, 256);
    assert_int_equal(call.options.watch_backlog_bytes, 1048576);
    assert_int_equal(call.options.drain_timeout_ms, 5000);
    assert_int_equal(call.options.log_level, LOG_INFO);
    assert_int_equal(call.options.log_format, LOG_TEXT);
}

static void test_each_flag_sets_its_option(void **state)
{
    struct call call = {
        .arguments =
            {
                "--listen",
                "[::1]:1",
                "--max-elections=11",
                "--max-candidates",
                "12",
                "--max-watchers",
                "13",
                "--watch-backlog",
                "14",
                "--watch-backlog-bytes",
                "15",
                "--drain-timeout",
                "1500ms",
                "--log-level",
                "debug",
                "--log-format=json",
            },
    };

    (void)state;
    expect_run(&call);
    assert_int_equal(call.options.listen_count, 1);
    expect_listen(&call.options, 0, "[::1]:1");
    assert_int_equal(call.options.elections_max, 11);
    assert_int_equal(call.options.candidates_max, 12);
    assert_int_equal(call.options.watchers_max, 13);
    assert_int_equal(call.options.watch_backlog, 14);
    assert_int_equal(call.options.watch_backlog_bytes, 15);
    assert_int_equal(call.options.drain_timeout_ms, 1500);
    assert_int_equal(call.options.log_level, LOG_DEBUG);
    assert_int_equal(call.options.log_format, LOG_JSON);
}

static void test_each_variable_sets_its_option(void **state)
{
    struct call call = {
        .environment =
            {
                "HOME=/",
                "ELECTD_LISTEN=localhost:1",
                "ELECTD_MAX_ELECTIONS=21",
                "ELECTD_MAX_CANDIDATES=22",
                "ELECTD_MAX_WATCHERS=23",
                "ELECTD_WATCH_BACKLOG=24",
                "ELECTD_WATCH_BACKLOG_BYTES=25",
                "ELECTD_DRAIN_TIMEOUT=0s",
                "ELECTD_LOG_LEVEL=error",
                "ELECTD_LOG_FORMAT=json",
            },
    };

    (void)state;
    expect_run(&call);
    expect_listen(&call.options, 0, "localhost:1");
    assert_int_equal(call.options.elections_max, 21);
    assert_int_equal(call.options.candidates_max, 22);
    assert_int_equal(call.options.watchers_max, 23);
    assert_int_equal(call.options.watch_backlog, 24);
    assert_int_equal(call.options.watch_backlog_bytes, 25);
    assert_int_equal(call.options.drain_timeout_ms, 0);
    assert_int_equal(call.options.log_level, LOG_ERROR);
    assert_int_equal(call.options.log_format, LOG_JSON);
}

static void test_a_variable_is_named_after_its_flag(void **state)
{
    char name[64] = "ELECTD_";
    const char *flag;
    size_t size;

    (void)state;
    for (size_t i = 0; i < options_rows_count; i++) {
        flag = options_rows[i].flag + 2;
        size = strlen("ELECTD_");
        for (; *flag != '\0'; flag++) {
            name[size++] = *flag == '-' ? '_' : (char)(*flag - 'a' + 'A');
        }
        name[size] = '\0';
        assert_string_equal(options_rows[i].variable, name);
    }
}

static void test_a_flag_wins_over_its_variable(void **state)
{
    struct call call = {
        .arguments = {"--max-watchers", "1"},
        .environment = {"ELECTD_MAX_WATCHERS=2", "ELECTD_WATCH_BACKLOG=3"},
    };
    struct call wrong = {
        .arguments = {"--max-watchers", "1"},
        .environment = {"ELECTD_MAX_WATCHERS=wrong"},
    };

    (void)state;
    expect_run(&call);
    assert_int_equal(call.options.watchers_max, 1);
    assert_int_equal(call.options.watch_backlog, 3);
    expect_run(&wrong);
    assert_int_equal(wrong.options.watchers_max, 1);
}

static void test_an_empty_variable_counts_as_not_set(void **state)
{
    struct call call = {
        .environment = {"ELECTD_LISTEN=", "ELECTD_MAX_WATCHERS=",
                        "ELECTD_MAX_ELECTIONS"},
    };

    (void)state;
    expect_run(&call);
    expect_listen(&call.options, 0, "127.0.0.1:5678");
    assert_int_equal(call.options.watchers_max, 100000);
    assert_int_equal(call.options.elections_max, 1000000);
}

static void test_a_variable_of_a_longer_name_is_another(void **state)
{
    struct call call = {
        .environment = {"ELECTD_MAX_WATCHERS_X=7", "XELECTD_MAX_WATCHERS=8"},
    };

    (void)state;
    expect_run(&call);
    assert_int_equal(call.options.watchers_max, 100000);
}

static void test_variables_of_a_kubernetes_service_do_no_harm(void **state)
{
    struct call call = {
        .environment = {"ELECTD_PORT=tcp://10.0.0.1:5678",
                        "ELECTD_SERVICE_HOST=10.0.0.1",
                        "ELECTD_PORT_5678_TCP_ADDR=10.0.0.1"},
    };

    (void)state;
    expect_run(&call);
}

static void test_the_last_of_several_flags_counts(void **state)
{
    struct call call = {
        .arguments = {"--max-watchers", "1", "--max-watchers=2"},
    };

    (void)state;
    expect_run(&call);
    assert_int_equal(call.options.watchers_max, 2);
}

static void test_listen_flags_add_up_and_replace_the_variable(void **state)
{
    struct call call = {
        .arguments = {"--listen", "localhost:1", "--listen=unix:a,b"},
        .environment = {"ELECTD_LISTEN=localhost:3,localhost:4"},
    };

    (void)state;
    expect_run(&call);
    assert_int_equal(call.options.listen_count, 2);
    expect_listen(&call.options, 0, "localhost:1");
    expect_listen(&call.options, 1, "unix:a,b");
}

static void test_the_listen_variable_is_a_list(void **state)
{
    struct call call = {
        .environment = {"ELECTD_LISTEN=localhost:3,unix:/run/x,[::1]:4"},
    };

    (void)state;
    expect_run(&call);
    assert_int_equal(call.options.listen_count, 3);
    expect_listen(&call.options, 0, "localhost:3");
    expect_listen(&call.options, 1, "unix:/run/x");
    expect_listen(&call.options, 2, "[::1]:4");
    expect_error((struct call){.environment = {"ELECTD_LISTEN=localhost:3,"}},
                 "electd: ELECTD_LISTEN: '' is empty: write host:port, "
                 "[ipv6]:port or unix:PATH");
    expect_error((struct call){.environment = {"ELECTD_LISTEN=h:1,h:x,h:2"}},
                 "electd: ELECTD_LISTEN: 'h:x' has a port that is not a whole "
                 "number from 0 to 65535");
}

static void test_an_address_given_twice_is_refused(void **state)
{
    (void)state;
    expect_error((struct call){.arguments = {"--listen=h:1", "--listen=H:1"}},
                 "electd: --listen: 'H:1' is given twice");
    expect_error((struct call){.environment = {"ELECTD_LISTEN=h:1,h:1"}},
                 "electd: ELECTD_LISTEN: 'h:1' is given twice");
}

static void test_sixteen_addresses_are_allowed_and_no_more(void **state)
{
    static const char *const ports[] = {
        "h:1",  "h:2",  "h:3",  "h:4",  "h:5",  "h:6",  "h:7",  "h:8", "h:9",
        "h:10", "h:11", "h:12", "h:13", "h:14", "h:15", "h:16", "h:17"};
    struct call call = {.arguments = {NULL}};

    (void)state;
    for (size_t i = 0; i < 16; i++) {
        call.arguments[2 * i] = "--listen";
        call.arguments[2 * i + 1] = ports[i];
    }
    expect_run(&call);
    assert_int_equal(call.options.listen_count, 16);
    call.arguments[32] = "--listen";
    call.arguments[33] = ports[16];
    expect_error(call, "electd: --listen: 'h:17' is one more than the limit "
                       "of 16 addresses");
}

static void test_a_number_is_whole_and_within_its_range(void **state)
{
    static const char *const texts[] = {
        "0",     "4294967296", "99999999999999999999999",
        "-1",    "+1",         "1.5",
        "1e3",   "0x10",       " 1",
        "1 ",    "",           "abc",
        "1,000",
    };
    char error[128];
    struct call call;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int size = snprintf(error, sizeof error,
                            "electd: --max-watchers: '%s' is not a whole "
                            "number from 1 to 4294967295",
                            texts[i]);

        assert_true(size > 0 && (size_t)size < sizeof error);
        expect_error((struct call){.arguments = {"--max-watchers", texts[i]}},
                     error);
    }
    call = (struct call){.arguments = {"--max-watchers=4294967295"}};
    expect_run(&call);
    assert_int_equal(call.options.watchers_max, UINT32_MAX);
}

static void test_the_backlog_has_a_maximum_of_its_own(void **state)
{
    struct call call = {.arguments = {"--watch-backlog=65536"}};

    (void)state;
    expect_run(&call);
    assert_int_equal(call.options.watch_backlog, 65536);
    expect_error((struct call){.environment = {"ELECTD_WATCH_BACKLOG=65537"}},
                 "electd: ELECTD_WATCH_BACKLOG: '65537' is not a whole number "
                 "from 1 to 65536");
}

static void test_a_duration_has_a_unit_and_a_range(void **state)
{
    struct call call = {.arguments = {"--drain-timeout=1h"}};

    (void)state;
    expect_run(&call);
    assert_int_equal(call.options.drain_timeout_ms, 3600000);
    expect_error(
        (struct call){.arguments = {"--drain-timeout=3600001ms"}},
        "electd: --drain-timeout: '3600001ms' is not a duration from 0s to 1h");
    expect_error((struct call){.arguments = {"--drain-timeout", "5"}},
                 "electd: --drain-timeout: '5' has no unit: write 500ms, 2s, "
                 "1m or 1h");
}

static void test_a_word_that_is_none_of_several_is_refused(void **state)
{
    (void)state;
    expect_error((struct call){.arguments = {"--log-level=loud"}},
                 "electd: --log-level: 'loud' is not one of debug, info, "
                 "warn, error");
    expect_error((struct call){.environment = {"ELECTD_LOG_FORMAT=JSON"}},
                 "electd: ELECTD_LOG_FORMAT: 'JSON' is not one of text, json");
}

static void test_help_and_version_count_as_soon_as_they_are_read(void **state)
{
    struct call help = {
        .arguments = {"--help", "--nonsense"},
        .environment = {"ELECTD_LISTEN=nonsense"},
    };
    struct call version = {.arguments = {"--version", "--help"}};

    (void)state;
    assert_int_equal(run(&help), OPTIONS_HELP);
    assert_string_equal(help.error, "");
    assert_int_equal(run(&version), OPTIONS_VERSION);
    expect_error((struct call){.arguments = {"--nonsense", "--help"}},
                 "electd: unknown flag '--nonsense': see electd --help");
}

static void test_an_unknown_flag_is_named(void **state)
{
    static const char *const flags[] = {
        "--nonsense",
        "--nonsense=1",
        "-x",
        "-xyz",
        "-h",
        "-listen",
        // A beginning of one flag, and one of several.
        "--max-e",
        "--max",
        "--he",
        "--listen-on",
    };
    char error[128];

    (void)state;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        int size =
            snprintf(error, sizeof error,
                     "electd: unknown flag '%s': see electd --help", flags[i]);

        assert_true(size > 0 && (size_t)size < sizeof error);
        expect_error((struct call){.arguments = {flags[i]}}, error);
        expect_error(
            (struct call){.arguments = {"--max-elections", "1", flags[i], "1"}},
            error);
    }
}

static void test_a_missing_value_is_named(void **state)
{
    (void)state;
    expect_error((struct call){.arguments = {"--listen"}},
                 "electd: --listen needs a value: --listen ADDR");
    expect_error(
        (struct call){.arguments = {"--log-level", "info", "--max-elections"}},
        "electd: --max-elections needs a value: --max-elections N");
}

static void test_a_value_too_many_is_named(void **state)
{
    (void)state;
    expect_error((struct call){.arguments = {"--help=me"}},
                 "electd: --help takes no value");
    expect_error((struct call){.arguments = {"--version="}},
                 "electd: --version takes no value");
}

static void test_an_argument_that_is_no_flag_is_named(void **state)
{
    (void)state;
    expect_error((struct call){.arguments = {"start"}},
                 "electd: unexpected argument 'start': see electd --help");
    expect_error(
        (struct call){.arguments = {"--log-level", "info", "a=b", "--help"}},
        "electd: unexpected argument 'a=b': see electd --help");
    expect_error((struct call){.arguments = {"--", "--help"}},
                 "electd: unexpected argument '--help': see electd --help");
    expect_error((struct call){.arguments = {"-"}},
                 "electd: unexpected argument '-': see electd --help");
}

static void test_an_error_is_one_line_of_bounded_length(void **state)
{
    struct call call = {.arguments = {"--log-level"}};
    char text[2048];

    (void)state;
    expect_error((struct call){.arguments = {"--log-level", "a\nb\x1b[31m"}},
                 "electd: --log-level: 'a?b?[31m' is not one of debug, info, "
                 "warn, error");
    // 127 times one byte, then two-byte characters: the cut falls before one.
    memset(text, 'a', 127);
    for (size_t i = 127; i < sizeof text - 1; i += 2) {
        memcpy(text + i, "\xc3\xa9", 2);
    }
    text[sizeof text - 1] = '\0';
    call.arguments[1] = text;
    assert_int_equal(run(&call), OPTIONS_ERROR);
    assert_non_null(strstr(call.error, "aaa...' is not one of"));
}

static void test_a_call_leaves_nothing_to_the_next(void **state)
{
    struct call wrong = {.arguments = {"--max-watchers", "1", "-xyz"}};
    struct call none = {.arguments = {NULL}};

    (void)state;
    assert_int_equal(run(&wrong), OPTIONS_ERROR);
    expect_run(&none);
    assert_int_equal(none.options.watchers_max, 100000);
    assert_int_equal(options_parse(&none.options, 0, (char *[]){NULL},
                                   (char *[]){NULL}, none.error),
                     OPTIONS_RUN);
}

// Method: standard error is a pipe for the time of a few calls.
static void test_parsing_itself_prints_nothing(void **state)
{
    struct call unknown = {.arguments = {"--nonsense"}};
    struct call missing = {.arguments = {"--listen"}};
    int saved = dup(STDERR_FILENO);
    char byte;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    close(fds[1]);
    assert_int_equal(run(&unknown), OPTIONS_ERROR);
    assert_int_equal(run(&missing), OPTIONS_ERROR);
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    close(saved);
    assert_int_equal(read(fds[0], &byte, 1), 0);
    close(fds[0]);
}

static void expect_narrow(const char *text)
{
    size_t width;

    for (; *text != '\0'; text += width + 1) {
        width = strcspn(text, "\n");
        assert_true(width <= 80);
        assert_int_equal(text[width], '\n');
    }
}

static void test_the_help_text_has_all_and_fits_80_columns(void **state)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    assert_non_null(out);
    options_print_help(out);
    assert_int_equal(fclose(out), 0);
    expect_narrow(text);
    for (size_t i = 0; i < options_rows_count; i++) {
        assert_non_null(strstr(text, options_rows[i].flag));
        assert_non_null(strstr(text, options_rows[i].variable));
        assert_non_null(strstr(text, options_rows[i].preset));
        assert_non_null(strstr(text, options_rows[i].help));
    }
    assert_non_null(strstr(text, "--help"));
    assert_non_null(strstr(text, "--version"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_flags_and_variables_defaults_hold),
        cmocka_unit_test(test_each_flag_sets_its_option),
        cmocka_unit_test(test_each_variable_sets_its_option),
        cmocka_unit_test(test_a_variable_is_named_after_its_flag),
        cmocka_unit_test(test_a_flag_wins_over_its_variable),
        cmocka_unit_test(test_an_empty_variable_counts_as_not_set),
        cmocka_unit_test(test_a_variable_of_a_longer_name_is_another),
        cmocka_unit_test(test_variables_of_a_kubernetes_service_do_no_harm),
        cmocka_unit_test(test_the_last_of_several_flags_counts),
        cmocka_unit_test(test_listen_flags_add_up_and_replace_the_variable),
        cmocka_unit_test(test_the_listen_variable_is_a_list),
        cmocka_unit_test(test_an_address_given_twice_is_refused),
        cmocka_unit_test(test_sixteen_addresses_are_allowed_and_no_more),
        cmocka_unit_test(test_a_number_is_whole_and_within_its_range),
        cmocka_unit_test(test_the_backlog_has_a_maximum_of_its_own),
        cmocka_unit_test(test_a_duration_has_a_unit_and_a_range),
        cmocka_unit_test(test_a_word_that_is_none_of_several_is_refused),
        cmocka_unit_test(test_help_and_version_count_as_soon_as_they_are_read),
        cmocka_unit_test(test_an_unknown_flag_is_named),
        cmocka_unit_test(test_a_missing_value_is_named),
        cmocka_unit_test(test_a_value_too_many_is_named),
        cmocka_unit_test(test_an_argument_that_is_no_flag_is_named),
        cmocka_unit_test(test_an_error_is_one_line_of_bounded_length),
        cmocka_unit_test(test_a_call_leaves_nothing_to_the_next),
        cmocka_unit_test(test_parsing_itself_prints_nothing),
        cmocka_unit_test(test_the_help_text_has_all_and_fits_80_columns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
