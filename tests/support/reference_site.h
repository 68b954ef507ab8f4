/* reference_site.h - what the parts of the reference evaluator share: one operator, the bytes of all tensors,
 * and numbers as tensors store them. */
#ifndef QM_TESTS_SUPPORT_REFERENCE_SITE_H
#define QM_TESTS_SUPPORT_REFERENCE_SITE_H

#include <stdbool.h>

#include "common/graph.h"

struct reference_site {
    const struct qm_graph *graph;
    const struct qm_graph_op *op;
    const int8_t **bytes; /* [tensor_count] */
    const struct qm_graph_tensor *in, *out;
    uint32_t part; /* out is this output of the operator */
    int8_t *to;    /* of out */
};

static inline double scale_of(const struct qm_graph_tensor *tensor) {
    return (double)tensor->quant.scale[0];
}

static inline int32_t zero_of(const struct qm_graph_tensor *tensor) {
    return (int32_t)tensor->quant.zero_point[0];
}

/* Element i of a tensor of bytes. */
static inline int32_t number(const struct qm_graph_tensor *tensor, const int8_t *bytes, uint64_t i) {
    return tensor->dtype == QM_U8 ? (uint8_t)bytes[i] : bytes[i];
}

/* Cuts to the output's type, and to what the activation allows. */
int8_t reference_clamp(const struct reference_site *r, enum qm_activation activation, int64_t value);
int32_t reference_scale_real(int32_t x, double factor);

/* x / 2^bits, ties away from zero. */
int32_t reference_divide(int32_t x, int bits);
/* exp of a / 2^bits, which is not positive; 1 / (1 + f) and (1 - f) / (1 + f) of f = f31 / 2^31. All with 31 bits. */
int32_t reference_exp31(int32_t a, int bits);
int32_t reference_inverse31(int32_t f31);
int32_t reference_ratio31(int32_t f31);

/* Functions of one number (reference_tables.c). False: the operator is another one. */
bool reference_run_table(const struct reference_site *r);
/* Mean, quantization and all that moves elements (reference_moves.c). False: the operator is another one. */
bool reference_run_move(const struct reference_site *r);

#endif
