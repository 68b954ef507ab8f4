/* move_reversals.c - splits reversals. Between the steps the bytes are dense, in the order of the output but for one loop, whose groups lie
 * as in the input, and the other loops that go down, which do so in the second step.
 */
#include "compiler/passes/move_reversals.h"

#include <math.h>

#include "compiler/passes/move_axes.h"
#include "compiler/passes/move_blocks.h"

enum {
    INSN_CYCLES = 15,   /* of an instruction, beside its bytes */
    BLOCK_BYTES = 4096, /* of a map that is cut into blocks, or about so many: each block has all instructions */
    LOOPS_MORE = 2,     /* than the move, in a step at the most: of the groups, and of the contiguous bytes */
};

static const double step_cycles = 0.25; /* of a byte, for a step that it need not have taken */

/* The loop that goes down with the nearest bytes in the output. */
static uint32_t innermost(const struct qm_move *move, const uint32_t *order) {
    uint32_t i = 0;
    while (!move->loops[order[i]].down || move->loops[order[i]].count == 1) i++;
    return order[i];
}

/* A move to be split: its loops by their strides in the output, and their strides between the steps. */
struct split {
    const struct qm_move *move;
    uint32_t order[QM_MOVE_LOOPS], between[QM_MOVE_LOOPS];
    uint32_t reversed, group; /* the loop, and the rounds of its groups */
    uint32_t bytes;           /* between the steps, of one place */
    struct qm_arena *arena;
};

/* ---- whether, and where ---- */

/* Rounds of all loops that go down. */
static double rounds_down(const struct qm_move *move) {
    double rounds = 1;
    for (uint32_t i = 0; i < move->loop_count; i++)
        if (move->loops[i].down) rounds *= move->loops[i].count;
    return rounds;
}

/* Cycles of a byte for instructions that take one round each, of so many bytes, in blocks. */
static double cycles_of(double rounds, double round_bytes, double block_bytes) {
    return INSN_CYCLES * fmin(rounds / block_bytes, 1 / round_bytes);
}

/* How many rounds a group has: about as many instructions turn groups around as then take the groups of a block, and if possible no rounds
 * are left over. */
static uint32_t group_of(uint32_t rounds, double round_bytes, double block_bytes) {
    uint32_t root = (uint32_t)fmax(2, sqrt(block_bytes / round_bytes));
    if (rounds <= root) return rounds;
    for (uint32_t group = root * 4 / 3; group > root * 2 / 3; group--)
        if (rounds % group == 0) return group;
    return root;
}

/* False: two steps would not be faster than one. */
static bool choose_group(struct split *s) {
    double rounds = rounds_down(s->move), block = fmin(s->bytes, BLOCK_BYTES), bytes = s->between[s->reversed];
    s->group = group_of(s->move->loops[s->reversed].count, bytes, block);
    double two = cycles_of(s->group, bytes, block) + cycles_of(rounds / s->group, bytes * s->group, block);
    return s->group < rounds && cycles_of(rounds, bytes, block) > two + step_cycles;
}

/* ---- the steps ---- */

/* A step of `groups` groups of so many rounds, which come behind `before` rounds of the input. The first step turns each group around; in
 * the second the groups, and the other loops that go down, are taken from the last to the first, so that what comes first of the input
 * goes last. */
static struct qm_move step_of(const struct split *s, bool second, uint32_t groups, uint32_t rounds, uint32_t before) {
    const struct qm_move_loop *reversed = &s->move->loops[s->reversed];
    uint32_t between = before * s->between[s->reversed], after = reversed->count - before - groups * rounds;
    struct qm_move step = {.in_first = second ? between : s->move->in_first + before * reversed->in,
                           .out_first = second ? s->move->out_first + after * reversed->out : between};
    for (uint32_t i = s->move->loop_count; i-- > 0;) {
        const struct qm_move_loop *loop = &s->move->loops[s->order[i]];
        uint32_t in = second ? s->between[s->order[i]] : loop->in, out = second ? loop->out : s->between[s->order[i]];
        if (s->order[i] != s->reversed) {
            move_add_loop(&step, (struct qm_move_loop){loop->count, in, out, second && loop->down});
            continue;
        }
        move_add_loop(&step, (struct qm_move_loop){groups, rounds * in, rounds * out, second});
        move_add_loop(&step, (struct qm_move_loop){rounds, in, out, !second});
    }
    move_add_loop(&step, (struct qm_move_loop){s->move->contiguous_bytes, 1, 1, false});
    move_close_loops(&step);
    return step;
}

/* Each place has bytes of its own between the steps. */
static void put_places(const struct split *s, struct qm_move *first, struct qm_move *second) {
    uint32_t count = s->move->place_count;
    if (count == 0) return;
    struct qm_move_place *to = QM_ARENA_NEW(s->arena, struct qm_move_place, count);
    struct qm_move_place *from = QM_ARENA_NEW(s->arena, struct qm_move_place, count);
    for (uint32_t i = 0; i < count; i++) {
        to[i] = (struct qm_move_place){s->move->places[i].in, i * s->bytes};
        from[i] = (struct qm_move_place){i * s->bytes, s->move->places[i].out};
    }
    first->place_count = second->place_count = count;
    first->places = to;
    second->places = from;
}

static void put_step(const struct split *s, uint32_t groups, uint32_t rounds, uint32_t before, struct move_steps *steps) {
    struct qm_move *first = &steps->first[steps->count], *second = &steps->second[steps->count++];
    *first = step_of(s, false, groups, rounds, before);
    *second = step_of(s, true, groups, rounds, before);
    put_places(s, first, second);
}

bool move_split_reversal(const struct qm_move *move, struct qm_arena *arena, struct move_steps *steps) {
    struct split s = {.move = move, .bytes = move->contiguous_bytes, .arena = arena};
    if (rounds_down(move) == 1 || move->loop_count + LOOPS_MORE > QM_MOVE_LOOPS) return false;
    move_order(move, false, s.order);
    for (uint32_t i = 0; i < move->loop_count; i++) {
        s.between[s.order[i]] = s.bytes;
        s.bytes *= move->loops[s.order[i]].count;
    }
    s.reversed = innermost(move, s.order);
    if (!choose_group(&s)) return false;
    uint32_t rounds = move->loops[s.reversed].count, groups = rounds / s.group, left = rounds % s.group;
    *steps = (struct move_steps){.bytes = s.bytes * (move->place_count > 0 ? move->place_count : 1)};
    put_step(&s, groups, s.group, 0, steps);
    if (left > 0) put_step(&s, 1, left, groups * s.group, steps);
    steps->second[0].fill = move->fill;
    return true;
}
