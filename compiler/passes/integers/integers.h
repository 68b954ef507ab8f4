/* integers.h - the inside of the pass that makes a graph of integers of one of real numbers (compiler.h: qm_integers).
 *
 * Files say in many ways how sums become integers, and all say it in operators behind the one that multiplies and adds. So that one makes
 * a deferred operator: an operator of integers that has no output yet. The elementwise operators behind it are appended to its epilogue, a
 * function of its sum. It is materialized, that is, added to the graph with an output of 8 bits, when the integers of that output are
 * known and somebody needs them: at a QUANTIZE, or at an operator that reads what the epilogue has rounded.
 *
 * Shapes here are the file's, channels first. A tensor of the graph of integers holds the bytes in one of two orders; the other is made
 * when it is asked for. Functions that return bool have named the problem when they return false. They are listed file by file, and none
 * calls one of a file that is listed below its own.
 */
#ifndef QM_COMPILER_PASSES_INTEGERS_INTEGERS_H
#define QM_COMPILER_PASSES_INTEGERS_INTEGERS_H

#include "common/arena.h"
#include "compiler/compiler.h"
#include "evaluate/evaluate.h"
#include "common/graph.h"
#include "common/problems.h"

enum real_order { REAL_PLAIN /* as the file has it */, REAL_CHANNELS_LAST /* [n][h][w][c] */, REAL_ORDERS };

enum real_state {
    REAL_UNKNOWN,  /* its operator was refused: those that use it are passed over */
    REAL_CONSTANT, /* numbers */
    REAL_INPUT,    /* an input of the network in a type that does not say what integers it carries */
    REAL_TENSOR,   /* tensors of the graph of integers */
    REAL_DEFERRED, /* what a deferred operator computes */
    REAL_MOVED,    /* what a move makes of numbers that have no integers yet */
    REAL_HOST,     /* what the host computes, from its source */
};

/* A map of one picture, from a shape of three or four dimensions. */
struct real_map {
    uint32_t n, c, h, w;
};

/* An elementwise operation on the sum of a channel. */
enum real_epilogue_kind {
    REAL_MUL,
    REAL_ADD,
    REAL_DIV,
    REAL_FLOOR,
    REAL_ROUND /* half to even */,
    REAL_TRUNCATE,
    REAL_CLIP,
    REAL_SIGN /* -1, 1 */,
    REAL_LEAK /* times a number where it is below 0 */,
    REAL_FUNCTION /* of one number, as the graph has it */
};

struct real_epilogue_op {
    const struct real_epilogue_op *before; /* NULL: it is the first. Deferred operators that branch off share what comes before */
    enum real_epilogue_kind kind;
    bool is_rounded;                    /* this one or one before it rounds */
    uint32_t count;                     /* of numbers: 1, or one a channel */
    const double *numbers;              /* MUL, ADD, DIV, LEAK */
    double low, high;                   /* CLIP */
    const struct qm_graph_op *function; /* FUNCTION */
};

struct real_deferred {
    struct qm_graph_op op;         /* without its output */
    struct qm_graph_tensor result; /* rank and dims of its output */
    struct qm_shape op_shape;      /* of what the operator gives, when a RESHAPE makes the result of it; else rank 0 */
    enum real_order order;         /* of its output */
    uint32_t axis;                 /* the channels' axis in the file's shape */
    uint32_t channels;
    bool subtracts;                    /* ADD: the second operand */
    uint32_t stack;                    /* above 1: the operator gives [rows][stack][columns], and the result is [stack][rows][columns] */
    const double *sum_scale;           /* [channels] the real number that 1 of the sum means; NULL: the operands' scales say it */
    const int64_t *sum_low, *sum_high; /* [channels] the smallest and the largest sum that can be */
    const struct real_epilogue_op *newest; /* of the epilogue; NULL: it is empty */
};

/* An operator of the file and what it has read: from these the host can compute what it gives. */
struct real_source {
    const struct qm_graph_op *op;
    struct real_value *inputs;     /* [op->input_count] as they were */
    const struct qm_shape *shapes; /* [op->output_count] of its outputs: a part of a move has not the file's */
    struct real_value *sums;       /* of a product by the machine: its 32-bit sums, once the host has asked for them */
};

struct real_value {
    const char *name;
    enum real_state state;
    struct qm_shape shape;
    enum qm_dtype type;
    const struct qm_graph_tensor *constant; /* CONSTANT */
    /* INPUT */
    struct real_value *origin; /* the input itself */
    /* TENSOR */
    uint32_t tensors[REAL_ORDERS]; /* QM_NO_TENSOR: nobody has asked for it */
    bool is_output;                /* of the network */
    bool real;                     /* scale * (integer - zero) is meant, not the integer */
    bool quant_known;              /* scale and zero are known */
    float scale;
    int64_t zero;
    int32_t low, high;              /* of the integers */
    const struct real_map *map;     /* a flattened map: tensors[REAL_CHANNELS_LAST] has the features in the order h, w, c; else NULL */
    struct real_deferred *deferred; /* DEFERRED */
    /* MOVED */
    const struct qm_graph_op *move;
    struct real_value *parts; /* [move->input_count] its inputs: what it moves, and indices */
    /* DEFERRED, HOST */
    struct real_source *source; /* whose output source_output it is; NULL: a part of a move */
    uint32_t source_output;
};

/* What has been made of a value, or of one by an operator (known.c). Values that have one key and output are the same numbers, perhaps in
 * another shape. */
struct real_known {
    struct real_known *next; /* in its bucket */
    const void *key;
    uint32_t output;
    uint32_t host, tensor;  /* it is this tensor of host graph number `host`; 0: of none */
    struct real_made *made; /* the newest */
};
struct real_made {
    struct real_made *next;
    const struct qm_graph_op *op; /* of the source; NULL: the integers that it ends in */
    uint32_t at;                  /* the input of the operator that it was */
    struct real_value of, result;
};

/* A tensor of the source. */
struct real_use {
    uint32_t readers;                /* operators and ends of the network that read it */
    bool is_output;                  /* of the network */
    const struct qm_graph_op *maker; /* whose output it is; NULL: none */
};

struct real_pass {
    const struct qm_graph *source;
    const struct real_use *uses; /* [source->tensor_count] */
    const struct qm_model_options *options;
    struct qm_arena *arena;
    struct qm_graph_maker maker; /* of the graph of integers */
    struct qm_diag *diag;
    struct problems problems;
    bool quantizes;              /* the network has a QUANTIZE: its floats are numbers, not integers in disguise */
    bool carries_integers;       /* in floats: an input that no quantizer stands behind, and then outputs, too */
    struct real_value *values;   /* [source->tensor_count] */
    struct real_known **buckets; /* [bucket_count] */
    uint32_t bucket_count, known_count;
    uint32_t hosts; /* host graphs so far */
    uint32_t depth; /* of moves whose parts are being made */
    uint64_t work;  /* operators that have been made or tried */
};

/* One operator on its way to the graph of integers. */
struct real_node {
    struct real_pass *r;
    const struct qm_graph_op *op;
    const struct qm_graph_op *quantizer; /* of a move: what it moves has been quantized, instead of its result; NULL: it has not */
    struct real_value **inputs;          /* NULL: absent; with room for QM_OPERANDS_FEW */
    struct real_value **outputs;
};

/* ---- node.c: operands ---- */
bool real_refuse(const struct real_node *n, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A copy whose operands can be changed. */
struct real_deferred real_deferred_copy(const struct real_node *n, const struct real_deferred *deferred);
/* The tensors of the graph of integers. */
struct qm_graph_tensor *real_tensors(const struct real_node *n);
bool real_map_of(const struct real_node *n, const struct qm_shape *shape, struct real_map *map);
/* The real numbers of a constant, or the numbers as they are, when nobody has said what they mean. */
const double *real_numbers(const struct real_node *n, const struct real_value *constant);
/* Scale and zero point of a quantizer, whose inputs 1 and 2 they are; each one, or one for each place along an axis. */
struct real_scales {
    uint32_t count;
    double *scale, *zero;
};
bool real_read_scales(const struct real_node *n, struct real_scales *scales);

/* ---- known.c: what has been made of a value, and how much in all ---- */
/* What is known of a value; NULL: it cannot be told from others. */
struct real_known *real_known(struct real_pass *r, const struct real_value *value);
/* The same of what has this key: of an output of a source, or of the parts of a move. */
struct real_known *real_known_output(struct real_pass *r, const void *key, uint32_t output);
/* What an operator has made that does the same as op, an elementwise one or a quantizer, when input `at` was this value; op NULL: the
 * integers that the value ends in. NULL: nothing yet. */
const struct real_value *real_made(struct real_pass *r, const struct real_value *value, const struct qm_graph_op *op, uint32_t at);
void real_learn(struct real_pass *r, const struct real_value *value, const struct qm_graph_op *op, uint32_t at,
                const struct real_value *result);
/* Counts one more operator. False, and named: there are too many for the size of the file. */
bool real_count_work(const struct real_node *n);

/* ---- tensor.c: tensors of the graph of integers ---- */
/* The tensor of an input of the network, in the order in which the host gives it; an input is made once. */
enum real_order real_input_order(const struct real_pass *r, const struct qm_shape *shape);
uint32_t real_add_input(struct real_pass *r, struct real_value *value, const char *name, enum qm_dtype dtype);
bool real_input_is_made(const struct real_value *value);
uint32_t real_add_tensor(const struct real_node *n, const char *name, enum qm_dtype dtype, const struct qm_shape *shape);
/* A tensor of the shape with the type and quantization of another. */
uint32_t real_add_like(const struct real_node *n, uint32_t like, const struct qm_shape *shape);
struct qm_graph_op *real_add_op(const struct real_node *n, enum qm_graph_op_kind kind, uint32_t in, uint32_t out);
/* The bytes of a tensor in another shape, or taken for other numbers: both by a RESHAPE. */
uint32_t real_add_reshape(const struct real_node *n, uint32_t tensor, const struct qm_shape *shape);
uint32_t real_add_alias(const struct real_node *n, uint32_t tensor, float scale, int64_t zero);
/* Whether so many examples are not too many for operators with windows: they run one by one (passes/legalize_batch.c). */
bool real_check_batch(const struct real_node *n, uint32_t examples);
void real_set_quant(const struct real_node *n, uint32_t tensor, float scale, int64_t zero);
/* The zero point with which integers from low to high fit int8: 0 if they do without. False when none does. */
bool real_zero_point(double low, double high, int64_t *zero);
/* A constant with integers of one scale as an operand: a TENSOR of int8, its shape with ones in front up to the rank. NULL: refused. */
struct real_value *real_constant_tensor(const struct real_node *n, const struct real_value *constant, uint32_t rank, enum real_order order);
/* The same of one with a scale for each channel, whose integers are less by the zero point of each; the tensor's scale is the first. */
struct real_value *real_constant_integers(const struct real_node *n, const struct real_value *constant, uint32_t rank,
                                          enum real_order order);

/* ---- epilogue.c: the sums of a deferred operator, and what becomes of them ---- */
/* Gives the operator so many channels, each with this scale and range of its sums. */
void real_deferred_set_sums(const struct real_node *n, struct real_deferred *deferred, uint32_t channels, double scale, int64_t low,
                            int64_t high);
/* Appends an operation with `count` numbers, 1 or one a channel, or with none. */
void real_append(const struct real_node *n, struct real_deferred *deferred, enum real_epilogue_kind kind, uint32_t count,
                 const double *numbers);
void real_append_number(const struct real_node *n, struct real_deferred *deferred, enum real_epilogue_kind kind, double number);
void real_append_clip(const struct real_node *n, struct real_deferred *deferred, double low, double high);
void real_append_function(const struct real_node *n, struct real_deferred *deferred, const struct qm_graph_op *function);
/* Whether an operation of the epilogue rounds. */
bool real_epilogue_rounds(const struct real_deferred *deferred);

/* The epilogue of a deferred operator in order, as a function of its sum. */
enum { REAL_EPILOGUE_MAX = 64 };
struct real_epilogue {
    const struct real_deferred *deferred;
    uint32_t count;
    const struct real_epilogue_op *ops[REAL_EPILOGUE_MAX];
};
bool real_epilogue_open(const struct real_node *n, const struct real_deferred *deferred, struct real_epilogue *epilogue);
double real_epilogue_value(const struct real_epilogue *epilogue, uint32_t channel, int64_t sum);
/* Whether all its values are integers for certain. */
bool real_epilogue_is_integral(const struct real_epilogue *epilogue);
/* Whether all channels have the same one. */
bool real_epilogue_is_shared(const struct real_epilogue *epilogue);
/* Whether it rises or falls in each channel and never turns: it has no FUNCTION and no slope below 0. */
bool real_epilogue_is_monotone(const struct real_epilogue *epilogue);
/* The function in it; NULL: none. */
const struct qm_graph_op *real_epilogue_function(const struct real_epilogue *epilogue);
/* An epilogue that ends in one LEAK, of slopes of one sign, perhaps with clips behind, is the sum of two without: x from 0 up, and x
 * below 0 times the slopes. Makes both copies of a deferred operator. False, with nothing named: the epilogue is no such. */
bool real_epilogue_split(const struct real_node *n, const struct real_epilogue *epilogue, struct real_deferred parts[2]);
/* x = clamp(a * sum + b): what factors, addends and a clamp can say. */
struct real_affine {
    double *a, *b; /* [channels] */
    double low, high;
};
/* False, with nothing named: the epilogue is more than that. */
bool real_epilogue_affine(const struct real_node *n, const struct real_epilogue *epilogue, struct real_affine *f);

/* ---- emit.c ---- */
/* How the integers of a result are stored and what they mean; requant: how sums become them. */
struct real_encoding {
    enum qm_dtype dtype;
    double scale;
    int64_t zero;
    struct qm_requant requant;
};
/* Whether it multiplies by weights, constant or computed: its sums have channels. */
bool real_has_weights(const struct real_deferred *deferred);
/* Makes a value a TENSOR of these integers. */
void real_become_tensor(struct real_value *value, const struct real_encoding *encoding, enum real_order order, uint32_t tensor);
/* Adds the operator with its output, which has the dimensions of result, and makes the value that. */
bool real_emit(const struct real_node *n, const struct real_deferred *deferred, const struct real_encoding *encoding,
               struct real_value *value);

/* ---- by_weights.c ---- */
/* The AVERAGE_POOL_2D of a map, and the QUANTIZE of a tensor, as depthwise convolutions with the same sums. */
void real_pool_by_weights(const struct real_node *n, struct real_deferred *deferred);
void real_quantize_by_weights(const struct real_node *n, struct real_deferred *deferred);
/* Makes an addition of two tensors of one scale and zero point a depthwise convolution over both, side by side, with the weights 1 and
 * `second`. An addition can have 8-bit results only, this one has any. */
bool real_add_by_weights(const struct real_node *n, struct real_deferred *deferred, int8_t second);

/* ---- thresholds.c ---- */
/* The smallest and largest value of all channels, at the ends of their sums, of an epilogue that is monotone. */
void real_epilogue_range(const struct real_epilogue *epilogue, double *low, double *high);
/* Makes the value the integers that the epilogue ends in, each of which means `scale`. */
bool real_materialize_thresholds(const struct real_node *n, const struct real_deferred *deferred, double scale, struct real_value *value);

/* ---- materialize.c: a deferred operator becomes one of the graph, and a value its output ---- */
/* With the integers of a QUANTIZE, whose scale and zero point these are, from requant.low to requant.high. */
bool real_materialize_as(const struct real_node *n, const struct real_deferred *deferred, struct real_encoding *encoding,
                         struct real_value *value);
/* The value's own, with the integers that its epilogue ends in, or else its sums as 32-bit integers. */
bool real_materialize_integers(const struct real_node *n, struct real_value *value);

/* ---- value.c: values as tensors of the graph ---- */
/* Makes sure that the value is a TENSOR: a deferred operator is materialized, and an INPUT gets its integers. */
bool real_materialize(const struct real_node *n, struct real_value *value);
/* The value's tensor in an order, materialized. */
bool real_tensor(const struct real_node *n, struct real_value *value, enum real_order order, uint32_t *tensor);
/* The same, with the scale and zero point that the reader takes its integers for; NULL: those that it has. */
bool real_tensor_as(const struct real_node *n, struct real_value *value, enum real_order order, const struct real_scales *scales,
                    uint32_t *tensor);
/* Refuses a TENSOR of plain integers, where real numbers are computed with. */
bool real_check_real(const struct real_node *n, const struct real_value *value);
/* The order that its bytes have, or that it would be read in. */
enum real_order real_order_of(const struct real_value *value);
/* Makes output 0 what another value is, under its own name and in its own shape. */
void real_put_same(const struct real_node *n, const struct real_value *like);
/* Makes output 0 a TENSOR like another, of the tensor in the order. */
void real_put(const struct real_node *n, const struct real_value *like, enum real_order order, uint32_t tensor);
/* Makes output 0 the real numbers that the integers of a TENSOR mean with one scale and zero point. */
bool real_put_as(const struct real_node *n, struct real_value *in, const struct real_scales *scales);

/* ---- deferred.c: deferred operators, made and continued ---- */
struct real_deferred *real_deferred_create(const struct real_node *n, enum qm_graph_op_kind kind, uint32_t channels);
/* A copy of the deferred operator behind a value, for the node to append to; of a tensor it is one that changes nothing. */
bool real_deferred_of(const struct real_node *n, struct real_value *value, struct real_deferred **deferred);
/* Makes output 0 what it computes. */
bool real_defer(const struct real_node *n, struct real_deferred *deferred);
/* Makes output 0 input i with one more operation, which has the numbers of a constant times sign (or NULL). */
bool real_defer_elementwise(const struct real_node *n, uint32_t i, enum real_epilogue_kind kind, const struct real_value *constant,
                            double sign);
bool real_defer_clip(const struct real_node *n, double low, double high);
bool real_defer_function(const struct real_node *n);

/* ---- weights.c ---- */
/* Weights in the graph's order: element (a, b, c, d) of count is source element a, b, c, d times stride, from first on. */
struct real_weights {
    struct qm_shape shape; /* of the graph's tensor */
    uint32_t count[4];
    size_t stride[4], first;
    uint32_t channel, axis; /* the channels' place in count, and in the source */
    bool padded;            /* windows leave the map: a weight may also meet nothing */
};
/* Makes the weights input 1 of the operator, whose input 0 is a tensor of `in`, and fills its sum_scale, sum_low and sum_high. */
bool real_add_weights(const struct real_node *n, const struct real_value *source, const struct real_weights *weights,
                      const struct real_value *in, struct real_deferred *deferred);
/* The same with weights of 1 for the channels of a map. */
bool real_add_ones(const struct real_node *n, uint32_t channels, const struct real_value *in, struct real_deferred *deferred);

/* ---- operators ---- */
typedef bool real_making(const struct real_node *n);
real_making real_conv, real_conv_transpose, real_matmul, real_max_pool, real_average_pool, real_reduce; /* window.c, matmul.c */
real_making real_quantize, real_dequantize, real_sign;                                                  /* quantize.c */
real_making real_add, real_sub, real_mul, real_div, real_floor, real_round, real_clip, real_cast;       /* arithmetic.c */
real_making real_leaky_relu, real_prelu;
real_making real_reshape, real_transpose, real_concat, real_pad, real_slice, real_gather, real_resize; /* moves.c, reshape.c */

/* Integers that are computed are of the type that the file says; others would wrap. */
bool real_check_integers(const struct real_node *n);

/* The integers that a QUANTIZE makes. */
bool real_encoding_of(const struct real_node *n, struct real_encoding *encoding);

/* ---- host_graph.c: a value as operators of the host ---- */
struct real_host {
    const struct real_node *n;
    struct qm_graph_maker maker;
    uint32_t input_count;
    uint32_t *inputs, *ends; /* tensors of the graph of integers, and what they are here */
    uint32_t input_room, end_room;
    bool channels_last; /* some input has that order */
    uint32_t depth;     /* of operators that wait for their inputs */
    uint32_t number;    /* from 1 */
};
/* Adds what a value is computed from. QM_NO_TENSOR, and why is named: the host cannot compute it. */
uint32_t real_host_value(struct real_host *host, const struct real_value *value);
/* A new operator with one input and an output of this shape and type. */
struct qm_graph_op *real_host_op(struct real_host *host, enum qm_graph_op_kind kind, uint32_t in, const struct qm_shape *shape,
                                 enum qm_dtype dtype);
/* Whether an operator multiplies by constant weights, which only the machine does. */
bool real_has_products(const struct qm_graph_op *op, const struct real_value *inputs);
uint32_t real_host_transpose(struct real_host *host, uint32_t in, const uint32_t permutation[4], enum qm_dtype dtype);

/* ---- host.c: operators that the machine has no exact form for ---- */
/* Remembers what the outputs are computed from. */
void real_remember(const struct real_node *n);
/* Makes the outputs of a node on the host. */
bool real_host(const struct real_node *n);
/* A value as an output of the network, of its own type. */
bool real_host_output(const struct real_node *n, const struct real_value *value, uint32_t *tensor);

/* ---- make.c ---- */
/* Makes the outputs of a node, whose inputs are there. */
bool real_make(const struct real_node *n);
/* The same of an operator of the source, unless one of its inputs has been refused. */
void real_make_operator(struct real_pass *r, const struct qm_graph_op *op);
/* Says that a value, and what it is moved from, leaves the network. */
void real_mark_output(struct real_value *value);
/* Makes a MOVED value a TENSOR, of the integers that its parts have. */
bool real_settle(const struct real_node *n, struct real_value *value);

#endif
