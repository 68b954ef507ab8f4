/* graph.h - what a network computes, as its file says it: tensors with their quantization, operators with their attributes.
 *
 * Front ends (compiler/frontend) fill it. In a graph of real numbers, as ONNX files have it, operators work on floats, and QUANTIZE and
 * DEQUANTIZE say where integers are; passes/integers makes one of it whose operators work on integers, as TFLite files have it. Of such
 * passes/legalize makes layers (layer.h). All memory belongs to the arena given to the front end.
 */
#ifndef QM_COMMON_GRAPH_H
#define QM_COMMON_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/arena.h"
#include "common/problems.h"

enum { QM_MAX_RANK = 6 };
enum { QM_BATCH_MAX = 4096 }; /* examples of a batch of operators with windows, which become as many operators */

/* Types of elements: those of a program's tensors, and those that only constants of a network have. A bool is a byte, 0 or 1. */
enum qm_dtype { QM_I8, QM_U8, QM_I16, QM_I32, QM_F32, QM_I64, QM_BOOL, QM_DTYPES, QM_U16 = QM_DTYPES, QM_F64, QM_ANY_DTYPES };

size_t qm_dtype_bytes(enum qm_dtype dtype);
const char *qm_dtype_name(enum qm_dtype dtype); /* "int8", ... */

/* Sets of types: bit d for type d. */
enum qm_types {
    QM_TYPES_I8 = 1 << QM_I8,
    QM_TYPES_BYTES = QM_TYPES_I8 | 1 << QM_U8,
    QM_TYPES_I32 = 1 << QM_I32,
    QM_TYPES_F32 = 1 << QM_F32,
    QM_TYPES_I8_F32 = QM_TYPES_I8 | QM_TYPES_F32,
    QM_TYPES_ANY = QM_TYPES_BYTES | QM_TYPES_F32,
    QM_TYPES_SUMS = QM_TYPES_BYTES | QM_TYPES_I32,
    QM_TYPES_ANY_I32 = QM_TYPES_ANY | QM_TYPES_I32,
    QM_TYPES_INDICES = QM_TYPES_I32 | 1 << QM_I64,
    QM_TYPES_HOST = QM_TYPES_ANY | QM_TYPES_INDICES,
    QM_TYPES_BOOL = 1 << QM_BOOL,
    QM_TYPES_HOST_BOOL = QM_TYPES_HOST | QM_TYPES_BOOL,
    QM_TYPES_STORED = QM_TYPES_HOST_BOOL | 1 << QM_I16,
};

/* The operators that any front end can produce; the file's other operators are refused by the front end by name and index. */
enum qm_graph_op_kind {
#define QM_GRAPH_OP(name, ...) QM_OP_##name,
#define QM_REAL_OP(name, real) QM_OP_##name,
#include "common/graph_ops.def"
#undef QM_GRAPH_OP
    QM_GRAPH_OP_KINDS
};

const char *qm_graph_op_name(enum qm_graph_op_kind kind);
/* Whether input 1 is weights and input 2, which may be absent, a bias. */
bool qm_graph_has_weights(enum qm_graph_op_kind kind);
/* Whether it works by windows over maps, which would reach from one example of a batch into the next. */
bool qm_graph_has_window(enum qm_graph_op_kind kind);

struct qm_quant {
    uint32_t count;            /* 0: not quantized, 1: per tensor, else per channel along axis */
    const float *scale;        /* [count] */
    const int64_t *zero_point; /* [count] */
    uint32_t axis;
};

/* Whether TFLite's kernels that pool or move take two scales for the same. */
bool qm_scales_are_near(float a, float b);

struct qm_graph_tensor {
    const char *name;
    enum qm_dtype dtype;
    uint32_t bits; /* of a number, when the file stores fewer than the dtype has: 4, 2, or 1 for -1 and 1; else 0. Each takes a byte */
    uint32_t rank;
    uint32_t dims[QM_MAX_RANK];
    struct qm_quant quant;
    const void *data; /* little-endian, row-major; NULL: not a constant */
    size_t size_bytes;
};

enum qm_activation { QM_ACT_NONE, QM_ACT_RELU, QM_ACT_RELU6, QM_ACT_RELU_N1_TO_1 };

/* Lists of operands are as long as the operator needs, with room for so many at least: those that are not there are absent. */
enum { QM_OPERANDS_FEW = 4 };

/* How sums become integers, when the file says more than the tensors' scales do. */
struct qm_requant {
    uint32_t rounding; /* of the scaling, QM_rounding_* */
    int32_t low, high; /* stored numbers are cut to these */
    /* A stored number is the zero point and factor * sum + addend, rounded. */
    const double *factors; /* [channels] of a convolution, [2] of an ADD, for each operand, else [1]; NULL: as the scales say */
    const double *addends; /* [channels] of a convolution, with rounding OFFSET, whose sums sum_low and sum_high say; NULL: the bias */
    /* With thresholds the scales say nothing: the integer of a sum is low + the number of its channel's thresholds that the sum reaches.
     * A sum reaches a threshold when it is not below it, or, in a channel that falls, not above it. */
    uint32_t channels;                 /* 0: no thresholds */
    const int64_t *thresholds;         /* [channels][high - low] */
    const bool *falling;               /* [channels] */
    const int64_t *sum_low, *sum_high; /* [channels] what the sum can be */
};

struct qm_graph_op {
    enum qm_graph_op_kind kind;
    uint32_t index;   /* in the file, for messages and reports */
    const char *name; /* in the file, for messages: the operator and, in brackets, the node; NULL: that of its kind */
    /* Tensor indices, in lists of qm_graph_operands that a copy of the operator shares; QM_NO_TENSOR: absent, also behind input_count
     * where the operator knows an optional operand. Constants that only say a shape or an axis are no inputs: the front end has made
     * attributes of them. */
    uint32_t *inputs, *outputs;
    uint32_t input_count, output_count;
    enum qm_activation activation;
    const struct qm_requant *requant; /* NULL: as the scales say and the command's rounding rounds, cut by the activation */
    /* convolution and pooling; pads are resolved (SAME: as TFLite computes them). TRANSPOSE_CONV: the pads cut from its full output */
    uint32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    uint32_t pad_top, pad_left, pad_bottom, pad_right;
    uint32_t depth_multiplier;    /* DEPTHWISE_CONV_2D */
    bool channels_first;          /* of real numbers: maps are [n][c][h][w] or [n][c][w], filters [oc][ic of a group][h][w] */
    uint32_t groups;              /* CONV_2D, TRANSPOSE_CONV with channels first */
    bool pads_counted;            /* AVERAGE_POOL_2D: padding counts as elements of 0, not as absent */
    bool first_transposed;        /* BATCH_MATMUL: input 0 is [k][rows], not [rows][k] */
    bool transposed;              /* MATMUL, BATCH_MATMUL: input 1 is [columns][k], not [k][columns] */
    double low, high;             /* CLIP; QUANTIZE of real numbers: the smallest and the largest integer */
    float beta;                   /* SOFTMAX */
    const struct qm_graph *graph; /* HOST: operators that the host runs; its inputs and outputs are this operator's, in order */
    float alpha;                  /* LEAKY_RELU: slope below zero; ELU: what it comes to far below zero, negated */
    bool approximate;             /* GELU: by tanh */
    bool takes_last;              /* ARG_MAX, ARG_MIN: of equal ones the last, not the first */
    const uint8_t *table;         /* LOOKUP: what each input byte becomes, [256] */
    uint32_t axis; /* CONCATENATION, SPLIT, PACK, GATHER, ARG_MAX, ARG_MIN; SOFTMAX of real numbers; QUANTIZE, DEQUANTIZE: of many scales */
    uint32_t axes; /* MEAN, SUM, REDUCE_*: bit d is set when it goes over dimension d of the input */
    uint32_t batch_dims; /* GATHER: of the input and of the indices, which are the same before the axis */
    struct {
        uint32_t before, after;
    } pads[QM_MAX_RANK];         /* PAD, MIRROR_PAD, SPACE_TO_BATCH_ND: elements around each dimension; BATCH_TO_SPACE_ND: cut from it */
    bool repeats_edge;           /* MIRROR_PAD: the outermost element is mirrored, too */
    uint32_t block[QM_MAX_RANK]; /* SPACE_TO_BATCH_ND, BATCH_TO_SPACE_ND: of each dimension; DEPTH_TO_SPACE, SPACE_TO_DEPTH: [1], [2] */
    bool block_last;             /* DEPTH_TO_SPACE: channels are [c][block][block], not [block][block][c] */
    int32_t pad_value;           /* PAD: as the input stores it; zero, unless the file says otherwise, is the zero point */
    uint32_t permutation[QM_MAX_RANK];      /* TRANSPOSE: dimension d of the output is dimension permutation[d] of the input */
    int32_t begin[QM_MAX_RANK];             /* STRIDED_SLICE: resolved, of each dimension of the input; extents are in slice_dims */
    int32_t step[QM_MAX_RANK];              /* STRIDED_SLICE: not 0 */
    uint32_t slice_dims[QM_MAX_RANK];       /* STRIDED_SLICE: elements taken of each dimension of the input */
    bool align_corners, half_pixel_centers; /* RESIZE_NEAREST_NEIGHBOR, RESIZE_BILINEAR */
};

#define QM_NO_TENSOR UINT32_MAX

/* Bits of a number of the tensor, and the smallest and the largest of its integers (activations: 4 bits or more). */
static inline uint32_t qm_graph_bits(const struct qm_graph_tensor *tensor) {
    return tensor->bits != 0 ? tensor->bits : 8 * (uint32_t)qm_dtype_bytes(tensor->dtype);
}
static inline int32_t qm_graph_lowest(const struct qm_graph_tensor *tensor) {
    return tensor->dtype == QM_U8 ? 0 : (int32_t)(-(INT64_C(1) << (qm_graph_bits(tensor) - 1)));
}
static inline int32_t qm_graph_highest(const struct qm_graph_tensor *tensor) {
    return (int32_t)(qm_graph_lowest(tensor) + (INT64_C(1) << qm_graph_bits(tensor)) - 1);
}

/* The lowest and the highest integer that a fused activation leaves in a tensor, which has a scale if there is one. */
void qm_graph_activation_range(const struct qm_graph_tensor *tensor, enum qm_activation activation, int32_t *low, int32_t *high);

/* Product of the dims; 1 for a scalar. Below 2^31 for every tensor of a graph. */
uint64_t qm_graph_elements(const struct qm_graph_tensor *tensor);

/* Whose rules kernels of integers follow (evaluate/kernels.h). */
enum qm_kernels { QM_KERNELS_TFLITE, QM_KERNELS_LITERT, QM_KERNELS_XNNPACK, QM_KERNEL_RULES };

struct qm_graph {
    const char *file;
    bool is_real;            /* operators work on real numbers */
    bool is_quantized;       /* is_real: the file has operators of quantized networks, whether they have been read or refused */
    bool has_no_weights;     /* the file says shapes alone: weights are drawn, for time and energy, and values mean nothing */
    bool was_real;           /* they did, before they became integers: what is real is rounded half to even */
    enum qm_kernels kernels; /* of a graph of integers that the host runs */
    char sha256[65];
    uint32_t tensor_count, op_count, input_count, output_count;
    struct qm_graph_tensor *tensors;
    struct qm_graph_op *ops; /* in execution order */
    uint32_t *inputs, *outputs;
    struct problems problems; /* operators of the file that a graph cannot hold, which are left out: it cannot be run, only printed */
};

/* ---- making one ---- */

/* A graph that grows. Tensors and operators move when others are added: keep their indices. */
struct qm_graph_maker {
    struct qm_arena *arena;
    struct qm_graph *graph;
    uint32_t tensor_room, op_room;
};

struct qm_shape {
    uint32_t rank;
    uint32_t dims[QM_MAX_RANK];
};

uint64_t qm_shape_elements(const struct qm_shape *shape);
bool qm_shape_same(const struct qm_shape *a, const struct qm_shape *b);
struct qm_shape qm_graph_shape(const struct qm_graph_tensor *tensor);
/* A new tensor without quantization. */
uint32_t qm_graph_add_tensor(struct qm_graph_maker *maker, const char *name, enum qm_dtype dtype, const struct qm_shape *shape);
/* A constant, dense and little-endian in data. */
uint32_t qm_graph_add_constant(struct qm_graph_maker *maker, const char *name, enum qm_dtype dtype, const struct qm_shape *shape,
                               const void *data);
/* Gives a tensor one scale. */
void qm_graph_set_quant(struct qm_graph_maker *maker, uint32_t tensor, float scale, int64_t zero);
/* What a list of `count` operands has room for. */
uint32_t qm_graph_operand_room(uint32_t count);
/* Such a list, all absent. */
uint32_t *qm_graph_operands(struct qm_arena *arena, uint32_t count);
/* Gives an operator its lists, of its counts. */
void qm_graph_open_operands(struct qm_graph_op *op, struct qm_arena *arena);
/* Gives a copy of an operator lists of its own, with the same operands, so that they can be changed. */
void qm_graph_own_operands(struct qm_graph_op *op, struct qm_arena *arena);
/* A new operator with one input and one output, the others absent. */
struct qm_graph_op *qm_graph_add_op(struct qm_graph_maker *maker, enum qm_graph_op_kind kind, uint32_t in, uint32_t out);
/* Sets the inputs, and one output. */
void qm_graph_set_ends(struct qm_graph_maker *maker, uint32_t input_count, const uint32_t *inputs, uint32_t output);

/* Products of the matrices that a graph of the host multiplies, of real numbers or by a kernel. */
uint64_t qm_graph_products(const struct qm_graph *graph);

/* A copy of a graph for the host, with all that it points to but names. */
struct qm_graph *qm_graph_copy(const struct qm_graph *graph, struct qm_arena *arena);

/* Prints tensors, ends and operators. */
void graph_print(const struct qm_graph *graph, FILE *out);

#endif
