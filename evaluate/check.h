/* check.h - among the files that look at an operator before it is evaluated (evaluate_check). Each looks at one kind, and returns NULL or
 * what is wrong with it: "has ...".
 */
#ifndef QM_EVALUATE_CHECK_H
#define QM_EVALUATE_CHECK_H

#include "evaluate/evaluate.h"

/* An operator with the tensors that it has; the absent are NULL. */
struct evaluate_site {
    const struct qm_graph *graph;
    const struct qm_graph_op *op;
    const struct qm_graph_tensor *in, *second, *third, *out;
};

typedef const char *evaluate_checking(const struct evaluate_site *s);

static const char evaluate_other_shapes[] = "has operands whose shapes do not fit",
                  evaluate_other_result[] = "makes another shape than it says", evaluate_no_axis[] = "has an axis that is none";

/* The output has the shape. */
static inline const char *evaluate_is_result(const struct evaluate_site *s, const struct qm_shape *shape) {
    struct qm_shape out = qm_graph_shape(s->out);
    return qm_shape_same(&out, shape) ? NULL : evaluate_other_result;
}

/* ---- check_windows.c ---- */
evaluate_checking evaluate_check_conv, evaluate_check_transposed, evaluate_check_pool;

/* ---- check_moves.c ---- */
evaluate_checking evaluate_check_reshape, evaluate_check_transpose, evaluate_check_slice, evaluate_check_pad, evaluate_check_resize,
    evaluate_check_concatenation, evaluate_check_pack, evaluate_check_gather, evaluate_check_fill;

#endif
