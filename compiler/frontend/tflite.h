/* tflite.h - the inside of the TFLite front end: the schema's numbers and what tflite.c and tflite_ops.c share.
 *
 * Slots, codes and defaults are those of the public schema (tensorflow/lite/schema/schema.fbs, version 3). Only what is read stands here.
 */
#ifndef QM_COMPILER_FRONTEND_TFLITE_H
#define QM_COMPILER_FRONTEND_TFLITE_H

#include "common/arena.h"
#include "compiler/frontend/flatbuffer.h"
#include "compiler/ir/graph.h"
#include "compiler/ir/problems.h"

enum model_slot { MODEL_VERSION, MODEL_OPERATOR_CODES, MODEL_SUBGRAPHS, MODEL_DESCRIPTION, MODEL_BUFFERS };
enum code_slot { CODE_DEPRECATED, CODE_CUSTOM, CODE_VERSION, CODE_BUILTIN };
enum buffer_slot { BUFFER_DATA, BUFFER_OFFSET, BUFFER_SIZE };
enum subgraph_slot { SUBGRAPH_TENSORS, SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS, SUBGRAPH_OPERATORS };
enum tensor_slot { TENSOR_SHAPE, TENSOR_TYPE, TENSOR_BUFFER, TENSOR_NAME, TENSOR_QUANTIZATION, TENSOR_VARIABLE, TENSOR_SPARSITY };
enum quant_slot { QUANT_MIN, QUANT_MAX, QUANT_SCALE, QUANT_ZERO_POINT, QUANT_DETAILS_TYPE, QUANT_DETAILS, QUANT_AXIS };
enum operator_slot { OPERATOR_CODE, OPERATOR_INPUTS, OPERATOR_OUTPUTS, OPERATOR_OPTIONS_TYPE, OPERATOR_OPTIONS };

enum tflite_builtin {
    TFLITE_ADD = 0,
    TFLITE_AVERAGE_POOL_2D = 1,
    TFLITE_CONV_2D = 3,
    TFLITE_DEPTHWISE_CONV_2D = 4,
    TFLITE_FULLY_CONNECTED = 9,
    TFLITE_MAX_POOL_2D = 17,
    TFLITE_RESHAPE = 22,
    TFLITE_SOFTMAX = 25,
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
    OPTIONS_ADD = 11,
    OPTIONS_RESHAPE = 17
};
enum window_slot { WINDOW_PADDING, WINDOW_STRIDE_W, WINDOW_STRIDE_H };
enum conv_slot { CONV_ACTIVATION = 3, CONV_DILATION_W, CONV_DILATION_H };
enum depthwise_slot { DEPTHWISE_MULTIPLIER = 3, DEPTHWISE_ACTIVATION, DEPTHWISE_DILATION_W, DEPTHWISE_DILATION_H };
enum pool_slot { POOL_FILTER_W = 3, POOL_FILTER_H, POOL_ACTIVATION };
enum fc_slot { FC_ACTIVATION, FC_WEIGHTS_FORMAT, FC_KEEP_DIMS };
enum add_slot { ADD_ACTIVATION };
enum softmax_slot { SOFTMAX_BETA };

enum { PADDING_SAME = 0, PADDING_VALID = 1 };

struct tflite_reader {
    struct fb fb;
    struct qm_arena *arena;
    struct qm_graph *graph;
    struct problems problems;
    struct fb_vector codes, buffers, tensors, operators;
    uint8_t *types; /* [tensor_count], as in the file */
    bool *known;    /* [tensor_count] has a value before the operator being read */
};

/* Whether the graph can hold tensors of the type. */
bool tflite_type_known(uint8_t type);
const char *tflite_type_name(uint8_t type);
/* "LSTM", or "with code 200" from the arena. */
const char *tflite_builtin_name(int32_t code, struct qm_arena *arena);

/* Adds every operator that no reader exists for to the problems. */
void tflite_check_operators(struct tflite_reader *r);
/* Fills graph->ops from r->operators; the tensors have been read. */
void tflite_read_operators(struct tflite_reader *r);

#endif
