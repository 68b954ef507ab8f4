/* precision.c - the bits of each layer's weights and of the activations that it reads, as the option has them. */
#include <stdio.h>
#include <string.h>

#include "quantize/network/parts.h"

static const struct precision {
    const char *name;
    uint32_t weight_bits, activation_bits;
} precisions[] = {{"w8a8", 8, 8}, {"w4a8", 4, 8}, {"w4a4", 4, 4}, {"w2a8", 2, 8}};
enum { PRECISIONS = sizeof precisions / sizeof *precisions, TOKEN_BYTES = 256 };

static const struct precision *find_precision(const char *name) {
    for (int i = 0; i < PRECISIONS; i++)
        if (strcmp(precisions[i].name, name) == 0) return &precisions[i];
    return NULL;
}

/* Layers are called by their outputs; of names that TFLite joins with ';' the first is enough. */
static bool has_name(const struct quant_layer *layer, const char *wanted) {
    size_t first = strcspn(layer->report.name, ";");
    return strcmp(layer->report.name, wanted) == 0 || (strlen(wanted) == first && strncmp(layer->report.name, wanted, first) == 0);
}

static bool give(struct quant_layer *layer, const struct precision *precision) {
    layer->report.weight_bits = precision->weight_bits;
    layer->report.activation_bits = precision->activation_bits;
    return true;
}

/* One "NAME=P", "default=P" or "P"; the default is for layers that have none of their own. */
static enum qm_status read_token(struct quant_network *network, const char *token, bool defaults) {
    const char *equals = strchr(token, '='), *value = equals != NULL ? equals + 1 : token;
    const struct precision *precision = find_precision(value);
    char name[TOKEN_BYTES] = "default";
    if (equals != NULL) snprintf(name, sizeof name, "%.*s", (int)(equals - token), token);
    if (precision == NULL)
        return qm_fail(network->diag, QM_BAD_INPUT, "--precision %s: %s is none of w8a8, w4a8, w4a4, w2a8", network->options->precision,
                       value);
    bool is_default = strcmp(name, "default") == 0, found = is_default;
    for (uint32_t i = 0; i < network->layer_count; i++) {
        struct quant_layer *layer = &network->layers[i];
        if (is_default ? defaults && layer->report.weight_bits == 0 : !defaults && has_name(layer, name)) found = give(layer, precision);
    }
    if (found || defaults) return QM_OK;
    return qm_fail(network->diag, QM_BAD_INPUT,
                   "--precision %s: no layer is called %s; layers are called by their outputs, as the first: %.60s",
                   network->options->precision, name, network->layers[0].report.name);
}

static enum qm_status read_tokens(struct quant_network *network, bool defaults) {
    char token[TOKEN_BYTES];
    for (const char *at = network->options->precision; *at != '\0';) {
        size_t size = strcspn(at, ",");
        if (size == 0 || size >= sizeof token)
            return qm_fail(network->diag, QM_BAD_INPUT, "--precision %.100s: must be P, or LAYER=P,...,default=P",
                           network->options->precision);
        snprintf(token, sizeof token, "%.*s", (int)size, at);
        QM_TRY(read_token(network, token, defaults));
        at += size + (at[size] == ',');
    }
    return QM_OK;
}

enum qm_status quant_read_precision(struct quant_network *network) {
    QM_TRY(read_tokens(network, false));
    QM_TRY(read_tokens(network, true));
    for (uint32_t i = 0; i < network->layer_count; i++)
        if (network->layers[i].report.weight_bits == 0)
            return qm_fail(network->diag, QM_BAD_INPUT, "--precision %s: says nothing of layer %.60s, and has no default",
                           network->options->precision, network->layers[i].report.name);
    return QM_OK;
}
