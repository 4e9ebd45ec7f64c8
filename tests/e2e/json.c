// SPDX-License-Identifier: Apache-2.0
//
// Each function skips one thing and returns what is behind it; NULL if it is
// not there, which the next one passes on.

#include "json.h"

#include <stddef.h>
#include <string.h>

static const char *json_skip_text(const char *at, const char *text)
{
    size_t size = strlen(text);

    return at != NULL && strncmp(at, text, size) == 0 ? at + size : NULL;
}

static const char *json_skip_escape(const char *at)
{
    if (*at == 'u') {
        return strspn(at + 1, "0123456789abcdefABCDEF") >= 4 ? at + 5 : NULL;
    }
    return *at != '\0' && strchr("\"\\/bfnrt", *at) != NULL ? at + 1 : NULL;
}

static const char *json_skip_string(const char *at)
{
    at = json_skip_text(at, "\"");
    while (at != NULL && *at != '"') {
        if ((unsigned char)*at < 0x20) {
            return NULL;
        }
        at = *at == '\\' ? json_skip_escape(at + 1) : at + 1;
    }
    return json_skip_text(at, "\"");
}

static const char *json_skip_scalar(const char *at)
{
    size_t digits;

    if (at == NULL || *at == '"') {
        return json_skip_string(at);
    }
    if (*at == 't' || *at == 'f') {
        return json_skip_text(at, *at == 't' ? "true" : "false");
    }
    at += *at == '-' ? 1 : 0;
    digits = strspn(at, "0123456789");
    return digits > 0 && (digits == 1 || *at != '0') ? at + digits : NULL;
}

static const char *json_skip_value(const char *at)
{
    if (at == NULL || *at != '[') {
        return json_skip_scalar(at);
    }
    do {
        at = json_skip_scalar(at + 1);
    } while (at != NULL && *at == ',');
    return json_skip_text(at, "]");
}

bool json_is_object(const char *text)
{
    const char *at = text;

    if (*at != '{') {
        return false;
    }
    do {
        at = json_skip_value(json_skip_text(json_skip_string(at + 1), ":"));
    } while (at != NULL && *at == ',');
    at = json_skip_text(at, "}");
    return at != NULL && *at == '\0';
}
