// SPDX-License-Identifier: Apache-2.0

#include <stdlib.h>
#include <string.h>

#include "support/test.h"

#include "ctl/line.h"
#include "ctl/output.h"

typedef Atomix__Runtime__Election__V1__Term wire_term;

static void expect_line(struct line *line, const char *expected)
{
    line_end(line);
    assert_string_equal(line->bytes, expected);
    line_free(line);
}

static void expect_json(const char *text, const char *expected)
{
    struct line line;

    output_json_string(line_begin(&line), text);
    expect_line(&line, expected);
}

static void expect_term(enum ctl_output output, const wire_term *term,
                        const char *expected)
{
    struct line line;

    output_term(line_begin(&line), output, "a", term);
    expect_line(&line, expected);
}

static wire_term term_of(uint64_t number, char *leader, char **candidates,
                         size_t count)
{
    wire_term term = ATOMIX__RUNTIME__ELECTION__V1__TERM__INIT;

    term.term = number;
    term.leader = leader;
    term.candidates = candidates;
    term.n_candidates = count;
    return term;
}

static void test_json_strings_are_escaped(void **state)
{
    (void)state;
    expect_json("", "\"\"");
    expect_json("n1", "\"n1\"");
    expect_json("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
    expect_json("\n\r\t", "\"\\n\\r\\t\"");
    expect_json("\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"");
    expect_json("\xc3\xa4\xf0\x9f\x91\x91", "\"\xc3\xa4\xf0\x9f\x91\x91\"");
}

static void test_term_without_anybody_has_dashes_and_null(void **state)
{
    wire_term term = term_of(7, "", NULL, 0);

    (void)state;
    expect_term(CTL_OUTPUT_TEXT, &term, "term 7  leader -  queue -\n");
    expect_term(CTL_OUTPUT_JSON, &term,
                "{\"election\":\"a\",\"term\":7,\"leader\":null,"
                "\"candidates\":[]}\n");
    expect_term(CTL_OUTPUT_TEXT, NULL, "term 0  leader -  queue -\n");
}

static void test_queue_is_in_order(void **state)
{
    char *queue[] = {"n2", "n3"};
    wire_term term = term_of(UINT64_MAX, "n1", queue, 2);

    (void)state;
    expect_term(CTL_OUTPUT_TEXT, &term,
                "term 18446744073709551615  leader n1  queue n2, n3\n");
    expect_term(CTL_OUTPUT_JSON, &term,
                "{\"election\":\"a\",\"term\":18446744073709551615,"
                "\"leader\":\"n1\",\"candidates\":[\"n2\",\"n3\"]}\n");
}

static void test_names_that_could_be_misread_are_quoted_for_people(void **state)
{
    char *queue[] = {"a, b", "say \"x\"", "\\", "a\nb", "ok.1:2/3"};
    wire_term term = term_of(1, "-", queue, 5);

    (void)state;
    expect_term(CTL_OUTPUT_TEXT, &term,
                "term 1  leader \"-\"  queue \"a, b\", \"say \\\"x\\\"\", "
                "\"\\\\\", \"a\\nb\", ok.1:2/3\n");
}

static void test_change_says_why_and_who_led(void **state)
{
    Electd__V1__CampaignResponse change = ELECTD__V1__CAMPAIGN_RESPONSE__INIT;
    wire_term term = term_of(2, "n2", NULL, 0);
    struct line line;

    (void)state;
    change.term = &term;
    change.reason = ELECTD__V1__REASON__REASON_EXPIRED;
    change.previous_leader = "n 1";
    change.revision = 12;
    output_campaign(line_begin(&line), CTL_OUTPUT_TEXT, "a", &change);
    expect_line(&line, "term 2  leader n2  queue -  reason expired  previous "
                       "\"n 1\"  revision 12  leads no\n");
    change.previous_leader = "";
    change.leads = true;
    change.life = "5e0c";
    output_campaign(line_begin(&line), CTL_OUTPUT_JSON, "a", &change);
    expect_line(&line, "{\"election\":\"a\",\"term\":2,\"leader\":\"n2\","
                       "\"candidates\":[],\"reason\":\"expired\","
                       "\"previous_leader\":null,\"revision\":12,"
                       "\"leads\":true,\"life\":\"5e0c\"}\n");
}

static void test_watcher_is_told_the_life_in_json(void **state)
{
    wire_term term = term_of(2, "n2", NULL, 0);
    struct line line;

    (void)state;
    output_watch(line_begin(&line), CTL_OUTPUT_TEXT, "a", &term, "5e0c");
    expect_line(&line, "term 2  leader n2  queue -\n");
    output_watch(line_begin(&line), CTL_OUTPUT_JSON, "a", &term, "5e0c");
    expect_line(&line, "{\"election\":\"a\",\"term\":2,\"leader\":\"n2\","
                       "\"candidates\":[],\"life\":\"5e0c\"}\n");
    // Of an older daemon.
    output_watch(line_begin(&line), CTL_OUTPUT_JSON, "a", NULL, "");
    expect_line(&line, "{\"election\":\"a\",\"term\":0,\"leader\":null,"
                       "\"candidates\":[],\"life\":null}\n");
}

static void test_confirm_says_for_how_long(void **state)
{
    Electd__V1__ConfirmResponse answer = ELECTD__V1__CONFIRM_RESPONSE__INIT;
    wire_term term = term_of(2, "n2", NULL, 0);
    struct line line;

    (void)state;
    answer.term = &term;
    answer.leads = true;
    answer.life = "5e0c";
    output_confirm(line_begin(&line), CTL_OUTPUT_TEXT, "a", &answer, 2398);
    expect_line(&line, "term 2  leader n2  queue -  leads yes  valid 2398ms  "
                       "life 5e0c\n");
    answer.leads = false;
    output_confirm(line_begin(&line), CTL_OUTPUT_JSON, "a", &answer, 0);
    expect_line(&line, "{\"election\":\"a\",\"term\":2,\"leader\":\"n2\","
                       "\"candidates\":[],\"leads\":false,"
                       "\"valid_for_ms\":0,\"life\":\"5e0c\"}\n");
}

static void test_every_reason_has_its_word(void **state)
{
    static const char *const words[] = {
        "unspecified", "current",  "entered",      "withdrawn",
        "evicted",     "anointed", "promoted",     "demoted",
        "closed",      "expired",  "disconnected", "replaced"};
    Electd__V1__CampaignResponse change = ELECTD__V1__CAMPAIGN_RESPONSE__INIT;
    struct line line;

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        change.reason = (Electd__V1__Reason)i;
        output_campaign(line_begin(&line), CTL_OUTPUT_TEXT, "a", &change);
        line_end(&line);
        assert_non_null(strstr(line.bytes, words[i]));
        line_free(&line);
    }
    // Of a newer daemon.
    change.reason = (Electd__V1__Reason)99;
    output_campaign(line_begin(&line), CTL_OUTPUT_TEXT, "a", &change);
    line_end(&line);
    assert_non_null(strstr(line.bytes, "reason unspecified"));
    line_free(&line);
}

static void test_lines_are_compared_as_a_whole(void **state)
{
    struct line none = {.bytes = NULL};
    struct line a;
    struct line b;

    (void)state;
    output_json_string(line_begin(&a), "x");
    line_end(&a);
    output_json_string(line_begin(&b), "xy");
    line_end(&b);
    assert_true(line_equal(&none, &none));
    assert_true(line_equal(&a, &a));
    assert_false(line_equal(&a, &b));
    assert_false(line_equal(&a, &none));
    line_free(&a);
    line_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_strings_are_escaped),
        cmocka_unit_test(test_term_without_anybody_has_dashes_and_null),
        cmocka_unit_test(test_queue_is_in_order),
        cmocka_unit_test(
            test_names_that_could_be_misread_are_quoted_for_people),
        cmocka_unit_test(test_change_says_why_and_who_led),
        cmocka_unit_test(test_watcher_is_told_the_life_in_json),
        cmocka_unit_test(test_confirm_says_for_how_long),
        cmocka_unit_test(test_every_reason_has_its_word),
        cmocka_unit_test(test_lines_are_compared_as_a_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
