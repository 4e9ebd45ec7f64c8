// SPDX-License-Identifier: Apache-2.0

#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "support/prng.h"

#define NOISE 64

struct noise {
    struct prng prng;
    bool is_on;
    void *blocks[NOISE];
};

static void noise_make(struct noise *noise)
{
    void **block;

    for (unsigned i = 0; noise->is_on && i < 4; i++) {
        block = &noise->blocks[prng_below(&noise->prng, NOISE)];
        free(*block);
        *block = malloc(prng_between(&noise->prng, 1, 600));
    }
}

static void noise_stop(struct noise *noise)
{
    for (unsigned i = 0; i < NOISE; i++) {
        free(noise->blocks[i]);
    }
}

// Prints the first line in which the journals differ.
static void replay_print_difference(const struct journal *journal,
                                    const struct journal *again)
{
    const char *line = journal->bytes;
    const char *other = again->bytes;

    for (size_t i = 0; i < journal->size && i < again->size; i++) {
        if (journal->bytes[i] != again->bytes[i]) {
            break;
        }
        if (journal->bytes[i] == '\n') {
            line = journal->bytes + i + 1;
            other = again->bytes + i + 1;
        }
    }
    print_message("# first  %.*s\n# replay %.*s\n", (int)strcspn(line, "\n"),
                  line, (int)strcspn(other, "\n"), other);
}

void replay_check(const struct journal *journal, struct electd_limits limits,
                  uint64_t noise_seed)
{
    struct noise noise = {.is_on = noise_seed != 0};
    struct electd_elections *elections;
    struct electd_command command;
    struct electd_outcome outcome;
    enum electd_status status;
    struct journal again;

    prng_init(&noise.prng, noise_seed);
    noise_make(&noise);
    journal_init(&again);
    elections = electd_elections_create(limits);
    assert_non_null(elections);
    for (size_t i = 0; i < journal->commands_count; i++) {
        noise_make(&noise);
        command = journal_command(&journal->commands[i]);
        status = electd_apply(elections, &command, &outcome);
        journal_add(&again, &journal->commands[i], status, &outcome);
    }
    journal_add_elections(&again, elections);
    if (again.size != journal->size ||
        memcmp(again.bytes, journal->bytes, journal->size) != 0) {
        replay_print_difference(journal, &again);
        fail_msg("the same commands had other outcomes");
    }
    electd_elections_destroy(elections);
    journal_close(&again);
    noise_stop(&noise);
}
