// SPDX-License-Identifier: Apache-2.0

#include "ctl/commands.h"

#include <string.h>

#include "ctl/election_commands.h"
#include "ctl/exit_code.h"
#include "ctl/health_command.h"
#include "ctl/line.h"
#include "ctl/output.h"
#include "ctl/run/run.h"
#include "ctl/stream_commands.h"

static int help_command(const struct arguments *arguments);
static int version_command(const struct arguments *arguments);

#define COMMAND_UNKNOWN_HELP                                                   \
    "Exits with 3 if the candidate neither leads nor waits: nothing changed "  \
    "then.\n"

static const struct command commands[] = {
    {
        .name = "create",
        .usage = "[--tag TAG]... ELECTION",
        .summary = "make an election exist",
        .help = "An election that exists already stays as it is, and so do "
                "its tags.\n",
        .flags = {&flag_tag},
        .words_min = 1,
        .words_max = 1,
        .run_cb = create_command,
    },
    {
        .name = "close",
        .usage = "ELECTION",
        .summary = "withdraw what this session entered",
        .help = "A session is one connection, and electctl's is new: there is "
                "nothing that it\n"
                "could withdraw. It is here to try out the call, and checks "
                "that the election\n"
                "exists. The election and its term stay in any case.\n",
        .words_min = 1,
        .words_max = 1,
        .run_cb = close_command,
    },
    {
        .name = "enter",
        .usage = "[--ttl DURATION] ELECTION CANDIDATE",
        .summary = "enter a candidate",
        .help = "It leads if nobody does, and queues last otherwise. Without "
                "--ttl it stays until\n"
                "it is withdrawn or evicted, however long ago electctl ended. "
                "To lead for as long\n"
                "as a process lives, use campaign or run.\n",
        .flags = {&flag_ttl},
        .words_min = 2,
        .words_max = 2,
        .run_cb = enter_command,
    },
    {
        .name = "withdraw",
        .usage = "ELECTION CANDIDATE",
        .summary = "take a candidate out",
        .help =
            "If it led, the head of the queue leads.\n" COMMAND_UNKNOWN_HELP,
        .words_min = 2,
        .words_max = 2,
        .run_cb = withdraw_command,
    },
    {
        .name = "anoint",
        .usage = "ELECTION CANDIDATE",
        .summary = "make a waiting candidate the leader",
        .help = "The old leader becomes the head of the "
                "queue.\n" COMMAND_UNKNOWN_HELP,
        .words_min = 2,
        .words_max = 2,
        .run_cb = anoint_command,
    },
    {
        .name = "promote",
        .usage = "ELECTION CANDIDATE",
        .summary = "move a waiting candidate up by one place",
        .help = "The head of the queue changes places with the "
                "leader.\n" COMMAND_UNKNOWN_HELP,
        .words_min = 2,
        .words_max = 2,
        .run_cb = promote_command,
    },
    {
        .name = "demote",
        .usage = "ELECTION CANDIDATE",
        .summary = "move a candidate down by one place",
        .help = "The leader changes places with the head of the "
                "queue.\n" COMMAND_UNKNOWN_HELP,
        .words_min = 2,
        .words_max = 2,
        .run_cb = demote_command,
    },
    {
        .name = "evict",
        .usage = "ELECTION CANDIDATE",
        .summary = "take a candidate out on its behalf",
        .help = "As withdraw, but watchers of a campaign see the "
                "reason.\n" COMMAND_UNKNOWN_HELP,
        .words_min = 2,
        .words_max = 2,
        .run_cb = evict_command,
    },
    {
        .name = "term",
        .usage = "ELECTION",
        .summary = "print the term, the leader and the queue",
        .words_min = 1,
        .words_max = 1,
        .run_cb = term_command,
    },
    {
        .name = "confirm",
        .usage = "--instance TEXT --term TERM ELECTION CANDIDATE",
        .summary = "ask for how long a leader may still act",
        .help = "Of a candidate that campaigns: that instance of it may act as "
                "the leader of\n"
                "that term for the time printed, from when it is printed. "
                "Exits with 5 if it may\n"
                "not act. A Confirm also counts as a sign of life for "
                "campaign's\n"
                "--confirm-within.\n",
        .flags = {&flag_instance, &flag_term},
        .words_min = 2,
        .words_max = 2,
        .run_cb = confirm_command,
    },
    {
        .name = "watch",
        .usage = "[--create] ELECTION",
        .summary = "print the term now and at each change",
        .help = "Until it is interrupted. Connects again when the daemon "
                "restarts or the\n"
                "connection is lost, and says so on stderr, and whether it is "
                "the same daemon,\n"
                "in the same life. Nothing is printed before somebody has led, "
                "nor what stands\n"
                "in the line before.\n",
        .flags = {&flag_create},
        .words_min = 1,
        .words_max = 1,
        .run_cb = watch_command,
    },
    {
        .name = "campaign",
        .usage = "[FLAG]... ELECTION",
        .summary = "be a candidate for as long as it runs",
        .help = "Prints the term now and at each change. When it is "
                "interrupted, it\n"
                "withdraws the candidate. Connects again when the daemon "
                "restarts or the\n"
                "connection is lost; with a grace, the candidate keeps its "
                "place meanwhile.\n"
                "Ends when the candidate is withdrawn or evicted, or campaigns "
                "elsewhere.\n"
                "Says on stderr when nobody has confirmed in time that it "
                "still leads: whoever\n"
                "acts must stop then. With a grace of 0 no time is ever "
                "confirmed.\n",
        .flags = {&flag_candidate, &flag_grace, &flag_confirm_within,
                  &flag_instance, &flag_create},
        .words_min = 1,
        .words_max = 1,
        .run_cb = campaign_command,
    },
    {
        .name = "run",
        .usage = "[FLAG]... ELECTION -- PROGRAM [ARGUMENT]...",
        .summary = "run a program while a candidate leads",
    },
    {
        .name = "health",
        .usage = "[SERVICE]",
        .summary = "ask if the daemon, or one service of it, serves",
        .help = "Prints SERVING or NOT_SERVING, and exits with 1 unless it "
                "serves.\n",
        .words_max = 1,
        .run_cb = health_command,
    },
    {
        .name = "version",
        .usage = "",
        .summary = "print the version of electctl",
        .run_cb = version_command,
    },
    {
        .name = "help",
        .usage = "[COMMAND]",
        .summary = "print this, or the help on a command",
        .words_max = 1,
        .run_cb = help_command,
    },
};

#define COMMANDS (sizeof commands / sizeof commands[0])

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int command_print_version(const struct arguments *arguments)
{
    output_version(stdout, arguments->options.output);
    return line_flush_stdout() ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}

static int version_command(const struct arguments *arguments)
{
    return command_print_version(arguments);
}

void commands_print_help(FILE *out)
{
    fputs("Usage: electctl [FLAG]... COMMAND [ARGUMENT]...\n"
          "\n"
          "Asks an electd who leads an election, and takes part in it.\n"
          "\n"
          "Commands (electctl help COMMAND says more):\n",
          out);
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(out, "  %-22s%s\n", commands[i].name, commands[i].summary);
    }
    fputs("\nFlags of every command, in front of it or behind it:\n", out);
    arguments_print_flags(out, flags_common);
    fputs("\n"
          "DURATION is a whole number with its unit: 500ms, 2s, 1m or 1h.\n"
          "\n"
          "Exit codes:\n"
          "  0  done\n"
          "  1  the call failed, or the output could not be written\n"
          "  2  the command line makes no sense\n"
          "  3  nothing changed: the candidate neither leads nor waits\n"
          "  4  the daemon could not be reached, or did not answer in time\n"
          "  5  run: leadership was lost; confirm: it must not act\n"
          "  6  run: somebody else leads, and it was not to wait\n",
          out);
}

static void command_print_help(FILE *out, const struct command *command)
{
    fprintf(out, "Usage: electctl %s%s%s\n\n", command->name,
            command->usage[0] != '\0' ? " " : "", command->usage);
    fprintf(out, "electctl %s: %s.\n", command->name, command->summary);
    if (command->help != NULL) {
        fprintf(out, "\n%s", command->help);
    }
    fputs("\nFlags:\n", out);
    arguments_print_flags(out, command->flags);
    arguments_print_flags(out, flags_common);
}

// The help on a command, or on all of them if it is NULL.
static int command_help(const struct command *command,
                        const struct ctl_options *options)
{
    static char flag[] = "--help";
    static char *own_arguments[] = {flag, NULL};

    if (command == NULL) {
        commands_print_help(stdout);
    } else if (command->run_cb == NULL) {
        return run_command(options, 1, own_arguments);
    } else {
        command_print_help(stdout, command);
    }
    return line_flush_stdout() ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}

static int help_command(const struct arguments *arguments)
{
    const struct command *command = NULL;

    if (arguments->words_count > 0) {
        command = command_find(arguments->words[0]);
        if (command == NULL) {
            struct arguments failed = *arguments;

            arguments_fail(&failed, "unknown command '%s'",
                           arguments->words[0]);
            return arguments_report(&failed);
        }
    }
    return command_help(command, &arguments->options);
}

static bool command_check_words(const struct command *command,
                                struct arguments *arguments)
{
    if (arguments->words_count < command->words_min) {
        return arguments_fail(arguments, "%s needs more: electctl %s %s",
                              command->name, command->name, command->usage);
    }
    if (arguments->words_count > command->words_max) {
        return arguments_fail(arguments, "%s: unexpected argument '%s'",
                              command->name,
                              arguments->words[command->words_max]);
    }
    return true;
}

int command_run(const struct command *command, struct arguments *arguments,
                int argc, char **argv)
{
    if (command->run_cb == NULL) {
        if (!arguments_complete(arguments)) {
            return arguments_report(arguments);
        }
        return run_command(&arguments->options, argc, argv);
    }
    if (!arguments_take(arguments, command->flags, argc, argv)) {
        return arguments_report(arguments);
    }
    if (arguments->help) {
        return command_help(command, &arguments->options);
    }
    if (arguments->version) {
        return command_print_version(arguments);
    }
    if (!command_check_words(command, arguments) ||
        !arguments_complete(arguments)) {
        return arguments_report(arguments);
    }
    return command->run_cb(arguments);
}
