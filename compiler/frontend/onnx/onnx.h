/* onnx.h - the inside of the ONNX front end: nodes become operators of a graph of real numbers, one after another.
 *
 * Reading decides nothing about integers. Nodes of other dialects are written with the operators that they stand for: QLinearConv is
 * DEQUANTIZE, CONV_2D, QUANTIZE; PULP's RequantShift is MUL, ADD, DIV, FLOOR, CLIP. What only constants go into is folded at once, so that
 * shapes are known when they are needed. Functions that return bool have named the problem when they return false.
 */
#ifndef QM_COMPILER_FRONTEND_ONNX_ONNX_H
#define QM_COMPILER_FRONTEND_ONNX_ONNX_H

#include "common/arena.h"
#include "evaluate/evaluate.h"
#include "compiler/frontend/frontend.h"
#include "common/graph.h"
#include "common/onnx_type.h"
#include "common/problems.h"
#include "onnx.pb-c.h"

/* How the graph holds elements of a type. */
struct onnx_element {
    enum qm_dtype dtype;
    uint32_t file_bits; /* of an element in the file; 0: the type is not known */
    uint32_t bits;      /* of the graph's tensor: 4 or 2, one a byte; 0: those of the dtype */
};

enum { ONNX_NO_NODE = UINT32_MAX };
struct onnx_value {
    const char *name;
    uint32_t maker;         /* index of the node that makes it; ONNX_NO_NODE: none */
    uint32_t tensor;        /* of the graph; QM_NO_TENSOR: not read yet, or refused */
    bool is_used;           /* by an output of the network, or a node that one needs */
    bool is_output;         /* of the network; said when outputs are put */
    bool refused;           /* its node was: nodes that use it are passed over */
    bool is_half;           /* a constant of float16 or bfloat16 */
    const char *unreadable; /* a constant, and why it has no tensor: "is ...", "has ..." */
};

struct onnx_reader {
    const struct model_file *file;
    struct qm_arena *arena;
    struct qm_graph *graph;
    struct qm_graph_maker maker;
    struct qm_diag *diag;
    const Onnx__ModelProto *model;
    const Onnx__GraphProto *source;
    const char **outputs; /* [output_count] names of what the network computes */
    uint32_t output_count;
    int64_t opset;       /* version of ONNX's operators that the file is written in */
    bool has_open_batch; /* an input whose first dimension has no number */
    uint32_t value_count, slot_count;
    struct onnx_value *values;
    uint32_t *slots; /* [slot_count] of a hash table: index into values + 1; 0: free */
};

/* One node on its way to the graph. */
enum { ONNX_INPUTS_FEW = 16, ONNX_KINDS_MAX = 9 };
struct onnx_node {
    struct onnx_reader *r;
    const Onnx__NodeProto *source;
    uint32_t index;
    const enum qm_graph_op_kind *kinds; /* of its row of ops.def, up to QM_GRAPH_OP_KINDS */
    uint32_t first_tensor;              /* tensors from here on are the node's own */
    uint32_t *inputs;            /* tensors; QM_NO_TENSOR: absent; with room for ONNX_INPUTS_FEW, which operators without MANY have */
    struct onnx_value **outputs; /* with room for QM_OPERANDS_FEW; NULL: absent, but the first, which is always there */
};

/* ---- file.c: bytes to messages, constants to tensors ---- */
const char *onnx_type_name(int32_t type);
struct onnx_element onnx_element(int32_t type);
/* float16 and bfloat16, in which every operator rounds by more than integers of 8 bits allow; a number of such a type. */
bool onnx_is_half(int64_t type);
double onnx_round_half(int32_t type, double x);
QM_MUST_USE enum qm_status onnx_unpack(const struct model_file *file, struct qm_arena *arena, const Onnx__ModelProto **model,
                                       struct qm_diag *diag);
/* Why a constant of no elements is unreadable: it has the very text. */
extern const char onnx_is_empty[];
/* Makes the value a constant of the graph, or says why it is not readable. */
QM_MUST_USE enum qm_status onnx_read_constant(struct onnx_reader *r, const Onnx__TensorProto *source, struct onnx_value *value);

/* ---- names.c: values by name ---- */
/* Makes room for all names of the graph. */
QM_MUST_USE enum qm_status onnx_open_names(struct onnx_reader *r);
/* The value of the name, made if it is new. */
QM_MUST_USE enum qm_status onnx_add_value(struct onnx_reader *r, const char *name, struct onnx_value **value);
/* The results of a node: each name once, and not that of a constant. */
QM_MUST_USE enum qm_status onnx_add_results(struct onnx_reader *r, uint32_t index);
/* NULL: there is none of the name. */
struct onnx_value *onnx_find(const struct onnx_reader *r, const char *name);

/* ---- node.c: operands and attributes ---- */
bool onnx_refuse(const struct onnx_node *n, const char *format, ...) __attribute__((format(printf, 2, 3)));
const struct qm_graph_tensor *onnx_input(const struct onnx_node *n, uint32_t i);
struct qm_shape onnx_shape(const struct onnx_node *n, uint32_t i);
const Onnx__AttributeProto *onnx_attribute(const struct onnx_node *n, const char *name);
int64_t onnx_int(const struct onnx_node *n, const char *name, int64_t fallback);
float onnx_float(const struct onnx_node *n, const char *name, float fallback);
const char *onnx_text(const struct onnx_node *n, const char *name, const char *fallback);
/* A list of count numbers from minimum to 65535; absent: all are the fallback. */
bool onnx_ints(const struct onnx_node *n, const char *name, uint32_t count, const uint32_t limits[2], uint32_t *out);
/* An axis counted from the end when negative. */
bool onnx_axis(const struct onnx_node *n, int64_t axis, uint32_t rank, uint32_t *out);
/* The same of a list in which no axis may be twice: bit d of seen is set for dimension d, which is refused when it was set. */
bool onnx_axis_once(const struct onnx_node *n, int64_t axis, uint32_t rank, uint32_t *seen, uint32_t *out);
/* Tensor of input i; QM_NO_TENSOR: absent. */
uint32_t onnx_operand(const struct onnx_node *n, uint32_t i);
/* Inputs that the node lists, the last of which is there. */
uint32_t onnx_input_count(const struct onnx_node *n);
/* Input i as a constant that can be read. */
bool onnx_constant(const struct onnx_node *n, uint32_t i, const struct qm_graph_tensor **constant);
/* Input i as one constant number. */
bool onnx_number(const struct onnx_node *n, uint32_t i, double *number);
/* A list of integers, which is an attribute in older versions and input i in younger ones; absent: length 0. */
struct onnx_list {
    uint32_t length;
    double *numbers;
};
bool onnx_list(const struct onnx_node *n, uint32_t i, const char *name, struct onnx_list *list);
/* The shape of an operation on two: in each dimension, counted from the last, where one has 1 or nothing the other's. */
bool onnx_broadcast(const struct onnx_node *n, const struct qm_shape *a, const struct qm_shape *b, struct qm_shape *out);

/* ---- schema.c: what operator sets say ---- */
/* Where operators come from; a set of them is the sum. */
enum onnx_domain { ONNX_DOMAIN = 1, ONNX_MICROSOFT = 2, ONNX_QONNX = 4, ONNX_PULP = 8 };
bool onnx_is_in_domain(const Onnx__NodeProto *node, uint32_t domains);
/* The node's operator is one that is read; known: the domains in which one of its name is. */
bool onnx_check_domain(const struct onnx_node *n, uint32_t known);
/* Whether its name is that of an operator of quantized networks: QLinearConv, DequantizeLinear, ConvInteger, RequantShift. */
bool onnx_is_quantized(const Onnx__NodeProto *node);
/* Whether input i, a zero point, may be absent though others follow. */
bool onnx_may_lack(const Onnx__NodeProto *node, uint32_t i);
/* Whether an empty constant is the same as an absent one: in Resize (places, factors) and in reductions (axes). */
bool onnx_may_be_empty(const Onnx__NodeProto *node);
/* Reads the version of ONNX's operators, which must be one that is known. */
QM_MUST_USE enum qm_status onnx_read_version(struct onnx_reader *r);
/* Attributes that are known, there once, of their type and of the file's version. */
bool onnx_check_attributes(const struct onnx_node *n, const char *known);

/* ---- emit.c: operators of the graph ---- */
/* An operator on one tensor, with the node's index and name, not in the graph yet. */
struct qm_graph_op onnx_op(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t in);
/* Puts it into the graph, with a result of its own; constants are folded. QM_NO_TENSOR: refused. */
uint32_t onnx_emit(const struct onnx_node *n, const struct qm_graph_op *op, const struct onnx_element *element,
                   const struct qm_shape *shape);
/* The same, with float32 as the result. */
uint32_t onnx_emit_float(const struct onnx_node *n, const struct qm_graph_op *op, const struct qm_shape *shape);
/* The same, elementwise: type and shape of the input stay. */
uint32_t onnx_emit_same(const struct onnx_node *n, const struct qm_graph_op *op);
/* Operator on a tensor and a constant of numbers: one, or one for each place along an axis of the tensor, whose shape stays. */
uint32_t onnx_emit_with(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t in, uint32_t count, const double *numbers,
                        uint32_t axis);
/* Operator on two tensors whose shapes are broadcast. */
uint32_t onnx_emit_two(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t a, uint32_t b);
/* Makes output 0 a tensor, and gives it the name if it is one of the node's own. False: it is QM_NO_TENSOR. */
bool onnx_put(const struct onnx_node *n, uint32_t tensor);
/* QUANTIZE and DEQUANTIZE, with the node's inputs first (scale) and first + 1 (zero point), along an axis when there are more. */
uint32_t onnx_emit_quantize(const struct onnx_node *n, uint32_t tensor, uint32_t first, int64_t axis, int32_t type);
uint32_t onnx_emit_dequantize(const struct onnx_node *n, uint32_t tensor, uint32_t first, int64_t axis);
/* Makes the node's inputs first (scale) and first + 1 (zero point) those of a quantizer of op->inputs[0]. What the network computes
 * takes one number: several that are the same are one. */
void onnx_set_scales(const struct onnx_node *n, struct qm_graph_op *op, uint32_t first);
/* The type that a zero point, input i, has; else the fallback. */
int32_t onnx_zero_type(const struct onnx_node *n, uint32_t i, int32_t fallback);

/* ---- shapes.c ---- */
/* The axes of Squeeze and the reductions, an attribute or, in younger versions, input 1: bit d for dimension d of a shape of this rank,
 * which may be named twice. Absent: 0. */
bool onnx_axes(const struct onnx_node *n, uint32_t rank, uint32_t *bits);

/* The same elements in another shape. */
uint32_t onnx_emit_reshape(const struct onnx_node *n, uint32_t in, const struct qm_shape *shape);

/* The dimensions of a tensor in another order: dimension d of the result is permutation[d] of it. */
uint32_t onnx_emit_transpose(const struct onnx_node *n, uint32_t in, const uint32_t *permutation);

/* ---- places.c ---- */
/* Elements of an axis, gathered at these places of it. */
uint32_t onnx_emit_places(const struct onnx_node *n, uint32_t in, uint32_t axis, uint32_t count, const int64_t *places);
/* What a PAD makes when it pads with elements of its input. */
uint32_t onnx_emit_mirrored(const struct onnx_node *n, const struct qm_graph_op *pad, const char *mode);

/* ---- window.c and matmul.c, for nodes of integers ---- */
uint32_t onnx_emit_conv(const struct onnx_node *n, uint32_t in, uint32_t filter, uint32_t bias);
uint32_t onnx_emit_matmul(const struct onnx_node *n, uint32_t a, uint32_t b, bool transposed);
/* Input i of ConvInteger or MatMulInteger as real numbers: its integers less zero point `zero`, with the scale 1. */
uint32_t onnx_emit_integers(const struct onnx_node *n, uint32_t i, uint32_t zero, int64_t axis);
/* Their result, which is int32. */
uint32_t onnx_emit_sums(const struct onnx_node *n, uint32_t sums);

/* ---- operators ---- */
typedef bool onnx_reading(const struct onnx_node *n);
#define ONNX_OPERATOR(name, domains, inputs_min, inputs_max, attributes, read, ...) onnx_reading onnx_##read;
#include "compiler/frontend/onnx/ops.def"
#undef ONNX_OPERATOR

/* ops.c: the table of operators. Reads the nodes that outputs need. */
QM_MUST_USE enum qm_status onnx_read_nodes(struct onnx_reader *r);

#endif
