/* tflite_draw.c - see tflite_draw.h. */
#include "tests/support/tflite_draw.h"

#include <math.h>
#include <string.h>

#include "common/status.h"
#include "compiler/frontend/tflite/tflite.h"

enum { ELEMENTS_MAX = 700, STEPS_MAX = 6, NODES_OF_A_STEP = 5, TENSORS_OF_A_STEP = 16 };

/* ---- numbers ---- */

uint32_t tflite_draw_between(struct tflite_draw *d, uint32_t low, uint32_t high) {
    return low + (uint32_t)(qm_prng_next(&d->prng) % (high - low + 1));
}

bool tflite_draw_chance(struct tflite_draw *d, uint32_t percent) {
    return tflite_draw_between(d, 0, 99) < percent;
}

enum qm_dtype tflite_draw_type(struct tflite_draw *d, uint32_t types) {
    if ((types & DRAW_BYTES) == DRAW_BYTES) return tflite_draw_chance(d, 35) ? QM_U8 : QM_I8;
    return (types & DRAW_I8) != 0 ? QM_I8 : QM_U8;
}

struct qm_shape tflite_draw_shape(struct tflite_draw *d, uint32_t rank) {
    struct qm_shape shape = {.rank = rank};
    uint32_t most = rank < 3 ? 20 : rank == 3 ? 9 : rank == 4 ? 7 : 4;
    for (uint32_t i = 0; i < rank; i++) shape.dims[i] = tflite_draw_between(d, 1, i == 0 && rank > 3 ? 3 : most);
    return shape;
}

/* ---- tensors ---- */

uint32_t tflite_draw_file_type(enum qm_dtype dtype) {
    static const enum build_type types[QM_DTYPES] = {
        [QM_I8] = BUILD_INT8,   [QM_U8] = BUILD_UINT8,  [QM_I16] = BUILD_INT16, [QM_I32] = BUILD_INT32,
        [QM_F32] = BUILD_FLOAT, [QM_I64] = BUILD_INT64, [QM_BOOL] = BUILD_BOOL};
    return types[dtype];
}

void tflite_draw_quant(struct tflite_draw *d, uint32_t tensor, float scale, int64_t zero) {
    struct qm_graph_maker maker = {.arena = d->arena, .graph = &d->graph};
    qm_graph_set_quant(&maker, tensor, scale, zero);
    d->file.tensors[tensor].quant = &d->tensors[tensor].quant;
}

void tflite_draw_same_quant(struct tflite_draw *d, uint32_t tensor, uint32_t other) {
    d->tensors[tensor].quant = d->tensors[other].quant;
    d->file.tensors[tensor].quant = d->tensors[tensor].dtype == QM_F32 ? NULL : &d->tensors[tensor].quant;
    d->reach[tensor] = d->reach[other];
}

static void draw_quant(struct tflite_draw *d, uint32_t tensor, double reach) {
    double scale = reach / 128 * tflite_draw_between(d, 400, 2000) / 1000;
    uint32_t awkward = tflite_draw_between(d, 0, 9), low = d->tensors[tensor].dtype == QM_U8 ? 0 : 128;
    int64_t zero = (int64_t)tflite_draw_between(d, 0, 255) - low;
    if (awkward < 2) scale = ldexp(1, (int)round(log2(scale)));
    if (awkward == 2) scale *= tflite_draw_chance(d, 50) ? 0.03 : 20;
    if (tflite_draw_chance(d, 30)) zero = 128 - (int64_t)low;
    if (tflite_draw_chance(d, 20)) zero = (tflite_draw_chance(d, 50) ? 255 : 0) - (int64_t)low;
    tflite_draw_quant(d, tensor, (float)scale, zero);
}

uint32_t tflite_draw_tensor(struct tflite_draw *d, enum qm_dtype dtype, const struct qm_shape *shape, double reach) {
    uint32_t index = d->graph.tensor_count++;
    QM_CHECK(index < BUILD_TENSORS && shape->rank <= 5);
    struct qm_graph_tensor *tensor = &d->tensors[index];
    struct build_tensor *said = &d->file.tensors[index];
    *tensor = (struct qm_graph_tensor){.name = qm_arena_printf(d->arena, "t%u", index), .dtype = dtype, .rank = shape->rank};
    memcpy(tensor->dims, shape->dims, sizeof tensor->dims);
    tensor->size_bytes = (size_t)qm_graph_elements(tensor) * qm_dtype_bytes(dtype);
    said->type = tflite_draw_file_type(dtype);
    for (uint32_t i = 0; i < shape->rank; i++) said->dims[i] = (int32_t)shape->dims[i];
    d->file.tensor_count = d->graph.tensor_count;
    bool is_byte = dtype == QM_I8 || dtype == QM_U8;
    if (is_byte) draw_quant(d, index, reach);
    d->reach[index] = dtype == QM_F32 ? reach : 128 * (is_byte ? (double)tensor->quant.scale[0] : 1);
    return index;
}

uint32_t tflite_draw_like(struct tflite_draw *d, uint32_t other, const struct qm_shape *shape) {
    uint32_t tensor = tflite_draw_tensor(d, d->tensors[other].dtype, shape, d->reach[other]);
    tflite_draw_same_quant(d, tensor, other);
    return tensor;
}

static uint8_t *draw_bytes(struct tflite_draw *d, uint32_t tensor) {
    const struct qm_graph_tensor *t = &d->tensors[tensor];
    uint8_t *bytes = QM_ARENA_NEW(d->arena, uint8_t, t->size_bytes + 1);
    qm_prng_fill(&d->prng, bytes, t->size_bytes);
    for (size_t i = 0; t->dtype == QM_F32 && i < t->size_bytes / 4; i++) {
        float value = (float)(d->reach[tensor] * ((int)tflite_draw_between(d, 0, 2000) - 1000) / 1000);
        memcpy(bytes + 4 * i, &value, sizeof value);
    }
    return bytes;
}

uint8_t *tflite_draw_input(struct tflite_draw *d, uint32_t tensor) {
    uint8_t *bytes = draw_bytes(d, tensor);
    QM_CHECK(d->graph.input_count < BUILD_OPERANDS);
    d->input_bytes[d->graph.input_count] = (const int8_t *)bytes;
    d->file.inputs[d->graph.input_count] = (int32_t)tensor;
    d->inputs[d->graph.input_count++] = tensor;
    d->file.input_count = d->graph.input_count;
    d->sources[tensor] = true;
    return bytes;
}

uint8_t *tflite_draw_constant(struct tflite_draw *d, uint32_t tensor) {
    uint8_t *bytes = draw_bytes(d, tensor);
    d->tensors[tensor].data = d->file.tensors[tensor].data = bytes;
    return bytes;
}

uint32_t tflite_draw_numbers(struct tflite_draw *d, uint32_t rank, uint32_t count, const int32_t *numbers) {
    const struct qm_shape shape = {.rank = rank, .dims = {count}};
    uint32_t tensor = tflite_draw_tensor(d, QM_I32, &shape, 1);
    memcpy(tflite_draw_constant(d, tensor), numbers, count * sizeof *numbers);
    return tensor;
}

/* ---- tensors that are there ---- */

static bool fits(const struct tflite_draw *d, uint32_t tensor, uint32_t types, uint32_t rank_low, uint32_t rank_high) {
    const struct qm_graph_tensor *t = &d->tensors[tensor];
    return d->sources[tensor] && (types >> t->dtype & 1) != 0 && t->rank >= rank_low && t->rank <= rank_high &&
           qm_graph_elements(t) <= ELEMENTS_MAX;
}

/* Mostly the last one. */
static uint32_t find_source(struct tflite_draw *d, uint32_t types, uint32_t rank_low, uint32_t rank_high) {
    uint32_t found = QM_NO_TENSOR;
    for (uint32_t i = 0; i < d->graph.tensor_count; i++)
        if (fits(d, i, types, rank_low, rank_high) && (found == QM_NO_TENSOR || tflite_draw_chance(d, 70))) found = i;
    return found;
}

static uint32_t dequantized(struct tflite_draw *d, uint32_t from) {
    static const struct tflite_draw_row row = {TFLITE_DEQUANTIZE, OPTIONS_NONE, QM_OP_DEQUANTIZE, DRAW_BYTES, NULL};
    struct qm_shape shape = qm_graph_shape(&d->tensors[from]);
    uint32_t to = tflite_draw_tensor(d, QM_F32, &shape, d->reach[from]);
    tflite_draw_op(d, &row);
    tflite_draw_takes(d, from);
    tflite_draw_gives(d, to);
    return to;
}

static uint32_t new_source(struct tflite_draw *d, enum qm_dtype dtype, const struct qm_shape *shape) {
    enum qm_dtype stored = dtype == QM_F32 ? tflite_draw_type(d, DRAW_BYTES) : dtype;
    uint32_t tensor = tflite_draw_tensor(d, stored, shape, ldexp(1, (int)tflite_draw_between(d, 0, 7) - 3));
    tflite_draw_input(d, tensor);
    return dtype == QM_F32 ? dequantized(d, tensor) : tensor;
}

uint32_t tflite_draw_source(struct tflite_draw *d, uint32_t types, uint32_t rank_low, uint32_t rank_high) {
    uint32_t found = tflite_draw_chance(d, 85) ? find_source(d, types, rank_low, rank_high) : QM_NO_TENSOR;
    if (found != QM_NO_TENSOR) return found;
    bool floats = (types & DRAW_BYTES) == 0;
    uint32_t from = floats && tflite_draw_chance(d, 60) ? find_source(d, DRAW_BYTES, rank_low, rank_high) : QM_NO_TENSOR;
    if (from != QM_NO_TENSOR) return dequantized(d, from);
    struct qm_shape shape = tflite_draw_shape(d, tflite_draw_between(d, rank_low, rank_high));
    while (qm_shape_elements(&shape) > ELEMENTS_MAX) shape = tflite_draw_shape(d, shape.rank);
    return new_source(d, floats ? QM_F32 : tflite_draw_type(d, types), &shape);
}

uint32_t tflite_draw_operand(struct tflite_draw *d, enum qm_dtype dtype, const struct qm_shape *shape, bool may_be_constant) {
    for (uint32_t i = 0; i < d->graph.tensor_count && tflite_draw_chance(d, 90); i++) {
        struct qm_shape own = qm_graph_shape(&d->tensors[i]);
        if (d->sources[i] && d->tensors[i].dtype == dtype && qm_shape_same(&own, shape)) return i;
    }
    if (!may_be_constant || tflite_draw_chance(d, 50)) return new_source(d, dtype, shape);
    uint32_t tensor = tflite_draw_tensor(d, dtype, shape, ldexp(1, (int)tflite_draw_between(d, 0, 4) - 2));
    tflite_draw_constant(d, tensor);
    return tensor;
}

/* ---- operators ---- */

struct build_node *tflite_draw_node(struct tflite_draw *d, uint8_t code, uint8_t options) {
    QM_CHECK(d->file.node_count < BUILD_NODES);
    struct build_node *node = &d->file.nodes[d->file.node_count++];
    node->code = code;
    node->options = options;
    return node;
}

struct qm_graph_op *tflite_draw_op(struct tflite_draw *d, const struct tflite_draw_row *row) {
    struct qm_graph_op *op = &d->ops[d->graph.op_count++];
    *op = (struct qm_graph_op){.kind = row->kind, .index = d->file.node_count, .dilation_h = 1, .dilation_w = 1};
    op->inputs = qm_graph_operands(d->arena, BUILD_OPERANDS);
    op->outputs = qm_graph_operands(d->arena, BUILD_OPERANDS);
    tflite_draw_node(d, row->code, row->options);
    return op;
}

void tflite_draw_says(struct tflite_draw *d, uint32_t tensor) {
    struct build_node *node = &d->file.nodes[d->file.node_count - 1];
    node->inputs[node->input_count++] = (int32_t)tensor;
    d->read[tensor] = true;
}

void tflite_draw_takes(struct tflite_draw *d, uint32_t tensor) {
    struct qm_graph_op *op = &d->ops[d->graph.op_count - 1];
    op->inputs[op->input_count++] = tensor;
    tflite_draw_says(d, tensor);
}

void tflite_draw_gives(struct tflite_draw *d, uint32_t tensor) {
    struct qm_graph_op *op = &d->ops[d->graph.op_count - 1];
    struct build_node *node = &d->file.nodes[d->file.node_count - 1];
    op->outputs[op->output_count++] = tensor;
    node->outputs[node->output_count++] = (int32_t)tensor;
    d->computed[tensor] = d->sources[tensor] = true;
}

void tflite_draw_slot(struct tflite_draw *d, uint32_t slot, uint32_t value) {
    QM_CHECK(slot < BUILD_SLOTS);
    d->file.nodes[d->file.node_count - 1].slots[slot] = value;
}

int32_t tflite_draw_axis(struct tflite_draw *d, uint32_t axis, uint32_t rank) {
    return (int32_t)axis - (tflite_draw_chance(d, 30) ? (int32_t)rank : 0);
}

/* The schema numbers NONE, RELU, RELU_N1_TO_1, RELU6. */
void tflite_draw_activation(struct tflite_draw *d, struct qm_graph_op *op, uint32_t slot) {
    static const enum qm_activation activations[] = {QM_ACT_NONE, QM_ACT_RELU, QM_ACT_RELU_N1_TO_1, QM_ACT_RELU6};
    uint32_t said = tflite_draw_chance(d, 50) ? 0 : tflite_draw_between(d, 1, 3);
    op->activation = activations[said];
    tflite_draw_slot(d, slot, said);
}

/* ---- all ---- */

static const struct tflite_draw_row *draw_row(struct tflite_draw *d) {
    const struct tflite_draw_row *const tables[] = {tflite_draw_sums, tflite_draw_elements, tflite_draw_moves, tflite_draw_shapes,
                                                    tflite_draw_compares};
    enum { TABLES = sizeof tables / sizeof *tables };
    uint32_t count = 0, at;
    for (int t = 0; t < TABLES; t++)
        for (const struct tflite_draw_row *row = tables[t]; row->draw != NULL; row++) count++;
    at = tflite_draw_between(d, 0, count - 1);
    for (int t = 0; t < TABLES; t++)
        for (const struct tflite_draw_row *row = tables[t]; row->draw != NULL; row++)
            if (at-- == 0) return row;
    return NULL;
}

/* What nobody reads, and some of the rest. */
static void choose_outputs(struct tflite_draw *d) {
    for (uint32_t i = 0; i < d->graph.tensor_count && d->graph.output_count < BUILD_OPERANDS; i++) {
        if (!d->computed[i] || (d->read[i] && !tflite_draw_chance(d, 15))) continue;
        d->file.outputs[d->graph.output_count] = (int32_t)i;
        d->outputs[d->graph.output_count++] = i;
    }
    d->file.output_count = d->graph.output_count;
}

void tflite_draw(struct tflite_draw *d, uint64_t seed, struct qm_arena *arena) {
    memset(d, 0, sizeof *d);
    d->arena = arena;
    d->graph = (struct qm_graph){.file = "drawn", .tensors = d->tensors, .ops = d->ops, .inputs = d->inputs, .outputs = d->outputs};
    qm_prng_init(&d->prng, seed);
    uint32_t steps = tflite_draw_between(d, 1, STEPS_MAX);
    for (uint32_t i = 0; i < steps || d->file.node_count == 0; i++) {
        if (d->file.node_count + NODES_OF_A_STEP > BUILD_NODES || d->graph.tensor_count + TENSORS_OF_A_STEP > BUILD_TENSORS) break;
        const struct tflite_draw_row *row = draw_row(d);
        row->draw(d, row);
    }
    choose_outputs(d);
}
