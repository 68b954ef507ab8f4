/* problems.h - everything that is wrong with a network's operators, gathered into one line, so that a user sees all of it at once. */
#ifndef QM_COMMON_PROBLEMS_H
#define QM_COMMON_PROBLEMS_H

#include <stdint.h>

#include "common/status.h"

enum { PROBLEMS_MAX = 16, PROBLEM_OPERATORS_MAX = 6 };

/* What is wrong with some operators. */
struct problem {
    char text[192];                            /* "LSTM is not supported" */
    uint32_t count;                            /* of operators */
    uint32_t operators[PROBLEM_OPERATORS_MAX]; /* the first of them, by their index in the file */
};

struct problems {
    uint32_t count;    /* of different ones */
    uint32_t left_out; /* operators whose problem did not fit */
    struct problem list[PROBLEMS_MAX];
};

/* Adds what is wrong with an operator. The same text for another operator takes no room of its own. */
void problems_add(struct problems *problems, uint32_t index, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* QM_OK when there are none, else QM_BAD_INPUT with FILE: operator INDEX and its problem, and so on; and the hint. */
QM_MUST_USE enum qm_status problems_report(const struct problems *problems, const char *file, const char *hint, struct qm_diag *diag);

#endif
