// SPDX-License-Identifier: Apache-2.0

#include "ctl/run/report.h"

#include <grpc/status.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/exit_code.h"
#include "ctl/failure.h"
#include "ctl/say.h"

#define RUN_REPORT_TIME_SIZE 32

// In seconds, with one decimal unless it is zero.
static void run_report_time(uint64_t duration_ms,
                            char text[RUN_REPORT_TIME_SIZE])
{
    uint64_t tenths = (duration_ms + 99) / 100;

    if (tenths % 10 == 0) {
        snprintf(text, RUN_REPORT_TIME_SIZE, "%" PRIu64 "s", tenths / 10);
    } else {
        snprintf(text, RUN_REPORT_TIME_SIZE, "%" PRIu64 ".%" PRIu64 "s",
                 tenths / 10, tenths % 10);
    }
}

static const char *run_report_ordinal(size_t number)
{
    static const char *const suffixes[] = {"th", "st", "nd", "rd"};
    size_t last = number % 10;

    return number / 10 % 10 == 1 || last > 3 ? suffixes[0] : suffixes[last];
}

static void run_report_waiting(const struct run_report *report,
                               const Atomix__Runtime__Election__V1__Term *term)
{
    size_t at = 0;

    while (at < term->n_candidates &&
           strcmp(term->candidates[at], report->options->candidate) != 0) {
        at++;
    }
    if (at == term->n_candidates) {
        // Another process leads under this name.
        run_say("waiting: '%s' leads (term %" PRIu64 ")", term->leader,
                term->term);
    } else {
        run_say("waiting: '%s' leads (term %" PRIu64 "); %zu%s in the queue",
                term->leader, term->term, at + 1, run_report_ordinal(at + 1));
    }
}

static void run_report_elected(const struct run_state *state, uint64_t wait_ms)
{
    char text[RUN_REPORT_TIME_SIZE];

    if (state->is_quiet || wait_ms == 0) {
        return;
    }
    run_report_time(wait_ms, text);
    run_say("elected (term %" PRIu64 "); starting in %s: %s", state->term, text,
            state->is_earlier_known
                ? "the earlier leader may act until then"
                : "what an earlier leader was promised is not known "
                  "(--start-delay)");
}

void run_report_leader(struct run_report *report, const char *leader)
{
    report->is_failing = false;
    snprintf(report->leader, sizeof report->leader, "%s", leader);
}

void run_report_answer(struct run_report *report,
                       const struct run_state *before,
                       const struct run_state *after,
                       const Atomix__Runtime__Election__V1__Term *term,
                       uint64_t wait_ms)
{
    const char *leader = term->leader;
    bool is_news =
        before->stream != RUN_STREAM_IN || before->term != after->term;

    if (before->group == RUN_GROUP_RUNNING &&
        after->group != RUN_GROUP_RUNNING) {
        run_say("leadership lost: term %" PRIu64 ", %s%s%s leads", after->term,
                leader[0] != '\0' ? "'" : "",
                leader[0] != '\0' ? leader : "nobody",
                leader[0] != '\0' ? "'" : "");
    } else if (after->phase == RUN_SEEKING && after->group == RUN_GROUP_NONE) {
        if (after->leads && (is_news || !before->leads)) {
            run_report_elected(after, wait_ms);
        } else if (!after->leads && is_news) {
            run_report_waiting(report, term);
        }
    }
}

void run_report_over(struct run_report *report, const struct run_state *before,
                     const struct run_state *after, int code,
                     const char *message)
{
    char text[FAILURE_SIZE];

    failure_format(code, message, text);
    if (before->group == RUN_GROUP_RUNNING &&
        after->group != RUN_GROUP_RUNNING) {
        run_say("leadership lost: %s", text);
    } else if (before->phase >= RUN_FINISHING ||
               before->stream == RUN_STREAM_CANCELLED) {
        return;
    } else if (after->phase >= RUN_FINISHING) {
        run_say("%s", text);
    } else if (!report->is_failing) {
        report->is_failing = true;
        run_say("%s; trying again", text);
    }
}

void run_report_confirm_failed(struct run_report *report,
                               const struct run_state *state, int code,
                               const char *message)
{
    char text[FAILURE_SIZE];

    report->is_refused = code != GRPC_STATUS_DEADLINE_EXCEEDED;
    // While it waits, the stream says what is wrong.
    if (state->leads && !report->is_confirm_failing) {
        report->is_confirm_failing = true;
        failure_format(code, message, text);
        run_say("the daemon does not confirm: %s", text);
    }
}

void run_report_confirm_short(struct run_report *report,
                              const struct run_state *state)
{
    report->is_refused = true;
    if (state->leads && !report->is_confirm_failing) {
        report->is_confirm_failing = true;
        run_say("the daemon does not confirm: it says that this candidate "
                "leads, but not for long enough to act (valid_for)");
    }
}

void run_report_other_life(struct run_report *report)
{
    if (!report->has_told_other_life) {
        report->has_told_other_life = true;
        run_say("the Confirm was answered by another daemon than the Campaign; "
                "is there a load balancer in between?");
    }
}

void run_report_confirmed(struct run_report *report)
{
    report->is_confirm_failing = false;
    report->has_made_way = false;
}

void run_report_makes_way(struct run_report *report,
                          const struct run_state *before,
                          const struct run_state *after)
{
    uint64_t timeout_ms = report->options->times.confirm_timeout_ms;
    const char *who = before->leads ? "leads" : "may lead";

    if (before->makes_way || !after->makes_way || report->has_made_way) {
        return;
    }
    report->has_made_way = true;
    if (report->is_refused) {
        run_say("%s, but the daemon does not confirm it: making way for others",
                who);
    } else {
        run_say("%s, but the daemon's answers take too long (over %gs): making "
                "way for others",
                who, (double)timeout_ms / 1000);
    }
}

void run_report_lost(const struct run_state *before,
                     const struct run_state *after, const char *reason)
{
    if (before->group == RUN_GROUP_RUNNING &&
        after->group != RUN_GROUP_RUNNING) {
        run_say("leadership lost: %s", reason);
    }
}

// As a word for a shell, if it can be one without tricks.
static void run_report_word(const char *name, char word[IDENTITY_NAME_SIZE + 2])
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@-";
    bool is_safe = name[0] != '-' && name[strspn(name, safe)] == '\0';

    if (strchr(name, '\'') != NULL) {
        snprintf(word, IDENTITY_NAME_SIZE + 2, "NAME");
    } else {
        snprintf(word, IDENTITY_NAME_SIZE + 2, "%s%s%s", is_safe ? "" : "'",
                 name, is_safe ? "" : "'");
    }
}

void run_report_gave_up(const struct run_report *report,
                        const struct run_state *state)
{
    char election[IDENTITY_NAME_SIZE + 2];
    char leader[IDENTITY_NAME_SIZE + 2];

    run_report_word(report->options->election, election);
    run_report_word(report->leader, leader);
    if (state->exit_code == EXIT_CODE_OTHER_LEADS) {
        run_say("'%s' leads (term %" PRIu64 "), and the wait is over. If it is "
                "gone and has no lease, evict it: electctl evict %s %s",
                report->leader, state->term, election, leader);
    } else if (state->was_in) {
        run_say("the daemon does not answer any more, and the wait is over");
    } else {
        run_say("the wait is over, and the daemon has not answered");
    }
}
