// SPDX-License-Identifier: Apache-2.0
//
// electctl's command line: the flags of all commands, and what was written
// behind a command. commands.h says which command takes which.
//
// Thread: any; nothing is kept.

#ifndef CTL_ARGUMENTS_H
#define CTL_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ctl/ctl_options.h"

#define ARGUMENTS_WORDS_MAX 2
#define ARGUMENTS_TAGS_MAX 64
// Where the daemon is, if nothing says so.
#define ARGUMENTS_ENDPOINT "127.0.0.1:5678"
// Room for any error, with its NUL; a longer one is cut.
#define ARGUMENTS_ERROR_SIZE 512

// Borrows what it was made of.
struct arguments {
    // Its endpoint is NULL as long as no flag gave it.
    struct ctl_options options;
    bool help;
    bool version;
    const char *words[ARGUMENTS_WORDS_MAX];
    size_t words_count;
    const char *tags[ARGUMENTS_TAGS_MAX];
    size_t tags_count;
    // 0 is none.
    uint64_t ttl_ms;
    uint64_t grace_ms;
    // NULL: not given.
    const char *candidate;
    const char *instance;
    // 0 is never.
    uint64_t confirm_within_ms;
    // 0: not given.
    uint64_t term;
    bool create;
    // Without "electctl: " and newline.
    char error[ARGUMENTS_ERROR_SIZE];
};

struct flag {
    // With its dashes.
    const char *name;
    // One dash and a letter, or NULL.
    const char *letter;
    // Its value in capitals, for the help text; NULL if it takes none.
    const char *argument;
    const char *help;
    // Takes the value, or writes the error and returns false.
    bool (*take_cb)(struct arguments *arguments, const struct flag *flag,
                    const char *value);
};

// NULL-terminated: those that every command takes, in front of it or behind it,
// and those of single commands.
extern const struct flag *const flags_common[];
extern const struct flag flag_tag;
extern const struct flag flag_ttl;
extern const struct flag flag_candidate;
extern const struct flag flag_grace;
extern const struct flag flag_create;
extern const struct flag flag_instance;
extern const struct flag flag_confirm_within;
extern const struct flag flag_term;

void arguments_init(struct arguments *arguments);

// Reads the common flags at the beginning. Returns how many arguments they
// took, or -1 with an error.
int arguments_take_front(struct arguments *arguments, int argc, char **argv);

// Reads what stands behind a command that takes these flags besides the common
// ones, and at most that many words. `--` ends the flags. False: the error says
// what is wrong.
__attribute__((warn_unused_result)) bool
arguments_take(struct arguments *arguments, const struct flag *const *flags,
               int argc, char **argv);

// After the flags, gives what no flag did: the endpoint of ELECTD_ENDPOINT, or
// else the default. False: the error says what is wrong with the variable.
__attribute__((warn_unused_result)) bool
arguments_complete(struct arguments *arguments);

// Takes an endpoint that a flag or a variable gives. False: the error says what
// is wrong with it.
__attribute__((warn_unused_result)) bool
arguments_set_endpoint(struct arguments *arguments, const char *source,
                       const char *endpoint);

// Writes an error, in one line and without control characters. Returns false.
__attribute__((format(printf, 2, 3))) bool
arguments_fail(struct arguments *arguments, const char *format, ...);

// Says what the error is. Returns the exit code.
int arguments_report(const struct arguments *arguments);

// Writes the help on each flag.
void arguments_print_flags(FILE *out, const struct flag *const *flags);

#endif
