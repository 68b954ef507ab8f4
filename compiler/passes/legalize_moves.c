/* legalize_moves.c - operators that only put elements elsewhere, as loops over bytes; or that need no layer at all.
 *
 * A move is a nest of loops over dimensions, each with its stride in both maps. Dimensions that lie one behind the other in both become one, and the
 * innermost becomes a run when its elements are neighbours in both.
 */
#include "compiler/passes/legalize.h"

/* ---- nests of loops ---- */

/* Bytes from one element of dimension d to the next, of a tensor of bytes. */
static uint32_t stride_of(const struct qm_graph_tensor *tensor, uint32_t d) {
    uint32_t stride = 1;
    for (uint32_t i = d + 1; i < tensor->rank; i++) stride *= tensor->dims[i];
    return stride;
}

/* Adds a loop inside those that are there. */
static void add_loop(struct qm_move *move, struct qm_move_loop loop) {
    if (loop.count == 1) return;
    struct qm_move_loop *outer = move->loop_count > 0 ? &move->loops[move->loop_count - 1] : NULL;
    if (outer != NULL && outer->in == loop.count * loop.in && outer->out == loop.count * loop.out)
        *outer = (struct qm_move_loop){outer->count * loop.count, loop.in, loop.out};
    else
        move->loops[move->loop_count++] = loop;
}

/* The innermost loop becomes the run if it can. */
static void close_loops(struct qm_move *move) {
    const struct qm_move_loop *inner = move->loop_count > 0 ? &move->loops[move->loop_count - 1] : NULL;
    move->run = 1;
    if (inner == NULL || inner->in != 1 || inner->out != 1) return;
    move->run = inner->count;
    move->loop_count--;
}

/* A layer that moves from one input to one output; the loops are still to be added. */
static enum qm_status open_move(const struct site *s, uint32_t from, uint32_t value, struct qm_layer **layer) {
    *layer = site_layer(s, QM_LAYER_MOVE);
    QM_TRY(site_rescale(s, from, 0, *layer));
    QM_TRY(site_operand(s, from, &(*layer)->inputs[0]));
    (*layer)->input_count = 1;
    (*layer)->output = value;
    site_clamp(s, QM_ACT_NONE, *layer);
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
    bool same = site_same_quant(in, site_output(s, 0)) && s->op->pad_value == in->quant.zero_point[0];
    if (!same || in->rank != 4) return false;
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
    QM_TRY(site_check_activations(s));
    if (pads_positions(s) && all_readers_pad(s)) {
        s->l->padding[s->op->outputs[0]] = s->op;
        return site_operand(s, 0, &s->l->value_of[s->op->outputs[0]]);
    }
    QM_TRY(open_move(s, 0, site_result(s, 0), &layer));
    layer->pad_value = (int8_t)s->op->pad_value;
    layer->move.fill = true;
    for (uint32_t d = 0; d < in->rank; d++) {
        add_loop(&layer->move, (struct qm_move_loop){in->dims[d], stride_of(in, d), stride_of(out, d)});
        layer->move.out_first += s->op->pads[d].before * stride_of(out, d);
    }
    close_loops(&layer->move);
    return QM_OK;
}

/* ---- reshape ---- */

enum qm_status legalize_reshape(const struct site *s) {
    if (site_input(s, 0)->dtype != site_output(s, 0)->dtype) return site_refuse(s, "input and output have different types");
    return site_alias(s);
}
