/* fuse.c - an addition becomes a part of the convolution that makes one of its operands: REQUANTIZE adds the other one, which is a map
 * already, to each row, so that the addition takes no pass of its own.
 *
 * Of two convolutions it is the later, since the other operand must be there before. The sum is the addition's own to the bit: the
 * convolution's numbers are rounded and clamped to what it would have written, so nobody else may want them, and both must round alike.
 */
#include "common/isa.h"
#include "compiler/passes/passes.h"

/* Who touches a map. */
struct use {
    uint32_t writers, readers; /* layers, once for each operand */
    uint32_t last_writer;
    bool is_end; /* of the network */
};

struct fuser {
    struct qm_network *network;
    struct qm_arena *arena;
    struct use *uses; /* [value_count] by storage */
    bool *is_fused;   /* [layer_count] */
};

static struct use *use_of(const struct fuser *f, uint32_t value) {
    return &f->uses[f->network->values[value].storage];
}

static void see_uses(struct fuser *f) {
    const struct qm_network *network = f->network;
    for (uint32_t i = 0; i < network->layer_count; i++) {
        const struct qm_layer *l = &network->layers[i];
        for (uint32_t j = 0; j < l->input_count; j++) use_of(f, l->inputs[j])->readers++;
        use_of(f, l->output)->writers++;
        use_of(f, l->output)->last_writer = i;
    }
    for (uint32_t i = 0; i < network->input_count; i++) use_of(f, network->inputs[i])->is_end = true;
    for (uint32_t i = 0; i < network->output_count; i++) use_of(f, network->outputs[i])->is_end = true;
}

/* What a rounding is where there is no bias to add to the product. */
static uint32_t rounding_of_sums(uint32_t rounding) {
    return rounding == QM_rounding_ADDEND ? QM_rounding_FLOOR : rounding == QM_rounding_OFFSET ? QM_rounding_EVEN : rounding;
}

static bool same_shape(const struct qm_value *a, const struct qm_value *b) {
    return a->h == b->h && a->w == b->w && a->c == b->c;
}

/* Whether the layer writes bytes that stand for themselves, in rows that an instruction can say, and can have a second operand. */
static bool can_add(const struct qm_network *network, const struct qm_layer *l) {
    const struct qm_value *out = &network->values[l->output];
    int32_t low = out->dtype == QM_U8 ? 0 : INT8_MIN, high = out->dtype == QM_U8 ? UINT8_MAX : INT8_MAX;
    return is_convolution(l) && l->input_count == 1 && l->table == NULL && (out->dtype == QM_U8 || out->dtype == QM_I8) && out->bits == 8 &&
           l->clamp_min >= low && l->clamp_max <= high && (uint64_t)out->w * out->c <= QM_ROW_BYTES_MAX;
}

/* Whether the operand's writer can take the addition over. */
static bool can_fuse(const struct fuser *f, const struct qm_layer *add, uint32_t operand) {
    const struct qm_network *network = f->network;
    uint32_t value = add->inputs[operand], other = add->inputs[1 - operand];
    const struct use *use = use_of(f, value), *of_other = use_of(f, other), *of_sum = use_of(f, add->output);
    if (use->writers != 1 || use->readers != 1 || use->is_end || of_sum->writers != 1) return false;
    const struct qm_layer *writer = &network->layers[use->last_writer];
    if (of_other->writers > 0 && of_other->last_writer >= use->last_writer) return false;
    return can_add(network, writer) && rounding_of_sums(writer->rounding) == rounding_of_sums(add->rounding) &&
           writer->out_zero == (operand == 0 ? add->a_zero : add->b_zero) &&
           add->in_unsigned == (network->values[writer->output].dtype == QM_U8) && network->values[other].bits == 8 &&
           same_shape(&network->values[writer->output], &network->values[add->output]);
}

/* The convolution's numbers become the first operand, without their zero point; what it writes is the sum. */
static void fuse(struct fuser *f, uint32_t index, uint32_t operand) {
    const struct qm_layer *add = &f->network->layers[index];
    uint32_t writer = use_of(f, add->inputs[operand])->last_writer, *inputs = qm_graph_operands(f->arena, 2);
    struct qm_layer *l = &f->network->layers[writer];
    inputs[0] = l->inputs[0];
    inputs[1] = add->inputs[1 - operand];
    l->inputs = inputs;
    l->input_count = 2;
    l->residual = true;
    l->a_min = l->clamp_min - l->out_zero;
    l->a_max = l->clamp_max - l->out_zero;
    l->a_scale = operand == 0 ? add->a_scale : add->b_scale;
    l->b_scale = operand == 0 ? add->b_scale : add->a_scale;
    l->b_zero = operand == 0 ? add->b_zero : add->a_zero;
    l->pre_shift = add->pre_shift;
    l->out_scale = add->out_scale;
    l->out_zero = add->out_zero;
    l->clamp_min = add->clamp_min;
    l->clamp_max = add->clamp_max;
    l->is_inexact = l->is_inexact || add->is_inexact;
    l->output = add->output;
    use_of(f, l->output)->last_writer = writer;
    f->is_fused[index] = true;
}

/* Leaves the fused additions out; what names layers by their index follows. */
static void close_gaps(struct fuser *f) {
    struct qm_network *network = f->network;
    uint32_t *places = QM_ARENA_NEW(f->arena, uint32_t, network->layer_count), count = 0;
    uint32_t *same = QM_ARENA_NEW(f->arena, uint32_t, network->layer_count);
    for (uint32_t i = 0; i < network->layer_count; i++) {
        if (f->is_fused[i]) continue;
        uint32_t before = network->same_numbers != NULL ? network->same_numbers[i] : PLAN_NONE;
        same[count] = before == PLAN_NONE ? PLAN_NONE : places[before];
        network->layers[count] = network->layers[i];
        places[i] = count++;
    }
    network->layer_count = count;
    if (network->same_numbers != NULL) network->same_numbers = same;
}

/* A network of its own, because the caller's is made into other programs as well. */
static struct qm_network *copy_of(const struct qm_network *network, struct qm_arena *arena) {
    struct qm_network *copy = QM_ARENA_NEW(arena, struct qm_network, 1);
    *copy = *network;
    copy->layers = QM_ARENA_NEW(arena, struct qm_layer, network->layer_count);
    for (uint32_t i = 0; i < network->layer_count; i++) copy->layers[i] = network->layers[i];
    return copy;
}

enum qm_status pass_fuse(struct plan *plan) {
    struct fuser f = {.network = copy_of(plan->network, plan->arena), .arena = plan->arena};
    f.uses = QM_ARENA_NEW(f.arena, struct use, f.network->value_count);
    f.is_fused = QM_ARENA_NEW(f.arena, bool, f.network->layer_count);
    if (plan->options->keep_layers) return QM_OK; /* each operator's output is wanted */
    see_uses(&f);
    for (uint32_t i = 0; i < f.network->layer_count; i++) {
        const struct qm_layer *l = &f.network->layers[i];
        if (l->kind != QM_LAYER_ADD || l->product) continue;
        if (can_fuse(&f, l, 0))
            fuse(&f, i, 0);
        else if (can_fuse(&f, l, 1))
            fuse(&f, i, 1);
    }
    close_gaps(&f);
    plan->network = f.network;
    return QM_OK;
}
