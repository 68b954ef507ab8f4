/* parts.h - among the files of this room: the forms of operators that are fast. Each computes output 0 of an operator, whose shapes
 * evaluate_check has looked at, from its inputs.
 */
#ifndef QM_INFER_PARTS_H
#define QM_INFER_PARTS_H

#include "common/blas.h"
#include "common/graph.h"

/* An operator at work. */
struct infer_site {
    const struct qm_blas *blas;
    const struct qm_graph *graph;
    const struct qm_graph_op *op;
    const float *const *inputs; /* NULL: absent */
    float *to;
    float *columns; /* convolve: room for infer_column_elements */
};

static inline const struct qm_graph_tensor *infer_input(const struct infer_site *s, uint32_t i) {
    return &s->graph->tensors[s->op->inputs[i]];
}

static inline const struct qm_graph_tensor *infer_output(const struct infer_site *s) {
    return &s->graph->tensors[s->op->outputs[0]];
}

/* Floats that a convolution needs besides its operands. */
size_t infer_column_elements(const struct qm_graph *graph, const struct qm_graph_op *op);
void infer_convolve(const struct infer_site *s);
/* MATMUL. */
void infer_multiply(const struct infer_site *s);
/* Whether an operator of elements has a fast form, and that form. */
bool infer_has_elements(const struct qm_graph *graph, const struct qm_graph_op *op);
void infer_elements(const struct infer_site *s);

#endif
