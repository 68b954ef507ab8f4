/* legalize_products.c - products of two matrices, or of stacks of them: on the array, the second as weights.
 *
 *   FULLY_CONNECTED   [rows][k] by weights [channels][k], which are turned
 *   BATCH_MATMUL      [..][rows][k] by [..][k][channels], each turned where the operator says so
 *   output            sums x float(scale * scale), then in double / output scale, or as the operator says
 * One matrix for all of a stack is one product of all rows; a constant one is weights like those of a convolution. What an instruction's
 * fields cannot say, the host computes.
 */
#include "compiler/passes/legalize_site.h"
#include "evaluate/kernels.h"

struct product {
    uint32_t matrices, rows; /* rows of the output, of all matrices */
    uint32_t depth, channels;
    bool is_connected, second_transposed;
};

static struct product product_of(const struct site *s) {
    const struct qm_graph_tensor *b = site_input(s, 1), *out = site_output(s, 0);
    struct product p = {.is_connected = s->op->kind == QM_OP_FULLY_CONNECTED};
    p.second_transposed = p.is_connected || s->op->transposed;
    p.channels = b->dims[b->rank - (p.second_transposed ? 2 : 1)];
    p.depth = b->dims[b->rank - (p.second_transposed ? 1 : 2)];
    p.rows = (uint32_t)(qm_graph_elements(out) / p.channels);
    bool is_shared = qm_graph_elements(b) == (uint64_t)p.depth * p.channels;
    p.matrices = is_shared ? 1 : p.rows / out->dims[out->rank - 2];
    return p;
}

/* Whether an instruction's fields can say it, and its bias is a constant. */
static bool is_of_machine(const struct site *s, const struct product *p) {
    bool has_bias = s->op->inputs[2] != QM_NO_TENSOR;
    return p->depth <= QM_CHANNELS_MAX && p->channels <= QM_CHANNELS_MAX && (!has_bias || site_input(s, 2)->data != NULL);
}

static enum qm_status find_operands(const struct site *s, const struct product *p, uint32_t values[2]) {
    QM_TRY(site_matrices(s, 1, (struct site_matrices){p->matrices > 1, p->second_transposed, true}, &values[1]));
    if (!p->is_connected) return site_matrices(s, 0, (struct site_matrices){true, s->op->first_transposed, false}, &values[0]);
    QM_TRY(site_operand(s, 0, &values[0]));
    values[0] = site_view(s, values[0], p->rows, 1, p->depth);
    return QM_OK;
}

static enum qm_status add_product(const struct site *s, const struct product *p) {
    uint32_t values[2];
    for (uint32_t i = 0; i < 2; i++) QM_TRY(site_check_activation(s, site_input(s, i)));
    QM_TRY(site_check_activation(s, site_output(s, 0)));
    QM_TRY(find_operands(s, p, values));
    struct qm_layer *layer = site_layer(s, QM_LAYER_CONV);
    for (; layer->input_count < 2; layer->input_count++) layer->inputs[layer->input_count] = values[layer->input_count];
    layer->kernel_h = layer->kernel_w = layer->stride_h = layer->stride_w = layer->dilation_h = layer->dilation_w = 1;
    layer->matrices = p->matrices;
    layer->in_channels = p->depth;
    layer->weight_bits = 8;
    layer->in_unsigned = site_input(s, 0)->dtype == QM_U8;
    layer->in_zero = (int32_t)site_input(s, 0)->quant.zero_point[0];
    layer->weight_zero = (int32_t)site_input(s, 1)->quant.zero_point[0] + (site_input(s, 1)->dtype == QM_U8 ? INT8_MIN : 0);
    QM_TRY(site_product_stage(s, layer, p->channels));
    layer->output = site_result_view(s, site_result(s, 0), p->rows, 1, p->channels);
    layer->macs = (uint64_t)p->rows * p->channels * p->depth;
    return QM_OK;
}

/* All rows by one constant matrix. */
static enum qm_status multiply_by_constant(const struct site *s, const struct product *p) {
    struct site_factor_matrix by = {p->rows, p->depth, p->channels, p->second_transposed};
    uint32_t value;
    QM_TRY(site_matrices(s, 0, (struct site_matrices){true, s->op->first_transposed, false}, &value));
    return site_multiply(s, &by, value);
}

enum qm_status legalize_product(const struct site *s) {
    bool is_real = s->l->graph->was_real;
    if (!is_real && kernel_check(s->l->graph, s->op) != NULL) return legalize_on_host(s); /* which says why */
    const struct product p = product_of(s);
    if (!is_real && !is_of_machine(s, &p)) return legalize_on_host(s);
    bool is_constant = site_input(s, 1)->data != NULL && p.matrices == 1;
    return is_constant ? multiply_by_constant(s, &p) : add_product(s, &p);
}

enum qm_status legalize_fully_connected(const struct site *s) {
    return site_input(s, 1)->data != NULL ? legalize_by_weights(s) : legalize_product(s);
}
