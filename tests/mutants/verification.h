/* verification.h - the quick verification that each planted mutant must get past: random programs in lockstep with the model, program
 * tests, and the unit tests that use the RTL.
 *
 * The cheapest machine comes first, for most mutants show at once.
 */
#ifndef QM_TESTS_MUTANTS_VERIFICATION_H
#define QM_TESTS_MUTANTS_VERIFICATION_H

#include "common/arena.h"
#include "common/status.h"

struct verification;

/* Reads the program tests and builds all machines, from the RTL with the mutants (mk/mutants.mk). */
QM_MUST_USE enum qm_status verification_create(const char *unit_tests, char **programs, size_t count, struct qm_arena *arena,
                                               struct verification **verification, struct qm_diag *diag);

/* Runs until something differs. QM_MISMATCH says what. */
QM_MUST_USE enum qm_status verification_run(struct verification *verification, struct qm_diag *diag);

#endif
