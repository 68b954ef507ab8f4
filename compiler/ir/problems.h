/* problems.h - everything that is wrong with a network's operators, gathered into one line, so that a user sees all of it at once. */
#ifndef QM_COMPILER_IR_PROBLEMS_H
#define QM_COMPILER_IR_PROBLEMS_H

#include <stdint.h>

#include "common/status.h"

struct problems {
    char text[800]; /* "operator 3 LSTM is not supported; ..." */
    uint32_t count;
    uint32_t left_out; /* did not fit */
};

void problems_add(struct problems *problems, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* QM_OK when there are none, else QM_BAD_INPUT with FILE: all of them; and the hint. */
QM_MUST_USE enum qm_status problems_report(const struct problems *problems, const char *file, const char *hint, struct qm_diag *diag);

#endif
