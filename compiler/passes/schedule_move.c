/* schedule_move.c - moves: POOLs of one tap, each a block of rows of positions of contiguous elements, which rescale on the way.
 *
 * Two loops of a move become the rows and positions of instructions, the others a list of them. A map in the arena comes and goes through
 * a dense buffer by the strides of LOAD and STORE: a part of the input in the order in which it lies there, so that few bytes that are
 * neighbours for the POOL only do not become a burst each.
 */
#include "compiler/passes/passes.h"

enum {
    WIDE_BYTES = 16,          /* so many contiguous bytes are a burst of their own */
    OUT_PITCH_MAX = 0xffffff, /* of the instruction's field */
};

/* The loop of the smallest stride, of the input or of the output, that is above 0. */
static uint32_t finest(const struct qm_move *move, bool of_input) {
    uint32_t best = move->loop_count - 1, least = UINT32_MAX;
    for (uint32_t i = 0; i < move->loop_count; i++) {
        uint32_t stride = of_input ? move->loops[i].in : move->loops[i].out;
        if (stride > 0 && stride < least) least = stride, best = i;
    }
    return best;
}

/* Makes a loop the last but `behind`. */
static void sink(struct qm_move *move, uint32_t loop, uint32_t behind) {
    struct qm_move_loop sunk = move->loops[loop];
    uint32_t to = move->loop_count - 1 - behind;
    for (uint32_t i = loop; i < to; i++) move->loops[i] = move->loops[i + 1];
    if (loop < to) move->loops[to] = sunk;
}

struct qm_move move_ordered(const struct qm_move *move) {
    struct qm_move ordered = *move;
    if (ordered.loop_count <= 2 || ordered.contiguous_bytes >= WIDE_BYTES) return ordered;
    sink(&ordered, finest(&ordered, false), 0);
    uint32_t fine = finest(&ordered, true);
    if (fine < ordered.loop_count - 1) sink(&ordered, fine, 1);
    return ordered;
}

uint32_t move_split(const struct qm_move *move, struct qm_move_loop *rows, struct qm_move_loop *positions) {
    uint32_t count = move->loop_count;
    *rows = *positions = (struct qm_move_loop){.count = 1};
    if (count >= 1) *positions = move->loops[count - 1];
    if (count >= 2) *rows = move->loops[count - 2];
    return count >= 2 ? count - 2 : 0;
}

struct mover {
    struct plan *plan;
    uint32_t layer;
    const struct qm_layer *l;
    const struct plan_tiling *t;
    struct qm_move move;
    struct qm_move_loop rows, positions;
    uint32_t in_base, out_base; /* of the loops outside rows and positions */
    uint32_t results[2], stores;
};

/* What one POOL moves: some rows, some positions of each, some contiguous elements of each. */
struct move_block {
    struct range y, x, elements;
};

/* Where a block of elements of so many bits lies. */
static struct plan_nest nest_of(const struct move_block *block, uint32_t bits, uint32_t first, uint32_t row, uint32_t position) {
    uint64_t offset = (uint64_t)block->y.first * row + (uint64_t)block->x.first * position + plan_bytes(block->elements.first, bits);
    return (struct plan_nest){.rows = block->y.count,
                              .positions = block->x.count,
                              .contiguous_bytes = plan_bytes(block->elements.count, bits),
                              .first = first + (uint32_t)offset,
                              .row = row,
                              .position = position};
}

/* The part of the input that a block reads, in the order in which it lies, and in *from where the block finds it in a dense buffer. */
static struct plan_nest input_part(const struct plan_nest *block, struct plan_nest *from) {
    struct plan_nest part = {.rows = 1, .positions = 1, .contiguous_bytes = block->contiguous_bytes, .first = block->first};
    bool rows_first = block->row < block->position;
    *from = *block;
    from->first = 0;
    for (uint32_t i = 0; i < 2; i++) {
        bool is_rows = (i == 0) == rows_first;
        uint32_t count = is_rows ? block->rows : block->positions, stride = is_rows ? block->row : block->position;
        uint32_t *at = is_rows ? &from->row : &from->position, bytes = part.contiguous_bytes * part.positions;
        *at = stride > 0 ? bytes : 0;
        if (count == 1 || stride == 0) continue;
        if (stride == part.contiguous_bytes && part.positions == 1)
            part.contiguous_bytes *= count;
        else if (part.positions == 1)
            part.positions = count, part.position = stride;
        else
            part.rows = count, part.row = stride;
    }
    return part;
}

static struct plan_nest dense(const struct plan_nest *nest) {
    struct plan_nest d = *nest;
    d.first = 0;
    d.position = d.contiguous_bytes;
    d.row = d.contiguous_bytes * d.positions;
    return d;
}

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
    schedule_scale(&insn, m->l);
    return insn;
}

/* As many rows, or positions, as the fields of one POOL can say, with strides and, of positions, a row of so many bytes. */
static uint32_t pool_rows(const struct plan_nest *from, const struct plan_nest *to) {
    return from->row > PLAN_ROW_BYTES_MAX || to->row > OUT_PITCH_MAX ? 1 : PLAN_POSITIONS_MAX;
}

static uint32_t pool_positions(const struct plan_nest *from, const struct plan_nest *to) {
    uint32_t bytes = from->contiguous_bytes;
    if (from->position > PLAN_ROW_BYTES_MAX || to->position > PLAN_ROW_BYTES_MAX) return 1;
    return from->position == 0 ? PLAN_POSITIONS_MAX : (PLAN_ROW_BYTES_MAX - bytes) / from->position + 1;
}

static struct plan_nest piece(const struct plan_nest *nest, struct range y, struct range x) {
    struct plan_nest p = *nest;
    p.first += y.first * nest->row + x.first * nest->position;
    p.rows = y.count;
    p.positions = x.count;
    return p;
}

/* The POOLs of a block, from buffer to buffer. */
static void add_pools(struct mover *m, const struct plan_nest *from, const struct plan_nest *to, uint32_t source, uint32_t results) {
    uint32_t rows = pool_rows(from, to), positions = pool_positions(from, to);
    for (uint32_t y = 0; y < from->rows; y += rows)
        for (uint32_t x = 0; x < from->positions; x += positions) {
            struct range ys = {y, plan_min(rows, from->rows - y)}, xs = {x, plan_min(positions, from->positions - x)};
            struct plan_nest in = piece(from, ys, xs), out = piece(to, ys, xs);
            struct qm_insn insn = pool_of(m, &in, &out);
            if (m->plan->network->values[m->l->output].bits == 4) insn.out_type = QM_out_type_BITS4;
            uint32_t op = plan_add_op(m->plan, m->layer, &insn);
            plan_use(m->plan, op, PLAN_READ, source);
            plan_use(m->plan, op, PLAN_WRITE, results);
        }
}

static void add_move_block(struct mover *m, const struct move_block *block) {
    uint32_t bits = m->plan->network->values[m->l->output].bits;
    struct plan_nest in = nest_of(block, 8, m->in_base, m->rows.in, m->positions.in);
    struct plan_nest out = nest_of(block, bits, m->out_base, m->rows.out, m->positions.out), to_nest = out, from = in;
    struct plan_nest part = plan_storage(m->plan, m->l->inputs[0])->resident ? in : input_part(&in, &from);
    uint32_t source = schedule_gather(m->plan, m->layer, m->l->inputs[0], &part);
    uint32_t results = m->results[m->stores++ % m->t->ring];
    struct plan_value *to = plan_storage(m->plan, m->l->output);
    if (!to->resident) to_nest = dense(&out);
    add_pools(m, &from, &to_nest, source, to->resident ? to->buffer : results);
    schedule_scatter(m->plan, m->layer, m->l->output, &out, results);
}

static void add_chunks(struct mover *m, struct range y, struct range x) {
    struct move_block block = {.y = y, .x = x};
    uint32_t elements = m->l->move.contiguous_bytes;
    for (uint32_t first = 0; first < elements; first += m->t->chunk_channels) {
        block.elements = (struct range){first, plan_min(m->t->chunk_channels, elements - first)};
        add_move_block(m, &block);
    }
}

static void add_blocks(struct mover *m) {
    for (uint32_t y = 0; y < m->rows.count; y += m->t->block_h)
        for (uint32_t x = 0; x < m->positions.count; x += m->t->block_w) {
            struct range rows = {y, plan_min(m->t->block_h, m->rows.count - y)};
            add_chunks(m, rows, (struct range){x, plan_min(m->t->block_w, m->positions.count - x)});
        }
}

/* Writes the pad value everywhere: windows that see nothing of the map. */
static void fill(struct mover *m) {
    struct plan_value *to = plan_storage(m->plan, m->l->output);
    for (uint32_t at = 0, bytes; at < to->bytes; at += bytes) {
        bytes = plan_min(m->t->block_bytes, to->bytes - at);
        uint32_t results = m->results[m->stores++ % m->t->ring];
        struct plan_nest in = {.rows = 1, .positions = 1, .contiguous_bytes = 1},
                         out = {.rows = 1, .positions = 1, .contiguous_bytes = bytes, .first = at};
        struct plan_nest to_nest = to->resident ? out : dense(&out);
        struct qm_insn insn = pool_of(m, &in, &to_nest);
        insn.x_start = 1;
        insn.channels = bytes;
        insn.pad_value = (uint8_t)m->l->pad_value;
        plan_use(m->plan, plan_add_op(m->plan, m->layer, &insn), PLAN_WRITE, to->resident ? to->buffer : results);
        schedule_scatter(m->plan, m->layer, m->l->output, &out, results);
    }
}

/* The loops outside rows and positions, by counting them like digits. */
static void add_outer_loops(struct mover *m, uint32_t outer) {
    const struct qm_move *move = &m->move;
    uint32_t digits[QM_MOVE_LOOPS] = {0};
    for (bool more = true; more;) {
        m->in_base = move->in_first;
        m->out_base = move->out_first;
        for (uint32_t i = 0; i < outer; i++) {
            m->in_base += digits[i] * move->loops[i].in;
            m->out_base += digits[i] * move->loops[i].out;
        }
        add_blocks(m);
        more = false;
        for (uint32_t i = outer; i-- > 0 && !more;) {
            more = ++digits[i] < move->loops[i].count;
            if (!more) digits[i] = 0;
        }
    }
}

void schedule_move(struct plan *plan, uint32_t layer) {
    const struct qm_layer *l = &plan->network->layers[layer];
    const struct plan_tiling *t = &plan->layers[layer].tiling;
    struct mover m = {.plan = plan, .layer = layer, .l = l, .t = t, .move = move_ordered(&l->move)};
    uint32_t outer = move_split(&m.move, &m.rows, &m.positions);
    bool outside = !plan_storage(plan, l->output)->resident;
    for (uint32_t i = 0; outside && i < t->ring; i++)
        m.results[i] = plan_add_buffer(plan, plan_max(t->block_h * t->block_w * t->chunk_channels, l->move.fill ? t->block_bytes : 0));
    if (l->move.fill) fill(&m);
    add_outer_loops(&m, outer);
}
