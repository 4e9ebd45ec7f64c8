// SPDX-License-Identifier: Apache-2.0

#include "journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

static const char *const operations[] = {
    [ELECTD_CREATE] = "create",     [ELECTD_CLOSE] = "close",
    [ELECTD_ENTER] = "enter",       [ELECTD_WITHDRAW] = "withdraw",
    [ELECTD_ANOINT] = "anoint",     [ELECTD_PROMOTE] = "promote",
    [ELECTD_DEMOTE] = "demote",     [ELECTD_EVICT] = "evict",
    [ELECTD_GET_TERM] = "get_term",
};

void journal_init(struct journal *journal)
{
    *journal = (struct journal){.size_max = 1 << 16, .commands_max = 1 << 10};
    journal->bytes = malloc(journal->size_max);
    journal->commands =
        malloc(journal->commands_max * sizeof *journal->commands);
    assert_non_null(journal->bytes);
    assert_non_null(journal->commands);
}

void journal_close(struct journal *journal)
{
    free(journal->bytes);
    free(journal->commands);
}

__attribute__((format(printf, 2, 3))) static void
journal_print(struct journal *journal, const char *format, ...)
{
    va_list arguments;
    int size;

    // No single piece is longer than a name and a few numbers.
    if (journal->size_max - journal->size < 1024) {
        journal->size_max *= 2;
        journal->bytes = realloc(journal->bytes, journal->size_max);
        assert_non_null(journal->bytes);
    }
    va_start(arguments, format);
    size = vsnprintf(journal->bytes + journal->size, 1024, format, arguments);
    va_end(arguments);
    assert_in_range(size, 0, 1023);
    journal->size += (size_t)size;
}

static void journal_add_election(struct journal *journal,
                                 const struct electd_election *election)
{
    const struct electd_candidate *candidate;

    journal_print(journal, " %llu. '%s' r%llu: %llu '%s' [",
                  (unsigned long long)electd_election_number(election),
                  electd_election_name(election).bytes,
                  (unsigned long long)electd_election_revision(election),
                  (unsigned long long)electd_election_term(election),
                  electd_election_leader(election).bytes);
    for (candidate = electd_election_queue_first(election); candidate != NULL;
         candidate = electd_candidate_next(candidate)) {
        journal_print(journal, " '%s'", electd_candidate_name(candidate).bytes);
    }
    journal_print(journal, "]\n");
}

void journal_add(struct journal *journal, const struct sim_command *command,
                 enum electd_status status,
                 const struct electd_outcome *outcome)
{
    if (journal->commands_count == journal->commands_max) {
        journal->commands_max *= 2;
        journal->commands =
            realloc(journal->commands,
                    journal->commands_max * sizeof *journal->commands);
        assert_non_null(journal->commands);
    }
    journal->commands[journal->commands_count++] = *command;
    journal_print(
        journal, "%s %s %s%s entry %llu was '%s' (%zu)",
        operations[command->operation], electd_status_name(status),
        electd_reason_name(outcome->reason), outcome->elected ? " elected" : "",
        (unsigned long long)outcome->entry, outcome->previous_leader.bytes,
        outcome->previous_leader.size);
    if (outcome->election != NULL) {
        journal_add_election(journal, outcome->election);
    } else {
        journal_print(journal, " nowhere\n");
    }
}

void journal_add_elections(struct journal *journal,
                           const struct electd_elections *elections)
{
    const struct electd_election *election;

    journal_print(journal, "%zu elections\n",
                  electd_elections_count(elections));
    for (election = electd_elections_first(elections); election != NULL;
         election = electd_election_next(election)) {
        for (size_t i = 0; i < electd_election_tags_count(election); i++) {
            journal_print(journal, "%s ", electd_election_tag(election, i));
        }
        journal_add_election(journal, election);
    }
}

struct electd_command journal_command(const struct sim_command *command)
{
    static char blue[] = "blue";
    static char green[] = "green";
    static char *const tags[] = {blue, green};
    static const char *const instances[] = {"", "i", "ii", "j"};

    return (struct electd_command){
        .operation = command->operation,
        .election = names_get(command->election),
        .candidate = names_get(command->candidate),
        .session = command->session,
        .lease = command->lease,
        .instance = {instances[command->instance],
                     strlen(instances[command->instance])},
        .tags = tags,
        .tags_count = command->tags,
    };
}

void journal_print_command(const char *title, const struct sim_command *command)
{
    print_message("# %s: %.20s: %s %.20s of session %llu, lease %d, "
                  "instance %u\n",
                  title, names_get(command->election).bytes,
                  operations[command->operation],
                  names_get(command->candidate).bytes,
                  (unsigned long long)command->session, (int)command->lease,
                  command->instance);
}

void journal_print_end(const struct journal *journal, size_t count)
{
    size_t first =
        journal->commands_count > count ? journal->commands_count - count : 0;

    for (size_t i = first; i < journal->commands_count; i++) {
        journal_print_command("done", &journal->commands[i]);
    }
}
