// SPDX-License-Identifier: Apache-2.0
//
// Who electctl is when it campaigns.
//
// Thread: any; nothing is kept.

#ifndef CTL_IDENTITY_H
#define CTL_IDENTITY_H

#include <stdbool.h>

// Both with their NUL.
#define IDENTITY_NAME_SIZE 254
#define IDENTITY_INSTANCE_SIZE 33

// The candidate when none is named: the host's name, which in Kubernetes is the
// pod's. False: it has none.
__attribute__((warn_unused_result)) bool
identity_host(char name[IDENTITY_NAME_SIZE]);

// Makes a name that no other process has: of the host's name, the process id,
// which in a container is always the same, and something random. False: the
// host has no name.
__attribute__((warn_unused_result)) bool
identity_process(char name[IDENTITY_NAME_SIZE]);

// A random instance: nobody else has it, nor has this process after a restart.
void identity_instance(char instance[IDENTITY_INSTANCE_SIZE]);

#endif
