// SPDX-License-Identifier: Apache-2.0

#include "daemon/life.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define LIFE_BYTES ((LIFE_SIZE - 1) / 2)

int life_make(char life[LIFE_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[LIFE_BYTES];
    // Without a loop and a callback it is synchronous.
    int status = uv_random(NULL, NULL, bytes, sizeof bytes, 0, NULL);

    if (status != 0) {
        return status;
    }
    for (size_t i = 0; i < LIFE_BYTES; i++) {
        life[2 * i] = digits[bytes[i] >> 4];
        life[2 * i + 1] = digits[bytes[i] & 0xf];
    }
    life[LIFE_SIZE - 1] = '\0';
    return 0;
}
