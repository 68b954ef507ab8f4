/* matmul.c - the preloader fills a buffer that is not full, the streamer empties one that is; they never meet in a buffer. */
#include "sim/cycle/matmul.h"

static struct qm_matmul_step step_of(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t index) {
    const struct qm_matmul_shape *shape = qm_opcode_info(insn->opcode)->matmul;
    QM_CHECK(shape != NULL);
    return shape->step(insn, machine, index);
}

/* Returns false after the last step. */
static bool next_step(struct qm_matmul_step *step, const struct qm_machine *machine) {
    if (step->is_last) return false;
    *step = step_of(step->insn, machine, step->index + 1);
    return true;
}

void matmul_reset(struct matmul *matmul) {
    *matmul = (struct matmul){.machine = matmul->machine};
}

struct matmul_issue matmul_issue(const struct matmul *matmul) {
    struct matmul_issue issue = {
        .weight_row = matmul->front_busy && !matmul->is_full[matmul->front_buffer],
        .row = matmul->back_busy && matmul->is_full[matmul->back_buffer],
    };
    issue.row_is_last = issue.row && matmul->back_row + 1 == matmul->back.stream.rows && matmul->back.is_last;
    return issue;
}

uint64_t matmul_steady_cycles(const struct matmul *matmul, const struct matmul_issue *issue) {
    uint64_t cycles = UINT64_MAX;
    if (issue->weight_row) cycles = matmul->front.weight_rows - matmul->front_row;
    if (!issue->row) return cycles;
    uint64_t rows = matmul->back.stream.rows - matmul->back_row;
    if (rows > 1 && matmul->back.is_last) rows--;
    return rows < cycles ? rows : cycles;
}

void matmul_clock_start(struct matmul *matmul, const struct qm_insn *insn) {
    matmul->front_busy = true;
    matmul->front = step_of(insn, matmul->machine, 0);
}

void matmul_clock_take(struct matmul *matmul, const struct qm_insn *insn) {
    matmul->back_busy = true;
    matmul->back = step_of(insn, matmul->machine, 0);
}

void matmul_clock_weights(struct matmul *matmul, uint64_t cycles) {
    matmul->front_row += cycles;
    if (matmul->front_row < matmul->front.weight_rows) return;
    matmul->front_row = 0;
    matmul->is_full[matmul->front_buffer] = true;
    matmul->front_buffer ^= 1;
    matmul->front_busy = next_step(&matmul->front, matmul->machine);
}

void matmul_clock_rows(struct matmul *matmul, uint64_t cycles, struct mac_array *array, uint64_t now) {
    const struct qm_matmul_step *step = &matmul->back;
    if (matmul->back_row == 0)
        mac_array_push(array, (struct mac_array_rows){.stream = step->stream, .adds = step->adds, .is_last = step->is_last}, now);
    matmul->back_row += cycles;
    if (matmul->back_row < step->stream.rows) return;
    matmul->back_row = 0;
    matmul->is_full[matmul->back_buffer] = false;
    matmul->back_buffer ^= 1;
    matmul->back_busy = next_step(&matmul->back, matmul->machine);
}
