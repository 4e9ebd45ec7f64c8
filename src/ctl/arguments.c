// SPDX-License-Identifier: Apache-2.0

#include "ctl/arguments.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/duration.h"
#include "ctl/request.h"
#include "ctl/target.h"

#define ARGUMENTS_ENDPOINT "127.0.0.1:5678"
#define ARGUMENTS_ENDPOINT_VARIABLE "ELECTD_ENDPOINT"
#define ARGUMENTS_TIMEOUT_MS 5000
#define ARGUMENTS_TIMEOUT_MS_MAX 3600000

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

static bool arguments_set_endpoint(struct arguments *arguments,
                                   const char *source, const char *endpoint)
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

static bool flag_take_endpoint(struct arguments *arguments,
                               const struct flag *flag, const char *value)
{
    return arguments_set_endpoint(arguments, flag->name, value);
}

// A duration in a range, both in ms; or a plain 0, if 0 is in the range.
static bool flag_take_duration(struct arguments *arguments,
                               const struct flag *flag, const char *value,
                               const uint64_t range_ms[2],
                               uint64_t *duration_ms)
{
    char min[DURATION_TEXT_SIZE];
    char max[DURATION_TEXT_SIZE];
    const char *reason;
    uint64_t taken_ms = 0;

    if (strcmp(value, "0") != 0 &&
        !duration_parse(value, strlen(value), &taken_ms, &reason)) {
        return arguments_fail(arguments, "%s: '%s' %s", flag->name, value,
                              reason);
    }
    if (taken_ms < range_ms[0] || taken_ms > range_ms[1]) {
        duration_format(range_ms[0], min);
        duration_format(range_ms[1], max);
        return arguments_fail(arguments,
                              "%s: '%s' is not a duration from %s to %s",
                              flag->name, value, min, max);
    }
    *duration_ms = taken_ms;
    return true;
}

static bool flag_take_timeout(struct arguments *arguments,
                              const struct flag *flag, const char *value)
{
    static const uint64_t range_ms[] = {0, ARGUMENTS_TIMEOUT_MS_MAX};

    return flag_take_duration(arguments, flag, value, range_ms,
                              &arguments->options.timeout_ms);
}

static bool flag_take_ttl(struct arguments *arguments, const struct flag *flag,
                          const char *value)
{
    static const uint64_t range_ms[] = {REQUEST_TTL_MS_MIN, REQUEST_TTL_MS_MAX};

    return flag_take_duration(arguments, flag, value, range_ms,
                              &arguments->ttl_ms);
}

static bool flag_take_grace(struct arguments *arguments,
                            const struct flag *flag, const char *value)
{
    static const uint64_t range_ms[] = {0, REQUEST_GRACE_MS_MAX};

    return flag_take_duration(arguments, flag, value, range_ms,
                              &arguments->grace_ms);
}

static bool flag_take_output(struct arguments *arguments,
                             const struct flag *flag, const char *value)
{
    if (strcmp(value, "text") == 0) {
        arguments->options.output = CTL_OUTPUT_TEXT;
    } else if (strcmp(value, "json") == 0) {
        arguments->options.output = CTL_OUTPUT_JSON;
    } else {
        return arguments_fail(arguments, "%s: '%s' is not one of text, json",
                              flag->name, value);
    }
    return true;
}

static bool flag_take_tag(struct arguments *arguments, const struct flag *flag,
                          const char *value)
{
    if (arguments->tags_count == ARGUMENTS_TAGS_MAX) {
        return arguments_fail(arguments,
                              "%s: '%s' is one more than the limit of %d",
                              flag->name, value, ARGUMENTS_TAGS_MAX);
    }
    arguments->tags[arguments->tags_count] = value;
    arguments->tags_count++;
    return true;
}

static bool flag_take_candidate(struct arguments *arguments,
                                const struct flag *flag, const char *value)
{
    (void)flag;
    arguments->candidate = value;
    return true;
}

static bool flag_take_create(struct arguments *arguments,
                             const struct flag *flag, const char *value)
{
    (void)flag;
    (void)value;
    arguments->create = true;
    return true;
}

static bool flag_take_help(struct arguments *arguments, const struct flag *flag,
                           const char *value)
{
    (void)flag;
    (void)value;
    arguments->help = true;
    return true;
}

static bool flag_take_version(struct arguments *arguments,
                              const struct flag *flag, const char *value)
{
    (void)flag;
    (void)value;
    arguments->version = true;
    return true;
}

static const struct flag flag_endpoint = {
    .name = "--endpoint",
    .argument = "ENDPOINT",
    .help = "host:port, [ipv6]:port or unix:PATH\n"
            "[ELECTD_ENDPOINT, default " ARGUMENTS_ENDPOINT "]",
    .take_cb = flag_take_endpoint,
};

static const struct flag flag_timeout = {
    .name = "--timeout",
    .argument = "DURATION",
    .help = "how long a call may take, 0 for ever; watch and campaign\n"
            "are not bounded [default 5s]",
    .take_cb = flag_take_timeout,
};

static const struct flag flag_output = {
    .name = "--output",
    .letter = "-o",
    .argument = "FORMAT",
    .help = "text, or json: one object a line [default text]",
    .take_cb = flag_take_output,
};

static const struct flag flag_help = {
    .name = "--help",
    .letter = "-h",
    .help = "print this, or the help on a command, and exit",
    .take_cb = flag_take_help,
};

static const struct flag flag_version = {
    .name = "--version",
    .help = "print the version and exit",
    .take_cb = flag_take_version,
};

const struct flag *const flags_common[] = {
    &flag_endpoint, &flag_timeout, &flag_output,
    &flag_help,     &flag_version, NULL,
};

const struct flag flag_tag = {
    .name = "--tag",
    .argument = "TAG",
    .help = "kept from the first Create; may be repeated",
    .take_cb = flag_take_tag,
};

const struct flag flag_ttl = {
    .name = "--ttl",
    .argument = "DURATION",
    .help = "the candidate leaves after that long unless it enters\n"
            "again: 100ms to 1h",
    .take_cb = flag_take_ttl,
};

const struct flag flag_candidate = {
    .name = "--candidate",
    .argument = "NAME",
    .help = "who campaigns [default: the host's name]",
    .take_cb = flag_take_candidate,
};

const struct flag flag_grace = {
    .name = "--grace",
    .argument = "DURATION",
    .help = "how long the candidate keeps its place when the\n"
            "connection is lost: 0 to 10m [default 0]",
    .take_cb = flag_take_grace,
};

const struct flag flag_create = {
    .name = "--create",
    .help = "create the election first, also after each reconnect",
    .take_cb = flag_take_create,
};

void arguments_init(struct arguments *arguments)
{
    *arguments = (struct arguments){
        .options = {.timeout_ms = ARGUMENTS_TIMEOUT_MS,
                    .output = CTL_OUTPUT_TEXT},
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
