/* onnx.h - the inside of the ONNX front end: what is known of every name in the file while its nodes are read one after another.
 *
 * The dialects of quantized ONNX differ in where they say how sums become integers, and all say it in nodes behind the one that multiplies
 * and adds. So that node makes a deferred operator: an operator of the graph that has no output yet. The elementwise nodes behind it are
 * appended to its epilogue, a function of its sum. It is materialized, that is, added to the graph with an output of 8 bits, when the
 * integers of that output are known and somebody needs them: at a QuantizeLinear or Quant, or at an operator that reads what the epilogue
 * has rounded.
 *
 * Shapes here are ONNX's, channels first. A tensor of the graph holds the bytes in one of two orders; the other is made when it is asked
 * for. Functions that return bool have named the problem when they return false. They are listed file by file, and none calls one of a file
 * that is listed below its own.
 */
#ifndef QM_COMPILER_FRONTEND_ONNX_ONNX_H
#define QM_COMPILER_FRONTEND_ONNX_ONNX_H

#include "common/arena.h"
#include "compiler/frontend/frontend.h"
#include "compiler/ir/graph.h"
#include "compiler/ir/problems.h"
#include "onnx.pb-c.h"

/* Element types as the file numbers them; the last four are younger than Debian's schema. */
enum onnx_type {
    ONNX_FLOAT = 1,
    ONNX_UINT8 = 2,
    ONNX_INT8 = 3,
    ONNX_UINT16 = 4,
    ONNX_INT16 = 5,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_BOOL = 9,
    ONNX_FLOAT16 = 10,
    ONNX_DOUBLE = 11,
    ONNX_UINT4 = 21,
    ONNX_INT4 = 22,
    ONNX_UINT2 = 25,
    ONNX_INT2 = 26,
};

enum onnx_order { ONNX_PLAIN /* as ONNX has it */, ONNX_CHANNELS_LAST /* [n][h][w][c] */, ONNX_ORDERS };

enum onnx_state {
    ONNX_UNKNOWN,  /* no node has computed it yet */
    ONNX_REFUSED,  /* its node was refused: nodes that use it are passed over */
    ONNX_CONSTANT, /* numbers */
    ONNX_INPUT,    /* an input of the network in a type that does not say what integers it carries */
    ONNX_TENSOR,   /* tensors of the graph */
    ONNX_DEFERRED, /* what a deferred operator computes */
};

struct onnx_shape {
    uint32_t rank;
    uint32_t dims[QM_MAX_RANK];
};

/* A map of one picture, from a shape of three or four dimensions. */
struct onnx_map {
    uint32_t n, c, h, w;
};

/* An elementwise operation on the sum of a channel. */
enum onnx_epilogue_kind {
    ONNX_MUL,
    ONNX_ADD,
    ONNX_DIV,
    ONNX_FLOOR,
    ONNX_ROUND /* half to even */,
    ONNX_TRUNCATE,
    ONNX_CLIP,
    ONNX_SIGN /* -1, 1 */
};

struct onnx_epilogue_op {
    const struct onnx_epilogue_op *before; /* NULL: it is the first. Deferred operators that branch off share what comes before */
    enum onnx_epilogue_kind kind;
    bool is_rounded;       /* this one or one before it rounds */
    uint32_t count;        /* of numbers: 1, or one a channel */
    const double *numbers; /* MUL, ADD, DIV */
    double low, high;      /* CLIP */
};

struct onnx_deferred {
    struct qm_graph_op op;         /* without its output */
    struct qm_graph_tensor result; /* rank and dims of its output */
    struct onnx_shape op_shape;    /* of what the operator gives, when a RESHAPE makes the result of it; else rank 0 */
    enum onnx_order order;         /* of its output */
    uint32_t axis;                 /* the channels' axis in the ONNX shape */
    uint32_t channels;
    const double *sum_scale;               /* [channels] the real number that 1 of the sum means; NULL: the operands' scales say it */
    const int64_t *sum_low, *sum_high;     /* [channels] the smallest and the largest sum that can be */
    const struct onnx_epilogue_op *newest; /* of the epilogue; NULL: it is empty */
};

enum { ONNX_NO_NODE = UINT32_MAX };
struct onnx_value {
    const char *name;
    uint32_t maker; /* index of the node that makes it; ONNX_NO_NODE: none */
    enum onnx_state state;
    struct onnx_shape shape;
    int32_t type; /* enum onnx_type, or another of the file's */
    /* CONSTANT: numbers[i] = scale[channel of i along axis] * integers[i]; without integers they are only numbers */
    const double *numbers, *integers; /* numbers NULL: cannot be read */
    const double *scales;             /* [scale_count] */
    uint32_t scale_count, scale_axis;
    const char *unreadable; /* why numbers is NULL: "is ...", "has ..." */
    /* INPUT */
    struct onnx_value *origin; /* the input itself */
    bool computed;             /* float arithmetic has been done on it */
    /* TENSOR */
    uint32_t tensors[ONNX_ORDERS]; /* QM_NO_TENSOR: nobody has asked for it */
    bool is_output;                /* of the network: may stay 32-bit sums with a scale */
    bool real;                     /* scale * (integer - zero) is meant, not the integer */
    bool quant_known;              /* scale and zero are known */
    float scale, offset;           /* offset: of 32-bit sums, added at the end of the network */
    int64_t zero;
    int32_t low, high;              /* of the integers */
    const struct onnx_map *map;     /* a flattened map: tensors[ONNX_CHANNELS_LAST] has the features in the order h, w, c; else NULL */
    struct onnx_deferred *deferred; /* DEFERRED */
};

struct onnx_reader {
    const struct model_file *file;
    struct qm_arena *arena;
    struct qm_graph *graph;
    struct qm_diag *diag;
    const Onnx__GraphProto *source;
    const char **outputs; /* [output_count] names of what the network computes */
    uint32_t output_count;
    struct problems problems;
    uint32_t value_count, slot_count, tensor_room, op_room;
    struct onnx_value *values;
    uint32_t *slots; /* [slot_count] of a hash table: index into values + 1; 0: free */
};

/* One node on its way to the graph. */
enum { ONNX_INPUTS_MAX = QM_OPERANDS_MAX, ONNX_OUTPUTS_MAX = QM_OPERANDS_MAX };
struct onnx_node {
    struct onnx_reader *r;
    const Onnx__NodeProto *source;
    uint32_t index;
    struct onnx_value *inputs[ONNX_INPUTS_MAX], *outputs[ONNX_OUTPUTS_MAX]; /* NULL: absent */
};

/* ---- shape.c: types and shapes ---- */
const char *onnx_type_name(int32_t type);
bool onnx_type_range(int32_t type, int64_t *low, int64_t *high); /* false: not an integer of at most 32 bits */
uint64_t onnx_elements(const struct onnx_shape *shape);
bool onnx_same_shape(const struct onnx_shape *a, const struct onnx_shape *b);

/* ---- file.c: bytes to messages, constants to numbers ---- */
QM_MUST_USE enum qm_status onnx_unpack(const struct model_file *file, struct qm_arena *arena, const Onnx__ModelProto **model,
                                       struct qm_diag *diag);
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

/* ---- node.c: attributes and operands ---- */
bool onnx_refuse(const struct onnx_node *n, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The shape of an operation on two: in each dimension, counted from the last, where one has 1 or nothing the other's. */
bool onnx_broadcast(const struct onnx_node *n, const struct onnx_shape *a, const struct onnx_shape *b, struct onnx_shape *out);
const Onnx__AttributeProto *onnx_attribute(const struct onnx_node *n, const char *name);
int64_t onnx_int(const struct onnx_node *n, const char *name, int64_t fallback);
float onnx_float(const struct onnx_node *n, const char *name, float fallback);
const char *onnx_text(const struct onnx_node *n, const char *name, const char *fallback);
/* A list of count numbers from minimum to 65535; absent: all are the fallback. */
bool onnx_ints(const struct onnx_node *n, const char *name, uint32_t count, const uint32_t limits[2], uint32_t *out);
/* An axis counted from the end when negative. */
bool onnx_axis(const struct onnx_node *n, int64_t axis, uint32_t rank, uint32_t *out);
/* Input i as a constant that can be read. */
bool onnx_constant(const struct onnx_node *n, uint32_t i, const struct onnx_value **value);
/* Input i as one constant number. */
bool onnx_number(const struct onnx_node *n, uint32_t i, double *number);
/* The tensor of an attribute as a constant; false, with nothing named: it is damaged. */
bool onnx_attribute_constant(const struct onnx_node *n, const Onnx__AttributeProto *attribute, struct onnx_value *value);
/* Scale and zero point of the integers of a type, each one or one for each of channels; the zero point may be absent. */
struct onnx_scales {
    uint32_t count;
    double *scale, *zero;
};
bool onnx_scales(const struct onnx_node *n, uint32_t first, uint32_t channels, struct onnx_scales *scales);
bool onnx_map_of(const struct onnx_node *n, const struct onnx_shape *shape, struct onnx_map *map);

/* ---- tensor.c: tensors of the graph ---- */
struct onnx_shape onnx_shape_of(const struct qm_graph_tensor *tensor);
uint32_t onnx_add_tensor(struct onnx_reader *r, const char *name, enum qm_dtype dtype, const struct onnx_shape *shape);
/* A tensor of the shape with the type and quantization of another. */
uint32_t onnx_add_like(const struct onnx_node *n, uint32_t like, const struct onnx_shape *shape);
/* The bytes of a tensor in another shape, or taken for other numbers: both by a RESHAPE. */
uint32_t onnx_add_reshape(const struct onnx_node *n, uint32_t tensor, const struct onnx_shape *shape);
uint32_t onnx_add_alias(const struct onnx_node *n, uint32_t tensor, float scale, int64_t zero);
void onnx_set_quant(struct onnx_reader *r, uint32_t tensor, float scale, int64_t zero);
struct qm_graph_op *onnx_add_op(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t in, uint32_t out);
/* A constant with the numbers; dtype I8 or I32. */
uint32_t onnx_add_constant(struct onnx_reader *r, const char *name, enum qm_dtype dtype, const struct onnx_shape *shape, const void *data);
/* The zero point with which integers from low to high fit int8: 0 if they do without. False when none does. */
bool onnx_zero_point(double low, double high, int64_t *zero);
/* A constant with integers of one scale as an operand: a TENSOR of int8, its shape with ones in front up to the rank. NULL: refused. */
struct onnx_value *onnx_constant_tensor(const struct onnx_node *n, const struct onnx_value *constant, uint32_t rank, enum onnx_order order);

/* ---- epilogue.c: the sums of a deferred operator, and what becomes of them ---- */
/* Gives the operator so many channels, each with this scale and range of its sums. */
void onnx_deferred_set_sums(const struct onnx_node *n, struct onnx_deferred *deferred, uint32_t channels, double scale, int64_t low,
                            int64_t high);
/* Appends an operation with `count` numbers, 1 or one a channel, or with none. */
void onnx_append(const struct onnx_node *n, struct onnx_deferred *deferred, enum onnx_epilogue_kind kind, uint32_t count,
                 const double *numbers);
void onnx_append_number(const struct onnx_node *n, struct onnx_deferred *deferred, enum onnx_epilogue_kind kind, double number);
void onnx_append_clip(const struct onnx_node *n, struct onnx_deferred *deferred, double low, double high);
/* Whether an operation of the epilogue rounds. */
bool onnx_epilogue_rounds(const struct onnx_deferred *deferred);

/* The epilogue of a deferred operator in order, as a function of its sum: monotone in each channel. */
enum { ONNX_EPILOGUE_MAX = 64 };
struct onnx_epilogue {
    const struct onnx_deferred *deferred;
    uint32_t count;
    const struct onnx_epilogue_op *ops[ONNX_EPILOGUE_MAX];
};
bool onnx_epilogue_open(const struct onnx_node *n, const struct onnx_deferred *deferred, struct onnx_epilogue *epilogue);
double onnx_epilogue_value(const struct onnx_epilogue *epilogue, uint32_t channel, int64_t sum);
/* Whether all its values are integers for certain. */
bool onnx_epilogue_is_integral(const struct onnx_epilogue *epilogue);
/* x = clamp(a * sum + b): what scales, a bias and a clamp can say. */
struct onnx_affine {
    double *a, *b; /* [channels] */
    double low, high;
};
/* False, with nothing named: the epilogue is more than that. */
bool onnx_epilogue_affine(const struct onnx_node *n, const struct onnx_epilogue *epilogue, struct onnx_affine *f);

/* ---- materialize.c: a deferred operator becomes one of the graph, and a value its output ---- */
/* With the scale and zero point of integers of a type. */
bool onnx_materialize_as(const struct onnx_node *n, const struct onnx_deferred *deferred, int32_t type, const struct onnx_scales *scales,
                         struct onnx_value *value);
/* With the integers that the epilogue ends in, each of which means `scale`. */
bool onnx_materialize_thresholds(const struct onnx_node *n, const struct onnx_deferred *deferred, double scale, struct onnx_value *value);
/* The value's own, with the integers that its epilogue ends in, or else its sums as 32-bit integers. */
bool onnx_materialize_integers(const struct onnx_node *n, struct onnx_value *value);
/* Makes an addition of two tensors of one scale and zero point a depthwise convolution over both, side by side, with the weights 1 and
 * `second`. An addition can have 8-bit results only, this one has any. */
bool onnx_add_by_weights(const struct onnx_node *n, struct onnx_deferred *deferred, int8_t second);

/* ---- value.c: values as tensors of the graph ---- */
/* Makes sure that the value is a TENSOR: a deferred operator is materialized, and an INPUT gets its integers. */
bool onnx_materialize(const struct onnx_node *n, struct onnx_value *value);
/* The value's tensor in an order, materialized. */
bool onnx_tensor(const struct onnx_node *n, struct onnx_value *value, enum onnx_order order, uint32_t *tensor);
/* The same, with the scale and zero point that the reader takes its integers for; NULL: those that it has. */
bool onnx_tensor_as(const struct onnx_node *n, struct onnx_value *value, enum onnx_order order, const struct onnx_scales *scales,
                    uint32_t *tensor);
/* Refuses a TENSOR of plain integers, where real numbers are computed with. */
bool onnx_check_real(const struct onnx_node *n, const struct onnx_value *value);
/* The order that its bytes have, or that it would be read in. */
enum onnx_order onnx_order_of(const struct onnx_value *value);
/* Makes output 0 what another value is, under its own name. */
void onnx_put_same(const struct onnx_node *n, const struct onnx_value *like);
/* Makes output 0 a TENSOR like another, of the tensor in the order. */
void onnx_put(const struct onnx_node *n, const struct onnx_value *like, const struct onnx_shape *shape, enum onnx_order order,
              uint32_t tensor);

/* ---- deferred.c: deferred operators, made and continued by nodes ---- */
struct onnx_deferred *onnx_deferred_create(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t channels);
/* A copy of the deferred operator behind a value, for the node to append to; of a tensor it is one that changes nothing. */
bool onnx_deferred_of(const struct onnx_node *n, struct onnx_value *value, struct onnx_deferred **deferred);
/* The same for nodes that scale: what has been rounded before is materialized first, since it is integers of the network. */
bool onnx_deferred_unrounded(const struct onnx_node *n, struct onnx_value *value, struct onnx_deferred **deferred);
/* Makes output 0 what it computes. */
bool onnx_defer(const struct onnx_node *n, const struct onnx_shape *shape, struct onnx_deferred *deferred);
/* Makes output 0 input i with one more operation, which has the numbers of a constant (or NULL). */
bool onnx_defer_elementwise(const struct onnx_node *n, uint32_t i, enum onnx_epilogue_kind kind, const struct onnx_value *constant);
bool onnx_defer_clip(const struct onnx_node *n, uint32_t i, double low, double high);
/* How many numbers a constant has for the channels of a shape: 1, or one a channel. False when it is neither. */
bool onnx_per_channel(const struct onnx_node *n, const struct onnx_value *constant, const struct onnx_shape *shape, uint32_t axis,
                      uint32_t *count);

/* ---- weights.c ---- */
/* A constant as integers with scales: numbers minus zero points, channels along axis. */
bool onnx_quantize_constant(const struct onnx_node *n, const struct onnx_value *source, const struct onnx_scales *scales, uint32_t axis,
                            struct onnx_value *result);
/* Weights in the graph's order: element (a, b, c, d) of count is source element a, b, c, d times stride. */
struct onnx_weights {
    struct onnx_shape shape; /* of the graph's tensor */
    uint32_t count[4];
    size_t stride[4];
    uint32_t channel, axis; /* the channels' place in count, and in the source */
    bool padded;            /* windows leave the map: a weight may also meet nothing */
};
/* Makes the weights input 1 of the operator, whose input 0 is a tensor of `in`, and fills its sum_scale, sum_low and sum_high. */
bool onnx_add_weights(const struct onnx_node *n, const struct onnx_value *source, const struct onnx_weights *weights,
                      const struct onnx_value *in, struct onnx_deferred *deferred);
/* Appends a bias that is in units of the sum, one a channel. */
bool onnx_append_bias(const struct onnx_node *n, const struct onnx_value *bias, struct onnx_deferred *deferred);
/* Scale 1 and the zero points of ConvInteger and MatMulInteger. */
bool onnx_integer_operands(const struct onnx_node *n, uint32_t channels, struct onnx_scales *in, struct onnx_scales *weights);

/* ---- reshape.c ---- */
/* The shape that Reshape, Flatten, Squeeze or Unsqueeze gives input 0. */
bool onnx_shape_result(const struct onnx_node *n, struct onnx_shape *shape);
/* The axes of Squeeze, Unsqueeze, ReduceMean and ReduceSum, an attribute or, in younger versions, input 1: at least one bit, bit d for
 * dimension d of a shape of this rank. */
bool onnx_axes(const struct onnx_node *n, uint32_t rank, uint32_t *bits);
bool onnx_permutation(const struct onnx_node *n, uint32_t rank, uint32_t *permutation);

/* ---- arithmetic.c ---- */
/* The integers of a QONNX Quant: zero point, smallest, largest. */
struct onnx_quant_range {
    double zero, low, high;
};
bool onnx_quant_range(const struct onnx_node *n, struct onnx_quant_range *range);

/* ---- operators ---- */
typedef bool onnx_reading(const struct onnx_node *n);
#define ONNX_OPERATOR(name, inputs_min, inputs_max, attributes, read, fold)  onnx_reading read, fold;
#define ONNX_OPERATOR_READ(name, inputs_min, inputs_max, attributes, read)   onnx_reading read;
#define ONNX_OPERATOR_FOLDED(name, inputs_min, inputs_max, attributes, fold) onnx_reading fold;
#include "compiler/frontend/onnx/ops.def"
#undef ONNX_OPERATOR
#undef ONNX_OPERATOR_READ
#undef ONNX_OPERATOR_FOLDED

/* ops.c: the table of operators. Reads the nodes that outputs need. */
QM_MUST_USE enum qm_status onnx_read_nodes(struct onnx_reader *r);

#endif
