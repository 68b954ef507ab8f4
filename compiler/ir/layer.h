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
#include "common/multiplier.h"
#include "common/program.h"
#include "common/graph.h"

/* A tensor between layers: h rows of w positions of c channels, dense; every position begins at a byte. */
struct qm_value {
    const char *name;
    uint32_t graph_tensor; /* index in the graph, for names, shapes and quantization */
    uint32_t h, w, c;
    enum qm_dtype dtype; /* bytes; QM_I32: sums; others are what the host alone touches */
    uint32_t bits;       /* of an element in memory: those of the dtype, or 4, the even channel in the low half of a byte */
    const void *data;    /* of a constant; NULL: none */
    bool between;        /* two layers of one operator: no tensor of the graph, never kept */
    uint32_t storage;    /* index of the value whose bytes these are (its own index, or the source of a reshape) */
};

/* What the fields of 8 and 16 bits of an instruction can say: rows and columns of a window; channels; bytes of a map's row. */
enum { QM_WINDOW_MAX = 255, QM_CHANNELS_MAX = 65535, QM_ROW_BYTES_MAX = 65535 };

enum qm_layer_kind {
    QM_LAYER_CONV,      /* also fully connected: 1x1 on a map of h = rows, w = 1 */
    QM_LAYER_DEPTHWISE, /* depth multiplier 1 */
    QM_LAYER_ADD,
    QM_LAYER_POOL_MAX,
    QM_LAYER_POOL_AVG,
    QM_LAYER_POOL_SUM, /* scaled: a mean */
    QM_LAYER_MOVE,     /* bytes from places of one map to places of another, rescaled */
    QM_LAYER_HOST,     /* operators that the host runs */
};

enum { QM_MOVE_LOOPS = 2 * QM_MAX_RANK };

/* Which bytes go where: loops, outermost first, around bytes that are contiguous in both maps. */
struct qm_move {
    uint32_t loop_count;
    struct qm_move_loop {
        uint32_t count, in, out; /* bytes from one to the next in the input and in the output */
        bool down;               /* the input's rounds are taken from the last, which is the farthest, to the first */
    } loops[QM_MOVE_LOOPS];
    uint32_t in_first, out_first, contiguous_bytes;
    /* All of it is done for each of the places, that many bytes further in both maps; without places it is done once. */
    uint32_t place_count;
    const struct qm_move_place { uint32_t in, out; } * places;
    bool fill; /* before, all bytes of the output become pad_value */
};

struct qm_layer {
    enum qm_layer_kind kind;
    uint32_t graph_op; /* index into graph->ops */
    /* value indices; two at most, but on the host. CONV: the second is its weights, when they are computed; of any convolution its
     * residual */
    uint32_t *inputs; /* with room for QM_OPERANDS_FEW */
    uint32_t input_count;
    uint32_t output; /* value index */
    uint64_t macs; /* convolutions: products of the definition (out positions x kh x kw x in channels x out channels); those of the host */
    /* window: CONV, DEPTHWISE, POOL_* */
    uint32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    /* CONV with computed weights, which are a stack of matrices [ic][oc] of signed bytes, and rows of positions for each of them */
    uint32_t matrices; /* 0: they are constant */
    int32_t in_zero;   /* the input's zero point, which the bias cannot know of then; -128 .. 255 */
    int8_t pad_value;  /* CONV, DEPTHWISE: the input zero point as a byte; MOVE: what it fills with, as the input stores it */
    bool in_unsigned;
    /* CONV: [oc][kh][kw][ic]; DEPTHWISE: [kh][kw][c]; each of weight_bits, one a byte. NULL: computed */
    const int8_t *weights;
    uint32_t weight_bits, in_channels;
    uint32_t precision;                 /* CONV: QM_precision_*, by which it is computed; set by passes/narrow */
    int32_t weight_zero;                /* -128 .. 127; DEPTHWISE: 0 */
    bool twice;                         /* DEPTHWISE: weights are [2][kh][kw][c], and the sums of both count */
    const int32_t *bias;                /* [oc], input zero point folded in, unless weights are computed */
    const struct qm_multiplier *scales; /* [oc] */
    const uint8_t *table;               /* CONV, DEPTHWISE: what each output byte becomes, [256]; NULL: itself */
    /* all device kinds */
    int32_t out_zero, clamp_min, clamp_max;
    uint32_t rounding;              /* QM_rounding_* */
    struct qm_multiplier out_scale; /* ADD, POOL_MAX, POOL_SUM, MOVE; an average's is planned by schedule */
    int32_t in_bias;                /* POOL_*, MOVE: added before the scaling */
    /* CONV, DEPTHWISE, set by passes/fuse: adds a residual, by the numbers of ADD below but a_zero, and out_scale is the sum's */
    bool residual;
    int32_t a_min, a_max; /* the clamp of the first operand, without its zero point */
    /* ADD */
    bool product; /* of the operands instead of the sum: only the zeros and out_scale count */
    int32_t a_zero, b_zero;
    struct qm_multiplier a_scale, b_scale;
    uint32_t pre_shift;
    struct qm_move move; /* MOVE */
    uint32_t other_sums; /* CONV, DEPTHWISE: sums of all channels that --requant xnnpack means to become another number than they do */
    bool is_inexact;     /* the machine's nearest, not what the file means: taken because it was asked for */
    bool added;          /* a copy of other numbers, by a pass: the model has no such operator */
    /* HOST */
    const struct qm_graph *graph; /* what it computes; its inputs and output are the layer's */
};

/* A product of two maps: a 1x1 convolution over rows, whose weights are the other map. */
static inline bool qm_layer_is_product(const struct qm_layer *layer) {
    return layer->kind == QM_LAYER_CONV && layer->matrices > 0;
}

/* Bytes of a position. */
static inline uint32_t qm_value_pixel_bytes(const struct qm_value *value) {
    return (value->c * value->bits + 7) / 8;
}

struct qm_network {
    const struct qm_graph *graph;
    uint32_t value_count, layer_count, input_count, output_count;
    struct qm_value *values;
    struct qm_layer *layers;    /* in execution order */
    uint32_t *inputs, *outputs; /* value indices */
    /* [layer_count] of a convolution, the last one before it of the same numbers (compiler/passes/sharing.h); NULL: nobody has looked */
    const uint32_t *same_numbers;
};

/* Prints values and layers. */
void network_print(const struct qm_network *network, FILE *out);

#endif
