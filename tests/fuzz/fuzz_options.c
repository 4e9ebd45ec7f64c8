// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a command line and its environment: each line is an argument, or
// a variable if it begins with `ELECTD_`. The options must be within their
// limits, or the error must be one line.

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/options.h"

#define LINES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_options(const struct options *options)
{
    assert(options->listen_count >= 1);
    assert(options->listen_count <= OPTIONS_LISTEN_MAX);
    for (size_t i = 0; i < options->listen_count; i++) {
        for (size_t j = 0; j < i; j++) {
            assert(!address_equal(&options->listen[i], &options->listen[j]));
        }
    }
    assert(options->elections_max >= 1);
    assert(options->candidates_max >= 1);
    assert(options->watchers_max >= 1);
    assert(options->watch_backlog >= 1);
    assert(options->watch_backlog <= OPTIONS_WATCH_BACKLOG_MAX);
    assert(options->watch_backlog_bytes >= 1);
    assert(options->drain_timeout_ms <= OPTIONS_DRAIN_TIMEOUT_MS_MAX);
    assert(options->log_level <= LOG_ERROR);
    assert(options->log_format <= LOG_JSON);
}

static void check_error(const char *error)
{
    static const char prefix[] = "electd: ";

    assert(strlen(error) < OPTIONS_ERROR_SIZE - 1);
    assert(strncmp(error, prefix, sizeof prefix - 1) == 0);
    for (; *error != '\0'; error++) {
        assert((unsigned char)*error >= 0x20 && *error != 0x7f);
    }
}

static void run(int argc, char **argv, char **environment)
{
    char error[OPTIONS_ERROR_SIZE];
    struct options options;

    switch (options_parse(&options, argc, argv, environment, error)) {
    case OPTIONS_RUN:
        check_options(&options);
        assert(error[0] == '\0');
        break;
    case OPTIONS_HELP:
    case OPTIONS_VERSION:
        assert(error[0] == '\0');
        break;
    case OPTIONS_ERROR:
        check_error(error);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char program[] = "electd";
    char *argv[LINES_MAX + 2] = {program};
    char *environment[LINES_MAX + 1] = {NULL};
    char *text = malloc(size + 1);
    char *line = text;
    char *rest;
    int argc = 1;
    size_t variables = 0;

    assert(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    while (line != NULL && argc + (int)variables <= LINES_MAX) {
        rest = strchr(line, '\n');
        if (rest != NULL) {
            *rest++ = '\0';
        }
        if (strncmp(line, "ELECTD_", strlen("ELECTD_")) == 0) {
            environment[variables++] = line;
        } else if (*line != '\0') {
            argv[argc++] = line;
        }
        line = rest;
    }
    run(argc, argv, environment);
    free(text);
    return 0;
}
