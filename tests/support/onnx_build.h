/* onnx_build.h - small ONNX models for tests, built in an arena and packed as a file's bytes.
 *
 * Names of a node's inputs and outputs stand in one text with spaces between; "-" is an absent one.
 */
#ifndef QM_TESTS_SUPPORT_ONNX_BUILD_H
#define QM_TESTS_SUPPORT_ONNX_BUILD_H

#include "common/arena.h"
#include "onnx.pb-c.h"
#include "tests/support/numbers.h"

enum { ONNX_BUILD_MAX = 256 };

struct onnx_build {
    struct qm_arena *arena;
    Onnx__ModelProto model;
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto opset, *opsets[1];
    Onnx__NodeProto *nodes[ONNX_BUILD_MAX];
    Onnx__TensorProto *constants[ONNX_BUILD_MAX];
    Onnx__ValueInfoProto *inputs[ONNX_BUILD_MAX], *outputs[ONNX_BUILD_MAX];
};

/* A shape: {rank, dims}. */
struct onnx_build_shape {
    uint32_t rank;
    int64_t dims[6];
};

/* A model of opset 13. */
void onnx_build_open(struct onnx_build *b, struct qm_arena *arena);
/* Makes it one of another. */
void onnx_build_opset(struct onnx_build *b, int64_t version);
void onnx_build_input(struct onnx_build *b, const char *name, int32_t type, struct onnx_build_shape shape);
void onnx_build_output(struct onnx_build *b, const char *name);
/* values in the field of the type; type is an ONNX number: 1 float, 2 uint8, 3 int8, 6 int32, 7 int64. */
Onnx__TensorProto *onnx_build_constant(struct onnx_build *b, const char *name, int32_t type, struct onnx_build_shape shape,
                                       const double *values);
/* A constant of no dimensions. */
void onnx_build_number(struct onnx_build *b, const char *name, int32_t type, double value);
Onnx__NodeProto *onnx_build_node(struct onnx_build *b, const char *op, const char *inputs, const char *outputs);
void onnx_build_int(struct onnx_build *b, Onnx__NodeProto *node, const char *name, int64_t value);
void onnx_build_float(struct onnx_build *b, Onnx__NodeProto *node, const char *name, float value);
void onnx_build_string(struct onnx_build *b, Onnx__NodeProto *node, const char *name, const char *value);
void onnx_build_ints(struct onnx_build *b, Onnx__NodeProto *node, const char *name, uint32_t count, const int64_t *values);
struct file_bytes onnx_build_pack(struct onnx_build *b);

/* A network in the form with QuantizeLinear and DequantizeLinear: 2x6x5 floats, convolution per channel with bias and Relu, maximum and
 * mean over the map, Gemm; y is float. Numbers come from the seed. */
void onnx_build_qdq(struct onnx_build *b, struct qm_arena *arena, uint32_t seed);

/* A network of integers in floats: 2x6x5, convolution with padding, then Mul Add Div Floor Clip by channel, some of whose factors are below
 * 0; y is four maps of 8 bits, or, divided by no power of two, of 2. */
void onnx_build_integer(struct onnx_build *b, struct qm_arena *arena, uint32_t seed);

#endif
