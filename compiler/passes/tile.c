/* tile.c - how each layer is cut.
 *
 * Pools, additions and moves follow rules. For a convolution there are some candidates (cuts.h), of which the best by closed forms is
 * taken, or, after a trial, the one with which it and the layers around it take the fewest cycles (trial.c). A layer for which nothing
 * fits spills its largest map to the arena; when there is none left, it is refused.
 */
#include <string.h>

#include "compiler/passes/classes.h"
#include "compiler/passes/move_windows.h"
#include "compiler/passes/passes.h"

enum {
    POOL_INSNS = 3 /* of a block: LOAD, POOL, STORE */,
    ADD_BLOCKS = 8,
    ADD_BLOCK_BYTES_MIN = 512,
    ADD_BLOCK_BYTES_MAX = 16384,
    MOVE_BYTES_MAX = 32768
};

/* A layer that is no convolution. */
struct search {
    struct plan *plan;
    uint32_t layer;
    bool in_outside, out_outside; /* the map is in the arena */
    struct plan_tiling best;
};

/* ---- pools and additions: only the post unit, so blocks serve to overlap and to fit ---- */

/* Bytes of a pool's blocks, of `channels` of all. */
static bool pool_fits(struct search *s, uint32_t channels) {
    struct plan_tiling *t = &s->best;
    const struct plan_window *w = &t->lowering.window;
    uint32_t row_bytes, room = s->plan->layers[s->layer].hole_bytes;
    uint64_t in = area_bytes_at_most(w, t->block_h, t->block_w, &row_bytes) / w->run_bytes * channels,
             out = (uint64_t)t->block_h * t->block_w * channels;
    uint64_t needed = (s->in_outside ? in : 0) + (s->out_outside ? out : 0);
    t->chunk_channels = channels;
    t->ring = 2 * needed <= room ? 2 : 1;
    return needed <= room && row_bytes / w->run_bytes * channels <= QM_ROW_BYTES_MAX;
}

/* By closed forms: with two buffers a block comes while the one before is worked on, and rows that two blocks see come twice. */
static uint64_t pool_cost(const struct search *s) {
    const struct plan_tiling *t = &s->best;
    const struct plan_window *w = &t->lowering.window;
    const struct qm_machine *machine = s->plan->machine;
    uint32_t row_bytes;
    uint64_t blocks = (uint64_t)plan_ceil_div(w->out_h, t->block_h) * plan_ceil_div(w->out_w, t->block_w);
    uint64_t in = s->in_outside ? area_bytes_at_most(w, t->block_h, t->block_w, &row_bytes) : 0;
    uint64_t work = (uint64_t)w->out_h * w->out_w * w->kernel_h * w->kernel_w * plan_ceil_div(w->run_bytes, machine->cols);
    uint64_t bytes = in + POOL_INSNS * QM_INSN_BYTES, bus = blocks * (cost_transfer(machine, bytes) + machine->dram_latency);
    uint64_t longer = work > bus ? work : bus, cycles = t->ring == 1 ? work + bus : longer + (work + bus - longer) / blocks;
    return cost_with_bus(machine, cycles, blocks * bytes);
}

static bool tile_pool(struct search *s) {
    const struct plan_window window = lowering_window(s->plan, s->layer);
    struct plan_tiling *t = &s->best, best;
    uint64_t least = UINT64_MAX;
    t->lowering.window = window;
    for (uint32_t n = window.out_h >= 16 ? 4 : 1;; n *= 2) {
        t->block_h = plan_ceil_div(window.out_h, plan_min(n, window.out_h));
        t->block_w = plan_ceil_div(window.out_w, plan_min(plan_max(n / window.out_h, 1), window.out_w));
        if (pool_fits(s, window.run_bytes) && pool_cost(s) < least) {
            best = *t;
            least = pool_cost(s);
        }
        if (t->block_h == 1 && t->block_w == 1) break;
    }
    if (least < UINT64_MAX) {
        *t = best;
        return true;
    }
    for (uint32_t channels = window.run_bytes; s->in_outside && channels > 1;) {
        channels = plan_ceil_div(channels, 2);
        if (pool_fits(s, channels)) return true;
    }
    return false;
}

static bool tile_add(struct search *s) {
    const struct qm_layer *l = &s->plan->network->layers[s->layer];
    uint32_t room = s->plan->layers[s->layer].hole_bytes, total = plan_storage(s->plan, l->inputs[0])->bytes, streams = 0;
    for (uint32_t i = 0; i < l->input_count; i++) streams += !plan_storage(s->plan, l->inputs[i])->resident;
    streams += s->out_outside;
    s->best.ring = 2;
    s->best.block_bytes = plan_min(total, plan_max(plan_ceil_div(total, ADD_BLOCKS), ADD_BLOCK_BYTES_MIN));
    if (streams > 0) s->best.block_bytes = plan_min(total, plan_min(room / (2 * streams), ADD_BLOCK_BYTES_MAX));
    if (s->best.block_bytes < total) s->best.block_bytes -= s->best.block_bytes % 2; /* packed results end at a byte */
    return s->best.block_bytes > 0;
}

/* How many contiguous elements one POOL can write as 4-bit elements: an even number, or all. An array with an odd number of
 * columns writes its first `cols` elements at most, because the next ones would begin within a byte. */
static uint32_t packed_elements(const struct qm_machine *machine, uint32_t elements, uint32_t most) {
    if (machine->cols % 2 != 0 && elements > machine->cols) most = plan_min(most, machine->cols);
    return most < elements ? most / 2 * 2 : elements;
}

/* Of a map that stays in the scratchpad: some blocks, so that loads, moves and stores run side by side. A block has all instructions of
 * loops that go down, so that their blocks are large. */
static uint32_t resident_block(const struct qm_move *move, uint64_t total) {
    for (uint32_t i = 0; i < move->loop_count; i++)
        if (move->loops[i].down) return MOVE_BYTES_MAX;
    return total / ADD_BLOCKS > ADD_BLOCK_BYTES_MIN ? (uint32_t)plan_min((uint32_t)(total / ADD_BLOCKS), MOVE_BYTES_MAX)
                                                    : ADD_BLOCK_BYTES_MIN;
}

/* Blocks of at most so many bytes (move_blocks.h), or of a part of the contiguous bytes. */
static bool tile_move(struct search *s) {
    const struct qm_layer *l = &s->plan->network->layers[s->layer];
    struct plan_tiling *t = &s->best;
    uint32_t room = s->plan->layers[s->layer].hole_bytes, streams = s->in_outside + (uint32_t)s->out_outside;
    uint64_t total = l->move.contiguous_bytes;
    for (uint32_t i = 0; i < l->move.loop_count; i++) total *= l->move.loops[i].count;
    uint32_t most = resident_block(&l->move, total);
    if (streams > 0) most = plan_min(room / (2 * streams), ADD_BLOCK_BYTES_MAX);
    if (most == 0) return false;
    t->ring = 2;
    t->block_bytes = most;
    t->chunk_channels = plan_min(l->move.contiguous_bytes, most);
    if (s->plan->network->values[l->output].bits == 4)
        t->chunk_channels = packed_elements(s->plan->machine, l->move.contiguous_bytes, t->chunk_channels);
    move_choose_windows(s->plan, s->layer, t);
    return true;
}

/* ---- the pass ---- */

/* An addition right before a layer keeps the array waiting until the first block's rows are there. */
static uint64_t post_cycles_before(const struct plan *plan, uint32_t layer) {
    if (layer == 0 || plan->network->layers[layer - 1].kind != QM_LAYER_ADD) return 0;
    uint32_t bytes = plan_storage(plan, plan->network->layers[layer - 1].output)->bytes;
    return plan_ceil_div(bytes, plan->machine->cols);
}

/* The best by closed forms, of those that keep weights whole where there is room for them: parts only to begin early are for a trial. */
static const struct cut *first_cut(const struct layer_class *class) {
    for (uint32_t i = 0; i < class->cut_count; i++)
        if (!class->cuts[i].is_early) return &class->cuts[i];
    return class->cut_count > 0 ? &class->cuts[0] : NULL;
}

static bool tile_convolution(struct plan *plan, uint32_t layer) {
    struct cuts_context context;
    memset(&context, 0, sizeof context); /* it is compared by its bytes */
    context.idle_before = layer > 0 ? plan->layers[layer - 1].idle_cycles : 0;
    context.wait_cycles = post_cycles_before(plan, layer);
    context.starts = layer == 0;
    const struct cut *cut = first_cut(class_put(plan, layer, &context));
    if (cut == NULL) return false;
    plan->layers[layer].tiling = cut->tiling;
    plan->layers[layer].idle_cycles = cut->idle_cycles;
    return true;
}

static bool tile_other(struct plan *plan, uint32_t layer) {
    static const struct cuts_context none;
    const struct qm_layer *l = &plan->network->layers[layer];
    struct search s = {.plan = plan, .layer = layer};
    bool fits = true;
    s.in_outside = !plan_storage(plan, l->inputs[0])->resident;
    s.out_outside = !plan_storage(plan, l->output)->resident;
    if (is_pool(l)) fits = tile_pool(&s);
    if (l->kind == QM_LAYER_ADD) fits = tile_add(&s);
    if (l->kind == QM_LAYER_MOVE) fits = tile_move(&s);
    plan->layers[layer].tiling = s.best;
    class_put(plan, layer, &none);
    plan->layers[layer].idle_cycles = 0;
    return fits;
}

static bool tile_layer(struct plan *plan, uint32_t layer) {
    return (is_convolution(&plan->network->layers[layer]) ? tile_convolution : tile_other)(plan, layer);
}

/* Tiles of 4-bit elements must not end within a byte (docs/machine.md, Decode). */
static enum qm_status check_packing(const struct plan *plan, uint32_t layer) {
    const struct qm_layer *l = &plan->network->layers[layer];
    const struct qm_value *out = &plan->network->values[l->output];
    uint32_t tile = qm_machine_tile(plan->machine, l->kind == QM_LAYER_DEPTHWISE), elements = l->kind == QM_LAYER_ADD ? UINT32_MAX : out->c;
    if (out->bits != 4 || tile % 2 == 0 || (l->kind == QM_LAYER_MOVE ? tile > 1 : elements <= tile)) return QM_OK;
    return qm_fail(plan->diag, QM_BAD_INPUT,
                   "%s: layer %s packs 4-bit elements, which needs tiles of an even number of channels; machine %s has tiles of %u",
                   plan->network->graph->file, plan_layer_name(plan, layer), plan->machine->name, tile);
}

/* A row of more taps than the array's own mode has is one run, with a column for each channel (lowering.c). */
static enum qm_status check_taps(const struct plan *plan, uint32_t layer) {
    const struct qm_layer *l = &plan->network->layers[layer];
    uint32_t channels = plan->network->values[l->output].c;
    if (l->kind != QM_LAYER_DEPTHWISE || l->kernel_w <= QM_WINDOW_MAX || channels <= plan->machine->cols) return QM_OK;
    return qm_fail(plan->diag, QM_BAD_INPUT,
                   "%s: layer %s has a window of %u columns over %u channels, which needs as many columns of the array; machine %s has %u",
                   plan->network->graph->file, plan_layer_name(plan, layer), l->kernel_w, channels, plan->machine->name,
                   plan->machine->cols);
}

enum qm_status pass_tile(struct plan *plan) {
    uint32_t first_changed;
    for (uint32_t i = 0; i < plan->network->layer_count; i++) {
        QM_TRY(check_packing(plan, i));
        QM_TRY(check_taps(plan, i));
    }
    for (uint32_t i = 0; i < plan->network->layer_count;) {
        place_measure(plan, i);
        if (tile_layer(plan, i)) {
            i++;
            continue;
        }
        if (!place_spill(plan, i, &first_changed))
            return qm_fail(plan->diag, QM_BAD_INPUT,
                           "%s: layer %s does not fit machine %s even in the smallest blocks; use a larger scratchpad",
                           plan->network->graph->file, plan_layer_name(plan, i), plan->machine->name);
        i = plan_min(i, first_changed);
    }
    if (plan->tries_cuts) trial_choose(plan);
    return place_arena(plan);
}
