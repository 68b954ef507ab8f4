/* schedule_move.c - moves: POOLs of one tap, each of rows of positions of contiguous elements, which rescale on the way.
 *
 * A block (move_blocks.h) of a map in the arena comes and goes through a dense buffer, in which its loops lie in the order of their strides
 * in the map, by LOADs and STOREs of planes of rows of neighbouring bytes. Two loops of a block become the rows and positions of POOLs.
 * No field of an instruction steps down, so that each round of a loop that takes its input from the last to the first is a POOL of its own.
 */
#include <string.h>

#include "compiler/passes/move_windows.h"

enum { OUT_PITCH_MAX = 0xffffff }; /* of the instruction's field */

struct mover {
    struct plan *plan;
    uint32_t layer;
    const struct qm_layer *l;
    const struct qm_move *move;
    const struct plan_tiling *t;
    bool has_windows;
    struct qm_move_place place; /* the one that is being moved; of windows none */
    uint32_t results[2], results_bytes, stores;
};

/* One end of a block: where its first byte is, and the bytes from one round of each loop to the next. */
struct move_end {
    uint32_t buffer, first, contiguous_bytes;
    uint32_t stride[QM_MOVE_LOOPS];
};

/* ---- between the arena and a buffer ---- */

/* Of `total` rounds that lie in the input, those that a loop takes as its rounds `taken`: the first that lies there. */
static uint32_t input_round(const struct qm_move_loop *loop, uint32_t total, struct range taken) {
    return loop->down ? total - taken.first - taken.count : taken.first;
}

/* The end in the map itself. */
static struct move_end end_in_map(const struct mover *m, const struct move_block *block, bool of_input) {
    bool narrow = !of_input && m->plan->network->values[m->l->output].bits == 4; /* wider numbers are moved byte by byte */
    uint32_t bits = narrow ? 4 : 8;
    struct move_end end = {.contiguous_bytes = plan_bytes(block->elements.count, bits)};
    end.first = of_input ? m->move->in_first + m->place.in : m->move->out_first + m->place.out;
    end.first += plan_bytes(block->elements.first, bits);
    for (uint32_t i = 0; i < m->move->loop_count; i++) {
        const struct qm_move_loop *loop = &m->move->loops[i];
        struct range rounds = {block->first[i], block->count[i]};
        end.stride[i] = of_input ? loop->in : loop->out;
        end.first += (of_input ? input_round(loop, loop->count, rounds) : rounds.first) * end.stride[i];
    }
    return end;
}

/* The end in a dense buffer. A loop without a stride in the map has none in the buffer. */
static struct move_end dense_end(const struct mover *m, const struct move_block *block, const struct move_end *in_map, bool of_input) {
    struct move_end end = {.contiguous_bytes = in_map->contiguous_bytes};
    uint32_t order[QM_MOVE_LOOPS], bytes = in_map->contiguous_bytes;
    move_order(m->move, of_input, order);
    for (uint32_t i = 0; i < m->move->loop_count; i++) {
        if (in_map->stride[order[i]] == 0) continue;
        end.stride[order[i]] = bytes;
        bytes *= block->count[order[i]];
    }
    return end;
}

/* All bytes of a block from or to the arena, the first of which is `first` of the map. Two loops become rows and planes, others are
 * transfers. */
static void transfer(const struct mover *m, const struct move_runs *runs, uint32_t first, bool of_input, uint32_t buffer) {
    struct plan_nest nest = {.contiguous_bytes = runs->bytes, .positions = 1, .rows = 1};
    if (runs->count > 0) nest.positions = runs->rounds[0], nest.position = runs->stride[0];
    if (runs->count > 1) nest.rows = runs->rounds[1], nest.row = runs->stride[1];
    uint32_t bytes = nest.rows * nest.positions * nest.contiguous_bytes, transfers = 1;
    for (uint32_t i = 2; i < runs->count; i++) transfers *= runs->rounds[i];
    for (uint32_t n = 0; n < transfers; n++) {
        nest.first = first;
        for (uint32_t i = 2, rest = n; i < runs->count; rest /= runs->rounds[i++]) nest.first += rest % runs->rounds[i] * runs->stride[i];
        if (of_input)
            schedule_gather(m->plan, m->layer, m->l->inputs[0], &nest, buffer, n * bytes);
        else
            schedule_scatter(m->plan, m->layer, m->l->output, &nest, buffer, n * bytes);
    }
}

/* The bytes from the first of a block to the last. */
static uint32_t span(const struct mover *m, const struct move_block *block, const struct move_end *end) {
    uint32_t bytes = end->contiguous_bytes;
    for (uint32_t i = 0; i < m->move->loop_count; i++) bytes += (block->count[i] - 1) * end->stride[i];
    return bytes;
}

static struct move_end open_input(const struct mover *m, const struct move_block *block) {
    struct move_end map = end_in_map(m, block, true), dense = dense_end(m, block, &map, true);
    bool resident = plan_storage(m->plan, m->l->inputs[0])->resident;
    struct move_runs runs = move_runs_of(m->move, block, true, map.contiguous_bytes);
    uint32_t buffer = schedule_part(m->plan, m->layer, m->l->inputs[0], map.first + span(m, block, &map), span(m, block, &dense));
    if (!resident) transfer(m, &runs, map.first, true, buffer);
    struct move_end *end = resident ? &map : &dense;
    end->buffer = buffer;
    return *end;
}

/* ---- POOLs ---- */

/* Of each position one tap, whose channels are its contiguous bytes. */
static struct qm_insn pool_of(const struct mover *m, const struct plan_nest *in, const struct plan_nest *out) {
    struct qm_insn insn = {.opcode = QM_POOL, .pool_kind = QM_pool_kind_MAXIMUM, .pool_bias = m->l->in_bias};
    insn.kernel_h = insn.kernel_w = insn.run_bytes = 1;
    insn.in_addr = in->first;
    insn.in_rows = insn.out_h = in->rows;
    insn.out_w = in->positions;
    insn.in_row_bytes = (int64_t)(in->positions - 1) * in->position + in->contiguous_bytes;
    insn.in_pitch = in->rows > 1 ? in->row : insn.in_row_bytes;
    insn.y_stride = 1;
    insn.x_stride = in->positions > 1 ? in->position : 0;
    insn.channels = in->contiguous_bytes;
    insn.out_addr = out->first;
    insn.out_pitch = out->rows > 1 ? out->row : out->contiguous_bytes;
    insn.out_pixel = out->positions > 1 ? out->position : out->contiguous_bytes;
    if (m->plan->network->values[m->l->output].bits == 4) insn.out_type = QM_out_type_BITS4;
    schedule_scale(&insn, m->l);
    return insn;
}

/* As many rows, or positions, as the fields of one POOL can say: with their strides and, of positions, a row of so many bytes. */
static uint32_t pool_rows(const struct plan_nest *from, const struct plan_nest *to) {
    return from->row > QM_ROW_BYTES_MAX || to->row > OUT_PITCH_MAX ? 1 : PLAN_POSITIONS_MAX;
}

static uint32_t pool_positions(const struct plan_nest *from, const struct plan_nest *to) {
    uint32_t bytes = from->contiguous_bytes;
    if (from->position > QM_ROW_BYTES_MAX || to->position > QM_ROW_BYTES_MAX) return 1;
    return from->position == 0 ? PLAN_POSITIONS_MAX : (QM_ROW_BYTES_MAX - bytes) / from->position + 1;
}

static struct plan_nest piece(const struct plan_nest *nest, struct range y, struct range x) {
    struct plan_nest p = *nest;
    p.first += y.first * nest->row + x.first * nest->position;
    p.rows = y.count;
    p.positions = x.count;
    return p;
}

/* The POOLs of rows of positions, from buffer to buffer. */
static void add_pools(const struct mover *m, const struct plan_nest *from, const struct plan_nest *to, const uint32_t buffers[2]) {
    uint32_t rows = pool_rows(from, to), positions = pool_positions(from, to);
    for (uint32_t y = 0; y < from->rows; y += rows)
        for (uint32_t x = 0; x < from->positions; x += positions) {
            struct range ys = {y, plan_min(rows, from->rows - y)}, xs = {x, plan_min(positions, from->positions - x)};
            struct plan_nest in = piece(from, ys, xs), out = piece(to, ys, xs);
            struct qm_insn insn = pool_of(m, &in, &out);
            uint32_t op = plan_add_op(m->plan, m->layer, &insn);
            plan_use(m->plan, op, PLAN_READ, buffers[0]);
            plan_use(m->plan, op, PLAN_WRITE, buffers[1]);
        }
}

/* The loop of a block with the most rounds but one, of those that go up; QM_MOVE_LOOPS: none has two. */
static uint32_t longest(const struct mover *m, const struct move_block *block, uint32_t but) {
    uint32_t best = QM_MOVE_LOOPS;
    for (uint32_t i = 0; i < m->move->loop_count; i++)
        if (i != but && !m->move->loops[i].down && block->count[i] > (best < QM_MOVE_LOOPS ? block->count[best] : 1)) best = i;
    return best;
}

static struct plan_nest nest_of(const struct move_end *end, const struct move_block *block, uint32_t y, uint32_t x) {
    struct plan_nest nest = {.rows = 1, .positions = 1, .contiguous_bytes = end->contiguous_bytes, .first = end->first};
    if (y < QM_MOVE_LOOPS) nest.rows = block->count[y], nest.row = end->stride[y];
    if (x < QM_MOVE_LOOPS) nest.positions = block->count[x], nest.position = end->stride[x];
    return nest;
}

/* Two loops are rows and positions, the inner one positions; the others are counted like digits. */
static void move_block(const struct mover *m, const struct move_block *block, const struct move_end *from, const struct move_end *to) {
    const uint32_t buffers[] = {from->buffer, to->buffer};
    uint32_t x = longest(m, block, QM_MOVE_LOOPS), y = longest(m, block, x), digits[QM_MOVE_LOOPS] = {0};
    if (y < QM_MOVE_LOOPS && x < y) {
        uint32_t swapped = x;
        x = y;
        y = swapped;
    }
    struct plan_nest in = nest_of(from, block, y, x), out = nest_of(to, block, y, x);
    for (bool more = true; more;) {
        struct plan_nest source = in, target = out;
        for (uint32_t i = 0; i < m->move->loop_count; i++) {
            source.first += input_round(&m->move->loops[i], block->count[i], (struct range){digits[i], 1}) * from->stride[i];
            target.first += digits[i] * to->stride[i];
        }
        add_pools(m, &source, &target, buffers);
        more = false;
        for (uint32_t i = m->move->loop_count; i-- > 0 && !more;) {
            if (i == x || i == y) continue;
            more = ++digits[i] < block->count[i];
            if (!more) digits[i] = 0;
        }
    }
}

/* ---- the layer ---- */

static void add_block(struct mover *m, const struct move_block *block) {
    struct move_end from = open_input(m, block), map = end_in_map(m, block, false), to = dense_end(m, block, &map, false);
    const struct plan_value *value = plan_storage(m->plan, m->l->output);
    uint32_t results = m->results[m->stores++ % m->t->ring];
    struct move_runs runs = move_runs_of(m->move, block, false, map.contiguous_bytes);
    if (value->resident) to = map;
    to.buffer = value->resident ? value->buffer : results;
    move_block(m, block, &from, &to);
    if (!value->resident) transfer(m, &runs, map.first, false, results);
}

/* ---- places in windows ---- */

/* All bytes from the first place's of a block to the last place's. */
static struct plan_nest window_nest(const struct move_end *map, uint32_t first_place, uint32_t last_place, uint32_t block_span) {
    return (struct plan_nest){
        .rows = 1, .positions = 1, .contiguous_bytes = last_place - first_place + block_span, .first = map->first + first_place};
}

/* The input's window of these places, and their block in it, but for where each place is. */
static struct move_end open_window(const struct mover *m, const struct move_block *block, const struct qm_move_place *places,
                                   uint32_t count) {
    struct move_end end = end_in_map(m, block, true);
    uint32_t last = places[count - 1].in;
    struct plan_nest nest = window_nest(&end, places[0].in, last, move_block_span(m->move, block, true));
    end.buffer = schedule_part(m->plan, m->layer, m->l->inputs[0], nest.first + nest.contiguous_bytes, nest.contiguous_bytes);
    if (plan_storage(m->plan, m->l->inputs[0])->resident) return end;
    schedule_gather(m->plan, m->layer, m->l->inputs[0], &nest, end.buffer, 0);
    end.first -= nest.first;
    return end;
}

/* Moves a block at each of the places, which have one of the output's windows, by the windows of the input. */
static void add_window(struct mover *m, const struct move_block *block, struct qm_move_place *places, uint32_t count) {
    const struct plan_value *value = plan_storage(m->plan, m->l->output);
    struct move_end to = end_in_map(m, block, false);
    const struct plan_nest nest = window_nest(&to, places[0].out, places[count - 1].out, move_block_span(m->move, block, false));
    struct move_windows windows = move_windows_of(m->plan, m->layer, m->t, true, move_block_span(m->move, block, true));
    bool complete = nest.contiguous_bytes == move_block_elements(m->move, block) * count;
    to.buffer = value->resident ? value->buffer : m->results[m->stores++ % m->t->ring];
    if (!value->resident) to.first -= nest.first;
    move_sort_places(places, count, true);
    for (uint32_t at = 0, n; at < count; at += n) {
        n = move_window_places(&windows, &places[at], count - at);
        struct move_end from = open_window(m, block, &places[at], n);
        if (at == 0 && !complete && !value->resident) schedule_load_back(m->plan, m->layer, m->l->output, &nest, to.buffer);
        for (uint32_t i = at; i < at + n; i++) {
            struct move_end source = from, target = to;
            source.first += places[i].in;
            target.first += places[i].out;
            move_block(m, block, &source, &target);
        }
    }
    if (!value->resident) schedule_scatter(m->plan, m->layer, m->l->output, &nest, to.buffer, 0);
}

/* A block at all places. */
static void add_windows(struct mover *m, const struct move_block *block) {
    uint32_t count = m->move->place_count;
    struct move_windows windows = move_windows_of(m->plan, m->layer, m->t, false, move_block_span(m->move, block, false));
    struct qm_arena *arena = qm_arena_create();
    struct qm_move_place *places = QM_ARENA_NEW(arena, struct qm_move_place, count);
    memcpy(places, m->move->places, count * sizeof *places);
    move_sort_places(places, count, false);
    for (uint32_t at = 0, n; at < count; at += n) {
        n = move_window_places(&windows, &places[at], count - at);
        add_window(m, block, &places[at], n);
    }
    qm_arena_destroy(arena);
}

/* ---- all blocks ---- */

/* Writes the pad value everywhere: windows that see nothing of the map. */
static void fill(struct mover *m) {
    struct plan_value *to = plan_storage(m->plan, m->l->output);
    for (uint32_t at = 0, bytes; at < to->bytes; at += bytes) {
        bytes = plan_min(m->results_bytes, to->bytes - at);
        uint32_t results = m->results[m->stores++ % m->t->ring];
        struct plan_nest in = {.rows = 1, .positions = 1, .contiguous_bytes = 1},
                         out = {.rows = 1, .positions = 1, .contiguous_bytes = bytes, .first = at}, dense = out;
        dense.first = 0;
        struct qm_insn insn = pool_of(m, &in, to->resident ? &out : &dense);
        insn.x_start = 1;
        insn.channels = bytes;
        insn.pad_value = (uint8_t)m->l->pad_value;
        plan_use(m->plan, plan_add_op(m->plan, m->layer, &insn), PLAN_WRITE, to->resident ? to->buffer : results);
        if (!to->resident) schedule_scatter(m->plan, m->layer, m->l->output, &out, results, 0);
    }
}

static void add_blocks(struct mover *m, const struct move_block *whole) {
    struct move_block block = *whole;
    do {
        (m->has_windows ? add_windows : add_block)(m, &block);
    } while (move_next(m->move, whole, &block));
}

void schedule_move(struct plan *plan, uint32_t layer) {
    const struct qm_layer *l = &plan->network->layers[layer];
    const struct plan_tiling *t = &plan->layers[layer].tiling;
    struct mover m = {.plan = plan, .layer = layer, .l = l, .t = t, .move = &l->move};
    m.has_windows = t->window_in + t->window_out > 0;
    const struct move_block whole = move_block_of(m.move, t->chunk_channels, t->block_bytes);
    m.results_bytes = m.has_windows ? t->window_out : (uint32_t)move_block_elements(m.move, &whole);
    if (l->move.fill) m.results_bytes = plan_max(m.results_bytes, t->block_bytes);
    bool outside = !plan_storage(plan, l->output)->resident;
    for (uint32_t i = 0; outside && i < t->ring; i++) m.results[i] = plan_add_buffer(plan, m.results_bytes);
    if (l->move.fill) fill(&m);
    if (l->move.place_count == 0 || m.has_windows) add_blocks(&m, &whole);
    for (uint32_t i = 0; i < l->move.place_count && !m.has_windows; i++) {
        m.place = l->move.places[i];
        add_blocks(&m, &whole);
    }
}
