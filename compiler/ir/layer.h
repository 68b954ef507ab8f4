/* layer.h - what the machine will compute, in integers only: every scale has become a multiplier and a shift, every zero point a bias or a
 * pad value, every activation a clamp. No address, no tile, no cycle: those are the plan's.
 *
 * Made by passes/legalize from the graph; read by tile, allocate and emit. Values are feature maps in NHWC order with n folded into h
 * (batch is 1); a reshape makes no layer, only a second value that shares storage.
 */
#ifndef QM_COMPILER_IR_LAYER_H
#define QM_COMPILER_IR_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/program.h"
#include "compiler/ir/graph.h"

/* A tensor between layers: h rows of w positions of c channels, one byte each, dense. */
struct qm_value {
    const char *name;
    uint32_t graph_tensor; /* index in the graph, for names, shapes and quantization */
    uint32_t h, w, c;
    enum qm_dtype dtype; /* QM_I8 or QM_U8 */
    uint32_t storage;    /* index of the value whose bytes these are (its own index, or the source of a reshape) */
};

enum qm_layer_kind {
    QM_LAYER_CONV,      /* also fully connected: 1x1 on a map of h = rows, w = 1 */
    QM_LAYER_DEPTHWISE, /* depth multiplier 1 */
    QM_LAYER_ADD,
    QM_LAYER_POOL_MAX,
    QM_LAYER_POOL_AVG,
    QM_LAYER_SOFTMAX, /* on the host */
};

struct qm_scale {
    int32_t multiplier; /* Q0.31 */
    int8_t shift;       /* left when positive */
};

struct qm_layer {
    enum qm_layer_kind kind;
    uint32_t graph_op;  /* index into graph->ops */
    uint32_t inputs[2]; /* value indices */
    uint32_t input_count;
    uint32_t output; /* value index */
    uint64_t macs;   /* convolutions: products of the definition (out positions x kh x kw x in channels x out channels); 0 otherwise */
    /* window: CONV, DEPTHWISE, POOL_* */
    uint32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    int8_t pad_value; /* CONV, DEPTHWISE: the input zero point as a byte */
    bool in_unsigned;
    /* CONV: [oc][kh][kw][ic]; DEPTHWISE: [kh][kw][c] */
    const int8_t *weights;
    const int32_t *bias;           /* [oc], input zero point folded in */
    const struct qm_scale *scales; /* [oc] */
    /* all device kinds */
    int32_t out_zero, clamp_min, clamp_max;
    uint32_t rounding; /* QM_rounding_* */
    /* ADD */
    int32_t a_zero, b_zero;
    struct qm_scale a_scale, b_scale, out_scale; /* out_scale: ADD only; POOL_MAX is the identity, POOL_AVG the mean (planned by emit) */
    uint32_t pre_shift;
    /* SOFTMAX */
    float beta;
};

struct qm_network {
    const struct qm_graph *graph;
    uint32_t value_count, layer_count, input_count, output_count;
    struct qm_value *values;
    struct qm_layer *layers;    /* in execution order */
    uint32_t *inputs, *outputs; /* value indices */
};

#endif
