/* legalize_site.c - what all operators share on their way to layers: values, scales, clamps, and one way to refuse.
 *
 * The arithmetic of the numbers is TFLite's, to the bit: a clamp is zero point + roundf(bound / scale), cut to the type.
 */
#include "compiler/passes/legalize_site.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/multiplier.h"

enum { SHIFT_MAX = 30 };

static const char *site_name(const struct site *s) {
    return s->op->name != NULL ? s->op->name : qm_graph_op_name(s->op->kind);
}

enum qm_status site_refuse(const struct site *s, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return qm_fail(s->l->diag, QM_BAD_INPUT, "%s: operator %u %s: %s", s->l->graph->file, s->op->index, site_name(s), text);
}

enum qm_status site_inexact(const struct site *s, struct qm_layer *layer, const char *format, ...) {
    char text[512];
    va_list args;
    layer->is_inexact = true;
    if (s->l->options->accept_error) return QM_OK;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return site_refuse(s, "%s; qmac run --accept-error takes the nearest", text);
}

const struct qm_graph_tensor *site_input(const struct site *s, uint32_t i) {
    return &s->l->graph->tensors[s->op->inputs[i]];
}

const struct qm_graph_tensor *site_output(const struct site *s, uint32_t i) {
    return &s->l->graph->tensors[s->op->outputs[i]];
}

/* ---- values ---- */

uint32_t legalize_add_value(struct legalizer *l, uint32_t tensor, uint32_t storage) {
    l->network->values = qm_arena_grow(l->arena, l->network->values, sizeof *l->network->values, l->network->value_count, &l->value_room);
    uint32_t index = l->network->value_count++;
    const struct qm_graph_tensor *source = &l->graph->tensors[tensor];
    struct qm_value *value = &l->network->values[index];
    *value = (struct qm_value){.name = source->name,
                               .graph_tensor = tensor,
                               .dtype = source->dtype,
                               .bits = 8 * (uint32_t)qm_dtype_bytes(source->dtype),
                               .h = 1,
                               .w = 1,
                               .c = 1};
    value->storage = storage == QM_NO_TENSOR ? index : l->network->values[storage].storage;
    uint32_t rank = source->rank;
    if (rank >= 1) value->c = source->dims[rank - 1];
    if (rank == 2) value->h = source->dims[0];
    if (rank >= 3) value->w = source->dims[rank - 2];
    for (uint32_t i = 0; rank >= 3 && i < rank - 2; i++) value->h *= source->dims[i];
    return index;
}

uint32_t site_view(const struct site *s, uint32_t value, uint32_t h, uint32_t w, uint32_t c) {
    const struct qm_value *own = &s->l->network->values[value];
    if (own->h == h && own->w == w && own->c == c) return value;
    uint32_t index = legalize_add_value(s->l, own->graph_tensor, value);
    struct qm_value *view = &s->l->network->values[index];
    view->h = h;
    view->w = w;
    view->c = c;
    return index;
}

uint32_t site_result_view(const struct site *s, uint32_t value, uint32_t h, uint32_t w, uint32_t c) {
    uint32_t view = site_view(s, value, h, w, c);
    s->l->network->values[view].storage = s->l->network->values[value].storage = view;
    return view;
}

enum qm_status site_operand(const struct site *s, uint32_t i, uint32_t *value) {
    uint32_t tensor = s->op->inputs[i];
    if (s->l->value_of[tensor] == QM_NO_TENSOR) {
        if (site_input(s, i)->data == NULL) return site_refuse(s, "input %u (%s) is not computed before", i, site_input(s, i)->name);
        s->l->value_of[tensor] = legalize_add_value(s->l, tensor, QM_NO_TENSOR);
        s->l->network->values[s->l->value_of[tensor]].data = site_input(s, i)->data;
    }
    *value = s->l->value_of[tensor];
    return QM_OK;
}

uint32_t site_result(const struct site *s, uint32_t i) {
    uint32_t value = legalize_add_value(s->l, s->op->outputs[i], QM_NO_TENSOR);
    s->l->value_of[s->op->outputs[i]] = value;
    return value;
}

uint32_t site_between(const struct site *s, uint32_t tensor, uint32_t h, uint32_t w, uint32_t c) {
    uint32_t index = legalize_add_value(s->l, tensor, QM_NO_TENSOR);
    struct qm_value *value = &s->l->network->values[index];
    value->between = true;
    value->h = h;
    value->w = w;
    value->c = c;
    return index;
}

enum qm_status site_alias(const struct site *s) {
    uint32_t source;
    QM_TRY(site_operand(s, 0, &source));
    s->l->value_of[s->op->outputs[0]] = legalize_add_value(s->l, s->op->outputs[0], source);
    return QM_OK;
}

static uint32_t site_rounding(const struct site *s) {
    return s->l->profile != NULL ? s->l->profile->rows[s->op->kind].rounding : s->l->rounding;
}

struct qm_layer *site_layer(const struct site *s, enum qm_layer_kind kind) {
    struct qm_network *network = s->l->network;
    network->layers = qm_arena_grow(s->l->arena, network->layers, sizeof *network->layers, network->layer_count, &s->l->layer_room);
    struct qm_layer *layer = &network->layers[network->layer_count++];
    *layer = (struct qm_layer){.kind = kind, .graph_op = (uint32_t)(s->op - s->l->graph->ops), .rounding = site_rounding(s)};
    layer->inputs = qm_graph_operands(s->l->arena, s->op->input_count);
    const struct qm_requant *requant = s->op->requant;
    if (requant != NULL && !(s->l->overrides && requant->rounding == QM_rounding_EVEN)) layer->rounding = requant->rounding;
    return layer;
}

/* ---- scales ---- */

enum qm_status site_check_activation(const struct site *s, const struct qm_graph_tensor *tensor) {
    const struct qm_quant *quant = &tensor->quant;
    int64_t low = qm_graph_lowest(tensor), high = qm_graph_highest(tensor);
    if (quant->count != 1) return site_refuse(s, "%s has %u scales; activations must have one", tensor->name, quant->count);
    if (!(quant->scale[0] > 0)) return site_refuse(s, "%s has scale 0", tensor->name);
    if (quant->zero_point[0] < low || quant->zero_point[0] > high)
        return site_refuse(s, "%s has zero point %lld; its type needs %lld to %lld", tensor->name, (long long)quant->zero_point[0],
                           (long long)low, (long long)high);
    return QM_OK;
}

enum qm_status site_check_override(const struct site *s, const char *why) {
    if (!s->l->overrides) return QM_OK;
    return site_refuse(s, "%s, not as --requant %s says", why, qm_requant_name(s->l->options->requant, true));
}

bool site_unscaled(const struct site *s) {
    bool unscaled = true;
    enum qm_dtype dtype = site_input(s, 0)->dtype;
    for (uint32_t i = 0; i < s->op->input_count; i++)
        unscaled = unscaled && site_input(s, i)->quant.count == 0 && site_input(s, i)->dtype == dtype;
    for (uint32_t i = 0; i < s->op->output_count; i++)
        unscaled = unscaled && site_output(s, i)->quant.count == 0 && site_output(s, i)->dtype == dtype;
    return unscaled;
}

enum qm_status site_check_activations(const struct site *s) {
    for (uint32_t i = 0; i < s->op->input_count; i++) QM_TRY(site_check_activation(s, site_input(s, i)));
    for (uint32_t i = 0; i < s->op->output_count; i++) QM_TRY(site_check_activation(s, site_output(s, i)));
    return QM_OK;
}

enum qm_status site_check_output(const struct site *s, float scale, int64_t zero) {
    const struct qm_quant *out = &site_output(s, 0)->quant;
    if (out->scale[0] == scale && out->zero_point[0] == zero) return QM_OK;
    return site_refuse(s, "the output has scale %g and zero point %lld; TFLite gives 1/%g and %lld", (double)out->scale[0],
                       (long long)out->zero_point[0], 1 / (double)scale, (long long)zero);
}

bool site_same_quant(const struct qm_graph_tensor *a, const struct qm_graph_tensor *b) {
    return a->dtype == b->dtype && qm_scales_are_near(a->quant.scale[0], b->quant.scale[0]) &&
           a->quant.zero_point[0] == b->quant.zero_point[0];
}

enum qm_status site_scale(const struct site *s, double factor, int32_t shift_max, struct qm_multiplier *scale) {
    if (!isfinite(factor)) return site_refuse(s, "the scales of its operands give the factor %g", factor);
    *scale = qm_multiplier_from_real(factor);
    if (scale->shift > shift_max) return site_refuse(s, "the scales of its operands give the factor %g, which is too large", factor);
    return QM_OK;
}

enum qm_status site_factor(const struct site *s, struct qm_layer *layer, double factor, struct qm_multiplier *scale) {
    QM_TRY(site_scale(s, factor, SHIFT_MAX, scale));
    bool is_nothing = layer->rounding != QM_rounding_FLOOR && fabs(factor) * 0x1p31 < 0.5 - SITE_TIE; /* times any sum of 32 bits */
    return scale->value != 0 || factor == 0 || is_nothing ? QM_OK : site_inexact(s, layer, "its factor %g is too small", factor);
}

const double *site_factors(const struct site *s) {
    return s->op->requant != NULL ? s->op->requant->factors : NULL;
}

void site_identity(const struct qm_graph_tensor *tensor, struct qm_layer *layer) {
    bool is_wide = qm_graph_bits(tensor) > 8; /* its bytes are moved, each as it is */
    layer->in_unsigned = tensor->dtype == QM_U8;
    layer->out_scale = QM_MULTIPLIER_ONE;
    layer->clamp_min = is_wide ? INT8_MIN : qm_graph_lowest(tensor);
    layer->clamp_max = is_wide ? INT8_MAX : qm_graph_highest(tensor);
}

enum qm_status site_rescale(const struct site *s, uint32_t from, uint32_t to, struct qm_layer *layer) {
    const struct qm_graph_tensor *in = site_input(s, from), *out = site_output(s, to);
    const struct qm_quant *a = &in->quant, *b = &out->quant;
    site_identity(in, layer);
    bool same = in->dtype == out->dtype && a->scale[0] == b->scale[0] && a->zero_point[0] == b->zero_point[0];
    if (same && (site_factors(s) == NULL || site_factors(s)[0] == 1)) return QM_OK;
    layer->in_bias = -(int32_t)in->quant.zero_point[0];
    layer->out_zero = (int32_t)out->quant.zero_point[0];
    if (site_factors(s) != NULL) return site_factor(s, layer, site_factors(s)[0], &layer->out_scale);
    bool single = s->l->profile != NULL && s->op->kind != QM_OP_QUANTIZE; /* activations as LiteRT has them */
    double factor = single ? (double)(a->scale[0] / b->scale[0]) : (double)a->scale[0] / (double)b->scale[0];
    return site_scale(s, factor, SHIFT_MAX, &layer->out_scale);
}

void site_clamp(const struct site *s, enum qm_activation activation, struct qm_layer *layer) {
    if (s->op->requant == NULL) {
        qm_graph_activation_range(site_output(s, 0), activation, &layer->clamp_min, &layer->clamp_max);
        return;
    }
    layer->clamp_min = s->op->requant->low;
    layer->clamp_max = s->op->requant->high;
}

struct qm_layer *site_move(const struct site *s, const struct qm_graph_tensor *in, uint32_t from, uint32_t to) {
    struct qm_layer *layer = site_layer(s, QM_LAYER_MOVE);
    site_identity(in, layer);
    layer->inputs[0] = from;
    layer->input_count = 1;
    layer->output = to;
    return layer;
}

enum qm_status site_check_same_numbers(const struct site *s) {
    struct qm_graph_op data = *s->op; /* without indices */
    const struct site moved = {.l = s->l, .op = &data};
    data.input_count = 1;
    if (site_unscaled(&moved)) return QM_OK;
    QM_TRY(site_check_activations(&moved));
    for (uint32_t i = 0; i < s->op->output_count; i++)
        if (!site_same_quant(site_input(s, 0), site_output(s, i)))
            return site_refuse(s, "input and output have different scales or zero points; TFLite does not rescale here");
    return QM_OK;
}
