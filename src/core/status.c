// SPDX-License-Identifier: Apache-2.0

#include "electd/status.h"

const char *electd_status_name(enum electd_status status)
{
    switch (status) {
#define STATUS_NAME(name, value, text)                                         \
    case ELECTD_##name:                                                        \
        return #name;
        ELECTD_STATUS_MAP(STATUS_NAME)
#undef STATUS_NAME
    }
    return "UNKNOWN";
}

const char *electd_status_text(enum electd_status status)
{
    switch (status) {
#define STATUS_TEXT(name, value, text)                                         \
    case ELECTD_##name:                                                        \
        return text;
        ELECTD_STATUS_MAP(STATUS_TEXT)
#undef STATUS_TEXT
    }
    return "unknown status";
}
