/* legalize_moves.c - operators that only put elements elsewhere, as loops over bytes; or that need no layer at all.
 *
 * A move is a nest of loops over dimensions, each with its stride in both maps. Dimensions that lie one behind the other in both become
 * one loop, and the innermost loop becomes contiguous bytes when its elements are neighbours in both.
 */
#include <math.h>

#include "compiler/passes/legalize_site.h"
#include "compiler/passes/move_axes.h"

/* ---- nests of loops ---- */

/* Bytes from one element of dimension d to the next. */
static uint32_t stride_of(const struct qm_graph_tensor *tensor, uint32_t d) {
    uint32_t stride = (uint32_t)qm_dtype_bytes(tensor->dtype);
    for (uint32_t i = d + 1; i < tensor->rank; i++) stride *= tensor->dims[i];
    return stride;
}

/* A move of an input to a value, whose loops are still to be added. */
static enum qm_status open_move(const struct site *s, uint32_t i, uint32_t value, struct qm_layer **layer) {
    uint32_t from;
    QM_TRY(site_operand(s, i, &from));
    *layer = site_move(s, site_input(s, i), from, value);
    return QM_OK;
}

enum qm_status site_broadcast(const struct site *s, uint32_t i, uint32_t *value) {
    const struct qm_graph_tensor *in = site_input(s, i), *out = site_output(s, 0);
    QM_TRY(site_operand(s, i, value));
    if (qm_graph_elements(in) == qm_graph_elements(out)) return QM_OK;
    uint32_t from = *value, channels = s->l->network->values[from].c;
    *value = site_between(s, s->op->inputs[i], (uint32_t)qm_graph_elements(out) / channels, 1, channels);
    struct qm_layer *layer = site_move(s, in, from, *value);
    for (uint32_t d = 0; d < out->rank; d++) {
        uint32_t missing = out->rank - in->rank; /* dimensions are counted from the last */
        bool own = d >= missing && in->dims[d - missing] > 1;
        move_add_loop(&layer->move, (struct qm_move_loop){out->dims[d], own ? stride_of(in, d - missing) : 0, stride_of(out, d), false});
    }
    move_close_loops(&layer->move);
    return QM_OK;
}

/* The loops of one matrix for each of the output's stack, or of the only one; transposed: columns are read as rows. */
static void add_matrices(const struct site *s, uint32_t i, struct site_matrices how, struct qm_move *move) {
    const struct qm_graph_tensor *in = site_input(s, i), *out = site_output(s, 0);
    const uint32_t *ends = &in->dims[in->rank - 2], rows = ends[how.transposed], columns = ends[!how.transposed];
    uint32_t behind = (uint32_t)qm_graph_elements(out) / out->dims[out->rank - 1] / out->dims[out->rank - 2];
    for (uint32_t d = 0; how.is_stack && d + 2 < out->rank; d++) {
        uint32_t missing = out->rank - in->rank;
        bool own = d >= missing && in->dims[d - missing] > 1;
        behind /= out->dims[d];
        move_add_loop(move, (struct qm_move_loop){out->dims[d], own ? stride_of(in, d - missing) : 0, behind * rows * columns, false});
    }
    move_add_loop(move, (struct qm_move_loop){rows, how.transposed ? 1 : ends[1], columns, false});
    move_add_loop(move, (struct qm_move_loop){columns, how.transposed ? ends[1] : 1, 1, false});
    move_close_loops(move);
}

enum qm_status site_matrices(const struct site *s, uint32_t i, struct site_matrices how, uint32_t *value) {
    const struct qm_graph_tensor *in = site_input(s, i), *out = site_output(s, 0);
    const uint32_t *ends = &in->dims[in->rank - 2], rows = ends[how.transposed], columns = ends[!how.transposed];
    uint32_t stack = how.is_stack ? (uint32_t)qm_graph_elements(out) / out->dims[out->rank - 1] / out->dims[out->rank - 2] : 1;
    bool shifts = how.is_signed && in->dtype == QM_U8, turns = how.transposed && rows > 1 && columns > 1;
    QM_TRY(site_operand(s, i, value));
    uint32_t from = *value;
    if (!turns && !shifts && qm_graph_elements(in) == (uint64_t)stack * rows * columns) {
        *value = site_view(s, from, stack * rows, 1, columns);
        return QM_OK;
    }
    *value = site_between(s, s->op->inputs[i], stack * rows, 1, columns);
    struct qm_layer *layer = site_move(s, in, from, *value);
    add_matrices(s, i, how, &layer->move);
    if (!shifts) return QM_OK;
    layer->added = true;
    s->l->network->values[*value].dtype = QM_I8;
    layer->in_bias = layer->clamp_min = INT8_MIN;
    layer->clamp_max = INT8_MAX;
    return QM_OK;
}

/* ---- pad ---- */

/* A window that reads the zero point outside its map does the padding itself. */
static bool reader_pads(const struct site *s, const struct qm_graph_op *reader) {
    bool window = reader->kind == QM_OP_CONV_2D || reader->kind == QM_OP_DEPTHWISE_CONV_2D;
    return window && reader->inputs[0] == s->op->outputs[0];
}

static bool pads_positions(const struct site *s) {
    const struct qm_graph_tensor *in = site_input(s, 0);
    if (in->quant.count != 1 || s->op->pad_value != in->quant.zero_point[0] || in->rank != 4) return false;
    for (uint32_t d = 0; d < 4; d += 3)
        if (s->op->pads[d].before + s->op->pads[d].after > 0) return false;
    return true;
}

static bool all_readers_pad(const struct site *s) {
    const struct qm_graph *graph = s->l->graph;
    uint32_t tensor = s->op->outputs[0], readers = 0;
    for (uint32_t i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == tensor) return false;
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t j = 0; j < graph->ops[i].input_count; j++) {
            if (graph->ops[i].inputs[j] != tensor) continue;
            if (!reader_pads(s, &graph->ops[i])) return false;
            readers++;
        }
    return readers > 0;
}

enum qm_status legalize_pad(const struct site *s) {
    const struct qm_graph_tensor *in = site_input(s, 0), *out = site_output(s, 0);
    struct qm_layer *layer;
    QM_TRY(site_check_same_numbers(s));
    if (pads_positions(s) && all_readers_pad(s)) {
        s->l->padding[s->op->outputs[0]] = s->op;
        return site_operand(s, 0, &s->l->value_of[s->op->outputs[0]]);
    }
    QM_TRY(open_move(s, 0, site_result(s, 0), &layer));
    layer->pad_value = (int8_t)s->op->pad_value;
    layer->clamp_min = qm_graph_lowest(out); /* the padding may be outside the input's bits */
    layer->clamp_max = qm_graph_highest(out);
    layer->move.fill = true;
    for (uint32_t d = 0; d < in->rank; d++) {
        move_add_loop(&layer->move, (struct qm_move_loop){in->dims[d], stride_of(in, d), stride_of(out, d), false});
        layer->move.out_first += s->op->pads[d].before * stride_of(out, d);
    }
    move_close_loops(&layer->move);
    return QM_OK;
}

/* ---- concatenation and split ---- */

/* Bytes of one round of the dimensions before the axis of a CONCATENATION or SPLIT; of PACK, which makes the axis, or UNPACK. */
static uint32_t round_of(const struct site *s, const struct qm_graph_tensor *part, const struct qm_graph_tensor *whole) {
    uint32_t rounds = 1;
    for (uint32_t d = 0; d < s->op->axis; d++) rounds *= whole->dims[d];
    return (uint32_t)(qm_graph_elements(part) * qm_dtype_bytes(part->dtype)) / rounds;
}

/* The elements of a part, where they are in the whole. concatenates: the part is the input. */
static void add_part(const struct site *s, struct qm_layer *layer, const struct qm_graph_tensor *part, const struct qm_graph_tensor *whole,
                     bool concatenates) {
    uint32_t own = round_of(s, part, whole), all = round_of(s, whole, whole);
    uint32_t rounds = (uint32_t)(qm_graph_elements(part) * qm_dtype_bytes(part->dtype)) / own;
    move_add_loop(&layer->move, (struct qm_move_loop){rounds, concatenates ? own : all, concatenates ? all : own, false});
    move_add_loop(&layer->move, (struct qm_move_loop){own, 1, 1, false});
    move_close_loops(&layer->move);
}

static int32_t float_number(const struct meant *m, int32_t x) {
    float number = roundf((float)(x + m->base) * m->scale + m->addend) + (float)m->zero;
    return (int32_t)fminf(fmaxf(number, (float)m->low), (float)m->high);
}

/* LiteRT and XNNPACK: x * scale - zero point * scale in single precision, half away from zero. */
static enum qm_status rescale_by_floats(const struct site *s, uint32_t i, struct qm_layer *layer) {
    const struct qm_graph_tensor *in = site_input(s, i), *out = site_output(s, 0);
    struct meant meant = {.number = float_number,
                          .scale = in->quant.scale[0] * (1.0F / out->quant.scale[0]),
                          .base = (int32_t)in->quant.zero_point[0],
                          .zero = layer->out_zero,
                          .low = qm_graph_lowest(out),
                          .high = qm_graph_highest(out)};
    meant.addend = -(float)meant.base * meant.scale;
    meant.sum_low = qm_graph_lowest(in) - meant.base;
    meant.sum_high = qm_graph_highest(in) - meant.base;
    if (site_fit(&meant, &layer->out_scale) == 0) return QM_OK;
    return site_refuse(s, "no multiplier gives the numbers of LiteRT's factor %g for input %u", (double)meant.scale, i);
}

static enum qm_status rescale_input(const struct site *s, uint32_t i, struct qm_layer *layer) {
    QM_TRY(site_rescale(s, i, 0, layer));
    bool same =
        layer->in_bias == 0 && layer->out_scale.value == QM_MULTIPLIER_ONE.value && layer->out_scale.shift == QM_MULTIPLIER_ONE.shift;
    return s->l->profile == NULL || same ? QM_OK : rescale_by_floats(s, i, layer);
}

/* A layer for each input. Numbers of more than a byte are copied as they are. */
enum qm_status legalize_concatenation(const struct site *s) {
    const struct qm_graph_tensor *whole = site_output(s, 0);
    uint32_t value = site_result(s, 0), offset = 0;
    bool wide = qm_dtype_bytes(whole->dtype) > 1, unscaled = wide || site_unscaled(s);
    for (uint32_t i = 0; i < s->op->input_count; i++) {
        enum qm_dtype dtype = site_input(s, i)->dtype;
        if (wide ? dtype != whole->dtype : qm_dtype_bytes(dtype) > 1) return site_refuse(s, "its operands have different types");
    }
    if (!unscaled) QM_TRY(site_check_activations(s));
    for (uint32_t i = 0; i < s->op->input_count; i++) {
        struct qm_layer *layer;
        QM_TRY(open_move(s, i, value, &layer));
        if (!unscaled) {
            QM_TRY(rescale_input(s, i, layer));
            site_clamp(s, QM_ACT_NONE, layer);
        }
        layer->move.out_first = offset;
        add_part(s, layer, site_input(s, i), whole, true);
        offset += round_of(s, site_input(s, i), whole);
    }
    return QM_OK;
}

/* TFLite only copies here. */
enum qm_status legalize_pack(const struct site *s) {
    for (uint32_t i = 1; i < s->op->input_count && !site_unscaled(s); i++) {
        QM_TRY(site_check_activations(s));
        if (!site_same_quant(site_input(s, 0), site_input(s, i)))
            return site_refuse(s, "its inputs have different scales or zero points; TFLite does not rescale here");
    }
    QM_TRY(site_check_same_numbers(s));
    return legalize_concatenation(s);
}

/* A layer for each output. */
enum qm_status legalize_split(const struct site *s) {
    const struct qm_graph_tensor *whole = site_input(s, 0);
    uint32_t offset = 0;
    QM_TRY(site_check_same_numbers(s));
    for (uint32_t i = 0; i < s->op->output_count; i++) {
        struct qm_layer *layer;
        QM_TRY(open_move(s, 0, site_result(s, i), &layer));
        layer->move.in_first = offset;
        add_part(s, layer, site_output(s, i), whole, false);
        offset += round_of(s, site_output(s, i), whole);
    }
    return QM_OK;
}

/* ---- reordering ---- */

static bool steps_down(const struct site *s) {
    bool down = false;
    for (uint32_t d = 0; d < site_input(s, 0)->rank; d++) down = down || (s->op->step[d] < 0 && s->op->slice_dims[d] > 1);
    return down;
}

static enum qm_status take_slice(const struct site *s) {
    uint32_t *taken[QM_MAX_RANK], rank = site_input(s, 0)->rank;
    for (uint32_t d = 0; d < rank; d++) {
        taken[d] = QM_ARENA_NEW(s->l->arena, uint32_t, s->op->slice_dims[d]);
        for (uint32_t i = 0; i < s->op->slice_dims[d]; i++) taken[d][i] = (uint32_t)(s->op->begin[d] + (int32_t)i * s->op->step[d]);
    }
    return site_take(s, (const uint32_t *const *)taken, s->op->slice_dims);
}

enum qm_status legalize_strided_slice(const struct site *s) {
    const struct qm_graph_tensor *in = site_input(s, 0);
    struct qm_layer *layer;
    uint32_t behind = (uint32_t)qm_graph_elements(site_output(s, 0));
    QM_TRY(site_check_same_numbers(s));
    if (steps_down(s)) return take_slice(s);
    QM_TRY(open_move(s, 0, site_result(s, 0), &layer));
    for (uint32_t d = 0; d < in->rank; d++) {
        uint32_t count = s->op->slice_dims[d], stride = stride_of(in, d);
        behind /= count;
        layer->move.in_first += (uint32_t)s->op->begin[d] * stride;
        move_add_loop(&layer->move, (struct qm_move_loop){count, (uint32_t)s->op->step[d] * stride, behind, false});
    }
    move_close_loops(&layer->move);
    return QM_OK;
}

enum qm_status legalize_transpose(const struct site *s) {
    const struct qm_graph_tensor *in = site_input(s, 0), *out = site_output(s, 0);
    struct qm_layer *layer;
    QM_TRY(site_check_same_numbers(s));
    QM_TRY(open_move(s, 0, site_result(s, 0), &layer));
    for (uint32_t d = 0; d < out->rank; d++)
        move_add_loop(&layer->move, (struct qm_move_loop){out->dims[d], stride_of(in, s->op->permutation[d]), stride_of(out, d), false});
    move_add_loop(&layer->move, (struct qm_move_loop){(uint32_t)qm_dtype_bytes(in->dtype), 1, 1, false});
    move_close_loops(&layer->move);
    return QM_OK;
}

/* ---- resize ---- */

/* The input position that output position `at` takes, in TFLite's floats. */
static uint32_t nearest(const struct qm_graph_op *op, uint32_t at, uint32_t in, uint32_t out) {
    float scale = op->align_corners && out > 1 ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
    float position = ((float)at + (op->half_pixel_centers ? 0.5F : 0)) * scale;
    float rounded = op->align_corners ? roundf(position) : floorf(position);
    return rounded < (float)(in - 1) ? (uint32_t)rounded : in - 1;
}

/* One dimension: each input position `repeat` times, or every `stride`th from `first` on. */
struct resize {
    uint32_t repeat, stride, first;
};

/* False when the positions are not at whole distances. */
static bool plan_resize(const struct qm_graph_op *op, uint32_t in, uint32_t out, struct resize *resize) {
    *resize = (struct resize){.repeat = out > in ? out / in : 1, .stride = in > out ? in / out : 1, .first = nearest(op, 0, in, out)};
    for (uint32_t at = 0; at < out; at++)
        if (nearest(op, at, in, out) != resize->first + at / resize->repeat * resize->stride) return false;
    return true;
}

static enum qm_status take_nearest(const struct site *s) {
    const struct qm_graph_tensor *in = site_input(s, 0), *out = site_output(s, 0);
    uint32_t *taken[QM_MAX_RANK] = {NULL};
    for (uint32_t d = 1; d <= 2; d++) {
        taken[d] = QM_ARENA_NEW(s->l->arena, uint32_t, out->dims[d]);
        for (uint32_t i = 0; i < out->dims[d]; i++) taken[d][i] = nearest(s->op, i, in->dims[d], out->dims[d]);
    }
    return site_take(s, (const uint32_t *const *)taken, out->dims);
}

enum qm_status legalize_resize(const struct site *s) {
    const struct qm_graph_tensor *in = site_input(s, 0), *out = site_output(s, 0);
    struct resize h, w;
    struct qm_layer *layer;
    QM_TRY(site_check_same_numbers(s));
    if (!plan_resize(s->op, in->dims[1], out->dims[1], &h) || !plan_resize(s->op, in->dims[2], out->dims[2], &w)) return take_nearest(s);
    QM_TRY(open_move(s, 0, site_result(s, 0), &layer));
    uint32_t in_row = stride_of(in, 1), out_row = stride_of(out, 1), channels = in->dims[3];
    layer->move.in_first = h.first * in_row + w.first * channels;
    move_add_loop(&layer->move, (struct qm_move_loop){h.repeat, 0, out_row, false});
    move_add_loop(&layer->move, (struct qm_move_loop){w.repeat, 0, channels, false});
    move_add_loop(&layer->move, (struct qm_move_loop){in->dims[0], stride_of(in, 0), stride_of(out, 0), false});
    move_add_loop(&layer->move, (struct qm_move_loop){out->dims[1] / h.repeat, h.stride * in_row, h.repeat * out_row, false});
    move_add_loop(&layer->move, (struct qm_move_loop){out->dims[2] / w.repeat, w.stride * channels, w.repeat * channels, false});
    move_add_loop(&layer->move, (struct qm_move_loop){channels, 1, 1, false});
    move_close_loops(&layer->move);
    return QM_OK;
}

/* ---- reshape ---- */

enum qm_status legalize_reshape(const struct site *s) {
    enum qm_dtype from = site_input(s, 0)->dtype, to = site_output(s, 0)->dtype;
    bool are_bytes = (QM_TYPES_BYTES >> from & 1) != 0 && (QM_TYPES_BYTES >> to & 1) != 0;
    if (from != to && !are_bytes) return site_refuse(s, "input and output have different types");
    return site_alias(s);
}
