/* legalize_site.h - the inside of legalize: one operator on its way to layers, and what the kinds of operators share.
 *
 * legalize.c walks the graph and keeps the table of operators; legalize_convolutions.c has what the array does, legalize_products.c what it
 * does with two computed operands, legalize_post.c what the post unit does, legalize_moves.c what moves bytes by loops, legalize_lists.c
 * what moves them by lists, legalize_tables.c and legalize_functions.c what is looked up, legalize_profile.c and legalize_xnnpack.c
 * what a framework does otherwise, legalize_float32.c and legalize_fit.c how its numbers are had, legalize_host.c what the host computes,
 * legalize_compare.c what compares a layer that is not exact. They call what stands here, and it is in legalize_site.c but for what one of
 * them gives the others.
 */
#ifndef QM_COMPILER_PASSES_LEGALIZE_SITE_H
#define QM_COMPILER_PASSES_LEGALIZE_SITE_H

#include "common/isa.h"
#include "common/multiplier.h"
#include "compiler/compiler.h"
#include "compiler/passes/copies.h"

struct site;
typedef enum qm_status legalize_operator(const struct site *s);

/* What a framework does with each operator. */
struct profile {
    enum qm_kernels kernels;
    struct {
        legalize_operator *legalize;        /* NULL: as everywhere */
        legalize_operator *legalize_floats; /* the same of an operator whose output is float32 */
        uint32_t rounding;                  /* of the layers, where the machine requantizes */
    } rows[QM_GRAPH_OP_KINDS];
};

struct legalizer {
    const struct qm_graph *graph;
    const struct qm_compile_options *options;
    struct qm_network *network;
    struct qm_arena *arena;
    struct qm_diag *diag;
    struct copies copies; /* of weights */
    uint32_t value_room, layer_room;
    const struct profile *profile;           /* what --requant says of each operator; NULL: of all the same */
    uint32_t rounding;                       /* of operators that say none, and of those that say EVEN when it overrides theirs */
    bool overrides;                          /* it is not the format's own */
    uint32_t comparison_count, *comparisons; /* [op_count] values of their own: outputs that compare layers that are not exact */
    uint32_t *value_of;                      /* [tensor_count] the value in the tensor's own shape; QM_NO_TENSOR: none yet */
    const struct qm_graph_op *
        *padding;           /* [tensor_count] the PAD whose work the windows over this tensor do, which is still unpadded; or NULL */
    uint32_t *readers;      /* [tensor_count] how many operands and outputs of the network the tensor is */
    uint32_t *array_layers; /* [tensor_count] 1 + index of the first layer on the array that an operator before has made for it; 0: none */
};

/* One operator. */
struct site {
    struct legalizer *l;
    const struct qm_graph_op *op;
};

/* A new value for a tensor, which may move the others, in the bytes of another value or, with QM_NO_TENSOR, in its own. */
uint32_t legalize_add_value(struct legalizer *l, uint32_t tensor, uint32_t storage);

/* FILE: operator N NAME: ... */
QM_MUST_USE enum qm_status site_refuse(const struct site *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same of a layer that is not exact, unless that is accepted: then the layer says it. */
QM_MUST_USE enum qm_status site_inexact(const struct site *s, struct qm_layer *layer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

const struct qm_graph_tensor *site_input(const struct site *s, uint32_t i);
const struct qm_graph_tensor *site_output(const struct site *s, uint32_t i);

/* ---- values ---- */

/* The value of an input of the operator. */
QM_MUST_USE enum qm_status site_operand(const struct site *s, uint32_t i, uint32_t *value);
/* The value of an input in the shape of the output: itself, or written out along dimensions in which it has one element. */
QM_MUST_USE enum qm_status site_broadcast(const struct site *s, uint32_t i, uint32_t *value);
/* The value of an input as rows of matrices, one behind the other: itself, or written out anew. */
struct site_matrices {
    bool is_stack;   /* as many as the output has; else the only one */
    bool transposed; /* the input has their columns as rows */
    bool is_signed;  /* as int8, of uint8 less 128 */
};
QM_MUST_USE enum qm_status site_matrices(const struct site *s, uint32_t i, struct site_matrices how, uint32_t *value);
/* A new value for an output. */
uint32_t site_result(const struct site *s, uint32_t i);
/* A second value over the same bytes in another shape, or the value itself if it has that shape. */
uint32_t site_view(const struct site *s, uint32_t value, uint32_t h, uint32_t w, uint32_t c);
/* The same for what a layer writes: the view owns the bytes. */
uint32_t site_result_view(const struct site *s, uint32_t value, uint32_t h, uint32_t w, uint32_t c);
/* A new value between two layers of the operator, with the numbers of a tensor. */
uint32_t site_between(const struct site *s, uint32_t tensor, uint32_t h, uint32_t w, uint32_t c);
/* Makes an output the bytes of an input, without a layer. */
QM_MUST_USE enum qm_status site_alias(const struct site *s);

/* ---- layers ---- */

/* A new layer of the operator, zeroed but for its rounding. It may move the others. */
struct qm_layer *site_layer(const struct site *s, enum qm_layer_kind kind);
/* What ADD and MUL have, but for their scales. Operands of fewer elements are written out in the output's shape. */
QM_MUST_USE enum qm_status site_binary_layer(const struct site *s, struct qm_layer **made);
/* A layer that moves the bytes of a value, an input's or a view of it, to another as they are. Its move is still to be filled. */
struct qm_layer *site_move(const struct site *s, const struct qm_graph_tensor *in, uint32_t from, uint32_t to);
/* Refuses an output with other scales or zero points than input 0, for operators in which TFLite only copies. */
QM_MUST_USE enum qm_status site_check_same_numbers(const struct site *s);
/* How the sums of a convolution become the output's integers: scales, bias and clamp, of so many channels with computed weights. */
QM_MUST_USE enum qm_status site_product_stage(const struct site *s, struct qm_layer *layer, uint32_t channels);
/* A constant matrix, input 1 of the operator, [depth][channels] or, transposed, [channels][depth], and how many rows it multiplies. */
struct site_factor_matrix {
    uint32_t rows, depth, channels;
    bool transposed;
};
/* A layer that multiplies all rows of a value by it. */
QM_MUST_USE enum qm_status site_multiply(const struct site *s, const struct site_factor_matrix *by, uint32_t value);
/* The window of a convolution or pool. */
void site_window(const struct site *s, struct qm_layer *layer);

/* ---- quantization ---- */

/* An activation has one positive scale and a zero point of its type. */
QM_MUST_USE enum qm_status site_check_activation(const struct site *s, const struct qm_graph_tensor *tensor);
/* The output has the one scale and zero point that TFLite gives the operator. */
QM_MUST_USE enum qm_status site_check_output(const struct site *s, float scale, int64_t zero);
/* Refuses a rounding that overrides the file's, where the machine has the file's only. */
QM_MUST_USE enum qm_status site_check_override(const struct site *s, const char *why);
/* Whether no input and no output has a scale, and all have one type: what only moves or compares stored numbers takes such tensors too. */
bool site_unscaled(const struct site *s);
/* Those of all inputs and outputs. */
QM_MUST_USE enum qm_status site_check_activations(const struct site *s);
/* Of a step of the output: so close to the middle of two numbers either is right (docs/numerics.md). */
#define SITE_TIE 1e-6
/* The multiplier of a factor, which may be negative; one that becomes 0 makes the layer inexact, unless the factor rounds all sums to 0. */
QM_MUST_USE enum qm_status site_factor(const struct site *s, struct qm_layer *layer, double factor, struct qm_multiplier *scale);
/* The factors that the operator says, or NULL: as the scales say. */
const double *site_factors(const struct site *s);
QM_MUST_USE enum qm_status site_scale(const struct site *s, double factor, int32_t shift_max, struct qm_multiplier *scale);
/* The numbers of one tensor are those of the other, by scale (to 10^-6, as TFLite asks of its pools) and zero point. */
bool site_same_quant(const struct qm_graph_tensor *a, const struct qm_graph_tensor *b);
/* Multiplier, shift and addend of each channel, so that sums plus offset become integers as the operator's thresholds say. */
QM_MUST_USE enum qm_status site_fit_thresholds(const struct site *s, struct qm_layer *layer, uint32_t channels, const int64_t *offsets);
/* Multiplier, shift and rounding of the only scale of an ADD or pool, from thresholds that all channels share. */
QM_MUST_USE enum qm_status site_fit_plain(const struct site *s, struct qm_layer *layer);
/* The limits of the output's type, cut by an activation, or what the file says. */
void site_clamp(const struct site *s, enum qm_activation activation, struct qm_layer *layer);
/* The bytes of a tensor stay what they are. */
void site_identity(const struct qm_graph_tensor *tensor, struct qm_layer *layer);
/* Zero points and scale from an input to an output. */
QM_MUST_USE enum qm_status site_rescale(const struct site *s, uint32_t from, uint32_t to, struct qm_layer *layer);

/* The numbers that an arithmetic gives for sums from sum_low to sum_high: never a smaller one for a larger sum. */
struct meant {
    int32_t (*number)(const struct meant *m, int32_t sum);
    float scale;  /* about the factor of a sum, positive */
    float addend; /* for number's use, and base */
    int32_t base;
    int32_t zero, low, high; /* the zero point; the numbers are from low to high */
    int64_t sum_low, sum_high;
};
enum { SITE_NO_FIT = INT32_MAX }; /* more than all channels of a layer can have */
/* The multiplier with which rounding EVEN gives these numbers, and of how many sums it gives others. */
uint32_t site_fit(const struct meant *m, struct qm_multiplier *scale);
/* The same of rounding OFFSET, with its bias; the machine's sum is less than these by `before`. SITE_NO_FIT: its bias has not the range. */
uint32_t site_fit_offset(const struct meant *m, int32_t before, struct qm_multiplier *scale, int32_t *bias);

/* ---- what is not exact ---- */

/* Adds a layer of the host that compares the operator's layer with what the operator means, as an output of the network. */
QM_MUST_USE enum qm_status site_compare(const struct site *s, const struct qm_layer *layer);

/* ---- profiles: what a framework does with each operator (legalize_profile.c) ---- */

/* NULL: the mode is none. */
const struct profile *profile_of(enum qm_requant_mode mode);
static inline enum qm_kernels profile_kernels(const struct profile *profile) {
    return profile != NULL ? profile->kernels : QM_KERNELS_TFLITE;
}

/* ---- operators ---- */

typedef enum qm_status legalize_operator(const struct site *s);
#define QM_GRAPH_OP(name, in, out, legalize, ...) legalize_operator legalize_##legalize;
#include "common/graph_ops.def"
#undef QM_GRAPH_OP
legalize_operator legalize_by_weights;                            /* FULLY_CONNECTED with constant weights */
legalize_operator legalize_quantize_floats;                       /* QUANTIZE of floats */
legalize_operator legalize_logistic_signed, legalize_tanh_signed; /* of int8 */
/* The operator as the profile says it or, where it says nothing or there is none, by the function given. */
QM_MUST_USE enum qm_status profile_legalize(const struct site *s, legalize_operator *legalize);
/* What XNNPACK does (legalize_xnnpack.c, and legalize_float32.c for sums times a float32). */
legalize_operator xnnpack_add, xnnpack_mul, xnnpack_quantize, xnnpack_leaky_relu, xnnpack_convolution, xnnpack_transpose_conv;
legalize_operator xnnpack_mean;
/* Its multipliers of the channels of a convolution, and of a mean over so many elements; false: the machine's rounding has none. */
struct sum_range {
    int64_t low, high;
};
QM_MUST_USE enum qm_status xnnpack_scale_channels(const struct site *s, struct qm_layer *layer, uint32_t channels,
                                                  const struct sum_range *ranges);
bool xnnpack_fits_product(struct qm_layer *layer, float scale);
bool xnnpack_fits_mean(const struct site *s, uint32_t count, struct qm_multiplier *scale);
/* The logistic function and tanh by single precision, as LiteRT and XNNPACK have them. */
legalize_operator legalize_float_logistic, legalize_float_tanh;
/* Of floats behind the last bytes: they are the host's. */
legalize_operator legalize_floats;
/* A function of a byte by its table, [256], on the way out of the layer before if that can. */
QM_MUST_USE enum qm_status site_use_table(const struct site *s, const uint8_t *table);
/* Elements of each dimension of input 0 of the operator, in a list. A NULL: all, in order. */
QM_MUST_USE enum qm_status site_take(const struct site *s, const uint32_t *const *taken, const uint32_t *taken_count);

/* The graph itself, or one whose operators with windows work on one example each. */
QM_MUST_USE enum qm_status legalize_split_batches(const struct qm_graph *from, struct qm_arena *arena, const struct qm_graph **graph,
                                                  struct qm_diag *diag);

#endif
