// SPDX-License-Identifier: Apache-2.0

#include "ctl/arguments.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/exit_code.h"
#include "ctl/target.h"

#define ARGUMENTS_ENDPOINT_VARIABLE "ELECTD_ENDPOINT"
#define ARGUMENTS_TIMEOUT_MS 5000
#define ARGUMENTS_CONFIRM_WITHIN_MS 3000

bool arguments_fail(struct arguments *arguments, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    vsnprintf(arguments->error, ARGUMENTS_ERROR_SIZE, format, values);
    va_end(values);
    for (char *c = arguments->error; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = '?';
        }
    }
    return false;
}

int arguments_report(const struct arguments *arguments)
{
    fprintf(stderr, "electctl: %s: see electctl --help\n", arguments->error);
    return EXIT_CODE_USAGE;
}

bool arguments_set_endpoint(struct arguments *arguments, const char *source,
                            const char *endpoint)
{
    char target[TARGET_SIZE];
    const char *reason;

    if (!target_parse(endpoint, target, &reason)) {
        return arguments_fail(arguments, "%s: '%s' %s", source, endpoint,
                              reason);
    }
    arguments->options.endpoint = endpoint;
    return true;
}

void arguments_init(struct arguments *arguments)
{
    *arguments = (struct arguments){
        .options = {.timeout_ms = ARGUMENTS_TIMEOUT_MS,
                    .output = CTL_OUTPUT_TEXT},
        .confirm_within_ms = ARGUMENTS_CONFIRM_WITHIN_MS,
    };
}

bool arguments_complete(struct arguments *arguments)
{
    const char *endpoint = getenv(ARGUMENTS_ENDPOINT_VARIABLE);

    if (arguments->options.endpoint != NULL) {
        return true;
    }
    if (endpoint == NULL || endpoint[0] == '\0') {
        endpoint = ARGUMENTS_ENDPOINT;
    }
    return arguments_set_endpoint(arguments, ARGUMENTS_ENDPOINT_VARIABLE,
                                  endpoint);
}

// The flag that an argument spells out. `*value` is what stands in the same
// argument: behind the equals sign, or behind the letter; NULL if nothing does.
static const struct flag *flag_find(const struct flag *const *flags,
                                    const char *argument, const char **value)
{
    size_t size = strcspn(argument, "=");

    for (; *flags != NULL; flags++) {
        const struct flag *flag = *flags;

        if (strlen(flag->name) == size &&
            memcmp(flag->name, argument, size) == 0) {
            *value = argument[size] == '=' ? argument + size + 1 : NULL;
            return flag;
        }
        if (flag->letter != NULL && strncmp(flag->letter, argument, 2) == 0 &&
            (argument[2] == '\0' || flag->argument != NULL)) {
            *value = argument[2] != '\0' ? argument + 2 : NULL;
            return flag;
        }
    }
    return NULL;
}

// Takes the flag at the beginning. Returns how many arguments it took, or -1
// with an error.
static int arguments_take_flag(struct arguments *arguments,
                               const struct flag *const *flags, int argc,
                               char **argv)
{
    const char *value = NULL;
    const struct flag *flag = flag_find(flags, argv[0], &value);
    int taken = 1;

    if (flag == NULL) {
        flag = flag_find(flags_common, argv[0], &value);
    }
    if (flag == NULL) {
        arguments_fail(arguments, "unknown flag '%s'", argv[0]);
        return -1;
    }
    if (flag->argument == NULL && value != NULL) {
        arguments_fail(arguments, "%s takes no value", flag->name);
        return -1;
    }
    if (flag->argument != NULL && value == NULL) {
        if (argc < 2) {
            arguments_fail(arguments, "%s needs a value: %s %s", flag->name,
                           flag->name, flag->argument);
            return -1;
        }
        value = argv[1];
        taken = 2;
    }
    return flag->take_cb(arguments, flag, value) ? taken : -1;
}

// A dash alone is a word.
static bool arguments_is_flag(const char *argument)
{
    return argument[0] == '-' && argument[1] != '\0';
}

int arguments_take_front(struct arguments *arguments, int argc, char **argv)
{
    static const struct flag *const none[] = {NULL};
    int at = 0;
    int taken;

    while (at < argc && arguments_is_flag(argv[at]) && !arguments->help &&
           !arguments->version) {
        taken = arguments_take_flag(arguments, none, argc - at, argv + at);
        if (taken == -1) {
            return -1;
        }
        at += taken;
    }
    return at;
}

bool arguments_take(struct arguments *arguments,
                    const struct flag *const *flags, int argc, char **argv)
{
    bool flags_ended = false;
    int at = 0;
    int taken;

    while (at < argc && !arguments->help && !arguments->version) {
        taken = 1;
        if (!flags_ended && strcmp(argv[at], "--") == 0) {
            flags_ended = true;
        } else if (!flags_ended && arguments_is_flag(argv[at])) {
            taken = arguments_take_flag(arguments, flags, argc - at, argv + at);
        } else if (arguments->words_count == ARGUMENTS_WORDS_MAX) {
            return arguments_fail(arguments, "unexpected argument '%s'",
                                  argv[at]);
        } else {
            arguments->words[arguments->words_count] = argv[at];
            arguments->words_count++;
        }
        if (taken == -1) {
            return false;
        }
        at += taken;
    }
    return true;
}

static void arguments_print_flag(FILE *out, const struct flag *flag)
{
    const char *line = flag->help;
    size_t size = strcspn(line, "\n");
    char usage[40];
    int length;

    length = snprintf(usage, sizeof usage, "%s%s%s%s%s",
                      flag->letter != NULL ? flag->letter : "",
                      flag->letter != NULL ? ", " : "", flag->name,
                      flag->argument != NULL ? " " : "",
                      flag->argument != NULL ? flag->argument : "");
    assert(length > 0 && (size_t)length < sizeof usage);
    fprintf(out, "  %-22s%.*s\n", usage, (int)size, line);
    while (line[size] != '\0') {
        line += size + 1;
        size = strcspn(line, "\n");
        fprintf(out, "  %-22s%.*s\n", "", (int)size, line);
    }
}

void arguments_print_flags(FILE *out, const struct flag *const *flags)
{
    for (; *flags != NULL; flags++) {
        arguments_print_flag(out, *flags);
    }
}
