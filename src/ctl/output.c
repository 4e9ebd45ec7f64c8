// SPDX-License-Identifier: Apache-2.0

#include "ctl/output.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

typedef Atomix__Runtime__Election__V1__Term wire_term;

void output_json_string(FILE *out, const char *text)
{
    static const char escaped[] = "\"\\\n\r\t";
    static const char names[] = "\"\\nrt";
    const char *escape;

    putc('"', out);
    for (; *text != '\0'; text++) {
        escape = strchr(escaped, *text);
        if (escape != NULL) {
            fprintf(out, "\\%c", names[escape - escaped]);
        } else if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            fprintf(out, "\\u%04x", (unsigned)(unsigned char)*text);
        } else {
            putc(*text, out);
        }
    }
    putc('"', out);
}

static bool output_is_clear(const char *name)
{
    if (name[0] == '\0' || strcmp(name, "-") == 0) {
        return false;
    }
    for (; *name != '\0'; name++) {
        if ((unsigned char)*name <= 0x20 || *name == 0x7f ||
            strchr(",\"\\", *name) != NULL) {
            return false;
        }
    }
    return true;
}

static void output_name(FILE *out, const char *name)
{
    if (output_is_clear(name)) {
        fputs(name, out);
    } else {
        output_json_string(out, name);
    }
}

// A candidate that may be nobody, which the protocol writes as empty.
static void output_text_candidate(FILE *out, const char *name)
{
    if (name[0] == '\0') {
        putc('-', out);
    } else {
        output_name(out, name);
    }
}

static void output_json_candidate(FILE *out, const char *name)
{
    if (name[0] == '\0') {
        fputs("null", out);
    } else {
        output_json_string(out, name);
    }
}

static void output_text_term(FILE *out, const wire_term *term)
{
    fprintf(out, "term %" PRIu64 "  leader ", term->term);
    output_text_candidate(out, term->leader);
    fputs("  queue ", out);
    if (term->n_candidates == 0) {
        putc('-', out);
    }
    for (size_t i = 0; i < term->n_candidates; i++) {
        fputs(i > 0 ? ", " : "", out);
        output_name(out, term->candidates[i]);
    }
}

// Without the closing brace.
static void output_json_term(FILE *out, const char *election,
                             const wire_term *term)
{
    fputs("{\"election\":", out);
    output_json_string(out, election);
    fprintf(out, ",\"term\":%" PRIu64 ",\"leader\":", term->term);
    output_json_candidate(out, term->leader);
    fputs(",\"candidates\":[", out);
    for (size_t i = 0; i < term->n_candidates; i++) {
        fputs(i > 0 ? "," : "", out);
        output_json_string(out, term->candidates[i]);
    }
    putc(']', out);
}

static const wire_term *output_term_or_empty(const wire_term *term)
{
    static const wire_term empty = ATOMIX__RUNTIME__ELECTION__V1__TERM__INIT;

    return term != NULL ? term : &empty;
}

void output_term(FILE *out, enum ctl_output output, const char *election,
                 const wire_term *term)
{
    term = output_term_or_empty(term);
    switch (output) {
    case CTL_OUTPUT_TEXT:
        output_text_term(out, term);
        fputs("\n", out);
        return;
    case CTL_OUTPUT_JSON:
        output_json_term(out, election, term);
        fputs("}\n", out);
        return;
    }
}

static void output_json_life(FILE *out, const char *life)
{
    fputs(",\"life\":", out);
    output_json_candidate(out, life);
}

void output_watch(FILE *out, enum ctl_output output, const char *election,
                  const wire_term *term, const char *life)
{
    switch (output) {
    case CTL_OUTPUT_TEXT:
        output_term(out, output, election, term);
        return;
    case CTL_OUTPUT_JSON:
        output_json_term(out, election, output_term_or_empty(term));
        output_json_life(out, life);
        fputs("}\n", out);
        return;
    }
}

// A number that a newer daemon has a name for is still printed.
static const char *output_reason(Electd__V1__Reason reason)
{
    switch (reason) {
    case ELECTD__V1__REASON__REASON_CURRENT:
        return "current";
    case ELECTD__V1__REASON__REASON_ENTERED:
        return "entered";
    case ELECTD__V1__REASON__REASON_WITHDRAWN:
        return "withdrawn";
    case ELECTD__V1__REASON__REASON_EVICTED:
        return "evicted";
    case ELECTD__V1__REASON__REASON_ANOINTED:
        return "anointed";
    case ELECTD__V1__REASON__REASON_PROMOTED:
        return "promoted";
    case ELECTD__V1__REASON__REASON_DEMOTED:
        return "demoted";
    case ELECTD__V1__REASON__REASON_CLOSED:
        return "closed";
    case ELECTD__V1__REASON__REASON_EXPIRED:
        return "expired";
    case ELECTD__V1__REASON__REASON_DISCONNECTED:
        return "disconnected";
    case ELECTD__V1__REASON__REASON_REPLACED:
        return "replaced";
    case ELECTD__V1__REASON__REASON_UNSPECIFIED:
    case _ELECTD__V1__REASON_IS_INT_SIZE:
        break;
    }
    return "unspecified";
}

void output_campaign(FILE *out, enum ctl_output output, const char *election,
                     const Electd__V1__CampaignResponse *change)
{
    const wire_term *term = output_term_or_empty(change->term);
    const char *reason = output_reason(change->reason);

    switch (output) {
    case CTL_OUTPUT_TEXT:
        output_text_term(out, term);
        fprintf(out, "  reason %s  previous ", reason);
        output_text_candidate(out, change->previous_leader);
        fprintf(out, "  revision %" PRIu64 "  leads %s\n", change->revision,
                change->leads ? "yes" : "no");
        return;
    case CTL_OUTPUT_JSON:
        output_json_term(out, election, term);
        fprintf(out, ",\"reason\":\"%s\",\"previous_leader\":", reason);
        output_json_candidate(out, change->previous_leader);
        fprintf(out, ",\"revision\":%" PRIu64 ",\"leads\":%s", change->revision,
                change->leads ? "true" : "false");
        output_json_life(out, change->life);
        fputs("}\n", out);
        return;
    }
}

void output_confirm(FILE *out, enum ctl_output output, const char *election,
                    const Electd__V1__ConfirmResponse *answer,
                    uint64_t valid_ms)
{
    const wire_term *term = output_term_or_empty(answer->term);

    switch (output) {
    case CTL_OUTPUT_TEXT:
        output_text_term(out, term);
        fprintf(out, "  leads %s  valid %" PRIu64 "ms  life ",
                answer->leads ? "yes" : "no", valid_ms);
        output_text_candidate(out, answer->life);
        putc('\n', out);
        return;
    case CTL_OUTPUT_JSON:
        output_json_term(out, election, term);
        fprintf(out, ",\"leads\":%s,\"valid_for_ms\":%" PRIu64,
                answer->leads ? "true" : "false", valid_ms);
        output_json_life(out, answer->life);
        fputs("}\n", out);
        return;
    }
}

void output_election(FILE *out, enum ctl_output output, const char *election)
{
    if (output == CTL_OUTPUT_JSON) {
        fputs("{\"election\":", out);
        output_json_string(out, election);
        fputs("}\n", out);
    }
}

void output_health(FILE *out, enum ctl_output output, const char *service,
                   const char *status)
{
    switch (output) {
    case CTL_OUTPUT_TEXT:
        fprintf(out, "%s\n", status);
        return;
    case CTL_OUTPUT_JSON:
        fputs("{\"service\":", out);
        output_json_string(out, service);
        fprintf(out, ",\"status\":\"%s\"}\n", status);
        return;
    }
}

void output_version(FILE *out, enum ctl_output output)
{
    switch (output) {
    case CTL_OUTPUT_TEXT:
        fputs("electctl " ELECTD_VERSION "\n", out);
        return;
    case CTL_OUTPUT_JSON:
        fputs("{\"version\":\"" ELECTD_VERSION "\"}\n", out);
        return;
    }
}
