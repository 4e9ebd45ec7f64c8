// SPDX-License-Identifier: Apache-2.0

#include "commands.h"

#include <stddef.h>

// In a hundred.
static const struct {
    enum electd_operation operation;
    unsigned share;
} commands_shares[] = {
    {ELECTD_CREATE, 8},   {ELECTD_CLOSE, 6},   {ELECTD_ENTER, 34},
    {ELECTD_WITHDRAW, 8}, {ELECTD_ANOINT, 10}, {ELECTD_PROMOTE, 11},
    {ELECTD_DEMOTE, 11},  {ELECTD_EVICT, 6},   {ELECTD_GET_TERM, 6},
};

// Sessions of all sizes, many of which differ in their upper half alone.
static uint64_t commands_new_session(struct prng *prng)
{
    return prng_percent(prng, 50) ? prng_next(prng)
                                  : (prng_next(prng) << 32) | 1;
}

void commands_init(struct commands *commands, struct prng *prng)
{
    commands->prng = prng;
    commands->favourites = prng_between(prng, 1, SIM_NAMES);
    for (size_t i = 0; i < COMMANDS_SESSIONS; i++) {
        commands->sessions[i] = commands_new_session(prng);
    }
}

static enum electd_operation commands_operation(struct prng *prng)
{
    unsigned chance = prng_below(prng, 100);
    size_t i = 0;

    while (chance >= commands_shares[i].share) {
        chance -= commands_shares[i].share;
        i++;
    }
    return commands_shares[i].operation;
}

struct sim_command commands_next(struct commands *commands)
{
    struct prng *prng = commands->prng;
    unsigned elections =
        prng_percent(prng, 80) ? commands->favourites : SIM_NAMES;
    struct sim_command command = {.operation = commands_operation(prng)};

    command.election = prng_below(prng, elections);
    command.candidate = prng_below(prng, SIM_NAMES);
    command.tags = prng_below(prng, 3);
    command.session = commands->sessions[prng_below(prng, COMMANDS_SESSIONS)];
    command.lease = (enum electd_lease)prng_below(prng, 3);
    if (command.lease == ELECTD_LEASE_STREAM) {
        command.instance = prng_below(prng, COMMANDS_INSTANCES + 1);
    }
    return command;
}

uint64_t commands_disconnect(struct commands *commands)
{
    uint64_t *session =
        &commands->sessions[prng_below(commands->prng, COMMANDS_SESSIONS)];
    uint64_t gone = *session;

    *session = commands_new_session(commands->prng);
    return gone;
}
