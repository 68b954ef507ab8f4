/* graph.h - what a network computes, as its file says it: tensors with their quantization, operators with their attributes.
 *
 * Front ends (compiler/frontend) fill it; passes/legalize turns it into layers (layer.h). Float and integer tensors live side by side.
 * All memory belongs to the arena given to the front end.
 */
#ifndef QM_COMPILER_IR_GRAPH_H
#define QM_COMPILER_IR_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/program.h"

/* The operators that any front end can produce; the file's other operators are refused by the front end by name and index.
 * QM_GRAPH_OP(NAME) with the spelling of the TFLite builtin. */
#define QM_GRAPH_OPS(X) X(CONV_2D) X(DEPTHWISE_CONV_2D) X(FULLY_CONNECTED) X(ADD) X(AVERAGE_POOL_2D) X(MAX_POOL_2D) X(RESHAPE) X(SOFTMAX)

enum qm_graph_op_kind {
#define QM_GRAPH_OP_ENUM(name) QM_OP_##name,
    QM_GRAPH_OPS(QM_GRAPH_OP_ENUM)
#undef QM_GRAPH_OP_ENUM
        QM_GRAPH_OP_KINDS
};

const char *qm_graph_op_name(enum qm_graph_op_kind kind);

struct qm_quant {
    uint32_t count;            /* 0: not quantized, 1: per tensor, else per channel along axis */
    const float *scale;        /* [count] */
    const int64_t *zero_point; /* [count] */
    uint32_t axis;
};

struct qm_graph_tensor {
    const char *name;
    enum qm_dtype dtype;
    uint32_t rank;
    uint32_t dims[QM_MAX_RANK];
    struct qm_quant quant;
    const void *data; /* little-endian, row-major; NULL: not a constant */
    size_t size_bytes;
};

enum qm_activation { QM_ACT_NONE, QM_ACT_RELU, QM_ACT_RELU6, QM_ACT_RELU_N1_TO_1 };

struct qm_graph_op {
    enum qm_graph_op_kind kind;
    uint32_t index;     /* in the file, for messages and reports */
    uint32_t inputs[3]; /* tensor indices; QM_NO_TENSOR: absent */
    uint32_t input_count;
    uint32_t output;
    enum qm_activation activation;
    /* convolution and pooling; pads are resolved (SAME: as TFLite computes them) */
    uint32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    uint32_t pad_top, pad_left, pad_bottom, pad_right;
    uint32_t depth_multiplier; /* DEPTHWISE_CONV_2D */
    float beta;                /* SOFTMAX */
};

#define QM_NO_TENSOR UINT32_MAX

/* Product of the dims; 1 for a scalar. Below 2^31 for every tensor of a graph. */
uint64_t qm_graph_elements(const struct qm_graph_tensor *tensor);

struct qm_graph {
    const char *file;
    char sha256[65];
    uint32_t tensor_count, op_count, input_count, output_count;
    struct qm_graph_tensor *tensors;
    struct qm_graph_op *ops; /* in execution order */
    uint32_t *inputs, *outputs;
};

#endif
