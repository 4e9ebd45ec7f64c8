// SPDX-License-Identifier: Apache-2.0

#include "support/campaigner.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/candidacy.h"
#include "support/child_process.h"
#include "support/client.h"

#define CAMPAIGNER_WORD "campaign"
#define CAMPAIGNER_ARGUMENTS 7
// What the process prints.
#define CAMPAIGNER_IS_IN "in\n"

bool campaigner_is_asked_for(int argc, char **argv)
{
    return argc == CAMPAIGNER_ARGUMENTS &&
           strcmp(argv[1], CAMPAIGNER_WORD) == 0;
}

int campaigner_main(int argc, char **argv)
{
    unsigned count = (unsigned)strtoul(argv[5], NULL, 10);
    struct candidacy candidacy = {
        .election = argv[3],
        .grace_ms = (int32_t)strtol(argv[6], NULL, 10),
    };
    struct stream *first = NULL;
    struct stream *stream;
    struct client *client;
    struct client_reply reply;
    enum stream_news news;
    bool is_new = true;
    char name[CANDIDACY_NAME_SIZE];

    (void)argc;
    grpc_init();
    client = client_connect(argv[2]);
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(name, sizeof name, "%s%u", argv[4], i);
        candidacy.candidate = count > 1 ? name : argv[4];
        stream = campaign(client, candidacy);
        first = first != NULL ? first : stream;
    }
    do {
        news = stream_next(first, CLIENT_DEADLINE_MS, &reply);
        client_reply_clear(&reply);
        if (news == STREAM_MESSAGE && is_new) {
            (void)fputs(CAMPAIGNER_IS_IN, stdout);
            is_new = fflush(stdout) != 0;
        }
    } while (news != STREAM_ENDED);
    client_close(client);
    grpc_shutdown_blocking();
    return 0;
}

bool campaigner_spawn(struct child_process *process,
                      const struct campaigner *campaigner)
{
    unsigned candidates = campaigner->count > 0 ? campaigner->count : 1;
    char count[16];
    char grace_ms[16];
    const char *const words[] = {
        CAMPAIGNER_WORD,
        campaigner->listen,
        campaigner->election,
        campaigner->candidate,
        count,
        grace_ms,
        NULL,
    };

    (void)snprintf(count, sizeof count, "%u", candidates);
    (void)snprintf(grace_ms, sizeof grace_ms, "%u", campaigner->grace_ms);
    child_spawn(process, &(struct child_start){.path = "/proc/self/exe",
                                               .words = words,
                                               .err_fd = STDERR_FILENO});
    if (!child_says(process, &process->out, CAMPAIGNER_IS_IN)) {
        child_dispose(process);
        return false;
    }
    return true;
}
