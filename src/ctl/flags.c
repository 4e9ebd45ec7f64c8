// SPDX-License-Identifier: Apache-2.0
//
// The flags that arguments.h declares, and how each takes its value.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "ctl/arguments.h"
#include "ctl/request.h"

#define FLAGS_TIMEOUT_MS_MAX 3600000

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
    static const uint64_t range_ms[] = {0, FLAGS_TIMEOUT_MS_MAX};

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

static bool flag_take_confirm_within(struct arguments *arguments,
                                     const struct flag *flag, const char *value)
{
    static const uint64_t range_ms[] = {REQUEST_CONFIRM_WITHIN_MS_MIN,
                                        REQUEST_CONFIRM_WITHIN_MS_MAX};

    if (strcmp(value, "0") == 0) {
        arguments->confirm_within_ms = 0;
        return true;
    }
    return flag_take_duration(arguments, flag, value, range_ms,
                              &arguments->confirm_within_ms);
}

static bool flag_take_instance(struct arguments *arguments,
                               const struct flag *flag, const char *value)
{
    if (value[0] == '\0') {
        return arguments_fail(arguments, "%s: it is empty", flag->name);
    }
    arguments->instance = value;
    return true;
}

static bool flag_take_term(struct arguments *arguments, const struct flag *flag,
                           const char *value)
{
    char *end;
    unsigned long long term;

    errno = 0;
    term = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 ||
        term == 0) {
        return arguments_fail(arguments, "%s: '%s' is not a term: 1 or more",
                              flag->name, value);
    }
    arguments->term = term;
    return true;
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

const struct flag flag_instance = {
    .name = "--instance",
    .argument = "TEXT",
    .help = "which process it is, for confirm and for a campaign that\n"
            "takes over [campaign's default: a random one]",
    .take_cb = flag_take_instance,
};

const struct flag flag_confirm_within = {
    .name = "--confirm-within",
    .argument = "D",
    .help = "the daemon takes the candidate for dead when it has\n"
            "confirmed nothing for that long, and then the grace\n"
            "begins: 100ms to 10m, or 0 for never [default 3s]",
    .take_cb = flag_take_confirm_within,
};

const struct flag flag_term = {
    .name = "--term",
    .argument = "TERM",
    .help = "the term in which the candidate leads",
    .take_cb = flag_take_term,
};
