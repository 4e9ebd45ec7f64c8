// SPDX-License-Identifier: Apache-2.0

#include "story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

static const char *const story_operations[] = {
    [ELECTD_CREATE] = "create", [ELECTD_CLOSE] = "close",
    [ELECTD_ENTER] = "enter",   [ELECTD_WITHDRAW] = "withdraw",
    [ELECTD_ANOINT] = "anoint", [ELECTD_PROMOTE] = "promote",
    [ELECTD_DEMOTE] = "demote", [ELECTD_EVICT] = "evict",
    [ELECTD_EXPIRE] = "expire", [ELECTD_GET_TERM] = "get_term",
};

#define STORY_TAGS_MAX 8
#define STORY_OPERATIONS (sizeof story_operations / sizeof story_operations[0])

int story_setup(void **state)
{
    struct story *story = calloc(1, sizeof *story);

    assert_non_null(story);
    story_restart(story, (struct electd_limits){UINT32_MAX, UINT32_MAX});
    tell(story, "create");
    *state = story;
    return 0;
}

int story_teardown(void **state)
{
    struct story *story = *state;

    electd_elections_destroy(story->elections);
    free(story);
    return 0;
}

void story_restart(struct story *story, struct electd_limits limits)
{
    electd_elections_destroy(story->elections);
    story->elections = electd_elections_create(limits);
    assert_non_null(story->elections);
    assert_int_equal(electd_elections_count(story->elections), 0);
}

// Copies a name into memory of just its size.
static struct electd_name story_name(struct electd_name name)
{
    char *bytes = malloc(name.size > 0 ? name.size : 1);

    assert_non_null(bytes);
    // A name that is left out has no bytes at all.
    if (name.size > 0) {
        memcpy(bytes, name.bytes, name.size);
    }
    return (struct electd_name){bytes, name.size};
}

static void story_name_free(struct electd_name name)
{
    // It is only the core that must not write to it.
    free((void *)(uintptr_t)name.bytes);
}

enum electd_status story_apply(struct story *story,
                               const struct electd_command *command)
{
    struct electd_command copy = *command;
    char *tags[STORY_TAGS_MAX];

    assert_true(command->tags_count <= STORY_TAGS_MAX);
    if (copy.candidate.bytes == NULL) {
        copy.candidate = (struct electd_name){"", 0};
    }
    copy.election = story_name(copy.election);
    copy.candidate = story_name(copy.candidate);
    copy.instance = story_name(copy.instance);
    for (size_t i = 0; i < copy.tags_count; i++) {
        tags[i] = strdup(command->tags[i]);
        assert_non_null(tags[i]);
    }
    copy.tags = tags;
    // Whatever is not filled in shows.
    memset(&story->outcome, 0xa5, sizeof story->outcome);
    story->status = electd_apply(story->elections, &copy, &story->outcome);
    for (size_t i = 0; i < copy.tags_count; i++) {
        free(tags[i]);
    }
    story_name_free(copy.election);
    story_name_free(copy.candidate);
    story_name_free(copy.instance);
    return story->status;
}

static struct electd_name story_named(const char *name)
{
    return (struct electd_name){name, strlen(name)};
}

// "candidate[/instance|~]"
static void story_read_candidate(char *word, struct electd_command *command)
{
    char *slash = strchr(word, '/');
    char *tilde = strchr(word, '~');

    if (slash != NULL) {
        *slash = '\0';
        command->lease = ELECTD_LEASE_STREAM;
        command->instance = story_named(slash + 1);
    } else if (tilde != NULL) {
        *tilde = '\0';
        command->lease = ELECTD_LEASE_TIME;
    }
    command->candidate = story_named(word);
}

// "[election:] operation [candidate[/instance|~]][@session]"
void story_read(char *line, struct electd_command *command)
{
    char *colon = strchr(line, ':');
    char *at = strchr(line, '@');
    char *word;
    char *rest;
    size_t i = 0;

    *command = (struct electd_command){.election = {"x", 1}, .session = 1};
    if (at != NULL) {
        command->session = strtoull(at + 1, NULL, 10);
        *at = '\0';
    }
    if (colon != NULL) {
        *colon = '\0';
        command->election = story_named(line + strspn(line, " "));
        line = colon + 1;
    }
    word = strtok_r(line, " ", &rest);
    assert_non_null(word);
    while (i < STORY_OPERATIONS && strcmp(story_operations[i], word) != 0) {
        i++;
    }
    if (i == STORY_OPERATIONS) {
        fail_msg("no operation: %s", word);
    }
    command->operation = (enum electd_operation)i;
    word = strtok_r(NULL, " ", &rest);
    command->candidate = story_named("");
    if (word != NULL) {
        story_read_candidate(word, command);
    }
}

void tell(struct story *story, const char *commands)
{
    char *copy = strdup(commands);
    struct electd_command command;
    char *rest;
    char *line;

    assert_non_null(copy);
    for (line = strtok_r(copy, ";", &rest); line != NULL;
         line = strtok_r(NULL, ";", &rest)) {
        story_read(line, &command);
        if (story_apply(story, &command) != ELECTD_OK) {
            fail_msg("%s: refused with %s", commands,
                     electd_status_name(story->status));
        }
    }
    free(copy);
}

void tell_refused(struct story *story, const char *line,
                  enum electd_status status)
{
    char *copy = strdup(line);
    struct electd_command command;

    assert_non_null(copy);
    story_read(copy, &command);
    (void)story_apply(story, &command);
    free(copy);
    assert_string_equal(electd_status_name(story->status),
                        electd_status_name(status));
    assert_int_equal(story->outcome.reason, ELECTD_UNCHANGED);
    assert_false(story->outcome.elected);
    assert_int_equal(story->outcome.entry, 0);
    assert_int_equal(story->outcome.previous_leader.size, 0);
}

// Every name that comes out is ended by a NUL.
static const char *story_text_of(struct electd_name name)
{
    assert_int_equal(strlen(name.bytes), name.size);
    return name.size > 0 ? name.bytes : "-";
}

void story_add_term(const struct electd_election *election, struct text *text)
{
    const struct electd_candidate *candidate;
    const char *space = "";
    size_t count = 0;

    text_add(text, "%llu %s [",
             (unsigned long long)electd_election_term(election),
             story_text_of(electd_election_leader(election)));
    for (candidate = electd_election_queue_first(election); candidate != NULL;
         candidate = electd_candidate_next(candidate)) {
        text_add(text, "%s%s", space,
                 story_text_of(electd_candidate_name(candidate)));
        space = " ";
        count++;
    }
    text_add(text, "]");
    assert_int_equal(electd_election_queue_count(election), count);
}

void expect(const struct story *story, const char *term, const char *outcome)
{
    static struct text text;
    const struct electd_outcome *got = &story->outcome;

    assert_non_null(got->election);
    text_clear(&text);
    story_add_term(got->election, &text);
    assert_string_equal(text.bytes, term);

    text_clear(&text);
    text_add(&text, "%s r%llu%s", electd_reason_name(got->reason),
             (unsigned long long)electd_election_revision(got->election),
             got->elected ? " elected" : "");
    if (got->previous_leader.size > 0) {
        text_add(&text, " was %s", story_text_of(got->previous_leader));
    }
    assert_string_equal(text.bytes, outcome);
}

void expect_in(const struct story *story, const char *election,
               const char *term)
{
    const struct electd_election *found = story_find(story, election);
    static struct text text;

    assert_non_null(found);
    text_clear(&text);
    story_add_term(found, &text);
    assert_string_equal(text.bytes, term);
}

const struct electd_election *story_find(const struct story *story,
                                         const char *name)
{
    const struct electd_election *election;

    for (election = electd_elections_first(story->elections); election != NULL;
         election = electd_election_next(election)) {
        if (strcmp(electd_election_name(election).bytes, name) == 0) {
            return election;
        }
    }
    return NULL;
}

void story_dump(const struct electd_elections *elections, struct text *text)
{
    const struct electd_election *election;

    text_add(text, "%zu elections\n", electd_elections_count(elections));
    for (election = electd_elections_first(elections); election != NULL;
         election = electd_election_next(election)) {
        text_add(text, "%llu %s r%llu tags",
                 (unsigned long long)electd_election_number(election),
                 story_text_of(electd_election_name(election)),
                 (unsigned long long)electd_election_revision(election));
        for (size_t i = 0; i < electd_election_tags_count(election); i++) {
            text_add(text, " '%s'", electd_election_tag(election, i));
        }
        text_add(text, ": ");
        story_add_term(election, text);
        text_add(text, "\n");
    }
}
