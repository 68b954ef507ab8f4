/* cuts.c - candidates for cutting a convolution, and what closed forms say of them.
 *
 * A convolution has several lowerings (lowering.c); each can be cut into blocks of output positions and chunks of channels, and either
 * can be the outer loop. A chunk of one tile that would leave no room for the next can come in parts of the reduction. Only when nothing
 * fits into the layer's hole of the scratchpad are chunks narrower than a tile tried as well.
 *
 * The closed forms are the durations of common/opcode/, put together as if each unit worked without a gap and the slowest had its way. They
 * order the candidates, no more.
 */
#include "compiler/passes/cuts.h"

#include <string.h>

#include "common/precision.h"
#include "compiler/passes/passes.h"
#include "sim/control/sizes.h"

enum { RUN_BYTES_MAX = 65535 };

/* Bytes of the scratchpad, whatever there is of other things, and for each set of weights and blocks that come or go. */
struct need {
    uint64_t once, each;
};

/* What the candidates of a layer have in common, and the best so far: CUTS_OF_KIND of each kind, the best first. */
struct search {
    const struct plan *plan;
    uint32_t layer;
    const struct cuts_context *context;
    bool in_outside, residual_outside, out_outside; /* the map is in the arena */
    bool is_early;
    struct need need; /* of the tiling that is tried */
    struct cut best[CUT_KINDS][CUTS_OF_KIND];
    uint32_t count[CUT_KINDS];
};

/* ---- sizes ---- */

uint32_t tile_chunk_bytes(const struct qm_machine *machine, const struct plan_lowering *lowering, uint32_t channels) {
    uint64_t tiles = plan_ceil_div(channels, qm_machine_tile(machine, lowering->depthwise));
    uint32_t rows = lowering_rows(lowering, lowering_kernel_rows(lowering), lowering->window.run_bytes);
    uint64_t bytes = lowering_weight_bytes(machine, lowering, rows, channels) + QM_PARAMETER_BYTES * tiles * machine->cols;
    return bytes < INT32_MAX ? (uint32_t)bytes : INT32_MAX;
}

/* Of one LOAD: a part alone, or a chunk with its parameters. */
static uint64_t load_bytes(const struct search *s, const struct plan_tiling *t) {
    const struct qm_machine *machine = s->plan->machine;
    if (!t->split) return tile_chunk_bytes(machine, &t->lowering, t->chunk_channels);
    uint32_t rows = lowering_rows(&t->lowering, t->part_kernel_h, t->part_run);
    return lowering_weight_bytes(machine, &t->lowering, rows, t->chunk_channels);
}

static uint64_t weight_bytes(const struct search *s, const struct plan_tiling *t) {
    return load_bytes(s, t) + (t->split ? QM_PARAMETER_BYTES * (uint64_t)s->plan->machine->cols : 0);
}

/* Bytes that the tiling needs at once. */
static struct need need_of(const struct search *s, const struct plan_tiling *t) {
    uint32_t row_bytes;
    uint64_t positions = (uint64_t)t->block_h * t->block_w;
    struct need need = {.each = weight_bytes(s, t)};
    if (s->plan->network->layers[s->layer].table != NULL) need.once = QM_TABLE_BYTES;
    uint64_t in = area_bytes_at_most(&t->lowering.window, t->block_h, t->block_w, &row_bytes);
    if (row_bytes > QM_ROW_BYTES_MAX) need.once = INT64_MAX;
    if (s->in_outside) need.each += in;
    uint64_t results = positions * (t->rows_outer ? t->lowering.channels : t->chunk_channels);
    if (s->residual_outside) need.each += results;
    if (s->out_outside) need.each += (results * t->lowering.out_bits + 7) / 8;
    if (t->lowering.im2col) need.each += positions * lowering_depth(&t->lowering);
    return need;
}

/* `times` says how many of each thing that comes or goes. */
static uint64_t bytes_of(const struct need *need, uint32_t times) {
    return need->once + times * need->each;
}

static uint64_t room(const struct search *s) {
    return s->plan->layers[s->layer].hole_bytes;
}

/* ---- closed forms ---- */

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* How often things are done. */
struct loops {
    uint64_t blocks, chunks, groups /* of tiles, in a chunk */, parts, tiles /* of all chunks */;
    uint64_t pairs;     /* of MATMULs, one a part, and a REQUANTIZE */
    uint64_t positions; /* of a block, on average */
};

static struct loops loops_of(const struct search *s, const struct plan_tiling *t) {
    const struct plan_window *w = &t->lowering.window;
    uint32_t chunk_tiles = plan_ceil_div(t->chunk_channels, qm_machine_tile(s->plan->machine, t->lowering.depthwise));
    struct loops loops = {.chunks = plan_ceil_div(t->lowering.channels, t->chunk_channels), .parts = 1};
    loops.blocks = (uint64_t)plan_ceil_div(lowering_matrix_h(&t->lowering), t->block_h) * plan_ceil_div(w->out_w, t->block_w);
    loops.blocks *= t->lowering.matrices;
    loops.groups = plan_ceil_div(chunk_tiles, t->matmul_tiles);
    loops.tiles = loops.chunks * chunk_tiles;
    if (!t->lowering.im2col)
        loops.parts =
            (uint64_t)plan_ceil_div(lowering_kernel_rows(&t->lowering), t->part_kernel_h) * plan_ceil_div(w->run_bytes, t->part_run);
    loops.pairs = loops.blocks * loops.chunks * loops.groups;
    loops.positions = ((uint64_t)w->out_h * w->out_w + loops.blocks - 1) / loops.blocks;
    return loops;
}

/* A length in equal parts and what is left. */
struct division {
    uint32_t sizes[2];
    uint64_t counts[2];
};

static struct division divide(uint32_t length, uint32_t part) {
    return (struct division){.sizes = {part, length % part}, .counts = {length / part, length % part > 0}};
}

/* Of one MATMUL for each part of the windows. */
static uint64_t parts_cycles(const struct search *s, const struct plan_tiling *t, uint64_t positions, uint64_t tiles) {
    struct division rows = divide(lowering_kernel_rows(&t->lowering), t->part_kernel_h),
                    run = divide(t->lowering.window.run_bytes, t->part_run);
    uint64_t cycles = 0;
    for (int i = 0; i < 4; i++) {
        struct cost_part part = {.kernel_h = rows.sizes[i / 2], .run = run.sizes[i % 2]};
        uint64_t count = rows.counts[i / 2] * run.counts[i % 2];
        if (count > 0) cycles += count * cost_matmul(s->plan->machine, &t->lowering, &part, positions, tiles);
    }
    return cycles;
}

/* A MATMUL's start takes a cycle in which no weight row is issued. */
static uint64_t matmul_cycles(const struct search *s, const struct plan_tiling *t, const struct loops *loops) {
    static const struct cost_part all = {0};
    uint64_t cycles = t->lowering.im2col ? cost_matmul(s->plan->machine, &t->lowering, &all, loops->positions, loops->tiles)
                                         : parts_cycles(s, t, loops->positions, loops->tiles);
    return t->lowering.passes * (loops->blocks * cycles + loops->pairs * loops->parts);
}

static uint64_t post_cycles(const struct search *s, const struct plan_tiling *t, const struct loops *loops) {
    const struct qm_machine *machine = s->plan->machine;
    uint64_t tiles = (loops->tiles + loops->chunks * loops->groups - 1) / (loops->chunks * loops->groups);
    uint64_t cycles = loops->pairs * cost_requantize(machine, &t->lowering, loops->positions, tiles);
    return t->lowering.im2col ? cycles + loops->blocks * cost_copy(machine, &t->lowering, loops->positions) : cycles;
}

/* The array and the post unit work at the same time, on as many pairs as the accumulator holds; sums leave the array with a delay. */
static uint64_t work_cycles(const struct search *s, const struct plan_tiling *t, const struct loops *loops) {
    const struct qm_machine *machine = s->plan->machine;
    uint64_t matmul = matmul_cycles(s, t, loops), post = post_cycles(s, t, loops);
    uint64_t pairs_held = larger(machine->accumulator_rows / (loops->positions * t->matmul_tiles), 1);
    uint64_t one_after_another = matmul + post + (loops->pairs - 1) * (machine->rows + machine->cols);
    return larger(larger(matmul, post), loops->pairs > 1 ? one_after_another / pairs_held : 0);
}

/* Instructions come a FIFO in a latency. */
static uint64_t fetch_cycles(const struct qm_machine *machine, uint64_t instructions) {
    return instructions * (machine->dram_latency + FETCH_CHUNK * cost_transfer(machine, QM_INSN_BYTES)) / FETCH_FIFO;
}

/* LOADs of weights, and of blocks of the input. */
static uint64_t weight_loads(const struct plan_tiling *t, const struct loops *loops) {
    return loops->chunks * (t->split ? loops->blocks * loops->parts : t->rows_outer ? loops->blocks : t->lowering.matrices);
}

static uint64_t input_loads(const struct search *s, const struct plan_tiling *t, const struct loops *loops) {
    if (!s->in_outside) return 0;
    return loops->blocks * (t->rows_outer || loops->blocks == t->lowering.matrices ? 1 : loops->chunks);
}

/* LOADs one after the other into so many places as the room holds: a place is free again when what was loaded there has been used. */
static uint64_t loads_cycles(const struct search *s, uint64_t loads, uint64_t bytes, uint64_t work) {
    const struct qm_machine *machine = s->plan->machine;
    uint64_t spare = room(s) - bytes_of(&s->need, 1), places = 1 + least(spare / bytes, machine->queue_depth);
    uint64_t use = work / loads + machine->rows + machine->cols;
    return loads * (machine->dram_latency + cost_transfer(machine, bytes) + (loads > 1 ? use : 0)) / places;
}

static uint64_t load_cycles(const struct search *s, const struct plan_tiling *t, const struct loops *loops, uint64_t work) {
    uint32_t row_bytes;
    uint64_t weights = loads_cycles(s, weight_loads(t, loops), load_bytes(s, t), work), inputs = input_loads(s, t, loops);
    if (inputs == 0) return weights;
    return larger(weights, loads_cycles(s, inputs, area_bytes_at_most(&t->lowering.window, t->block_h, t->block_w, &row_bytes), work));
}

static uint64_t instruction_count(const struct loops *loops) {
    return loops->pairs * (1 + loops->parts) + loops->chunks + loops->blocks;
}

static uint64_t bytes_read(const struct search *s, const struct plan_tiling *t, const struct loops *loops) {
    const struct plan_window *w = &t->lowering.window;
    uint32_t row_bytes;
    uint64_t in = loops->blocks == 1 ? (uint64_t)w->in_rows * w->in_row_bytes : area_bytes_at_most(w, t->block_h, t->block_w, &row_bytes);
    uint64_t weights = loops->chunks * tile_chunk_bytes(s->plan->machine, &t->lowering, t->chunk_channels);
    bool again = t->split || (t->rows_outer && loops->chunks > 1);
    weights *= again ? loops->blocks : t->lowering.matrices;
    uint64_t residual = s->residual_outside ? (uint64_t)w->out_h * w->out_w * t->lowering.channels : 0;
    return instruction_count(loops) * QM_INSN_BYTES + weights + in * input_loads(s, t, loops) + residual;
}

static uint64_t bytes_written(const struct search *s, const struct plan_tiling *t) {
    const struct plan_window *w = &t->lowering.window;
    return s->out_outside ? (uint64_t)w->out_h * w->out_w * plan_bytes(t->lowering.channels, t->lowering.out_bits) : 0;
}

static uint64_t memory_cycles(const struct search *s, const struct plan_tiling *t, const struct loops *loops, uint64_t work) {
    const struct qm_machine *machine = s->plan->machine;
    uint64_t read = cost_transfer(machine, bytes_read(s, t, loops)), written = bytes_written(s, t);
    read = larger(larger(read, fetch_cycles(machine, instruction_count(loops))), load_cycles(s, t, loops, work));
    if (written == 0) return read;
    return larger(read + cost_transfer(machine, written),
                  cost_stores(machine, written, loops->blocks * (t->rows_outer ? 1 : loops->chunks)));
}

/* Cycles in which the first weights come and nothing else can be done, because the layer before left no time for them. */
static uint64_t head_cycles(const struct search *s, const struct plan_tiling *t) {
    uint64_t head = cost_transfer(s->plan->machine, weight_bytes(s, t)), idle = s->context->idle_before;
    if (s->context->starts || s->in_outside) return head;
    return head > idle ? head - idle : 0;
}

/* Loads come while the array works if there are two buffers for them, or if they come only once. */
static bool overlaps(const struct search *s, const struct plan_tiling *t) {
    return t->ring == 2 || (!s->in_outside && !s->out_outside && t->chunk_channels >= t->lowering.channels && !t->split);
}

static void count_cycles(const struct search *s, struct cut *cut) {
    const struct plan_tiling *t = &cut->tiling;
    const struct plan_window *w = &t->lowering.window;
    const struct qm_machine *machine = s->plan->machine;
    struct loops loops = loops_of(s, t);
    uint64_t work = work_cycles(s, t, &loops), memory = memory_cycles(s, t, &loops, work);
    uint64_t body = overlaps(s, t) ? larger(work + head_cycles(s, t), memory) : work + memory;
    uint64_t tail = machine->rows + machine->cols + cost_requantize(machine, &t->lowering, loops.positions, t->matmul_tiles);
    uint64_t loads = weight_loads(t, &loops) + input_loads(s, t, &loops);
    uint64_t first_rows = plan_min(w->in_rows, (t->block_h - 1) * w->y_stride + w->kernel_h);
    cut->cycles = body + tail + s->context->wait_cycles * first_rows / w->in_rows;
    cut->cost = cost_with_bus(machine, cut->cycles, bytes_read(s, t, &loops) + bytes_written(s, t));
    cut->idle_cycles = work > memory ? least(work - memory, work * least(machine->queue_depth, loads) / loads) : 0;
}

/* ---- candidates ---- */

static bool within_fields(const struct plan_lowering *lowering) {
    const struct plan_window *w = &lowering->window;
    bool kernel =
        w->kernel_h <= QM_WINDOW_MAX && w->kernel_w <= QM_WINDOW_MAX && w->y_stride <= QM_WINDOW_MAX && w->y_dilation <= QM_WINDOW_MAX;
    bool bytes = w->run_bytes <= RUN_BYTES_MAX && w->x_stride <= UINT16_MAX && w->x_dilation <= UINT16_MAX && w->x_start >= INT16_MIN;
    return kernel && bytes && lowering->channels <= UINT16_MAX && (!lowering->im2col || lowering_depth(lowering) <= RUN_BYTES_MAX);
}

/* Of equals the first stays the first. */
static void keep(struct search *s, const struct cut *cut) {
    uint32_t kind = 2 * (uint32_t)cut->tiling.split + cut->tiling.rows_outer;
    struct cut *best = s->best[kind];
    uint32_t *count = &s->count[kind], at = *count;
    while (at > 0 && best[at - 1].cost > cut->cost) at--;
    if (at == CUTS_OF_KIND) return;
    if (*count < CUTS_OF_KIND) (*count)++;
    memmove(&best[at + 1], &best[at], (*count - 1 - at) * sizeof *best);
    best[at] = *cut;
}

/* Folded, a block is whole rows of all channels, one behind the other as one row of the instruction's map. */
static bool can_fold(const struct plan_tiling *t) {
    const struct plan_window *w = &t->lowering.window;
    uint32_t row_bytes;
    uint64_t bytes = area_bytes_at_most(w, t->block_h, t->block_w, &row_bytes);
    bool whole = t->block_w == w->out_w && t->chunk_channels == t->lowering.channels && !t->split;
    uint64_t row = larger(w->in_row_bytes, (uint64_t)w->out_w * plan_bytes(t->lowering.channels, t->lowering.out_bits));
    return whole && bytes <= UINT16_MAX && row * larger(w->y_stride, w->y_dilation) <= UINT16_MAX && w->y_start * (int64_t)row >= INT16_MIN;
}

static void try_tiling(struct search *s, struct plan_tiling *t) {
    const struct qm_machine *machine = s->plan->machine;
    if (lowering_is_folded(&t->lowering) && !can_fold(t)) return;
    uint64_t positions = (uint64_t)t->block_h * t->block_w;
    if (positions > machine->accumulator_rows || t->block_h > PLAN_POSITIONS_MAX || t->block_w > PLAN_POSITIONS_MAX) return;
    if (t->chunk_channels < t->lowering.channels && t->chunk_channels * t->lowering.out_bits % 8 != 0) return;
    uint32_t tile = qm_machine_tile(machine, t->lowering.depthwise), half = machine->accumulator_rows / 2;
    t->matmul_tiles = plan_max(1, plan_min(half / (uint32_t)positions, plan_ceil_div(t->chunk_channels, tile)));
    s->need = need_of(s, t);
    if (bytes_of(&s->need, 1) > room(s)) return;
    t->ring = bytes_of(&s->need, 2) <= room(s) ? 2 : 1;
    struct cut cut = {.tiling = *t, .is_early = t->split && s->is_early};
    count_cycles(s, &cut);
    keep(s, &cut);
}

static bool is_one_block(const struct plan_tiling *t) {
    return t->block_h >= lowering_matrix_h(&t->lowering) && t->block_w >= t->lowering.window.out_w;
}

/* Where one of the loops has one round only, both orders are the same, but for what leaves by chunks or not. */
static void try_orders(struct search *s, struct plan_tiling *t) {
    bool one_chunk = t->chunk_channels >= t->lowering.channels;
    if (t->lowering.im2col && !one_chunk) return;
    t->rows_outer = one_chunk;
    try_tiling(s, t);
    if (one_chunk || (is_one_block(t) && !s->out_outside)) return;
    t->rows_outer = true;
    try_tiling(s, t);
}

static uint32_t next_division(uint32_t n) {
    return n < 3 ? n + 1 : n + n / 2;
}

/* Weights in parts, each loaded when it is needed. */
static void try_parts(struct search *s, struct plan_tiling t) {
    uint32_t width = (uint32_t)qm_precision_sizes(t.lowering.precision).bytes; /* a weight row belongs to one part */
    t.split = true;
    for (;;) {
        if (t.part_kernel_h > 1)
            t.part_kernel_h = plan_ceil_div(t.part_kernel_h, 2);
        else if (!t.lowering.depthwise && t.part_run > width)
            t.part_run = plan_ceil_div(t.part_run, 2 * width) * width;
        else
            break;
        try_orders(s, &t);
    }
}

static void try_chunks(struct search *s, struct plan_tiling *t) {
    uint32_t tile = qm_machine_tile(s->plan->machine, t->lowering.depthwise);
    uint32_t tiles = plan_ceil_div(t->lowering.channels, tile), last = 0;
    for (uint32_t n = 1;; n = plan_min(next_division(n), tiles)) {
        t->chunk_channels = plan_min(plan_ceil_div(tiles, n) * tile, t->lowering.channels);
        if (t->chunk_channels != last) try_orders(s, t);
        last = t->chunk_channels;
        if (n == tiles) break;
    }
    struct need need = need_of(s, t);
    s->is_early = bytes_of(&need, 2) <= room(s);
    if (!t->lowering.im2col && (is_one_block(t) || !s->is_early)) try_parts(s, *t);
    s->is_early = false;
}

/* Chunks of a tile or less. */
static void try_narrow_chunks(struct search *s, struct plan_tiling *t) {
    uint32_t widest = plan_min(qm_machine_tile(s->plan->machine, t->lowering.depthwise), t->lowering.channels);
    if (t->lowering.im2col) return;
    for (t->chunk_channels = widest; t->chunk_channels > 0; t->chunk_channels /= 2) {
        try_orders(s, t);
        try_parts(s, *t);
    }
}

static void try_blocks(struct search *s, struct plan_tiling *t, void (*try_rest)(struct search *, struct plan_tiling *)) {
    const struct plan_window *w = &t->lowering.window;
    uint32_t last = 0, h = lowering_matrix_h(&t->lowering);
    for (uint32_t n = 1;; n = next_division(n)) {
        t->block_h = plan_ceil_div(h, plan_min(n, h));
        t->block_w = w->out_w;
        if (t->block_h != last) try_rest(s, t);
        last = t->block_h;
        if (t->block_h == 1) break;
    }
    for (uint32_t n = 2; t->block_w > 1; n = next_division(n)) {
        t->block_w = plan_ceil_div(w->out_w, plan_min(n, w->out_w));
        try_rest(s, t);
    }
}

static void try_lowerings(struct search *s, void (*try_rest)(struct search *, struct plan_tiling *)) {
    struct plan_lowering lowerings[LOWERINGS_MAX];
    uint32_t count = lowerings_of_layer(s->plan, s->layer, lowerings);
    for (uint32_t i = 0; i < count; i++) {
        const struct plan_window *w = &lowerings[i].window;
        struct plan_tiling tiling = {.lowering = lowerings[i], .part_kernel_h = w->kernel_h, .part_run = w->run_bytes};
        if (within_fields(&lowerings[i])) try_blocks(s, &tiling, try_rest);
    }
}

/* The kind whose next cut is the best; CUT_KINDS: there is none. */
static uint32_t next_kind(const struct search *s, const uint32_t *at) {
    uint32_t best = CUT_KINDS;
    for (uint32_t kind = 0; kind < CUT_KINDS; kind++)
        if (at[kind] < s->count[kind] && (best == CUT_KINDS || s->best[kind][at[kind]].cost < s->best[best][at[best]].cost)) best = kind;
    return best;
}

/* Those of all kinds, merged. */
static uint32_t merge(const struct search *s, struct cut *cuts) {
    uint32_t at[CUT_KINDS] = {0}, count = 0;
    for (uint32_t kind = next_kind(s, at); kind < CUT_KINDS; kind = next_kind(s, at)) cuts[count++] = s->best[kind][at[kind]++];
    return count;
}

uint32_t cuts_find(const struct plan *plan, uint32_t layer, const struct cuts_context *context, struct cut *cuts) {
    const struct qm_layer *l = &plan->network->layers[layer];
    struct search s = {.plan = plan, .layer = layer, .context = context};
    s.in_outside = !plan_storage(plan, l->inputs[0])->resident;
    s.residual_outside = l->residual && !plan_storage(plan, l->inputs[1])->resident;
    s.out_outside = !plan_storage(plan, l->output)->resident;
    try_lowerings(&s, try_chunks);
    uint32_t count = merge(&s, cuts);
    if (count > 0) return count;
    try_lowerings(&s, try_narrow_chunks);
    return merge(&s, cuts);
}
