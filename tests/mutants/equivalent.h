/* equivalent.h - the mutants that are known to change nothing: tests/mutants/equivalent.txt.
 *
 *   file: rtl/post.v
 *   line: assign busy_o = busy_q;          as it stands in the file, without the blanks around it
 *   mutant: busy_q -> 0                     as the report names it
 *   why: one line
 *
 * An empty line ends an entry; lines that begin with # are comments. An entry belongs to a line by its text, so it moves with it, and is an
 * error when the text is gone.
 */
#ifndef QM_TESTS_MUTANTS_EQUIVALENT_H
#define QM_TESTS_MUTANTS_EQUIVALENT_H

#include "tests/mutants/mutations.h"

/* Reads the file and gives each mutant that it names its reason. An entry that names none is QM_BAD_INPUT. */
QM_MUST_USE enum qm_status equivalent_mark(const char *file, struct qm_arena *arena, struct mutations *mutations, struct qm_diag *diag);

#endif
