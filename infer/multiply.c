/* multiply.c - stacks of matrices, whose dimensions are broadcast. A stack times one matrix is one product. */
#include "evaluate/evaluate.h"
#include "infer/parts.h"

static void multiply_matrices(const struct infer_site *s, size_t rows, const float *a, const float *b, float *to) {
    const struct qm_graph_tensor *left = infer_input(s, 0), *out = infer_output(s);
    int k = (int)left->dims[left->rank - 1], columns = (int)out->dims[out->rank - 1];
    qm_blas_multiply(s->blas, &(struct qm_blas_product){.m = (int)rows,
                                                        .n = columns,
                                                        .k = k,
                                                        .a = a,
                                                        .a_stride = k,
                                                        .b = b,
                                                        .b_transposed = s->op->transposed,
                                                        .b_stride = s->op->transposed ? k : columns,
                                                        .out = to,
                                                        .out_stride = columns});
}

void infer_multiply(const struct infer_site *s) {
    const struct qm_graph_tensor *a = infer_input(s, 0), *b = infer_input(s, 1), *out = infer_output(s);
    size_t columns = out->dims[out->rank - 1], rows = out->dims[out->rank - 2], k = a->dims[a->rank - 1];
    size_t count = (size_t)qm_graph_elements(out) / (rows * columns);
    if (b->rank == 2) {
        multiply_matrices(s, count * rows, s->inputs[0], s->inputs[1], s->to);
        return;
    }
    for (size_t i = 0; i < count; i++)
        multiply_matrices(s, rows, s->inputs[0] + evaluate_operand_at(a, out, 2, i) * rows * k,
                          s->inputs[1] + evaluate_operand_at(b, out, 2, i) * k * columns, s->to + i * rows * columns);
}
