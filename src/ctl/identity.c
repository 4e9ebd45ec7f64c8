// SPDX-License-Identifier: Apache-2.0

#include "ctl/identity.h"

#include <stddef.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

#define IDENTITY_RANDOM_SIZE ((IDENTITY_INSTANCE_SIZE - 1) / 2)

bool identity_host(char name[IDENTITY_NAME_SIZE])
{
    size_t size = IDENTITY_NAME_SIZE;

    return uv_os_gethostname(name, &size) == 0 && name[0] != '\0';
}

void identity_instance(char instance[IDENTITY_INSTANCE_SIZE])
{
    unsigned char random[IDENTITY_RANDOM_SIZE];

    if (uv_random(NULL, NULL, random, sizeof random, 0, NULL) != 0) {
        // Unique on this machine for as long as it is up.
        snprintf(instance, IDENTITY_INSTANCE_SIZE, "%lx-%llx", (long)getpid(),
                 (unsigned long long)uv_hrtime());
        return;
    }
    for (size_t i = 0; i < sizeof random; i++) {
        snprintf(instance + 2 * i, 3, "%02x", (unsigned)random[i]);
    }
}

bool identity_process(char name[IDENTITY_NAME_SIZE])
{
    char instance[IDENTITY_INSTANCE_SIZE];
    char host[IDENTITY_NAME_SIZE];

    if (!identity_host(host)) {
        return false;
    }
    identity_instance(instance);
    snprintf(name, IDENTITY_NAME_SIZE, "%.200s-%ld-%.8s", host, (long)getpid(),
             instance);
    return true;
}
