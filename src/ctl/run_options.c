// SPDX-License-Identifier: Apache-2.0

#include "ctl/run_options.h"

#include <stdarg.h>
#include <string.h>

#include "cli/duration.h"
#include "ctl/arguments.h"
#include "ctl/request.h"

#define RUN_KILL_AFTER_MS 5000

struct run_parser {
    struct run_options *options;
    uint64_t kill_after_ms;
    uint64_t grace_ms;
    bool has_grace;
    bool has_start_delay;
    bool has_candidate;
    bool wants_help;
    char *error;
};

struct run_flag {
    const char *name;
    // NULL if it takes no value.
    const char *argument;
    const char *help;
    bool (*take_cb)(struct run_parser *parser, const char *value);
};

__attribute__((format(printf, 2, 3))) static bool
run_options_fail(struct run_parser *parser, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    vsnprintf(parser->error, RUN_OPTIONS_ERROR_SIZE, format, values);
    va_end(values);
    for (char *c = parser->error; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = '?';
        }
    }
    return false;
}

// A duration up to ten minutes, or a plain 0.
static bool run_options_take_duration(struct run_parser *parser,
                                      const char *flag, const char *value,
                                      uint64_t *duration_ms)
{
    uint64_t taken_ms = 0;
    const char *reason;

    if (strcmp(value, "0") != 0 &&
        !duration_parse(value, strlen(value), &taken_ms, &reason)) {
        return run_options_fail(parser, "%s: '%s' %s", flag, value, reason);
    }
    if (taken_ms > REQUEST_GRACE_MS_MAX) {
        return run_options_fail(
            parser, "%s: '%s' is not a duration from 0s to 10m", flag, value);
    }
    *duration_ms = taken_ms;
    return true;
}

static bool run_take_candidate(struct run_parser *parser, const char *value)
{
    size_t size = strlen(value);

    if (size == 0 || size >= sizeof parser->options->candidate) {
        return run_options_fail(parser,
                                "--candidate: a name has 1 to 253 bytes");
    }
    memcpy(parser->options->candidate, value, size + 1);
    parser->has_candidate = true;
    return true;
}

static bool run_take_kill_after(struct run_parser *parser, const char *value)
{
    return run_options_take_duration(parser, "--kill-after", value,
                                     &parser->kill_after_ms);
}

static bool run_take_grace(struct run_parser *parser, const char *value)
{
    parser->has_grace = true;
    return run_options_take_duration(parser, "--grace", value,
                                     &parser->grace_ms);
}

static bool run_take_start_delay(struct run_parser *parser, const char *value)
{
    parser->has_start_delay = true;
    return run_options_take_duration(parser, "--start-delay", value,
                                     &parser->options->start_delay_ms);
}

static bool run_take_create(struct run_parser *parser, const char *value)
{
    (void)value;
    parser->options->creates = true;
    return true;
}

static bool run_take_once(struct run_parser *parser, const char *value)
{
    (void)value;
    parser->options->retries = false;
    return true;
}

static bool run_take_retry(struct run_parser *parser, const char *value)
{
    (void)value;
    parser->options->retries = true;
    return true;
}

static bool run_take_help(struct run_parser *parser, const char *value)
{
    (void)value;
    parser->wants_help = true;
    return true;
}

static const struct run_flag run_flags[] = {
    {"--candidate", "NAME",
     "who campaigns [default: host name, process id and something\nrandom]",
     run_take_candidate},
    {"--kill-after", "DURATION",
     "from the signal that ends the program to SIGKILL [default 5s]",
     run_take_kill_after},
    {"--grace", "DURATION",
     "how long the candidate keeps its place when the connection is\n"
     "lost [default: 5/4 of kill-after and 3s]; not less than 5/4 of\n"
     "kill-after and 1.5s",
     run_take_grace},
    {"--start-delay", "DURATION",
     "how long to wait before the program starts when the daemon does\n"
     "not know what earlier leaders were promised [default: the grace]",
     run_take_start_delay},
    {"--create", NULL,
     "create the election first, and again after each reconnect",
     run_take_create},
    {"--once", NULL, "exit with 5 when leadership is lost [default]",
     run_take_once},
    {"--retry", NULL, "queue again when leadership is lost", run_take_retry},
    {"--help", NULL, "print this and exit", run_take_help},
    {"-h", NULL, NULL, run_take_help},
};

#define RUN_FLAGS (sizeof run_flags / sizeof run_flags[0])

// Takes one of the flags of all commands. Returns how many arguments it took,
// or -1.
static int run_options_take_common(struct run_parser *parser, int argc,
                                   char **argv)
{
    struct arguments arguments = {.options = parser->options->common};
    int taken = arguments_take_front(&arguments, 1, argv);

    if (taken == -1 && argc > 1) {
        taken = arguments_take_front(&arguments, 2, argv);
    }
    if (taken == -1) {
        run_options_fail(parser, "run: %s", arguments.error);
    }
    parser->options->common = arguments.options;
    return taken;
}

// Takes the flag at the beginning. Returns how many arguments it took, or -1.
static int run_options_take_flag(struct run_parser *parser, int argc,
                                 char **argv)
{
    size_t size = strcspn(argv[0], "=");
    const struct run_flag *flag = NULL;
    const char *value = argv[0][size] == '=' ? argv[0] + size + 1 : NULL;
    int taken = 1;

    for (size_t i = 0; i < RUN_FLAGS; i++) {
        if (strlen(run_flags[i].name) == size &&
            memcmp(run_flags[i].name, argv[0], size) == 0) {
            flag = &run_flags[i];
        }
    }
    if (flag == NULL) {
        return run_options_take_common(parser, argc, argv);
    }
    if (flag->argument == NULL && value != NULL) {
        run_options_fail(parser, "%s takes no value", flag->name);
        return -1;
    }
    if (flag->argument != NULL && value == NULL) {
        if (argc < 2) {
            run_options_fail(parser, "%s needs a value: %s %s", flag->name,
                             flag->name, flag->argument);
            return -1;
        }
        value = argv[1];
        taken = 2;
    }
    return flag->take_cb(parser, value) ? taken : -1;
}

// Reads flags and the election. What follows `--` is the command.
static bool run_options_take(struct run_parser *parser, int argc, char **argv)
{
    struct run_options *options = parser->options;
    int end = 0;
    int taken;

    while (end < argc && strcmp(argv[end], "--") != 0) {
        end++;
    }
    for (int at = 0; at < end && !parser->wants_help; at += taken) {
        taken = 1;
        if (argv[at][0] == '-' && argv[at][1] != '\0') {
            taken = run_options_take_flag(parser, end - at, argv + at);
        } else if (options->election == NULL) {
            options->election = argv[at];
        } else {
            return run_options_fail(
                parser,
                "run: unexpected argument '%s': the program stands "
                "behind --",
                argv[at]);
        }
        if (taken == -1) {
            return false;
        }
    }
    if (parser->wants_help) {
        return true;
    }
    if (options->election == NULL || end + 1 >= argc) {
        return run_options_fail(parser,
                                "run needs more: electctl run [FLAG]... "
                                "ELECTION -- PROGRAM [ARGUMENT]...");
    }
    options->command = argv + end + 1;
    return true;
}

static bool run_options_name(struct run_parser *parser)
{
    if (parser->has_candidate || identity_process(parser->options->candidate)) {
        return true;
    }
    return run_options_fail(parser, "this host has no name: use --candidate");
}

static bool run_options_derive_grace(struct run_parser *parser)
{
    uint64_t min_ms = run_times_grace_ms_min(parser->kill_after_ms);
    char given[DURATION_TEXT_SIZE];
    char min[DURATION_TEXT_SIZE];
    char kill_after[DURATION_TEXT_SIZE];

    if (!parser->has_grace) {
        parser->grace_ms = run_times_grace_ms_default(parser->kill_after_ms);
        return parser->grace_ms <= REQUEST_GRACE_MS_MAX ||
               run_options_fail(parser, "--kill-after leaves no room for a "
                                        "grace, which has 10m at most");
    }
    if (parser->grace_ms >= min_ms) {
        return true;
    }
    duration_format(parser->grace_ms, given);
    duration_format(min_ms, min);
    duration_format(parser->kill_after_ms, kill_after);
    return run_options_fail(parser,
                            "--grace %s is too short: with --kill-after %s it "
                            "must be %s at least, which is 5/4 of kill-after "
                            "and 1.5s",
                            given, kill_after, min);
}

// Warns of a delay that is shorter than what an earlier leader may have been
// promised.
static void run_options_warn(struct run_parser *parser)
{
    uint64_t delay_ms = parser->options->start_delay_ms;
    uint64_t min_ms = run_times_valid_ms(parser->grace_ms);
    char given[DURATION_TEXT_SIZE];
    char min[DURATION_TEXT_SIZE];

    if (delay_ms < min_ms) {
        duration_format(delay_ms, given);
        duration_format(min_ms, min);
        run_options_fail(parser,
                         "--start-delay %s is less than %s: an earlier "
                         "leader's program may still run when this one starts",
                         given, min);
    }
}

static bool run_options_derive(struct run_parser *parser)
{
    struct run_options *options = parser->options;

    if (!run_options_derive_grace(parser)) {
        return false;
    }
    run_times_derive(&options->times, parser->kill_after_ms, parser->grace_ms);
    if (!parser->has_start_delay) {
        options->start_delay_ms = parser->grace_ms;
    }
    run_options_warn(parser);
    return true;
}

enum run_options_result run_options_parse(struct run_options *options,
                                          const struct ctl_options *common,
                                          int argc, char **argv,
                                          char error[RUN_OPTIONS_ERROR_SIZE])
{
    struct run_parser parser = {
        .options = options,
        .kill_after_ms = RUN_KILL_AFTER_MS,
        .error = error,
    };

    *options = (struct run_options){
        .common = *common,
        .wait_ms = RUN_OPTIONS_WAIT_FOREVER,
    };
    error[0] = '\0';
    if (!run_options_take(&parser, argc, argv)) {
        return RUN_OPTIONS_ERROR;
    }
    if (parser.wants_help) {
        return RUN_OPTIONS_HELP;
    }
    return run_options_name(&parser) && run_options_derive(&parser)
               ? RUN_OPTIONS_RUN
               : RUN_OPTIONS_ERROR;
}

static void run_options_print_flag(FILE *out, const struct run_flag *flag)
{
    const char *line = flag->help;
    size_t size = strcspn(line, "\n");
    char usage[40];

    snprintf(usage, sizeof usage, "%s%s%s", flag->name,
             flag->argument != NULL ? " " : "",
             flag->argument != NULL ? flag->argument : "");
    fprintf(out, "  %-24s%.*s\n", usage, (int)size, line);
    while (line[size] != '\0') {
        line += size + 1;
        size = strcspn(line, "\n");
        fprintf(out, "  %-24s%.*s\n", "", (int)size, line);
    }
}

void run_options_print_help(FILE *out)
{
    fputs("Usage: electctl run [FLAG]... ELECTION -- PROGRAM [ARGUMENT]...\n"
          "electctl run: run a program while a candidate leads.\n"
          "\n"
          "Waits for its turn, runs the program, and ends it, and all of its "
          "process\n"
          "group, when leadership is lost. Exits with the program's code, "
          "with 128 and the\n"
          "number of the signal that killed it, or with 5 when leadership "
          "was lost. The\n"
          "program finds ELECTD_ELECTION, ELECTD_CANDIDATE and ELECTD_TERM "
          "in its\n"
          "environment.\n"
          "\nFlags:\n",
          out);
    for (size_t i = 0; i < RUN_FLAGS; i++) {
        if (run_flags[i].help != NULL) {
            run_options_print_flag(out, &run_flags[i]);
        }
    }
    arguments_print_flags(out, flags_common);
}
