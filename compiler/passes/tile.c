/* tile.c - how each layer is cut, chosen by trying.
 *
 * A convolution has several lowerings (lowering.c); each can be cut into blocks of output positions and chunks of channels, and either
 * can be the outer loop. Every combination from a short list is estimated with the closed forms; the cheapest that fits into the layer's
 * hole of the scratchpad wins, the first of equals. A chunk of one tile may come in parts of the reduction; only when nothing fits are
 * chunks narrower than a tile tried as well. A layer for which nothing fits spills its largest map to the arena; when there is none left,
 * it is refused.
 */
#include "common/precision.h"
#include "compiler/passes/passes.h"

enum {
    ROW_BYTES_MAX = 65535,
    RUN_BYTES_MAX = 65535,
    KERNEL_MAX = 255,
    POSITIONS_MAX = 65535,
    ADD_BLOCKS = 8,
    ADD_BLOCK_BYTES_MIN = 512,
    ADD_BLOCK_BYTES_MAX = 16384,
    MOVE_BYTES_MAX = 32768
};

/* What the trials of a layer have in common, and the best so far. */
struct search {
    struct plan *plan;
    uint32_t layer;
    bool in_outside, out_outside; /* the map is in the arena */
    bool starts;                  /* nothing before it hides its first loads */
    uint64_t before;              /* cycles in which the post unit alone makes its input */
    struct plan_tiling best;
};

/* ---- sizes ---- */

uint32_t tile_chunk_bytes(const struct qm_machine *machine, const struct plan_lowering *lowering, uint32_t channels) {
    uint64_t tiles = plan_ceil_div(channels, qm_machine_tile(machine, lowering->depthwise));
    uint32_t rows = lowering_rows(lowering, lowering_kernel_rows(lowering), lowering->window.run_bytes);
    uint64_t bytes = lowering_weight_bytes(machine, lowering, rows, channels) + QM_PARAMETER_BYTES * tiles * machine->cols;
    return bytes < INT32_MAX ? (uint32_t)bytes : INT32_MAX;
}

/* Bytes of the input that an inner block touches. */
static uint64_t input_bytes(const struct plan_tiling *t, uint32_t *row_bytes) {
    const struct plan_window *w = &t->lowering.window;
    uint64_t rows = (uint64_t)(t->block_h - 1) * w->y_stride + (uint64_t)(w->kernel_h - 1) * w->y_dilation + 1;
    uint64_t bytes = (uint64_t)(t->block_w - 1) * w->x_stride + (uint64_t)(w->kernel_w - 1) * w->x_dilation + w->run_bytes;
    if (rows > w->in_rows) rows = w->in_rows;
    if (bytes > w->in_row_bytes) bytes = w->in_row_bytes;
    *row_bytes = (uint32_t)bytes;
    return rows * bytes;
}

static uint64_t weight_bytes(const struct search *s, const struct plan_tiling *t) {
    const struct qm_machine *machine = s->plan->machine;
    if (!t->split) return tile_chunk_bytes(machine, &t->lowering, t->chunk_channels);
    uint32_t rows = lowering_rows(&t->lowering, t->part_kernel_h, t->part_run);
    return lowering_weight_bytes(machine, &t->lowering, rows, t->chunk_channels) + QM_PARAMETER_BYTES * (uint64_t)machine->cols;
}

/* Bytes that the tiling needs at once. `times` says how many of each thing that comes or goes. */
static uint64_t bytes_needed(const struct search *s, const struct plan_tiling *t, uint32_t times) {
    uint32_t row_bytes;
    uint64_t positions = (uint64_t)t->block_h * t->block_w, total = times * weight_bytes(s, t);
    if (s->plan->network->layers[s->layer].table != NULL) total += QM_TABLE_BYTES;
    uint64_t in = input_bytes(t, &row_bytes);
    if (row_bytes > ROW_BYTES_MAX) return UINT64_MAX;
    if (s->in_outside) total += times * in;
    if (s->out_outside)
        total += times * positions * plan_bytes(t->rows_outer ? t->lowering.channels : t->chunk_channels, t->lowering.out_bits);
    if (t->lowering.im2col) total += times * positions * lowering_depth(&t->lowering);
    return total;
}

/* ---- estimate ---- */

/* Cycles [assumed] for what the estimate has no closed form for: between instructions of a unit, and after the last one of a layer. Of the
 * first loads of a layer, which the layer before may hide, a part is taken to show. */
enum { MATMUL_GAP_CYCLES = 4, POST_GAP_CYCLES = 8, STORE_GAP_CYCLES = 8, TAIL_CYCLES = 12, HIDDEN_HEAD_DIVISOR = 16 };

static uint32_t block_count(const struct plan_tiling *t) {
    return plan_ceil_div(t->lowering.window.out_h, t->block_h) * plan_ceil_div(t->lowering.window.out_w, t->block_w);
}

static uint64_t memory_cycles(const struct search *s, const struct plan_tiling *t, uint64_t chunks, uint64_t instructions) {
    const struct plan_window *w = &t->lowering.window;
    const struct qm_machine *machine = s->plan->machine;
    uint32_t row_bytes;
    uint64_t blocks = block_count(t), weights = chunks * tile_chunk_bytes(machine, &t->lowering, t->chunk_channels);
    uint64_t in = blocks == 1 ? (uint64_t)w->in_rows * w->in_row_bytes : blocks * input_bytes(t, &row_bytes);
    uint64_t bytes = instructions * QM_INSN_BYTES + weights * (t->split || (t->rows_outer && chunks > 1) ? blocks : 1);
    if (s->in_outside) bytes += in * (t->rows_outer || blocks == 1 ? 1 : chunks);
    uint64_t read = cost_transfer(machine, bytes);
    if (!s->out_outside) return read;
    uint64_t written = cost_transfer(machine, (uint64_t)w->out_h * w->out_w * plan_bytes(t->lowering.channels, t->lowering.out_bits));
    uint64_t stores = written + blocks * (t->rows_outer ? 1 : chunks) * (machine->dram_latency + STORE_GAP_CYCLES);
    return read + written > stores ? read + written : stores;
}

static uint64_t largest3(uint64_t a, uint64_t b, uint64_t c) {
    uint64_t ab = a > b ? a : b;
    return ab > c ? ab : c;
}

static uint64_t estimate(const struct search *s, const struct plan_tiling *t, bool overlaps) {
    const struct qm_machine *machine = s->plan->machine;
    const struct plan_window *w = &t->lowering.window;
    uint32_t tile = qm_machine_tile(machine, t->lowering.depthwise);
    uint64_t blocks = block_count(t), chunks = plan_ceil_div(t->lowering.channels, t->chunk_channels);
    uint64_t chunk_tiles = plan_ceil_div(t->chunk_channels, tile), tiles = chunks * chunk_tiles;
    uint64_t groups = (chunk_tiles + t->matmul_tiles - 1) / t->matmul_tiles;
    uint64_t parts = (uint64_t)plan_ceil_div(w->kernel_h, t->part_kernel_h) * plan_ceil_div(w->run_bytes, t->part_run);
    if (t->lowering.twice) parts *= 2;
    if (t->lowering.im2col) parts = 1;
    uint64_t positions = (uint64_t)w->out_h * w->out_w, m = (positions + blocks - 1) / blocks;
    uint64_t pairs = blocks * chunks * groups;
    uint64_t matmul = blocks * cost_matmul(machine, &t->lowering, m, tiles) + pairs * parts * MATMUL_GAP_CYCLES;
    uint64_t post = tiles * (QM_PARAMETER_BYTES * blocks + positions) + pairs * POST_GAP_CYCLES +
                    (t->lowering.im2col ? cost_copy(machine, &t->lowering, positions) + POST_GAP_CYCLES * blocks : 0);
    uint64_t memory = memory_cycles(s, t, chunks, pairs * (1 + parts) + chunks + blocks);
    uint64_t tail = cost_requantize(machine, m, t->matmul_tiles) + machine->rows + machine->cols + TAIL_CYCLES;
    uint64_t head = cost_transfer(machine, weight_bytes(s, t));
    bool exposed = s->starts || s->in_outside;
    bool alternates = 2 * m * t->matmul_tiles <= machine->accumulator_rows;
    uint64_t compute = alternates || pairs == 1 ? 0 : matmul + post;
    uint64_t body = overlaps ? largest3(matmul, post, memory) : (matmul > post ? matmul : post) + memory;
    if (body < compute) body = compute;
    uint64_t wait = s->before * plan_min(w->in_rows, (t->block_h - 1) * w->y_stride + w->kernel_h) / w->in_rows;
    return body + tail + (exposed ? head : head / HIDDEN_HEAD_DIVISOR) + wait;
}

/* ---- trials ---- */

static bool within_fields(const struct plan_lowering *lowering) {
    const struct plan_window *w = &lowering->window;
    bool kernel = w->kernel_h <= KERNEL_MAX && w->kernel_w <= KERNEL_MAX && w->y_stride <= KERNEL_MAX && w->y_dilation <= KERNEL_MAX;
    bool bytes = w->run_bytes <= RUN_BYTES_MAX && w->x_stride <= UINT16_MAX && w->x_dilation <= UINT16_MAX && w->x_start >= INT16_MIN;
    return kernel && bytes && lowering->channels <= UINT16_MAX && (!lowering->im2col || lowering_depth(lowering) <= RUN_BYTES_MAX);
}

static void try_tiling(struct search *s, struct plan_tiling *t) {
    const struct qm_machine *machine = s->plan->machine;
    uint64_t positions = (uint64_t)t->block_h * t->block_w;
    if (positions > machine->accumulator_rows || t->block_h > POSITIONS_MAX || t->block_w > POSITIONS_MAX) return;
    if (t->chunk_channels < t->lowering.channels && t->chunk_channels * t->lowering.out_bits % 8 != 0) return;
    uint32_t tile = qm_machine_tile(machine, t->lowering.depthwise), half = machine->accumulator_rows / 2;
    uint32_t tiles_in_half = half / (uint32_t)positions;
    t->matmul_tiles = plan_max(1, plan_min(tiles_in_half, plan_ceil_div(t->chunk_channels, tile)));
    uint32_t room = s->plan->layers[s->layer].hole_bytes;
    if (bytes_needed(s, t, 1) > room) return;
    t->ring = bytes_needed(s, t, 2) <= room ? 2 : 1;
    bool once = !s->in_outside && !s->out_outside && t->chunk_channels >= t->lowering.channels && !t->split;
    t->cycles = estimate(s, t, t->ring == 2 || once);
    if (t->cycles < s->best.cycles) s->best = *t;
}

static void try_orders(struct search *s, struct plan_tiling *t) {
    bool one_chunk = t->chunk_channels >= t->lowering.channels;
    if (t->lowering.im2col && !one_chunk) return;
    t->rows_outer = one_chunk;
    try_tiling(s, t);
    if (one_chunk) return;
    t->rows_outer = true;
    try_tiling(s, t);
}

static uint32_t next_division(uint32_t n) {
    return n < 3 ? n + 1 : n + n / 2;
}

/* Weights in parts of the reduction, each loaded when it is needed. */
static void try_parts(struct search *s, struct plan_tiling t) {
    uint32_t width = (uint32_t)qm_precision_sizes(t.lowering.precision).bytes; /* a weight row belongs to one part */
    t.split = true;
    for (;;) {
        try_orders(s, &t);
        if (t.part_kernel_h > 1)
            t.part_kernel_h = plan_ceil_div(t.part_kernel_h, 2);
        else if (!t.lowering.depthwise && t.part_run > width)
            t.part_run = plan_ceil_div(t.part_run, 2 * width) * width;
        else
            break;
    }
}

/* A chunk of one tile that leaves no room for the next can come in parts, so that loads overlap with work all the same. */
static void try_chunks(struct search *s, struct plan_tiling *t) {
    uint32_t tile = qm_machine_tile(s->plan->machine, t->lowering.depthwise);
    uint32_t tiles = plan_ceil_div(t->lowering.channels, tile), last = 0;
    for (uint32_t n = 1;; n = plan_min(next_division(n), tiles)) {
        t->chunk_channels = plan_min(plan_ceil_div(tiles, n) * tile, t->lowering.channels);
        if (t->chunk_channels != last) try_orders(s, t);
        last = t->chunk_channels;
        if (n == tiles) break;
    }
    if (!t->lowering.im2col && bytes_needed(s, t, 2) > s->plan->layers[s->layer].hole_bytes) try_parts(s, *t);
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
    uint32_t last = 0;
    for (uint32_t n = 1;; n = next_division(n)) {
        t->block_h = plan_ceil_div(w->out_h, plan_min(n, w->out_h));
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

static bool tile_convolution(struct search *s) {
    s->best.cycles = UINT64_MAX;
    try_lowerings(s, try_chunks);
    if (s->best.cycles == UINT64_MAX) try_lowerings(s, try_narrow_chunks);
    return s->best.cycles != UINT64_MAX;
}

/* ---- pools and additions: only the post unit, so blocks serve to overlap and to fit ---- */

/* Bytes of a pool's blocks, of `channels` of all. */
static bool pool_fits(struct search *s, uint32_t channels) {
    struct plan_tiling *t = &s->best;
    const struct plan_window *w = &t->lowering.window;
    uint32_t row_bytes, room = s->plan->layers[s->layer].hole_bytes;
    uint64_t in = input_bytes(t, &row_bytes) / w->run_bytes * channels, out = (uint64_t)t->block_h * t->block_w * channels;
    uint64_t needed = (s->in_outside ? in : 0) + (s->out_outside ? out : 0);
    t->chunk_channels = channels;
    t->ring = 2 * needed <= room ? 2 : 1;
    return needed <= room && row_bytes / w->run_bytes * channels <= ROW_BYTES_MAX;
}

static bool tile_pool(struct search *s) {
    const struct plan_window window = lowering_window(s->plan, s->layer);
    struct plan_tiling *t = &s->best;
    t->lowering.window = window;
    if (window.kernel_h > KERNEL_MAX || window.kernel_w > KERNEL_MAX) return false;
    for (uint32_t n = window.out_h >= 16 ? 4 : 1;; n *= 2) {
        t->block_h = plan_ceil_div(window.out_h, plan_min(n, window.out_h));
        t->block_w = plan_ceil_div(window.out_w, plan_min(plan_max(n / window.out_h, 1), window.out_w));
        if (pool_fits(s, window.run_bytes)) return true;
        if (t->block_h == 1 && t->block_w == 1) break;
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

/* Positions of a row of an instruction: strides, and the bytes from the first to the last, fit their fields. */
static uint32_t positions_max(const struct qm_move_loop *loop, uint32_t bytes, bool in_outside, bool out_outside) {
    uint64_t in = in_outside ? bytes : loop->in, out = out_outside ? bytes : loop->out, most = POSITIONS_MAX;
    if (in > UINT16_MAX || out > UINT16_MAX) return 1;
    if (in > 0 && (ROW_BYTES_MAX - bytes) / in + 1 < most) most = (ROW_BYTES_MAX - bytes) / in + 1;
    return (uint32_t)most;
}

/* How many contiguous elements one POOL can write as 4-bit elements: an even number, or all. An array with an odd number of
 * columns writes its first `cols` elements at most, because the next ones would begin within a byte. */
static uint32_t packed_elements(const struct qm_machine *machine, uint32_t elements, uint32_t most) {
    if (machine->cols % 2 != 0 && elements > machine->cols) most = plan_min(most, machine->cols);
    return most < elements ? most / 2 * 2 : elements;
}

uint32_t move_split(const struct qm_move *move, struct qm_move_loop *rows, struct qm_move_loop *positions) {
    uint32_t count = move->loop_count;
    *rows = *positions = (struct qm_move_loop){.count = 1};
    if (count >= 1) *positions = move->loops[count - 1];
    if (count >= 2) *rows = move->loops[count - 2];
    return count >= 2 ? count - 2 : 0;
}

/* Blocks of whole rows if they fit, else of one row, else of a part of the contiguous bytes. */
static bool tile_move(struct search *s) {
    const struct qm_layer *l = &s->plan->network->layers[s->layer];
    struct plan_tiling *t = &s->best;
    struct qm_move_loop rows, positions;
    move_split(&l->move, &rows, &positions);
    uint32_t room = s->plan->layers[s->layer].hole_bytes, streams = s->in_outside + (uint32_t)s->out_outside;
    uint64_t total = (uint64_t)rows.count * positions.count * l->move.contiguous_bytes;
    uint32_t most =
        total / ADD_BLOCKS > ADD_BLOCK_BYTES_MIN ? (uint32_t)plan_min((uint32_t)(total / ADD_BLOCKS), MOVE_BYTES_MAX) : ADD_BLOCK_BYTES_MIN;
    if (streams > 0) most = plan_min(room / (2 * streams), ADD_BLOCK_BYTES_MAX);
    if (most == 0) return false;
    t->ring = 2;
    t->block_bytes = most;
    t->chunk_channels = plan_min(l->move.contiguous_bytes, most);
    if (s->plan->network->values[l->output].bits == 4)
        t->chunk_channels = packed_elements(s->plan->machine, l->move.contiguous_bytes, t->chunk_channels);
    t->block_w = plan_min(plan_min(positions.count, plan_max(most / t->chunk_channels, 1)),
                          positions_max(&positions, t->chunk_channels, s->in_outside, s->out_outside));
    t->block_h = t->block_w < positions.count ? 1 : plan_min(rows.count, plan_max(most / (t->block_w * t->chunk_channels), 1));
    if (!s->in_outside && rows.in > UINT16_MAX) t->block_h = 1;
    return true;
}

/* ---- the pass ---- */

/* An addition right before a layer keeps the array waiting until the first block's rows are there. */
static uint64_t post_cycles_before(const struct plan *plan, uint32_t layer) {
    if (layer == 0 || plan->network->layers[layer - 1].kind != QM_LAYER_ADD) return 0;
    uint32_t bytes = plan_storage(plan, plan->network->layers[layer - 1].output)->bytes;
    return 2 * (uint64_t)plan_ceil_div(bytes, plan->machine->cols);
}

static bool tile_layer(struct plan *plan, uint32_t layer) {
    const struct qm_layer *l = &plan->network->layers[layer];
    struct search s = {.plan = plan, .layer = layer};
    bool fits = true;
    s.in_outside = !plan_storage(plan, l->inputs[0])->resident;
    s.out_outside = !plan_storage(plan, l->output)->resident;
    s.starts = layer == 0;
    s.before = post_cycles_before(plan, layer);
    if (l->kind == QM_LAYER_CONV || l->kind == QM_LAYER_DEPTHWISE) fits = tile_convolution(&s);
    if (is_pool(l)) fits = tile_pool(&s);
    if (l->kind == QM_LAYER_ADD) fits = tile_add(&s);
    if (l->kind == QM_LAYER_MOVE) fits = tile_move(&s);
    plan->layers[layer].tiling = s.best;
    return fits;
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

enum qm_status pass_tile(struct plan *plan) {
    uint32_t first_changed;
    for (uint32_t i = 0; i < plan->network->layer_count; i++) QM_TRY(check_packing(plan, i));
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
    return place_arena(plan);
}
