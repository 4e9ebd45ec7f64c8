// SPDX-License-Identifier: Apache-2.0

#include "crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "support/story.h"

#define CROWD_NAME_SIZE 250

static void crowd_name(char name[CROWD_NAME_SIZE + 1], unsigned index)
{
    memset(name, 'x', CROWD_NAME_SIZE);
    name[CROWD_NAME_SIZE] = '\0';
    name[0] = (char)('0' + index / 10);
    name[1] = (char)('0' + index % 10);
}

// One call with a candidate; takes over the term that it answers with.
static void crowd_call(struct crowd *crowd, const char *method, unsigned index)
{
    char line[CROWD_NAME_SIZE + 32];
    char name[CROWD_NAME_SIZE + 1];
    char *told;

    crowd_name(name, index);
    snprintf(line, sizeof line, "%s crowd %s", method, name);
    told = story_call(crowd->client, line);
    crowd->term = strtoull(told, NULL, 10);
    if (crowd->term == 0) {
        fail_msg("%s of the crowd: '%s'", method, told);
    }
    free(told);
}

void crowd_init(struct crowd *crowd, struct client *client)
{
    *crowd = (struct crowd){.client = client};
    tell(client, "Create crowd");
    for (unsigned i = 0; i < CROWD_CANDIDATES; i++) {
        crowd_call(crowd, "Enter", i);
    }
}

void crowd_change(struct crowd *crowd)
{
    uint64_t term = crowd->term;

    crowd_call(crowd, "Demote", (unsigned)(term - 1) % 2);
    assert_int_equal(crowd->term, term + 1);
}

uint64_t crowd_next(struct stream *stream, unsigned deadline_ms)
{
    char name[CROWD_NAME_SIZE + 1];
    char *told = story_next(stream, deadline_ms);
    char *leader;
    uint64_t term;

    if (told == NULL) {
        return 0;
    }
    term = strtoull(told, &leader, 10);
    if (term == 0) {
        fail_msg("'%s' instead of a term of the crowd", told);
    }
    // The message is whole, and of this term.
    crowd_name(name, (unsigned)(term - 1) % 2);
    assert_memory_equal(leader + 1, name, CROWD_NAME_SIZE);
    assert_true(strlen(told) > CROWD_CANDIDATES * CROWD_NAME_SIZE);
    free(told);
    return term;
}
