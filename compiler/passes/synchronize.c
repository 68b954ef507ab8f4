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

struct access {
    struct qm_operand operand;
    int64_t period; /* of what is touched; 0: every byte */
};

struct node {
    struct access accesses[QM_OPERANDS];
    uint32_t access_count;
    uint32_t index;          /* in the program */
    int64_t known[QM_UNITS]; /* when it starts: the last instruction of each unit (counted in the unit) that has ended for sure */
};

/* The list to order: an instruction every `stride` bytes. */
struct list {
    char *first;
    size_t stride;
};

static struct qm_insn *insn_at(struct list list, uint32_t index) {
    return (struct qm_insn *)(list.first + index * list.stride);
}

/* Instructions of each unit so far. */
struct history {
    struct node *nodes[QM_UNITS];
    int64_t counts[QM_UNITS];
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

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* What lies at the phase plus multiples of strides lies there plus multiples of their greatest common divisor. */
static int64_t period_of(const struct qm_operand *operand) {
    int64_t period = gcd(gcd(operand->strides[0], operand->strides[1]), operand->strides[2]);
    return period > operand->run ? period : 0;
}

static void find_accesses(struct node *node, const struct qm_insn *insn, const struct qm_machine *machine) {
    struct qm_operand operands[QM_OPERANDS];
    node->access_count = qm_opcode_info(insn->opcode)->find_operands(insn, machine, operands);
    for (uint32_t i = 0; i < node->access_count; i++) node->accesses[i] = (struct access){operands[i], period_of(&operands[i])};
}

/* ---- hazards ---- */

/* Both periodic: apart when their runs do not meet modulo the common part of their periods. */
static bool interleave(const struct access *a, const struct access *b) {
    if (a->period == 0 || b->period == 0) return false;
    int64_t period = a->period == b->period ? a->period : gcd(a->period, b->period);
    int64_t shift = modulo(b->operand.phase - a->operand.phase, period);
    return a->operand.run <= shift && shift + b->operand.run <= period;
}

static bool meet(const struct access *a, const struct access *b) {
    const struct qm_operand *x = &a->operand, *y = &b->operand;
    if (x->space != y->space || !(x->is_written || y->is_written)) return false;
    if (x->touched_end <= y->touched_begin || y->touched_end <= x->touched_begin) return false;
    return !interleave(a, b);
}

static bool hazard(const struct node *a, const struct node *b) {
    for (uint32_t i = 0; i < a->access_count; i++)
        for (uint32_t j = 0; j < b->access_count; j++)
            if (meet(&a->accesses[i], &b->accesses[j])) return true;
    return false;
}

/* The latest instruction of the unit with a hazard to node that node does not know to have ended; -1: none. */
static int64_t last_hazard(const struct history *history, enum qm_unit unit, const struct node *node) {
    for (int64_t i = history->counts[unit] - 1; i > node->known[unit]; i--)
        if (hazard(&history->nodes[unit][i], node)) return i;
    return -1;
}

/* Waits for one unit, and learns what the instruction waited for knew. */
static void wait_for(const struct history *history, enum qm_unit unit, enum qm_unit own, struct node *node, struct list list) {
    int64_t found = last_hazard(history, unit, node);
    if (found < 0) return;
    const struct node *other = &history->nodes[unit][found];
    insn_at(list, node->index)->wait |= 1 << unit;
    insn_at(list, other->index)->signal |= 1 << own;
    for (int u = 0; u < QM_UNITS; u++)
        if (u != (int)own) node->known[u] = larger(node->known[u], u == (int)unit ? found : other->known[u]);
}

static void order(struct list list, uint32_t count, const struct qm_machine *machine) {
    struct history history = {{0}, {0}};
    for (int u = 0; u < QM_UNITS; u++) history.nodes[u] = qm_alloc((count + 1) * sizeof *history.nodes[u]);
    for (uint32_t i = 0; i < count; i++) {
        struct qm_insn *insn = insn_at(list, i);
        enum qm_unit unit = qm_opcode_unit(insn->opcode);
        int64_t position = history.counts[unit];
        struct node *node = &history.nodes[unit][position];
        node->index = i;
        for (int u = 0; u < QM_UNITS; u++) node->known[u] = position > 0 ? history.nodes[unit][position - 1].known[u] : -1;
        insn->wait = insn->signal = 0;
        find_accesses(node, insn, machine);
        for (int u = QM_UNITS - 1; u >= 0; u--)
            if (u != (int)unit) wait_for(&history, (enum qm_unit)u, unit, node, list);
        history.counts[unit]++;
    }
    for (int u = 0; u < QM_UNITS; u++) free(history.nodes[u]);
}

void qm_synchronize(struct qm_insn *insns, uint32_t count, const struct qm_machine *machine) {
    order((struct list){(char *)insns, sizeof *insns}, count, machine);
}

bool qm_writes_what_it_reads(const struct qm_insn *insn, const struct qm_machine *machine) {
    struct node node = {0};
    find_accesses(&node, insn, machine);
    for (uint32_t i = 0; i < node.access_count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (meet(&node.accesses[i], &node.accesses[j])) return true;
    return false;
}

enum qm_status pass_synchronize(struct plan *plan) {
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        const struct plan_stage *stage = &plan->stages[i];
        struct list list = {(char *)&plan->ops[stage->first_op].insn, sizeof *plan->ops};
        order(list, stage->last_op - stage->first_op, plan->machine);
    }
    return QM_OK;
}
