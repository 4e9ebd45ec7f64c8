// SPDX-License-Identifier: Apache-2.0
//
// What all simulations do with their seeds:
//
//     PROGRAM                      many fixed seeds, and one new one
//     PROGRAM --seed 7             that seed
//     PROGRAM --runs 1000          that many new seeds
//     PROGRAM --seed 7 --runs 10   the seeds from 7 to 16
//     PROGRAM --steps 100          runs of that length
//
// A run adds to its coverage: a struct of counts, which shows that the fixed
// seeds reach what they should, and that one seed makes one run.

#ifndef SIM_RUNNER_H
#define SIM_RUNNER_H

#include <stddef.h>
#include <stdint.h>

struct runner {
    const char *name;
    unsigned fixed_seeds;
    // Of a run, unless the command line says so.
    unsigned steps;
    size_t coverage_size;
    void (*run_cb)(uint64_t seed, unsigned steps, void *coverage);
    // Says what led to the failure of the run that is on.
    void (*explain_cb)(void);
    // Of all fixed seeds, with runs of the usual length.
    void (*check_coverage_cb)(const void *coverage);
    void (*print_coverage_cb)(const void *coverage);
};

// For main(): runs what the command line asks for.
int runner_main(const struct runner *runner, int argc, char **argv);

#endif
