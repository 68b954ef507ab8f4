/* quantize.c - QuantizeLinear and DequantizeLinear, and QONNX's Quant and BipolarQuant, which are both at once. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "compiler/frontend/onnx/onnx.h"

/* ---- blocks of scales ---- */

/* How far apart elements of a tensor are along an axis. */
static size_t stride_of(const struct qm_graph_tensor *t, uint32_t axis) {
    size_t stride = 1;
    for (uint32_t d = axis + 1; d < t->rank; d++) stride *= t->dims[d];
    return stride;
}

/* Whether the numbers of a constant are said by their place along the axis alone; on axis `rank` there is one place. */
static bool is_said_by(const struct qm_graph_tensor *t, uint32_t axis) {
    size_t stride = stride_of(t, axis), places = axis < t->rank ? t->dims[axis] : 1;
    for (size_t i = 0; i < (size_t)qm_graph_elements(t); i++)
        if (evaluate_stored(t, i) != evaluate_stored(t, i / stride % places * stride)) return false;
    return true;
}

/* A constant of them, one for each place. */
static uint32_t said_by(const struct onnx_node *n, const struct qm_graph_tensor *t, uint32_t axis) {
    struct qm_shape shape = {axis < t->rank ? 1 : 0, {axis < t->rank ? t->dims[axis] : 1}};
    size_t bytes = qm_dtype_bytes(t->dtype), stride = stride_of(t, axis), places = (size_t)qm_shape_elements(&shape);
    uint32_t bits = t->bits;
    uint8_t *data = QM_ARENA_NEW(n->r->arena, uint8_t, places * bytes);
    for (size_t i = 0; i < places; i++) memcpy(data + i * bytes, (const uint8_t *)t->data + i * stride * bytes, bytes);
    uint32_t result = qm_graph_add_constant(&n->r->maker, t->name, t->dtype, &shape, data);
    n->r->graph->tensors[result].bits = bits;
    return result;
}

/* Whether constant i has a number for each block of so many places of the axis. */
static bool is_blocked(const struct onnx_node *n, uint32_t i, uint32_t axis, int64_t block) {
    const struct qm_graph_tensor *x = onnx_input(n, 0), *t = onnx_input(n, i);
    bool fits = t->data != NULL && t->rank == x->rank;
    for (uint32_t d = 0; fits && d < x->rank; d++) fits = t->dims[d] == (d == axis ? (x->dims[d] + block - 1) / block : x->dims[d]);
    return fits;
}

/* Blocks whose numbers are all the same, or those of their channel, need none: makes them one number or one a channel, along *axis. */
static bool join_blocks(struct onnx_node *n, int64_t *axis, const char *problem) {
    int64_t block = onnx_int(n, "block_size", 0);
    uint32_t blocked, rank = onnx_input(n, 0)->rank, inputs = n->inputs[2] != QM_NO_TENSOR ? 2 : 1;
    *axis = onnx_int(n, "axis", 1);
    if (block == 0) return true;
    if (!onnx_axis(n, *axis, rank, &blocked)) return false;
    bool fits = block > 0 && block <= INT32_MAX;
    for (uint32_t i = 1; i <= inputs; i++) fits = fits && is_blocked(n, i, blocked, block);
    for (uint32_t d = rank + 1; fits && d-- > 0;) {
        if (d == blocked || !is_said_by(onnx_input(n, 1), d) || (inputs == 2 && !is_said_by(onnx_input(n, 2), d))) continue;
        uint32_t *own = qm_graph_operands(n->r->arena, ONNX_INPUTS_FEW);
        memcpy(own, n->inputs, ONNX_INPUTS_FEW * sizeof *own);
        for (uint32_t i = 1; i <= inputs; i++) {
            struct qm_graph_tensor t = *onnx_input(n, i);
            own[i] = said_by(n, &t, d);
        }
        n->inputs = own;
        *axis = d < rank ? d : 0;
        return true;
    }
    return onnx_refuse(n, "%s", problem);
}

/* ---- ONNX ---- */

bool onnx_quantize(const struct onnx_node *n) {
    struct onnx_node own = *n;
    int64_t type = onnx_int(n, "output_dtype", 0), axis;
    if (!join_blocks(&own, &axis, "quantizes in blocks, which is not supported")) return false;
    if (onnx_is_half(onnx_int(n, "precision", 0)))
        return onnx_refuse(n, "divides in %s", onnx_type_name((int32_t)onnx_int(n, "precision", 0)));
    if (type <= 0 || type >= INT16_MAX) type = ONNX_UINT8;
    return onnx_put(n, onnx_emit_quantize(&own, n->inputs[0], 1, axis, onnx_zero_type(n, 2, (int32_t)type)));
}

bool onnx_dequantize(const struct onnx_node *n) {
    struct onnx_node own = *n;
    const struct onnx_value *scale = onnx_find(n->r, n->source->input[1]);
    int64_t type = onnx_int(n, "output_dtype", 0), axis;
    if (onnx_is_half(type) || (type == 0 && scale->is_half)) return onnx_refuse(n, "makes numbers of 16 bits; float32 is supported");
    if (!join_blocks(&own, &axis, "has blocks of scales, which are not supported")) return false;
    return onnx_put(n, onnx_emit_dequantize(&own, n->inputs[0], 1, axis));
}

/* ---- QONNX ---- */

/* The type that holds integers from low to high. */
static struct onnx_element element_of(double low, double high, double bits) {
    struct onnx_element element = {.dtype = low < 0 ? QM_I8 : QM_U8};
    if (bits > 8) element.dtype = low < 0 ? QM_I16 : QM_U16;
    if (bits > 16) element.dtype = high <= INT32_MAX ? QM_I32 : QM_I64;
    if (bits == 4 || bits == 2) element.bits = (uint32_t)bits;
    return element;
}

/* The scales' axis in the shape of input 0, when they are one a channel, of a shape of ones but for it. */
static bool scale_axis(const struct onnx_node *n, uint32_t *axis) {
    const struct qm_graph_tensor *scale, *in = onnx_input(n, 0);
    *axis = 0;
    if (!onnx_constant(n, 1, &scale)) return false;
    uint64_t count = qm_graph_elements(scale);
    if (count == 1) return true;
    for (uint32_t d = 0; d < scale->rank; d++)
        if (scale->dims[d] == count && scale->rank <= in->rank) *axis = d + in->rank - scale->rank;
    return in->dims[*axis] == count || onnx_refuse(n, "has scales %.60s that are neither one nor one a channel", scale->name);
}

/* The integers and the numbers that they mean have one name. */
static bool put_both(const struct onnx_node *n, uint32_t integers, uint32_t axis) {
    if (integers != QM_NO_TENSOR) n->r->graph->tensors[integers].name = n->outputs[0]->name;
    return onnx_put(n, onnx_emit_dequantize(n, integers, 1, axis));
}

/* How steps that are no integers become some, when not to the nearest. */
static const struct rounding_mode {
    const char *name;
    enum qm_graph_op_kind kind;
} rounding_modes[] = {{"FLOOR", QM_OP_FLOOR}, {"CEIL", QM_OP_CEIL}, {"DOWN", QM_OP_TRUNCATE}, {"ROUND_TO_ZERO", QM_OP_TRUNCATE}};

/* *kind QM_OP_ROUND: to the nearest, as QUANTIZE itself rounds. */
static bool read_rounding(const struct onnx_node *n, enum qm_graph_op_kind *kind) {
    const char *mode = onnx_text(n, "rounding_mode", "ROUND");
    *kind = QM_OP_ROUND;
    if (strcasecmp(mode, "ROUND") == 0 || strcasecmp(mode, "HALF_EVEN") == 0) return true;
    for (size_t i = 0; i < sizeof rounding_modes / sizeof *rounding_modes; i++) {
        if (strcasecmp(mode, rounding_modes[i].name) != 0) continue;
        *kind = rounding_modes[i].kind;
        return true;
    }
    return onnx_refuse(n, "rounds by %.40s; ROUND, FLOOR, CEIL and DOWN are supported", mode);
}

/* Whole steps of the input, which have become so before it is quantized. */
static uint32_t emit_steps(const struct onnx_node *n, enum qm_graph_op_kind rounding, double zero, uint32_t axis) {
    const struct qm_graph_tensor *scale = onnx_input(n, 1);
    uint32_t count = (uint32_t)qm_graph_elements(scale);
    double *scales = QM_ARENA_NEW(n->r->arena, double, count);
    for (uint32_t c = 0; c < count; c++) scales[c] = evaluate_stored(scale, c);
    uint32_t steps = onnx_emit_with(n, QM_OP_DIV, n->inputs[0], count, scales, axis);
    steps = onnx_emit_with(n, QM_OP_ADD, steps, 1, &zero, 0);
    if (steps == QM_NO_TENSOR) return steps;
    struct qm_graph_op op = onnx_op(n, rounding, steps);
    return onnx_emit_same(n, &op);
}

/* Quantizes by the node's own scales, or, of whole steps, by one. QUANTIZE adds the zero point to what it has rounded, Quant before: where
 * that is odd, a half goes to the other neighbour. */
static uint32_t emit_quant(const struct onnx_node *n, enum qm_graph_op_kind rounding, double zero, uint32_t axis, struct qm_graph_op *op,
                           const struct onnx_element *element) {
    static const float one = 1;
    struct qm_shape shape = onnx_shape(n, 0);
    if (rounding == QM_OP_ROUND && fmod(zero, 2) == 0) {
        onnx_set_scales(n, op, 1);
        op->axis = axis;
        return onnx_emit(n, op, element, &shape);
    }
    op->inputs[0] = emit_steps(n, rounding, zero, axis);
    op->inputs[1] = qm_graph_add_constant(&n->r->maker, n->outputs[0]->name, QM_F32, &(struct qm_shape){.rank = 0}, &one);
    op->input_count = 2;
    return onnx_emit(n, op, element, &shape);
}

/* A bit with a sign says -1 or 1, as in qonnx's own code. */
static bool put_signs(const struct onnx_node *n, uint32_t axis) {
    struct qm_graph_op op = onnx_op(n, QM_OP_SIGN, n->inputs[0]);
    struct qm_shape shape = onnx_shape(n, 0);
    return put_both(n, onnx_emit(n, &op, &(struct onnx_element){.dtype = QM_I8}, &shape), axis);
}

bool onnx_quant(const struct onnx_node *n) {
    double zero, bits;
    uint32_t axis;
    enum qm_graph_op_kind rounding;
    if (!onnx_number(n, 2, &zero) || !onnx_number(n, 3, &bits) || !scale_axis(n, &axis) || !read_rounding(n, &rounding)) return false;
    if (!(bits >= 1 && bits <= 32) || bits != floor(bits)) return onnx_refuse(n, "has %g bits; 1 to 32 are supported", bits);
    bool is_signed = onnx_int(n, "signed", 1) != 0, narrow = onnx_int(n, "narrow", 0) != 0;
    if (bits == 1 && is_signed) return zero == 0 ? put_signs(n, axis) : onnx_refuse(n, "has the zero point %g and one bit, a sign", zero);
    double span = exp2(bits);
    struct qm_graph_op op = onnx_op(n, QM_OP_QUANTIZE, n->inputs[0]);
    op.low = is_signed ? -span / 2 + (narrow ? 1 : 0) : 0;
    op.high = is_signed ? span / 2 - 1 : span - 1 - (narrow ? 1 : 0);
    struct onnx_element element = element_of(op.low, op.high, bits);
    return put_both(n, emit_quant(n, rounding, zero, axis, &op, &element), axis);
}

bool onnx_bipolar(const struct onnx_node *n) {
    double scale;
    return onnx_number(n, 1, &scale) && put_signs(n, 0);
}
