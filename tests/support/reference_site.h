/* reference_site.h - what the parts of the reference evaluator share: one operator, the bytes of all tensors,
 * and numbers as tensors store them. */
#ifndef QM_TESTS_SUPPORT_REFERENCE_SITE_H
#define QM_TESTS_SUPPORT_REFERENCE_SITE_H

#include <stdbool.h>
#include <string.h>

#include "common/graph.h"

struct reference_site {
    const struct qm_graph *graph;
    const struct qm_graph_op *op;
    const int8_t **bytes; /* [tensor_count] */
    const struct qm_graph_tensor *in, *out;
    uint32_t part; /* out is this output of the operator */
    uint32_t map;  /* of a batch of maps */
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

static inline float real(const int8_t *bytes, uint64_t i) {
    float value;
    memcpy(&value, bytes + 4 * i, sizeof value);
    return value;
}

static inline void set_real(const struct reference_site *r, uint64_t i, float value) {
    memcpy(r->to + 4 * i, &value, sizeof value);
}

/* A number as it is stored, whatever its type. */
static inline double stored(const struct qm_graph_tensor *tensor, const int8_t *bytes, uint64_t i) {
    int16_t half;
    int32_t word;
    int64_t wide;
    switch (tensor->dtype) {
    case QM_F32: return (double)real(bytes, i);
    case QM_I16: return memcpy(&half, bytes + 2 * i, 2), half;
    case QM_I32: return memcpy(&word, bytes + 4 * i, 4), word;
    case QM_I64: return memcpy(&wide, bytes + 8 * i, 8), (double)wide;
    default: return number(tensor, bytes, i);
    }
}

/* Coordinates of element i, and the other way round. */
void reference_coordinates(const struct qm_graph_tensor *tensor, uint64_t i, int64_t *at);
uint64_t reference_index(const struct qm_graph_tensor *tensor, const int64_t *at);
/* Makes output element i element `from` of an operand, whatever they are. */
void reference_take(const struct reference_site *r, uint64_t i, uint32_t operand, uint64_t from);
/* Where output element i finds its operand: dimensions of one element repeat. */
uint64_t reference_broadcast(const struct reference_site *r, const struct qm_graph_tensor *in, uint64_t i);

/* Which output element input element i is reduced to. */
uint64_t reference_reduced(const struct reference_site *r, uint64_t i);

/* Cuts to the output's type, and to what the activation allows. */
int8_t reference_clamp(const struct reference_site *r, enum qm_activation activation, int64_t value);
int32_t reference_scale_real(int32_t x, double factor);

/* floor(a / 2^bits); 2ab / 2^32 to the nearest, ties up: gemmlowp's doubling high product. */
int64_t reference_floor_shift(int64_t a, int bits);
int32_t reference_product(int32_t a, int32_t b);

/* x / 2^bits, ties away from zero. */
int32_t reference_divide(int32_t x, int bits);
/* exp of a / 2^bits, which is not positive; 1 / (1 + f) and (1 - f) / (1 + f) of f = f31 / 2^31. All with 31 bits. */
int32_t reference_exp31(int32_t a, int bits);
int32_t reference_inverse31(int32_t f31);
int32_t reference_ratio31(int32_t f31);
/* The multiplier and shift of 1 / sqrt(x), x not negative; of 0 those of 1. */
void reference_inverse_root(int32_t x, int32_t *multiplier, int *shift);

/* The parts. False: the operator is one of another part. */
bool reference_run_table(const struct reference_site *r);   /* functions of one byte */
bool reference_run_move(const struct reference_site *r);    /* mean, quantization and what moves elements */
bool reference_run_list(const struct reference_site *r);    /* more of what moves elements */
bool reference_run_pair(const struct reference_site *r);    /* of two operands, bytes or floats */
bool reference_run_compare(const struct reference_site *r); /* what gives or takes bools, but for CAST */
bool reference_run_row(const struct reference_site *r);     /* sums, extremes, products and rows of bytes; bilinear resizing */
bool reference_run_float(const struct reference_site *r);   /* of floats, but for pairs */

#endif
