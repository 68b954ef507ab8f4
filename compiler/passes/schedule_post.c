/* schedule_post.c - pools and additions: what the post unit does alone, in blocks, so that neighbours in time can overlap.
 *
 * An average divides by the number of elements inside the map, so positions are cut where that number changes (docs/numerics.md, Average
 * pooling).
 */
#include "compiler/passes/passes.h"

enum { IDENTITY_SHIFT = 1 };

void schedule_scale(struct qm_insn *insn, const struct qm_layer *layer) {
    insn->in_unsigned = layer->in_unsigned;
    insn->rounding = layer->rounding;
    insn->out_multiplier = layer->out_scale.value;
    insn->out_shift = layer->out_scale.shift;
    insn->out_zero = layer->out_zero;
    insn->clamp_min = layer->clamp_min;
    insn->clamp_max = layer->clamp_max;
}

/* ---- pools ---- */

struct pool {
    struct plan *plan;
    uint32_t layer;
    const struct qm_layer *l;
    struct plan_window window;
    uint32_t results[2], stores;
};

/* Windows along one axis, in elements. */
struct axis {
    int64_t start, size;
    uint32_t stride, dilation, kernel, positions;
};

/* Elements of window `position` that lie in the map. */
static uint32_t taps_inside(const struct axis *axis, uint32_t position) {
    uint32_t count = 0;
    for (uint32_t k = 0; k < axis->kernel; k++) {
        int64_t at = axis->start + (int64_t)position * axis->stride + (int64_t)k * axis->dilation;
        count += 0 <= at && at < axis->size;
    }
    return count;
}

/* Positions from `first` on, at most `most`; those of an average must have as many elements inside as the first. */
static struct range alike(const struct pool *p, const struct axis *axis, uint32_t first, uint32_t most) {
    uint32_t count = 1, taps = taps_inside(axis, first), limit = plan_min(most, axis->positions - first);
    bool any = p->l->kind != QM_LAYER_POOL_AVG;
    while (count < limit && (any || taps_inside(axis, first + count) == taps)) count++;
    return (struct range){first, count};
}

/* 1 / count as a multiplier that fills 31 bits, rounded up. */
static void set_scale(struct qm_insn *insn, uint32_t count) {
    int log = 0;
    while (1U << log < count) log++;
    insn->out_multiplier = (((int64_t)1 << (30 + log)) + count - 1) / count;
    insn->out_shift = IDENTITY_SHIFT - log;
}

/* The window over a map that has only some of the channels. */
static struct plan_window slice(const struct plan_window *window, uint32_t channels) {
    struct plan_window w = *window;
    uint32_t all = window->run_bytes;
    w.run_bytes = channels;
    w.in_row_bytes = w.in_row_bytes / all * channels;
    w.x_start = w.x_start / (int32_t)all * (int32_t)channels;
    w.x_stride = w.x_stride / all * channels;
    w.x_dilation = w.x_dilation / all * channels;
    return w;
}

static void set_reduction(struct qm_insn *insn, const struct qm_layer *l, uint32_t count) {
    insn->run_bytes = 1;
    insn->pool_kind = l->kind == QM_LAYER_POOL_MAX ? QM_pool_kind_MAXIMUM : QM_pool_kind_SUM;
    insn->pad_value = (uint8_t)l->pad_value;
    insn->pool_bias = l->in_bias;
    schedule_scale(insn, l);
    if (l->kind == QM_LAYER_POOL_AVG) set_scale(insn, count);
}

static void add_pool(struct pool *p, const struct block *block, struct range channels, uint32_t count) {
    uint32_t all = p->window.run_bytes;
    struct plan_window window = slice(&p->window, channels.count);
    struct area wanted = area_of_block(&window, block), in;
    if (channels.count < all)
        in = schedule_input_channels(p->plan, p->layer, p->l->inputs[0], &wanted, channels);
    else
        in = schedule_input(p->plan, p->layer, p->l->inputs[0], &wanted, window.in_row_bytes);
    struct target target = {p->l->output, p->window.out_w, all, *block, channels};
    uint32_t results = p->results[p->stores++ % p->plan->layers[p->layer].tiling.ring];
    struct destination to = schedule_destination(p->plan, &target, results);
    struct qm_insn insn = {
        .opcode = QM_POOL, .channels = channels.count, .out_addr = to.offset, .out_pitch = to.pitch, .out_pixel = to.pixel};
    area_set_window(&insn, &window, block, &in);
    set_reduction(&insn, p->l, count);
    uint32_t op = plan_add_op(p->plan, p->layer, &insn);
    plan_use(p->plan, op, PLAN_READ, in.buffer);
    plan_use(p->plan, op, PLAN_WRITE, to.buffer);
    schedule_store_block(p->plan, p->layer, &target, results);
}

/* One block, a chunk of channels after the other. */
static void add_pools(struct pool *p, const struct block *block, uint32_t count) {
    uint32_t all = p->window.run_bytes, chunk = p->plan->layers[p->layer].tiling.chunk_channels;
    for (uint32_t c = 0; c < all; c += chunk) add_pool(p, block, (struct range){c, plan_min(chunk, all - c)}, count);
}

void schedule_pool(struct plan *plan, uint32_t layer) {
    struct pool p = {.plan = plan, .layer = layer, .l = &plan->network->layers[layer], .window = lowering_window(plan, layer)};
    const struct plan_tiling *t = &plan->layers[layer].tiling;
    const struct plan_window *w = &p.window;
    uint32_t channels = w->run_bytes;
    struct axis rows = {w->y_start, w->in_rows, w->y_stride, w->y_dilation, w->kernel_h, w->out_h};
    struct axis cols = {w->x_start / (int32_t)channels,
                        w->in_row_bytes / channels,
                        w->x_stride / channels,
                        w->x_dilation / channels,
                        w->kernel_w,
                        w->out_w};
    bool outside = !plan_storage(plan, p.l->output)->resident;
    for (uint32_t i = 0; outside && i < t->ring; i++) p.results[i] = plan_add_buffer(plan, t->block_h * t->block_w * t->chunk_channels);
    struct range y, x;
    for (y.first = 0; y.first < w->out_h; y.first += y.count) {
        y = alike(&p, &rows, y.first, t->block_h);
        for (x.first = 0; x.first < w->out_w; x.first += x.count) {
            x = alike(&p, &cols, x.first, t->block_w);
            struct block block = {y.first, x.first, y.count, x.count};
            add_pools(&p, &block, taps_inside(&rows, y.first) * taps_inside(&cols, x.first));
        }
    }
}

/* ---- additions: maps as one long row ---- */

struct sum {
    struct plan *plan;
    uint32_t layer;
    const struct qm_layer *l;
    uint32_t bytes; /* of an operand */
};

void schedule_operands(struct qm_insn *insn, const struct qm_layer *l) {
    insn->a_multiplier = l->a_scale.value;
    insn->a_shift = l->a_scale.shift;
    insn->b_zero = l->b_zero;
    insn->b_multiplier = l->b_scale.value;
    insn->b_shift = l->b_scale.shift;
    insn->pre_shift = l->pre_shift;
    insn->out_multiplier = l->out_scale.value;
    insn->out_shift = l->out_scale.shift;
}

static void add_sum(struct sum *s, struct range bytes, uint32_t results) {
    struct area wanted = {.rows = 1, .byte = bytes.first, .bytes = bytes.count}, in[2];
    for (uint32_t i = 0; i < 2; i++) in[i] = schedule_input(s->plan, s->layer, s->l->inputs[i], &wanted, s->bytes);
    uint32_t bits = s->plan->network->values[s->l->output].bits;
    struct block block = {0, plan_bytes(bytes.first, bits), 1, plan_bytes(bytes.count, bits)};
    struct target target = {s->l->output, plan_bytes(s->bytes, bits), 1, block, {0, 1}};
    struct destination to = schedule_destination(s->plan, &target, results);
    struct qm_insn insn = {.opcode = QM_ADD, .length = bytes.count, .out_addr = to.offset};
    schedule_scale(&insn, s->l);
    schedule_operands(&insn, s->l);
    insn.binary = s->l->product ? QM_binary_PRODUCT : QM_binary_SUM;
    insn.a_zero = s->l->a_zero;
    insn.in_addr = bytes.first - in[0].byte;
    insn.b_addr = bytes.first - in[1].byte;
    if (bits == 4) insn.out_type = QM_out_type_BITS4;
    uint32_t op = plan_add_op(s->plan, s->layer, &insn);
    plan_use(s->plan, op, PLAN_READ, in[0].buffer);
    plan_use(s->plan, op, PLAN_READ_MORE, in[1].buffer);
    plan_use(s->plan, op, PLAN_WRITE, to.buffer);
    schedule_store_block(s->plan, s->layer, &target, results);
}

void schedule_add(struct plan *plan, uint32_t layer) {
    const struct plan_tiling *t = &plan->layers[layer].tiling;
    const struct qm_layer *l = &plan->network->layers[layer];
    struct sum s = {plan, layer, l, plan_storage(plan, l->inputs[0])->bytes};
    uint32_t results[2] = {0, 0}, stores = 0;
    bool outside = !plan_storage(plan, l->output)->resident;
    for (uint32_t i = 0; outside && i < t->ring; i++) results[i] = plan_add_buffer(plan, t->block_bytes);
    for (uint32_t at = 0; at < s.bytes; at += t->block_bytes)
        add_sum(&s, (struct range){at, plan_min(t->block_bytes, s.bytes - at)}, results[stores++ % t->ring]);
}
