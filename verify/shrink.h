/* shrink.h - reduces a program on which the engines differ to a small one on which they still do. */
#ifndef QM_VERIFY_SHRINK_H
#define QM_VERIFY_SHRINK_H

#include "verify/verify_random.h"

/* Reduces and saves it as a program test. The engines must differ on it: else QM_BAD_INPUT, as when lines of it
 * state bytes of memory, for only memories that are filled or zero are kept. Prints what was reached. */
QM_MUST_USE enum qm_status qm_shrink(const struct qm_verify_random *verify, const struct qm_program_text *program, const char *file,
                                     struct qm_diag *diag);

#endif
