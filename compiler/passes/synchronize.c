/* synchronize.c - tokens from hazards: what an instruction reads and writes, exactly, decides whom it waits for.
 *
 * For each instruction and each other unit, the latest earlier instruction of that unit with a hazard (one of the two writes what the other
 * touches) must have ended; units work in order, so it stands for all before it. What is known already needs no token: a unit that waited
 * for an instruction knows everything which that instruction had waited for when it started. So for each pair of units the instructions
 * waited for only grow, and the k-th wait meets the k-th signal. All waits go back in program order: there is no deadlock.
 *
 * A strided access is a set of bytes: begin <= b < end with (b - phase) mod period < run. Blocks of channels of one map interleave without
 * touching, and are seen to be apart.
 */
#include <stdlib.h>

#include "common/memory.h"
#include "common/opcode/opcode.h"
#include "compiler/passes/passes.h"

enum { MEMORY_BITS = 60 }; /* an address in a memory has less */

/* Bytes begin <= b < end of one line of numbers on which the memories lie one behind the other. Packed, because an instruction has two to
 * four of them, and a program 100,000 instructions. */
struct access {
    int64_t begin, end;
    uint32_t period;     /* of what is touched; 0: every byte */
    uint32_t phase, run; /* of a period; phase < period */
} __attribute__((packed, aligned(4)));

struct node {
    struct access *accesses; /* [access_count], what is written comes first */
    uint8_t access_count, write_count;
    uint8_t wait, signal;    /* as in the instruction */
    uint32_t index;          /* in the program */
    int32_t known[QM_UNITS]; /* when it starts: the last instruction of each unit (counted in the unit) that has ended for sure */
};

/* Where an instruction touches the memories, roughly: each is cut into blocks, and a bit stands for all blocks whose numbers are equal
 * modulo the memory's number of bits. What shares no bit shares no byte. */
struct marks {
    uint64_t touched, written;
};

/* The bits of a memory, and its blocks of 2 to the power of block_bits bytes or rows. */
struct grid {
    uint32_t first_bit, bits, block_bits;
};

/* Instructions of each unit so far, the marks apart because most are not looked at any further. */
struct history {
    struct node *nodes[QM_UNITS];
    struct marks *marks[QM_UNITS];
    int32_t counts[QM_UNITS];
    struct node *all_nodes; /* of all units one after another */
    struct marks *all_marks;
    struct access *all_accesses;  /* in the order of the program */
    struct access *next_accesses; /* where those of the next instruction go */
    struct grid grids[QM_SPACES];
};

/* ---- accesses ---- */

static int64_t gcd(int64_t a, int64_t b) {
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static int64_t modulo(int64_t a, int64_t b) {
    int64_t rest = a % b;
    return rest < 0 ? rest + b : rest;
}

static int32_t larger(int32_t a, int32_t b) {
    return a > b ? a : b;
}

/* What lies at the phase plus multiples of strides lies there plus multiples of their greatest common divisor. */
static int64_t period_of(const struct qm_operand *operand) {
    const int64_t *strides = operand->strides;
    if ((strides[0] | strides[1] | strides[2]) == 0) return 0;
    int64_t period = gcd(gcd(strides[0], strides[1]), strides[2]);
    return period > operand->run ? period : 0;
}

static void add_access(struct node *node, const struct qm_operand *operand) {
    int64_t memory = (int64_t)operand->space << MEMORY_BITS, period = period_of(operand);
    struct access *access = &node->accesses[node->access_count++];
    access->begin = memory + operand->touched_begin;
    access->end = memory + operand->touched_end;
    access->period = (uint32_t)period;
    if (period == 0) return;
    access->phase = (uint32_t)modulo(operand->phase, period);
    access->run = (uint32_t)operand->run;
}

static void find_accesses(struct node *node, const struct qm_insn *insn, const struct qm_machine *machine) {
    struct qm_operand operands[QM_OPERANDS];
    uint32_t count = qm_opcode_info(insn->opcode)->find_operands(insn, machine, operands);
    node->access_count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (operands[i].is_written) add_access(node, &operands[i]);
    node->write_count = node->access_count;
    for (uint32_t i = 0; i < count; i++)
        if (!operands[i].is_written) add_access(node, &operands[i]);
}

/* The blocks with which the memory has as many as bits. */
static struct grid grid_of(uint32_t first_bit, uint32_t bits, uint32_t size) {
    struct grid grid = {first_bit, bits, 0};
    while (size > bits << grid.block_bits) grid.block_bits++;
    return grid;
}

static void init_grids(struct grid *grids, const struct qm_machine *machine) {
    enum { ARENA_BYTES = 1 << 20 /* of a large map: the arena has no size that a machine knows */ };
    grids[QM_SPACE_ARENA] = grid_of(0, 16, ARENA_BYTES);
    grids[QM_SPACE_SCRATCHPAD] = grid_of(16, 32, machine->scratchpad_bytes);
    grids[QM_SPACE_ACCUMULATOR] = grid_of(48, 16, machine->accumulator_rows);
}

/* Of the accesses [count]. */
static uint64_t find_marks(const struct access *accesses, uint32_t count, const struct grid *grids) {
    uint64_t marks = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct access *access = &accesses[i];
        if (access->begin >= access->end) continue;
        const struct grid *grid = &grids[access->begin >> MEMORY_BITS];
        int64_t first = access->begin >> grid->block_bits, last = (access->end - 1) >> grid->block_bits;
        uint64_t all = ((uint64_t)1 << grid->bits) - 1, some = last - first < grid->bits ? ((uint64_t)2 << (last - first)) - 1 : all;
        some <<= first % grid->bits;
        marks |= ((some | some >> grid->bits) & all) << grid->first_bit;
    }
    return marks;
}

/* ---- hazards ---- */

/* Both periodic: apart when their runs do not meet modulo the common part of their periods. */
static bool interleave(const struct access *a, const struct access *b) {
    if (a->period == 0 || b->period == 0) return false;
    int64_t period = a->period == b->period ? a->period : gcd(a->period, b->period);
    int64_t shift = modulo((int64_t)b->phase - a->phase, period);
    return a->run <= shift && shift + b->run <= period;
}

static bool meet(const struct access *a, const struct access *b) {
    return a->begin < b->end && b->begin < a->end && !interleave(a, b);
}

/* Two that are only read are no hazard. */
static bool hazard(const struct node *a, const struct node *b) {
    for (uint32_t i = 0; i < a->access_count; i++) {
        uint32_t others = i < a->write_count ? b->access_count : b->write_count;
        for (uint32_t j = 0; j < others; j++)
            if (meet(&a->accesses[i], &b->accesses[j])) return true;
    }
    return false;
}

static bool may_meet(const struct marks *a, const struct marks *b) {
    return ((a->written & b->touched) | (a->touched & b->written)) != 0;
}

/* The latest instruction of the unit with a hazard to node, which has the marks, that node does not know to have ended; -1: none. */
static int32_t last_hazard(const struct history *history, enum qm_unit unit, const struct node *node, const struct marks *marks) {
    for (int32_t i = history->counts[unit] - 1; i > node->known[unit]; i--)
        if (may_meet(&history->marks[unit][i], marks) && hazard(&history->nodes[unit][i], node)) return i;
    return -1;
}

/* Makes the node that is the next of its unit wait for another unit, and learn what the instruction waited for knew. */
static void wait_for(const struct history *history, enum qm_unit unit, enum qm_unit own) {
    struct node *node = &history->nodes[own][history->counts[own]];
    int32_t found = last_hazard(history, unit, node, &history->marks[own][history->counts[own]]);
    if (found < 0) return;
    struct node *other = &history->nodes[unit][found];
    node->wait |= (uint8_t)(1 << unit);
    other->signal |= (uint8_t)(1 << own);
    for (int u = 0; u < QM_UNITS; u++)
        if (u != (int)own) node->known[u] = larger(node->known[u], u == (int)unit ? found : other->known[u]);
}

/* Room for so many nodes of each unit. */
static void init_history(struct history *history, const uint32_t *counts, const struct qm_machine *machine) {
    uint32_t count = 0;
    for (int u = 0; u < QM_UNITS; u++) count += counts[u];
    struct node *nodes = history->all_nodes = qm_alloc((count + 1) * sizeof *nodes);
    struct marks *marks = history->all_marks = qm_alloc((count + 1) * sizeof *marks);
    history->all_accesses = history->next_accesses = qm_alloc((count + (size_t)1) * QM_OPERANDS * sizeof(struct access));
    init_grids(history->grids, machine);
    for (int u = 0; u < QM_UNITS; u++) {
        history->nodes[u] = nodes;
        history->marks[u] = marks;
        history->counts[u] = 0;
        nodes += counts[u];
        marks += counts[u];
    }
}

static void fini_history(struct history *history) {
    free(history->all_nodes);
    free(history->all_marks);
    free(history->all_accesses);
}

/* The instruction as the next of its unit, before it waits for anybody. */
static void add_node(struct history *history, enum qm_unit unit, uint32_t index, const struct qm_insn *insn,
                     const struct qm_machine *machine) {
    int32_t position = history->counts[unit];
    struct node *node = &history->nodes[unit][position];
    node->index = index;
    node->wait = node->signal = 0;
    for (int u = 0; u < QM_UNITS; u++) node->known[u] = position > 0 ? history->nodes[unit][position - 1].known[u] : -1;
    node->accesses = history->next_accesses;
    find_accesses(node, insn, machine);
    history->next_accesses += node->access_count;
    const struct access *read = node->accesses + node->write_count;
    struct marks *marks = &history->marks[unit][position];
    marks->written = find_marks(node->accesses, node->write_count, history->grids);
    marks->touched = marks->written | find_marks(read, (uint32_t)(node->access_count - node->write_count), history->grids);
}

/* Instruction `index` of the program, behind all before it. */
static void follow(struct history *history, uint32_t index, const struct qm_insn *insn, const struct qm_machine *machine) {
    enum qm_unit unit = qm_opcode_unit(insn->opcode);
    add_node(history, unit, index, insn, machine);
    for (int u = QM_UNITS - 1; u >= 0; u--)
        if (u != (int)unit) wait_for(history, (enum qm_unit)u, unit);
    history->counts[unit]++;
}

void qm_synchronize(struct qm_insn *insns, uint32_t count, const struct qm_machine *machine) {
    struct history history;
    uint32_t counts[QM_UNITS] = {0};
    for (uint32_t i = 0; i < count; i++) counts[qm_opcode_unit(insns[i].opcode)]++;
    init_history(&history, counts, machine);
    for (uint32_t i = 0; i < count; i++) follow(&history, i, &insns[i], machine);
    for (uint32_t i = 0; i < count; i++) {
        const struct node *node = &history.all_nodes[i];
        insns[node->index].wait = node->wait;
        insns[node->index].signal = node->signal;
    }
    fini_history(&history);
}

bool qm_writes_what_it_reads(const struct qm_insn *insn, const struct qm_machine *machine) {
    struct access accesses[QM_OPERANDS];
    struct node node = {.accesses = accesses};
    find_accesses(&node, insn, machine);
    for (uint32_t i = 0; i < node.write_count; i++)
        for (uint32_t j = i + 1; j < node.access_count; j++)
            if (meet(&node.accesses[i], &node.accesses[j])) return true;
    return false;
}

static void set_tokens(struct plan_op *op, struct qm_record *record, const struct node *node) {
    record->wait = node->wait;
    record->signal = node->signal;
    qm_field_set_bits(&qm_fields[QM_FIELD_wait], op->words, node->wait);
    qm_field_set_bits(&qm_fields[QM_FIELD_signal], op->words, node->signal);
}

/* Tokens of the operations [count], and their records, because both need all of an instruction. */
static void synchronize_ops(struct plan_op *ops, uint32_t count, const struct qm_machine *machine, struct qm_record *records) {
    struct history history;
    uint32_t counts[QM_UNITS] = {0};
    for (uint32_t i = 0; i < count; i++) counts[qm_opcode_unit(plan_opcode(&ops[i]))]++;
    init_history(&history, counts, machine);
    for (uint32_t i = 0; i < count; i++) {
        struct qm_insn insn;
        plan_get_insn(&ops[i], &insn);
        if (!ops[i].is_wide) qm_record_make(&insn, machine, &records[i]);
        follow(&history, i, &insn, machine);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = history.all_nodes[i].index;
        set_tokens(&ops[index], &records[index], &history.all_nodes[i]);
    }
    fini_history(&history);
}

enum qm_status pass_synchronize(struct plan *plan) {
    plan->records = qm_alloc((plan->op_count + (size_t)1) * sizeof *plan->records);
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        const struct plan_stage *stage = &plan->stages[i];
        uint32_t first = stage->first_op;
        if (!stage->on_host) synchronize_ops(plan->ops + first, stage->last_op - first, plan->machine, plan->records + first);
    }
    return QM_OK;
}
