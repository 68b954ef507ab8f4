/* layer.c - layers as text: one line a value, one a layer. */
#include "compiler/ir/layer.h"

#include "common/isa.h"
#include "common/text.h"

static void print_value(const struct qm_network *network, uint32_t index, FILE *out) {
    const struct qm_value *value = &network->values[index];
    fprintf(out, "value %u %s %s %ux%ux%u, %u bits", index, qm_shown(value->name).text, qm_dtype_name(value->dtype), value->h, value->w,
            value->c, value->bits);
    if (value->storage != index) fprintf(out, ", in the bytes of %u", value->storage);
    fputs(value->data != NULL ? ", constant\n" : "\n", out);
}

static void print_window(const struct qm_layer *layer, FILE *out) {
    fprintf(out, ", window %ux%u stride %ux%u dilation %ux%u padding %u,%u", layer->kernel_h, layer->kernel_w, layer->stride_h,
            layer->stride_w, layer->dilation_h, layer->dilation_w, layer->pad_top, layer->pad_left);
}

static void print_layer(const struct qm_network *network, uint32_t index, FILE *out) {
    static const char *const kinds[] = {[QM_LAYER_CONV] = "convolution",
                                        [QM_LAYER_DEPTHWISE] = "depthwise",
                                        [QM_LAYER_ADD] = "add",
                                        [QM_LAYER_POOL_MAX] = "maximum pool",
                                        [QM_LAYER_POOL_AVG] = "average pool",
                                        [QM_LAYER_POOL_SUM] = "sum pool",
                                        [QM_LAYER_MOVE] = "move",
                                        [QM_LAYER_HOST] = "host"};
    const struct qm_layer *layer = &network->layers[index];
    fprintf(out, "layer %u %s %s", index, qm_shown(network->values[layer->output].name).text, kinds[layer->kind]);
    for (uint32_t i = 0; i < layer->input_count; i++) fprintf(out, " %u", layer->inputs[i]);
    fprintf(out, " > %u", layer->output);
    if (layer->kernel_h > 0) print_window(layer, out);
    if (qm_layer_is_product(layer)) fprintf(out, ", %u matrices, zero %d", layer->matrices, layer->in_zero);
    if (layer->kind == QM_LAYER_CONV || layer->kind == QM_LAYER_DEPTHWISE)
        fprintf(out, ", weights of %u bits zero %d, %s", layer->weight_bits, layer->weight_zero,
                qm_enum_value_name("precision", layer->precision));
    if (layer->residual) fprintf(out, ", added to %u", layer->inputs[1]);
    if (layer->kind == QM_LAYER_MOVE) fprintf(out, ", %u loops of %u bytes", layer->move.loop_count, layer->move.contiguous_bytes);
    if (layer->move.place_count > 0) fprintf(out, " at %u places", layer->move.place_count);
    if (layer->kind != QM_LAYER_HOST)
        fprintf(out, ", %s, zero %d, clamp %d..%d", qm_enum_value_name("rounding", layer->rounding), layer->out_zero, layer->clamp_min,
                layer->clamp_max);
    fputc('\n', out);
}

void network_print(const struct qm_network *network, FILE *out) {
    for (uint32_t i = 0; i < network->value_count; i++) print_value(network, i, out);
    for (uint32_t i = 0; i < network->layer_count; i++) print_layer(network, i, out);
}
