// SPDX-License-Identifier: Apache-2.0

#include "ctl/run/run_options.h"

#include <string.h>

#include "base/duration.h"
#include "ctl/arguments.h"
#include "ctl/request.h"
#include "ctl/run/run_flags.h"

#define RUN_KILL_AFTER_MS 5000

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
    const struct run_flag *flag = run_flag_find(argv[0], size);
    const char *value = argv[0][size] == '=' ? argv[0] + size + 1 : NULL;
    int taken = 1;

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
        run_options_fail(
            parser,
            "--start-delay %s is less than %s, 4/5 of the grace: "
            "an earlier leader's program may still run when this one starts",
            given, min);
    }
}

// Whoever waits until the hold is over runs the program once more.
static bool run_options_derive_wait(struct run_parser *parser)
{
    struct run_options *options = parser->options;
    bool has_wait = options->wait_ms != RUN_OPTIONS_WAIT_FOREVER;
    char wait[DURATION_TEXT_SIZE];
    char hold[DURATION_TEXT_SIZE];

    if (parser->has_no_wait && has_wait) {
        return run_options_fail(parser,
                                "--no-wait and --wait exclude each other");
    }
    if (parser->has_no_wait) {
        options->wait_ms = 0;
        return true;
    }
    if (!has_wait || options->hold_ms == 0 ||
        options->wait_ms < options->hold_ms) {
        return true;
    }
    duration_format(options->wait_ms, wait);
    duration_format(options->hold_ms, hold);
    return run_options_fail(parser,
                            "--wait %s is not shorter than --hold %s: the "
                            "program would run again when the hold is over",
                            wait, hold);
}

static bool run_options_derive(struct run_parser *parser)
{
    struct run_options *options = parser->options;

    if (!run_options_derive_grace(parser) || !run_options_derive_wait(parser)) {
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
