/* kernel.h - the inside of the kernels: one operator at work, its elements, and the kernels of all files. The table is in
 * kernels.c, what the kernels share in kernel.c. */
#ifndef QM_EVALUATE_KERNELS_KERNEL_H
#define QM_EVALUATE_KERNELS_KERNEL_H

#include <string.h>

#include "common/fixed_point.h"
#include "common/multiplier.h"
#include "evaluate/kernels.h"

/* An operator, and its elements where it runs. */
struct kernel {
    const struct qm_graph *graph;
    const struct qm_graph_op *op;
    const void *const *inputs; /* NULL while it is checked */
    void *const *outputs;
};

static inline const struct qm_graph_tensor *kernel_input(const struct kernel *k, uint32_t i) {
    return &k->graph->tensors[k->op->inputs[i]];
}

static inline const struct qm_graph_tensor *kernel_output(const struct kernel *k) {
    return &k->graph->tensors[k->op->outputs[0]];
}

static inline bool kernel_has_input(const struct kernel *k, uint32_t i) {
    return i < k->op->input_count && k->op->inputs[i] != QM_NO_TENSOR;
}

/* ---- elements ---- */

static inline int32_t kernel_byte(enum qm_dtype dtype, const void *data, size_t i) {
    return dtype == QM_U8 ? ((const uint8_t *)data)[i] : ((const int8_t *)data)[i];
}

static inline void kernel_set_byte(void *data, size_t i, int32_t value) {
    ((uint8_t *)data)[i] = (uint8_t)(uint32_t)value;
}

static inline float kernel_float(const void *data, size_t i) {
    float value;
    memcpy(&value, (const uint8_t *)data + i * sizeof value, sizeof value);
    return value;
}

static inline void kernel_set_float(void *data, size_t i, float value) {
    memcpy((uint8_t *)data + i * sizeof value, &value, sizeof value);
}

static inline int32_t kernel_int32(const void *data, size_t i) {
    int32_t value;
    memcpy(&value, (const uint8_t *)data + i * sizeof value, sizeof value);
    return value;
}

/* Of any type of integers, and of bools. */
int64_t kernel_integer(enum qm_dtype dtype, const void *data, size_t i);

static inline bool kernel_is_byte(const struct qm_graph_tensor *tensor) {
    return tensor->dtype == QM_I8 || tensor->dtype == QM_U8;
}

/* Product of the dimensions from one to the one before another. */
static inline size_t kernel_span(const struct qm_graph_tensor *tensor, uint32_t from, uint32_t to) {
    size_t span = 1;
    for (uint32_t d = from; d < to; d++) span *= tensor->dims[d];
    return span;
}

/* ---- scales ---- */

static inline float kernel_scale(const struct qm_graph_tensor *tensor) {
    return tensor->quant.scale[0];
}

static inline int32_t kernel_zero(const struct qm_graph_tensor *tensor) {
    return (int32_t)tensor->quant.zero_point[0];
}

/* One positive scale, and a zero point of its type, which is of bytes. */
bool kernel_is_scaled(const struct qm_graph_tensor *tensor);

/* Whether a factor can be a multiplier that shifts to the left by no more than `left` bits. */
bool kernel_factor_fits(double factor, int left);

/* Cuts a float as the fused activation does: to finite numbers at least. */
float kernel_activate(enum qm_activation activation, float x);

/* The nearest integer, half to even, cut to the type of the output. */
int32_t kernel_cut(const struct kernel *k, float number);

/* ---- shapes ---- */

/* Walks over the elements of an output, and over those of one to three operands whose shapes are broadcast to it. */
enum { KERNEL_WALK_OPERANDS = 3 };
struct kernel_walk {
    uint32_t rank, at[QM_MAX_RANK], dims[QM_MAX_RANK];
    size_t stride[KERNEL_WALK_OPERANDS][QM_MAX_RANK];
    size_t from[KERNEL_WALK_OPERANDS]; /* the operands' elements */
    size_t to, end;                    /* the output's, and one behind its last */
};

/* Whether each dimension of the operand, counted from the last, is that of the output or 1. */
bool kernel_broadcasts(const struct qm_graph_tensor *operand, const struct qm_graph_tensor *out);
struct kernel_walk kernel_walk_begin(const struct kernel *k);
void kernel_walk_next(struct kernel_walk *walk);

/* ---- the kernels ---- */

/* Why not, or NULL. The operands' number and presence, and what the row of the table asks for, have been checked. */
typedef const char *kernel_checking(const struct kernel *k);
typedef bool kernel_running(const struct kernel *k);

kernel_checking kernel_check_pairs, kernel_check_add_n, kernel_check_reduce, kernel_check_arg, kernel_check_pool, kernel_check_resize,
    kernel_check_fc, kernel_check_compare, kernel_check_logic, kernel_check_select;
kernel_checking kernel_check_matmul, kernel_check_l2, kernel_check_softmax, kernel_check_log_softmax, kernel_check_quantize;
kernel_checking kernel_check_dequantize, kernel_check_gather, kernel_check_gather_nd, kernel_check_move, kernel_check_repeat,
    kernel_check_cast;
kernel_running kernel_run_pairs, kernel_run_add_n, kernel_run_function, kernel_run_reduce, kernel_run_arg, kernel_run_pool,
    kernel_run_resize, kernel_run_fc, kernel_run_compare, kernel_run_logic, kernel_run_select;
kernel_running kernel_run_matmul, kernel_run_l2, kernel_run_softmax, kernel_run_log_softmax, kernel_run_quantize, kernel_run_dequantize;
kernel_running kernel_run_gather, kernel_run_gather_nd, kernel_run_move, kernel_run_repeat, kernel_run_cast;

#endif
