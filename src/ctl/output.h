// SPDX-License-Identifier: Apache-2.0
//
// What electctl prints: one line for each answer, for people or as JSON.
//
// For people, a name is printed as it is, or as a JSON string when it could be
// misread: when it is empty or "-", or has a blank, a comma, a quote, a
// backslash or a control character in it.
//
// Thread: any. An error of the stream shows in ferror().

#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include <stdint.h>
#include <stdio.h>

#include "atomix/runtime/election/v1/election.pb-c.h"
#include "ctl/ctl_options.h"
#include "electd/v1/candidacy.pb-c.h"

// Writes a JSON string, in its quotes. The text is UTF-8.
void output_json_string(FILE *out, const char *text);

// "term 7  leader n1  queue n2, n3". A term that is NULL is one that is empty.
void output_term(FILE *out, enum ctl_output output, const char *election,
                 const Atomix__Runtime__Election__V1__Term *term);

// The same, of a watcher, who is told the daemon's life in JSON; empty: not
// known.
void output_watch(FILE *out, enum ctl_output output, const char *election,
                  const Atomix__Runtime__Election__V1__Term *term,
                  const char *life);

// The same, and "  reason entered  previous -  revision 12  leads yes". JSON
// has the daemon's life as well.
void output_campaign(FILE *out, enum ctl_output output, const char *election,
                     const Electd__V1__CampaignResponse *change);

// The current term, and "  leads yes  valid 2400ms  life 5e0c"; the time is how
// long the instance may still act, from now on.
void output_confirm(FILE *out, enum ctl_output output, const char *election,
                    const Electd__V1__ConfirmResponse *answer,
                    uint64_t valid_ms);

// Says that an election was created or closed: to JSON only.
void output_election(FILE *out, enum ctl_output output, const char *election);

void output_health(FILE *out, enum ctl_output output, const char *service,
                   const char *status);

void output_version(FILE *out, enum ctl_output output);

#endif
