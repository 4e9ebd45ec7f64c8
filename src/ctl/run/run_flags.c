// SPDX-License-Identifier: Apache-2.0

#include "ctl/run/run_flags.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "ctl/arguments.h"
#include "ctl/request.h"

// Of a wait or a hold: a week.
#define RUN_LONG_MS_MAX 604800000

bool run_options_fail(struct run_parser *parser, const char *format, ...)
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

// A duration, or a plain 0.
static bool run_take_duration(struct run_parser *parser, const char *flag,
                              const char *value, uint64_t *duration_ms)
{
    bool is_long = duration_ms == &parser->options->wait_ms ||
                   duration_ms == &parser->options->hold_ms;
    uint64_t max_ms = is_long ? RUN_LONG_MS_MAX : REQUEST_GRACE_MS_MAX;
    uint64_t taken_ms = 0;
    const char *reason;

    if (strcmp(value, "0") != 0 &&
        !duration_parse(value, strlen(value), &taken_ms, &reason)) {
        return run_options_fail(parser, "%s: '%s' %s", flag, value, reason);
    }
    if (taken_ms > max_ms) {
        return run_options_fail(parser,
                                "%s: '%s' is not a duration from 0s to %s",
                                flag, value, is_long ? "168h" : "10m");
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
    return run_take_duration(parser, "--kill-after", value,
                             &parser->kill_after_ms);
}

static bool run_take_grace(struct run_parser *parser, const char *value)
{
    parser->has_grace = true;
    return run_take_duration(parser, "--grace", value, &parser->grace_ms);
}

static bool run_take_start_delay(struct run_parser *parser, const char *value)
{
    parser->has_start_delay = true;
    return run_take_duration(parser, "--start-delay", value,
                             &parser->options->start_delay_ms);
}

static bool run_take_wait(struct run_parser *parser, const char *value)
{
    return run_take_duration(parser, "--wait", value,
                             &parser->options->wait_ms);
}

static bool run_take_no_wait(struct run_parser *parser, const char *value)
{
    (void)value;
    parser->has_no_wait = true;
    return true;
}

static bool run_take_hold(struct run_parser *parser, const char *value)
{
    return run_take_duration(parser, "--hold", value,
                             &parser->options->hold_ms);
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
    {"--no-wait", NULL,
     "exit with 6 if somebody else leads, and with 4 if the daemon does\n"
     "not answer",
     run_take_no_wait},
    {"--wait", "DURATION",
     "likewise, but only after that time\n[default: for ever]", run_take_wait},
    {"--hold", "DURATION",
     "keep the leadership that long after the program has exited with 0",
     run_take_hold},
    {"--create", NULL,
     "create the election first, and again after each reconnect",
     run_take_create},
    {"--once", NULL, "exit with 5 when leadership is lost [default]",
     run_take_once},
    {"--retry", NULL, "queue again when leadership is lost", run_take_retry},
    // Printed with the flags of all commands.
    {"--help", NULL, NULL, run_take_help},
    {"-h", NULL, NULL, run_take_help},
};

#define RUN_FLAGS (sizeof run_flags / sizeof run_flags[0])

const struct run_flag *run_flag_find(const char *name, size_t size)
{
    for (size_t i = 0; i < RUN_FLAGS; i++) {
        if (strlen(run_flags[i].name) == size &&
            memcmp(run_flags[i].name, name, size) == 0) {
            return &run_flags[i];
        }
    }
    return NULL;
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
          "Waits for its turn, runs the program, and ends it, and all that it "
          "has\n"
          "started, when leadership is lost. Exits with the program's code, "
          "with 128 and the\n"
          "number of the signal that killed it, or with 5 when leadership "
          "was lost. The\n"
          "program finds ELECTD_ELECTION, ELECTD_CANDIDATE, ELECTD_TERM and "
          "ELECTD_LIFE in\n"
          "its environment.\n"
          "\nFlags:\n",
          out);
    for (size_t i = 0; i < RUN_FLAGS; i++) {
        if (run_flags[i].help != NULL) {
            run_options_print_flag(out, &run_flags[i]);
        }
    }
    arguments_print_flags(out, flags_common);
}
