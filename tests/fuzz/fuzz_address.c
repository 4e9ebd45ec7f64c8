// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as an address: refused with a reason, or read such that what is
// written from it reads as the same, and is safe to show.

#include <assert.h>
#include <string.h>

#include "base/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[ADDRESS_TEXT_SIZE];
    struct address address;
    struct address again;
    const char *reason = NULL;

    if (!address_parse(&address, (const char *)data, size, &reason)) {
        assert(reason != NULL);
        return 0;
    }
    assert((address.host[0] != '\0') == (address.kind == ADDRESS_TCP));
    assert((address.path[0] != '\0') == (address.kind == ADDRESS_UNIX));
    address_format(&address, text);
    for (size_t i = 0; text[i] != '\0'; i++) {
        assert((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
    }
    assert(address_parse(&again, text, strlen(text), &reason));
    assert(address_equal(&address, &again));
    return 0;
}
