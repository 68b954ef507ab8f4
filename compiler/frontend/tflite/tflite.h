/* tflite.h - the inside of the TFLite front end: the schema's numbers and what its files share.
 *
 * Slots, codes and defaults are those of the public schema (tensorflow/lite/schema/schema.fbs, version 3). Only what is read stands here.
 */
#ifndef QM_COMPILER_FRONTEND_TFLITE_TFLITE_H
#define QM_COMPILER_FRONTEND_TFLITE_TFLITE_H

#include "common/arena.h"
#include "compiler/frontend/tflite/flatbuffer.h"
#include "common/graph.h"
#include "common/problems.h"

enum model_slot { MODEL_VERSION, MODEL_OPERATOR_CODES, MODEL_SUBGRAPHS, MODEL_DESCRIPTION, MODEL_BUFFERS };
enum code_slot { CODE_DEPRECATED, CODE_CUSTOM, CODE_VERSION, CODE_BUILTIN };
enum buffer_slot { BUFFER_DATA, BUFFER_OFFSET, BUFFER_SIZE };
enum subgraph_slot { SUBGRAPH_TENSORS, SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS, SUBGRAPH_OPERATORS };
enum tensor_slot {
    TENSOR_SHAPE,
    TENSOR_TYPE,
    TENSOR_BUFFER,
    TENSOR_NAME,
    TENSOR_QUANTIZATION,
    TENSOR_VARIABLE,
    TENSOR_SPARSITY,
    TENSOR_SIGNATURE
};
enum quant_slot { QUANT_MIN, QUANT_MAX, QUANT_SCALE, QUANT_ZERO_POINT, QUANT_DETAILS_TYPE, QUANT_DETAILS, QUANT_AXIS };
enum operator_slot { OPERATOR_CODE, OPERATOR_INPUTS, OPERATOR_OUTPUTS, OPERATOR_OPTIONS_TYPE, OPERATOR_OPTIONS };

enum tflite_builtin {
#define TFLITE_OPERATOR(name, code, ...) TFLITE_##name = code,
#include "compiler/frontend/tflite/ops.def"
#undef TFLITE_OPERATOR
    TFLITE_CUSTOM = 32,
    TFLITE_PLACEHOLDER = 127, /* the code is in the newer field alone */
};

/* The options' type in the union; its slots follow. Windows begin with PADDING, STRIDE_W, STRIDE_H. */
enum tflite_options {
    OPTIONS_NONE = 0,
    OPTIONS_CONV = 1,
    OPTIONS_DEPTHWISE = 2,
    OPTIONS_POOL = 5,
    OPTIONS_FC = 8,
    OPTIONS_SOFTMAX = 9,
    OPTIONS_CONCATENATION = 10,
    OPTIONS_ADD = 11,
    OPTIONS_L2 = 12,
    OPTIONS_RESIZE_BILINEAR = 15,
    OPTIONS_RESHAPE = 17,
    OPTIONS_SPACE_TO_DEPTH = 19,
    OPTIONS_MUL = 21,
    OPTIONS_PAD = 22,
    OPTIONS_GATHER = 23,
    OPTIONS_BATCH_TO_SPACE_ND = 24,
    OPTIONS_SPACE_TO_BATCH_ND = 25,
    OPTIONS_TRANSPOSE = 26,
    OPTIONS_REDUCER = 27,
    OPTIONS_SUB = 28,
    OPTIONS_DIV = 29,
    OPTIONS_SQUEEZE = 30,
    OPTIONS_STRIDED_SLICE = 32,
    OPTIONS_EXP = 33,
    OPTIONS_SPLIT = 35,
    OPTIONS_LOG_SOFTMAX = 36,
    OPTIONS_CAST = 37,
    OPTIONS_DEQUANTIZE = 38,
    OPTIONS_MAXIMUM_MINIMUM = 39,
    OPTIONS_ARG_MAX = 40,
    OPTIONS_LESS = 41,
    OPTIONS_NEG = 42,
    OPTIONS_PADV2 = 43,
    OPTIONS_GREATER = 44,
    OPTIONS_GREATER_EQUAL = 45,
    OPTIONS_LESS_EQUAL = 46,
    OPTIONS_SELECT = 47,
    OPTIONS_SLICE = 48,
    OPTIONS_TRANSPOSE_CONV = 49,
    OPTIONS_TILE = 51,
    OPTIONS_EXPAND_DIMS = 52,
    OPTIONS_EQUAL = 53,
    OPTIONS_NOT_EQUAL = 54,
    OPTIONS_SHAPE = 55,
    OPTIONS_ARG_MIN = 57,
    OPTIONS_PACK = 59,
    OPTIONS_LOGICAL_OR = 60,
    OPTIONS_LOGICAL_AND = 62,
    OPTIONS_LOGICAL_NOT = 63,
    OPTIONS_UNPACK = 64,
    OPTIONS_FLOOR_DIV = 65,
    OPTIONS_SQUARE = 66,
    OPTIONS_FILL = 68,
    OPTIONS_RESIZE_NEAREST_NEIGHBOR = 74,
    OPTIONS_LEAKY_RELU = 75,
    OPTIONS_SQUARED_DIFFERENCE = 76,
    OPTIONS_MIRROR_PAD = 77,
    OPTIONS_ABS = 78,
    OPTIONS_SPLIT_V = 79,
    OPTIONS_REVERSE_V2 = 81,
    OPTIONS_ADD_N = 82,
    OPTIONS_GATHER_ND = 83,
    OPTIONS_COS = 84,
    OPTIONS_QUANTIZE = 89,
    OPTIONS_HARD_SWISH = 91,
    OPTIONS_DEPTH_TO_SPACE = 94,
    OPTIONS_SELECT_V2 = 98,
    OPTIONS_BATCH_MATMUL = 101,
    OPTIONS_BROADCAST_TO = 104,
    OPTIONS_GELU = 116,
};
enum window_slot { WINDOW_PADDING, WINDOW_STRIDE_W, WINDOW_STRIDE_H };
enum conv_slot { CONV_ACTIVATION = 3, CONV_DILATION_W, CONV_DILATION_H };
enum depthwise_slot { DEPTHWISE_MULTIPLIER = 3, DEPTHWISE_ACTIVATION, DEPTHWISE_DILATION_W, DEPTHWISE_DILATION_H };
enum pool_slot { POOL_FILTER_W = 3, POOL_FILTER_H, POOL_ACTIVATION };
enum fc_slot { FC_ACTIVATION, FC_WEIGHTS_FORMAT, FC_KEEP_DIMS };
enum add_slot { ADD_ACTIVATION };
enum mul_slot { MUL_ACTIVATION };
enum sub_slot { SUB_ACTIVATION };
enum div_slot { DIV_ACTIVATION };
enum l2_slot { L2_ACTIVATION };
enum matmul_slot { MATMUL_FIRST_TRANSPOSED, MATMUL_TRANSPOSED };
enum softmax_slot { SOFTMAX_BETA };
enum concatenation_slot { CONCATENATION_AXIS, CONCATENATION_ACTIVATION };
enum reducer_slot { REDUCER_KEEP_DIMS };
enum split_slot { SPLIT_PARTS };
enum slice_slot { SLICE_BEGIN_MASK, SLICE_END_MASK, SLICE_ELLIPSIS_MASK, SLICE_NEW_AXIS_MASK, SLICE_SHRINK_MASK, SLICE_OFFSET };
enum transpose_conv_slot { TRANSPOSE_CONV_ACTIVATION = 3 };
enum resize_slot { RESIZE_ALIGN_CORNERS, RESIZE_HALF_PIXEL };
enum bilinear_slot { BILINEAR_ALIGN_CORNERS = 2, BILINEAR_HALF_PIXEL };
enum leaky_relu_slot { LEAKY_RELU_ALPHA };
enum reshape_slot { RESHAPE_SHAPE };
enum squeeze_slot { SQUEEZE_DIMS };
enum gather_slot { GATHER_AXIS, GATHER_BATCH_DIMS };
enum pack_slot { PACK_COUNT, PACK_AXIS };
enum unpack_slot { UNPACK_COUNT, UNPACK_AXIS };
enum mirror_pad_slot { MIRROR_PAD_MODE };
enum block_slot { BLOCK_SIZE };
enum gelu_slot { GELU_APPROXIMATE };

enum { PADDING_SAME = 0, PADDING_VALID = 1 };

struct tflite_reader {
    struct fb fb;
    struct qm_arena *arena;
    struct qm_graph *graph;
    uint32_t batch; /* of inputs that leave it open; 0: as the file's shapes say */
    struct fb_vector codes, buffers, tensors, operators;
    uint8_t *types; /* [tensor_count], as in the file */
    bool *known;    /* [tensor_count] has a value before the operator being read */
    uint32_t *open; /* [tensor_count] bit d: the file leaves dimension d to the operator that computes the tensor */
};

/* One operator that is being read. */
struct tflite_operator {
    struct tflite_reader *r;
    struct qm_graph_op *op;
    struct fb_table options;
    uint32_t at; /* of the operator, for messages */
};

/* ---- operator.c ---- */

/* Fails with "operator N NAME: ...". */
void tflite_refuse(const struct tflite_operator *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
const struct qm_graph_tensor *tflite_input(const struct tflite_operator *o, uint32_t i);
const struct qm_graph_tensor *tflite_output(const struct tflite_operator *o, uint32_t i);
/* An extent so many times; refused when no dimension is so long. */
uint32_t tflite_times(const struct tflite_operator *o, uint32_t extent, uint32_t times);
/* Gives output i the shape that the operator computes, where the file leaves dimensions open; one that it does not is the file's. */
void tflite_open_shape(const struct tflite_operator *o, uint32_t i, uint32_t rank, const uint32_t *dims);
/* The same; an output that does not have the shape is refused. */
void tflite_check_shape(const struct tflite_operator *o, uint32_t i, uint32_t rank, const uint32_t *dims);
/* Gives output i the batch of the operator's data, if the file leaves it open. */
void tflite_open_batch(const struct tflite_operator *o, uint32_t i, uint32_t batch);
/* Operand i as integers; must be a constant of `count` of them, int32 or int64, each within int32. */
bool tflite_read_integers(const struct tflite_operator *o, uint32_t i, uint32_t count, int32_t *to);
/* An axis from -rank to rank - 1. */
bool tflite_resolve_axis(const struct tflite_operator *o, int32_t axis, uint32_t rank, uint32_t *to);
/* Drops the operands behind the first `count`, which have become attributes. */
void tflite_keep_inputs(const struct tflite_operator *o, uint32_t count);
void tflite_refuse_shape(const struct tflite_operator *o);
/* Reads the option, NONE, RELU, RELU6 or RELU_N1_TO_1. */
void tflite_read_activation(const struct tflite_operator *o, uint32_t slot);

/* ---- readers ---- */

/* Reads the operands and options of an operator. */
typedef void tflite_reading(const struct tflite_operator *o);
#define TFLITE_OPERATOR(name, code, kind, options, absent, inputs_min, inputs_max, outputs_max, read, limits)                              \
    tflite_reading tflite_read_##read;
#include "compiler/frontend/tflite/ops.def"
#undef TFLITE_OPERATOR

/* ---- names.c ---- */

const char *tflite_type_name(uint8_t type);
/* "LSTM", or "with code 200" from the arena. */
const char *tflite_builtin_name(int32_t code, struct qm_arena *arena);

/* ---- tensors.c ---- */

/* Whether the graph can hold tensors of the type. */
bool tflite_type_known(uint8_t type);
/* Fills graph->tensors from r->tensors, but for those that nothing uses: their type is QM_ANY_DTYPES. Types that the graph does not
 * know are refused with the operators that use such tensors. */
void tflite_read_tensors(struct tflite_reader *r, const bool *used);
/* Sets the shape of a tensor, and the bytes that it takes. All dims must be positive and their product below 2^31. */
void tflite_set_shape(struct tflite_reader *r, uint32_t index, uint32_t rank, const uint32_t *dims);

/* ---- ops.c ---- */

/* Adds every operator that no reader exists for to the graph's problems. */
void tflite_check_operators(struct tflite_reader *r);
/* Marks the tensors that operators name; those that are not there are refused later. */
void tflite_mark_used(struct tflite_reader *r, bool *used);
/* Fills graph->ops from r->operators; the tensors have been read. What is computed of constants and shapes alone becomes a constant
 * (evaluate/evaluate.h) and leaves no operator. */
void tflite_read_operators(struct tflite_reader *r);

#endif
