// SPDX-License-Identifier: Apache-2.0
//
// A call that names a candidate that neither leads nor waits changes nothing
// and succeeds; electctl tells it from the others. After Anoint, Promote and
// Demote the answer itself tells: a candidate that was there still is. After
// Withdraw and Evict it is gone in any case, so electctl looks at the term
// first. Between that look and the call, others may act: a candidate that
// enters then is taken out, and still reported as unknown; one that leaves then
// is not reported, and is gone, as was asked for.

#include "ctl/election_commands.h"

#include <string.h>

#include "ctl/boot_clock.h"
#include "ctl/exit_code.h"
#include "ctl/line.h"
#include "ctl/output.h"
#include "ctl/request.h"
#include "ctl/unary.h"

typedef Atomix__Runtime__Election__V1__Term wire_term;

static const char *command_election(const struct arguments *arguments)
{
    return arguments->words[0];
}

static const char *command_candidate(const struct arguments *arguments)
{
    return arguments->words[1];
}

// Prints the one line that a command has.
static int command_print(struct line *line)
{
    bool is_written;

    line_end(line);
    is_written = line_write(line);
    line_free(line);
    return is_written ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}

static int command_print_term(const struct arguments *arguments,
                              const wire_term *term)
{
    struct line line;

    output_term(line_begin(&line), arguments->options.output,
                command_election(arguments), term);
    return command_print(&line);
}

// NULL: it failed.
static const request_term_answer *command_ask(struct unary *unary,
                                              const struct request *request)
{
    return (const request_term_answer *)unary_call(unary, &request->client);
}

// Create and Close, whose answers are empty.
static int command_run_empty(const struct arguments *arguments,
                             const struct request *request)
{
    struct unary unary;
    struct line line;
    int exit_code;

    if (!unary_open(&unary, &arguments->options)) {
        return EXIT_CODE_FAILED;
    }
    (void)unary_call(&unary, &request->client);
    exit_code = unary.exit_code;
    unary_close(&unary);
    if (exit_code != EXIT_CODE_DONE) {
        return exit_code;
    }
    output_election(line_begin(&line), arguments->options.output,
                    command_election(arguments));
    return command_print(&line);
}

int create_command(const struct arguments *arguments)
{
    struct request request;

    request_create(&request, command_election(arguments), arguments->tags,
                   arguments->tags_count);
    return command_run_empty(arguments, &request);
}

int close_command(const struct arguments *arguments)
{
    struct request request;

    request_close(&request, command_election(arguments));
    return command_run_empty(arguments, &request);
}

// A call whose answer is a term.
static int command_run_term(const struct arguments *arguments,
                            const struct request *request)
{
    const request_term_answer *answer;
    struct unary unary;
    int exit_code;

    if (!unary_open(&unary, &arguments->options)) {
        return EXIT_CODE_FAILED;
    }
    answer = command_ask(&unary, request);
    exit_code = answer != NULL ? command_print_term(arguments, answer->term)
                               : unary.exit_code;
    unary_close(&unary);
    return exit_code;
}

int term_command(const struct arguments *arguments)
{
    struct request request;

    request_term(&request, REQUEST_PATH("GetTerm"),
                 command_election(arguments));
    return command_run_term(arguments, &request);
}

int enter_command(const struct arguments *arguments)
{
    struct request request;

    request_candidate(&request, REQUEST_PATH("Enter"),
                      command_election(arguments),
                      command_candidate(arguments));
    if (arguments->ttl_ms > 0) {
        request_set_ttl(&request, arguments->ttl_ms);
    }
    return command_run_term(arguments, &request);
}

static int command_report_confirm(const struct arguments *arguments,
                                  const Electd__V1__ConfirmResponse *answer,
                                  uint64_t sent_ms)
{
    uint64_t valid_ms = request_duration_ms(answer->valid_for);
    uint64_t passed_ms = boot_clock_ms() - sent_ms;
    struct line line;
    int exit_code;

    valid_ms = valid_ms > passed_ms ? valid_ms - passed_ms : 0;
    output_confirm(line_begin(&line), arguments->options.output,
                   command_election(arguments), answer, valid_ms);
    exit_code = command_print(&line);
    if (exit_code == EXIT_CODE_DONE && (!answer->leads || valid_ms == 0)) {
        exit_code = EXIT_CODE_LEADERSHIP_LOST;
    }
    return exit_code;
}

int confirm_command(const struct arguments *arguments)
{
    const Electd__V1__ConfirmResponse *answer;
    struct request request;
    struct unary unary;
    uint64_t sent_ms;
    int exit_code;

    if (arguments->instance == NULL || arguments->term == 0) {
        struct arguments failed = *arguments;

        arguments_fail(&failed, "confirm needs --instance and --term");
        return arguments_report(&failed);
    }
    if (!unary_open(&unary, &arguments->options)) {
        return EXIT_CODE_FAILED;
    }
    request_confirm(&request, command_election(arguments),
                    command_candidate(arguments), arguments->instance,
                    arguments->term);
    // What is promised counts from before it was asked for.
    sent_ms = boot_clock_ms();
    answer = (const Electd__V1__ConfirmResponse *)unary_call(&unary,
                                                             &request.client);
    exit_code = answer != NULL
                    ? command_report_confirm(arguments, answer, sent_ms)
                    : unary.exit_code;
    unary_close(&unary);
    return exit_code;
}

static bool command_term_has(const wire_term *term, const char *candidate)
{
    if (term == NULL) {
        return false;
    }
    for (size_t i = 0; i < term->n_candidates; i++) {
        if (strcmp(term->candidates[i], candidate) == 0) {
            return true;
        }
    }
    return strcmp(term->leader, candidate) == 0;
}

static int command_report_unknown(const struct arguments *arguments,
                                  int exit_code)
{
    struct line line;
    FILE *out;

    if (exit_code != EXIT_CODE_DONE) {
        return exit_code;
    }
    // As in the messages of the daemon, which has accepted both names.
    out = line_begin(&line);
    fprintf(out,
            "electctl: nothing changed: candidate '%s' neither leads nor "
            "waits in election '%s'\n",
            command_candidate(arguments), command_election(arguments));
    line_end(&line);
    fwrite(line.bytes, 1, line.size, stderr);
    line_free(&line);
    return EXIT_CODE_UNKNOWN_CANDIDATE;
}

// Anoint, Promote and Demote.
static int command_move(const struct arguments *arguments, const char *path)
{
    const request_term_answer *answer;
    struct request request;
    struct unary unary;
    int exit_code;

    request_candidate(&request, path, command_election(arguments),
                      command_candidate(arguments));
    if (!unary_open(&unary, &arguments->options)) {
        return EXIT_CODE_FAILED;
    }
    answer = command_ask(&unary, &request);
    exit_code = unary.exit_code;
    if (answer != NULL) {
        exit_code = command_print_term(arguments, answer->term);
        if (!command_term_has(answer->term, command_candidate(arguments))) {
            exit_code = command_report_unknown(arguments, exit_code);
        }
    }
    unary_close(&unary);
    return exit_code;
}

int anoint_command(const struct arguments *arguments)
{
    return command_move(arguments, REQUEST_PATH("Anoint"));
}

int promote_command(const struct arguments *arguments)
{
    return command_move(arguments, REQUEST_PATH("Promote"));
}

int demote_command(const struct arguments *arguments)
{
    return command_move(arguments, REQUEST_PATH("Demote"));
}

// Withdraw and Evict, on an open connection.
static int command_remove_on(struct unary *unary,
                             const struct arguments *arguments,
                             const char *path)
{
    const char *candidate = command_candidate(arguments);
    const request_term_answer *answer;
    struct request request;
    bool was_there;
    int exit_code;

    request_term(&request, REQUEST_PATH("GetTerm"),
                 command_election(arguments));
    answer = command_ask(unary, &request);
    if (answer == NULL) {
        return unary->exit_code;
    }
    was_there = command_term_has(answer->term, candidate);
    // Asked for even if it was not there: it may have come.
    request_candidate(&request, path, command_election(arguments), candidate);
    answer = command_ask(unary, &request);
    if (answer == NULL) {
        return unary->exit_code;
    }
    exit_code = command_print_term(arguments, answer->term);
    return was_there ? exit_code : command_report_unknown(arguments, exit_code);
}

static int command_remove(const struct arguments *arguments, const char *path)
{
    struct unary unary;
    int exit_code;

    if (!unary_open(&unary, &arguments->options)) {
        return EXIT_CODE_FAILED;
    }
    exit_code = command_remove_on(&unary, arguments, path);
    unary_close(&unary);
    return exit_code;
}

int withdraw_command(const struct arguments *arguments)
{
    return command_remove(arguments, REQUEST_PATH("Withdraw"));
}

int evict_command(const struct arguments *arguments)
{
    return command_remove(arguments, REQUEST_PATH("Evict"));
}
