// SPDX-License-Identifier: Apache-2.0
//
// What every store promises (store/store.h), as tests to be run against each.

#ifndef TESTS_STORE_CONTRACT_H
#define TESTS_STORE_CONTRACT_H

#include "store_test.h"

#define STORE_CONTRACT_TESTS 18

// Fills in all tests of the contract. Borrows the factory until they ran.
void store_contract_tests(const struct store_factory *factory,
                          struct CMUnitTest tests[STORE_CONTRACT_TESTS]);

#endif
