/* tflite_draw.h - random small TFLite networks with their inputs, all from a seed.
 *
 * A network is one to six steps, each an operator on tensors that are there or on new inputs, with shapes of one to five dimensions.
 * It is drawn twice at once: as a file says it, and as the graph that it means, which tests/support/reference.h evaluates. Tensors have the
 * same indices in both. Scales are awkward on purpose: powers of two, far too small or too large ones; zero points at the ends of
 * their range. Floats lie behind DEQUANTIZE only.
 */
#ifndef QM_TESTS_SUPPORT_TFLITE_DRAW_H
#define QM_TESTS_SUPPORT_TFLITE_DRAW_H

#include "common/graph.h"
#include "common/prng.h"
#include "tests/support/tflite_build.h"

struct tflite_draw {
    struct qm_arena *arena;
    struct qm_prng prng;
    struct build_model file;
    struct qm_graph graph; /* its tensors, operators and ends are below */
    struct qm_graph_tensor tensors[BUILD_TENSORS];
    struct qm_graph_op ops[BUILD_NODES];
    uint32_t inputs[BUILD_OPERANDS], outputs[BUILD_OPERANDS];
    const int8_t *input_bytes[BUILD_OPERANDS]; /* of each input */
    double reach[BUILD_TENSORS];               /* a magnitude that what the elements mean has, about */
    bool sources[BUILD_TENSORS];               /* operators may take it */
    bool computed[BUILD_TENSORS], read[BUILD_TENSORS];
    uint32_t below[BUILD_TENSORS]; /* of places of extremes: all are below this */
};

/* Draws the network and its inputs; everything is in the arena. */
void tflite_draw(struct tflite_draw *d, uint64_t seed, struct qm_arena *arena);

/* ---- between the files of the drawing ---- */

enum {
    DRAW_I8 = 1 << QM_I8,
    DRAW_U8 = 1 << QM_U8,
    DRAW_F32 = 1 << QM_F32,
    DRAW_BOOL = 1 << QM_BOOL,
    DRAW_BYTES = DRAW_I8 | DRAW_U8,
    DRAW_ANY = DRAW_BYTES | DRAW_F32
};

/* An operator of the file. */
struct tflite_draw_row {
    uint8_t code, options; /* as the file numbers them; options 0: none */
    enum qm_graph_op_kind kind;
    uint32_t types; /* of the first input, DRAW_* */
    void (*draw)(struct tflite_draw *d, const struct tflite_draw_row *row);
};

/* Tables of operators by files of the drawing; a row with draw NULL ends each. */
extern const struct tflite_draw_row tflite_draw_sums[], tflite_draw_elements[], tflite_draw_moves[], tflite_draw_shapes[],
    tflite_draw_compares[];

uint32_t tflite_draw_between(struct tflite_draw *d, uint32_t low, uint32_t high);
bool tflite_draw_chance(struct tflite_draw *d, uint32_t percent);
enum qm_dtype tflite_draw_type(struct tflite_draw *d, uint32_t types);
struct qm_shape tflite_draw_shape(struct tflite_draw *d, uint32_t rank);

/* As the file numbers a type. */
uint32_t tflite_draw_file_type(enum qm_dtype dtype);
/* A tensor; of bytes with a scale for numbers of up to a magnitude, about, and a zero point. */
uint32_t tflite_draw_tensor(struct tflite_draw *d, enum qm_dtype dtype, const struct qm_shape *shape, double reach);
/* One of the type and the quantization of another. */
uint32_t tflite_draw_like(struct tflite_draw *d, uint32_t other, const struct qm_shape *shape);
void tflite_draw_quant(struct tflite_draw *d, uint32_t tensor, float scale, int64_t zero);
void tflite_draw_same_quant(struct tflite_draw *d, uint32_t tensor, uint32_t other);
/* Makes it an input of the network, or a constant, with random elements; the elements. */
uint8_t *tflite_draw_input(struct tflite_draw *d, uint32_t tensor);
uint8_t *tflite_draw_constant(struct tflite_draw *d, uint32_t tensor);
/* A constant of int32 numbers in a row; rank 0: one number without a dimension. */
uint32_t tflite_draw_numbers(struct tflite_draw *d, uint32_t rank, uint32_t count, const int32_t *numbers);
/* A tensor to work on: one that is there, or a new input, or, of floats, a dequantized one. */
uint32_t tflite_draw_source(struct tflite_draw *d, uint32_t types, uint32_t rank_low, uint32_t rank_high);
/* Another operand of a type and a shape: a tensor that is there, a new input, or, if it may be, a constant. */
uint32_t tflite_draw_operand(struct tflite_draw *d, enum qm_dtype dtype, const struct qm_shape *shape, bool may_be_constant);

/* Adds an operator to file and graph, to the file alone an operator that computes shapes. */
struct qm_graph_op *tflite_draw_op(struct tflite_draw *d, const struct tflite_draw_row *row);
struct build_node *tflite_draw_node(struct tflite_draw *d, uint8_t code, uint8_t options);
/* The last operator takes a tensor; says it, in the file alone; gives one, which others may take. */
void tflite_draw_takes(struct tflite_draw *d, uint32_t tensor);
void tflite_draw_says(struct tflite_draw *d, uint32_t tensor);
void tflite_draw_gives(struct tflite_draw *d, uint32_t tensor);
/* What the file says in a slot of the last operator's options. */
void tflite_draw_slot(struct tflite_draw *d, uint32_t slot, uint32_t value);
/* An axis as the file may say it, from the first dimension or from behind the last. */
int32_t tflite_draw_axis(struct tflite_draw *d, uint32_t axis, uint32_t rank);
void tflite_draw_activation(struct tflite_draw *d, struct qm_graph_op *op, uint32_t slot);

#endif
