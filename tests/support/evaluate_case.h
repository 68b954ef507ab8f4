/* evaluate_case.h - an operator on constants, and what it must give: rows of the tables of tests/unit/evaluate. */
#ifndef QM_TESTS_SUPPORT_EVALUATE_CASE_H
#define QM_TESTS_SUPPORT_EVALUATE_CASE_H

#include "evaluate/evaluate.h"

enum { EVALUATE_NUMBERS_MAX = 18, EVALUATE_INPUTS_MAX = 3 };

/* Operands are tensors 0, 1 and 2, those below op.input_count; the result is the last tensor. */
struct evaluate_case {
    const char *name;
    struct qm_graph_op op;
    struct {
        enum qm_dtype dtype;
        uint32_t rank, dims[4];
        double numbers[EVALUATE_NUMBERS_MAX]; /* as stored */
    } in[EVALUATE_INPUTS_MAX], out;           /* of out the numbers that are wanted */
};

/* What has become of a case. */
struct evaluate_outcome {
    const char *problem; /* of evaluate_fold */
    bool folded, right;  /* the result is a constant; of the type and the numbers that are wanted, byte for byte */
};

/* Folds the operator in a graph of real numbers or of integers. */
struct evaluate_outcome evaluate_case_run(const struct evaluate_case *c, bool is_real);

#endif
