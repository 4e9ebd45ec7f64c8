// SPDX-License-Identifier: Apache-2.0
//
// Happy path: flags, then the variables of what no flag gave, then the defaults
// of what neither gave. Whatever the source, a value passes through the one
// parse function of its row in the table.
//
// Failure modes: the first thing that is wrong ends it, with one line that
// names the flag or the variable, the value, and the rule.

#include "daemon/options.h"

#include <assert.h>
#include <getopt.h>
#include <string.h>

#include "daemon/options_table.h"

// What getopt_long() returns for a flag: above any character, since '?' and ':'
// have a meaning of their own. The rows of the table come last.
#define OPTIONS_CODE_HELP 1000
#define OPTIONS_CODE_VERSION 1001
#define OPTIONS_CODE_ROW 1002

// With --help, --version and the end of the list.
#define OPTIONS_FLAGS_MAX (OPTIONS_ROWS_MAX + 3)

static void options_flags_init(struct option flags[OPTIONS_FLAGS_MAX])
{
    for (size_t i = 0; i < options_rows_count; i++) {
        *flags++ = (struct option){
            .name = options_rows[i].flag + strlen("--"),
            .has_arg = required_argument,
            .val = OPTIONS_CODE_ROW + (int)i,
        };
    }
    *flags++ = (struct option){.name = "help", .val = OPTIONS_CODE_HELP};
    *flags++ = (struct option){.name = "version", .val = OPTIONS_CODE_VERSION};
    *flags = (struct option){.name = NULL};
}

// The flag that an argument spells out. getopt_long() also takes any beginning
// that fits one flag only: such a command line would break as soon as a flag is
// added that begins the same.
static const struct option *options_flag_find(const struct option *flags,
                                              const char *argument)
{
    size_t size = strcspn(argument, "=");

    if (strncmp(argument, "--", 2) != 0) {
        return NULL;
    }
    for (; flags->name != NULL; flags++) {
        if (strlen(flags->name) == size - 2 &&
            memcmp(flags->name, argument + 2, size - 2) == 0) {
            return flags;
        }
    }
    return NULL;
}

static bool options_fail_argument(struct options_parser *parser,
                                  const char *problem, const char *argument)
{
    char shown[OPTIONS_SHOWN_SIZE];

    options_show(argument, strlen(argument), shown);
    return options_fail(parser, "electd: %s '%s': see electd --help", problem,
                        shown);
}

// Works one argument off, of which getopt_long() said `code`.
static bool options_parse_flag(struct options_parser *parser,
                               const struct option *flag, int code,
                               bool given[OPTIONS_ROWS_MAX])
{
    const struct options_row *row;
    struct options_value value;

    if (code == '?') {
        return options_fail(parser, "electd: --%s takes no value", flag->name);
    }
    assert(flag->val >= OPTIONS_CODE_ROW);
    row = &options_rows[flag->val - OPTIONS_CODE_ROW];
    if (code == ':') {
        return options_fail(parser, "electd: %s needs a value: %s %s",
                            row->flag, row->flag, row->argument);
    }
    assert(code == flag->val);
    value = (struct options_value){
        .source = row->flag,
        .bytes = optarg,
        .size = strlen(optarg),
    };
    given[flag->val - OPTIONS_CODE_ROW] = true;
    return row->parse_cb(parser, row, &value);
}

// `given` receives which rows had a flag.
static enum options_action options_parse_flags(struct options_parser *parser,
                                               int argc, char *const *argv,
                                               bool given[OPTIONS_ROWS_MAX])
{
    struct option flags[OPTIONS_FLAGS_MAX];
    const struct option *flag;
    const char *argument;
    int code;

    options_flags_init(flags);
    // 0 rather than 1 makes it forget what it was in the middle of.
    optind = 0;
    for (;;) {
        argument = argv[optind == 0 ? 1 : optind];
        // '+' ends the flags at the first argument that is none; ':' tells a
        // missing value from an unknown flag, and keeps it from printing.
        code = getopt_long(argc, argv, "+:", flags, NULL);
        if (code == -1) {
            break;
        }
        flag = options_flag_find(flags, argument);
        if (flag == NULL) {
            options_fail_argument(parser, "unknown flag", argument);
            return OPTIONS_ERROR;
        }
        if (code == OPTIONS_CODE_HELP) {
            return OPTIONS_HELP;
        }
        if (code == OPTIONS_CODE_VERSION) {
            return OPTIONS_VERSION;
        }
        if (!options_parse_flag(parser, flag, code, given)) {
            return OPTIONS_ERROR;
        }
    }
    if (optind < argc) {
        options_fail_argument(parser, "unexpected argument", argv[optind]);
        return OPTIONS_ERROR;
    }
    return OPTIONS_RUN;
}

// The value of a variable; NULL if it is not set, or empty.
static const char *options_variable(char *const *environment, const char *name)
{
    size_t size = strlen(name);

    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, name, size) == 0 &&
            (*environment)[size] == '=' && (*environment)[size + 1] != '\0') {
            return *environment + size + 1;
        }
    }
    return NULL;
}

// Takes a row that had no flag from its variable, or else its default.
static bool options_parse_rest(struct options_parser *parser,
                               const struct options_row *row,
                               char *const *environment)
{
    struct options_value value = {.source = row->variable};

    value.bytes = options_variable(environment, row->variable);
    if (value.bytes == NULL) {
        value.bytes = row->preset;
    }
    value.size = strlen(value.bytes);
    return options_table_parse(parser, row, &value);
}

enum options_action options_parse(struct options *options, int argc,
                                  char *const *argv, char *const *environment,
                                  char error[OPTIONS_ERROR_SIZE])
{
    struct options_parser parser = {.options = options, .error = error};
    bool given[OPTIONS_ROWS_MAX] = {false};
    enum options_action action;

    *options = (struct options){.listen_count = 0};
    error[0] = '\0';
    if (argc > 0) {
        action = options_parse_flags(&parser, argc, argv, given);
        if (action != OPTIONS_RUN) {
            return action;
        }
    }
    for (size_t i = 0; i < options_rows_count; i++) {
        if (!given[i] &&
            !options_parse_rest(&parser, &options_rows[i], environment)) {
            return OPTIONS_ERROR;
        }
    }
    return OPTIONS_RUN;
}

static void options_print_row(FILE *out, const struct options_row *row)
{
    char usage[32];
    int size;

    size = snprintf(usage, sizeof usage, "%s %s", row->flag, row->argument);
    assert(size > 0 && (size_t)size < sizeof usage);
    fprintf(out, "  %-31s%s\n", usage, row->help);
    fprintf(out, "  %-31s[%s, default %s]\n", "", row->variable, row->preset);
}

void options_print_help(FILE *out)
{
    fputs("Usage: electd [FLAG]...\n"
          "\n"
          "Answers who leads an election, in which term, and who is next, over "
          "gRPC.\n"
          "\n",
          out);
    for (size_t i = 0; i < options_rows_count; i++) {
        options_print_row(out, &options_rows[i]);
    }
    fprintf(out, "  %-31s%s\n", "--version", "print the version and exit");
    fprintf(out, "  %-31s%s\n", "--help", "print this and exit");
    fputs("\n"
          "ADDR is host:port, [ipv6]:port or unix:PATH; port 0 picks a free "
          "one.\n"
          "DURATION is a whole number with its unit: 500ms, 2s, 1m or 1h.\n"
          "\n"
          "The variable in brackets does the same as the flag, which wins. "
          "ELECTD_LISTEN\n"
          "may name several addresses, with commas between them.\n",
          out);
}
