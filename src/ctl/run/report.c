// SPDX-License-Identifier: Apache-2.0

#include "ctl/run/report.h"

#include <grpc/status.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "ctl/boot_clock.h"
#include "ctl/exit_code.h"
#include "ctl/failure.h"
#include "ctl/say.h"

#define RUN_REPORT_TIME_SIZE 32
// Of time between two beats, which are much closer: electctl stood still. What
// is lost so soon after it, is lost for that.
#define RUN_REPORT_STALL_MS 1000

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
    run_say("elected (term %" PRIu64 "); starting in at most %s: %s",
            state->term, text,
            state->is_earlier_known
                ? "the earlier leader may act until then"
                : "what an earlier leader was promised is not known "
                  "(--start-delay)");
}

void run_report_starting(uint64_t term)
{
    run_say("starting (term %" PRIu64 ")", term);
}

void run_report_holding(uint64_t hold_ms)
{
    char text[DURATION_TEXT_SIZE];

    duration_format(hold_ms, text);
    run_say("the program has succeeded; holding the leadership for %s", text);
}

void run_report_beat(struct run_report *report)
{
    uint64_t now_ms = boot_clock_ms();

    if (report->beat_ms != 0 &&
        now_ms - report->beat_ms > RUN_REPORT_STALL_MS) {
        report->stall_ms = now_ms - report->beat_ms;
        report->stalled_until_ms = now_ms;
    }
    report->beat_ms = now_ms;
}

static void run_report_loss(struct run_report *report, const char *reason)
{
    char text[RUN_REPORT_TIME_SIZE];

    // The beat of after the stall may be yet to come.
    run_report_beat(report);
    if (report->stall_ms > 0 &&
        report->beat_ms - report->stalled_until_ms <= RUN_REPORT_STALL_MS) {
        run_report_time(report->stall_ms, text);
        run_say("leadership lost: electctl stood still for %s (%s)", text,
                reason);
    } else {
        run_say("leadership lost: %s", reason);
    }
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

static void run_report_failure(const struct run_report *report, int code,
                               const char *message, char text[FAILURE_SIZE])
{
    if (code == GRPC_STATUS_ALREADY_EXISTS) {
        snprintf(text, FAILURE_SIZE,
                 "another process has the name '%s': give another --candidate",
                 report->options->candidate);
    } else {
        failure_format(code, message, text);
    }
}

void run_report_over(struct run_report *report, const struct run_state *before,
                     const struct run_state *after, int code,
                     const char *message)
{
    char text[FAILURE_SIZE];

    run_report_failure(report, code, message, text);
    if (before->group == RUN_GROUP_RUNNING &&
        after->group != RUN_GROUP_RUNNING) {
        run_report_loss(report, text);
    } else if (before->phase >= RUN_FINISHING ||
               before->stream == RUN_STREAM_CANCELLED) {
        return;
    } else if (after->phase >= RUN_FINISHING) {
        run_say("%s", text);
    } else if (!report->is_failing) {
        report->is_failing = true;
        run_say("%s; trying again%s", text,
                code == GRPC_STATUS_ALREADY_EXISTS ? " for some seconds" : "");
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

void run_report_lost(struct run_report *report, const struct run_state *before,
                     const struct run_state *after, const char *reason)
{
    if (before->group == RUN_GROUP_RUNNING &&
        after->group != RUN_GROUP_RUNNING) {
        run_report_loss(report, reason);
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

static void run_report_other_leads(const struct run_report *report,
                                   uint64_t term)
{
    char election[IDENTITY_NAME_SIZE + 2];
    char leader[IDENTITY_NAME_SIZE + 2];
    char wait[DURATION_TEXT_SIZE];

    // A leader whose program runs well: to evict it would run that twice.
    if (report->options->wait_ms == 0) {
        run_say("not started: '%s' leads (term %" PRIu64 ")", report->leader,
                term);
        return;
    }
    run_report_word(report->options->election, election);
    run_report_word(report->leader, leader);
    duration_format(report->options->wait_ms, wait);
    run_say("not started: after %s '%s' leads (term %" PRIu64
            "). If it was entered by a plain Enter, and what it stood for has "
            "ended, evict it: electctl evict %s %s",
            wait, report->leader, term, election, leader);
}

void run_report_gave_up(const struct run_report *report,
                        const struct run_state *state)
{
    if (state->exit_code == EXIT_CODE_OTHER_LEADS) {
        run_report_other_leads(report, state->term);
    } else if (state->was_in) {
        run_say("not started: the daemon does not answer any more");
    } else {
        run_say("not started: the daemon has not answered");
    }
}
