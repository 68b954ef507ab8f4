/* matmul.c - the preloader fills a buffer that is not full, the streamer empties one that is; they never meet in a buffer. */
#include "sim/cycle/matmul.h"

#include "common/precision.h"

/* Bytes of a full piece: what the rows of the array take in a cycle. */
static int64_t piece_bytes(const struct qm_insn *insn, const struct qm_machine *machine) {
    return machine->rows * qm_precision_of(insn).bytes;
}

static void enter_step(struct step *step, const struct qm_machine *machine) {
    const struct qm_insn *insn = step->insn;
    bool depthwise = insn->depthwise != 0;
    int64_t tile = qm_machine_tile(machine, depthwise), channels_left = insn->channels - step->tile * tile;
    int64_t bytes_left = insn->run_bytes - step->piece, piece = piece_bytes(insn, machine);
    step->n = (uint32_t)(channels_left < tile ? channels_left : tile);
    step->k = depthwise ? step->n : (uint32_t)(bytes_left < piece ? bytes_left : piece);
    step->weight_rows = depthwise ? 1 : (uint32_t)qm_weight_rows(insn, step->k);
    step->weight_row_bytes = (uint32_t)qm_weight_row_bytes(insn, step->n);
}

static void begin_steps(struct step *step, const struct qm_insn *insn, const struct qm_machine *machine) {
    *step = (struct step){.insn = insn, .rows = (uint64_t)(insn->out_h * insn->out_w)};
    enter_step(step, machine);
}

/* A depthwise run is one byte, so that it always has one piece. Returns false after the last step. */
static bool next_step(struct step *step, const struct qm_machine *machine) {
    const struct qm_insn *insn = step->insn;
    step->piece += piece_bytes(insn, machine);
    if (step->piece >= insn->run_bytes) {
        step->piece = 0;
        step->kx++;
    }
    if (step->kx == insn->kernel_w) {
        step->kx = 0;
        step->ky++;
    }
    if (step->ky == insn->kernel_h) {
        step->ky = 0;
        step->tile++;
    }
    if (step->tile == insn->tiles) return false;
    enter_step(step, machine);
    return true;
}

static bool is_first_of_tile(const struct step *step) {
    return step->ky == 0 && step->kx == 0 && step->piece == 0;
}

static bool is_last_step(const struct step *step, const struct qm_machine *machine) {
    const struct qm_insn *insn = step->insn;
    return step->piece + piece_bytes(insn, machine) >= insn->run_bytes && step->kx + 1 == insn->kernel_w &&
           step->ky + 1 == insn->kernel_h && step->tile + 1 == insn->tiles;
}

void matmul_reset(struct matmul *matmul) {
    *matmul = (struct matmul){.machine = matmul->machine};
}

struct matmul_issue matmul_issue(const struct matmul *matmul) {
    struct matmul_issue issue = {
        .weight_row = matmul->front_busy && !matmul->is_full[matmul->front_buffer],
        .row = matmul->back_busy && matmul->is_full[matmul->back_buffer],
    };
    issue.row_is_last = issue.row && matmul->back_row + 1 == matmul->back.rows && is_last_step(&matmul->back, matmul->machine);
    return issue;
}

uint64_t matmul_steady_cycles(const struct matmul *matmul, const struct matmul_issue *issue) {
    uint64_t cycles = UINT64_MAX;
    if (issue->weight_row) cycles = matmul->front.weight_rows - matmul->front_row;
    if (!issue->row) return cycles;
    uint64_t rows = matmul->back.rows - matmul->back_row;
    if (rows > 1 && is_last_step(&matmul->back, matmul->machine)) rows--;
    return rows < cycles ? rows : cycles;
}

void matmul_clock_start(struct matmul *matmul, const struct qm_insn *insn) {
    matmul->front_busy = true;
    begin_steps(&matmul->front, insn, matmul->machine);
}

void matmul_clock_take(struct matmul *matmul, const struct qm_insn *insn) {
    matmul->back_busy = true;
    begin_steps(&matmul->back, insn, matmul->machine);
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
    const struct step *step = &matmul->back;
    if (matmul->back_row == 0) {
        struct mac_array_rows rows = {
            .count = step->rows,
            .adds = !is_first_of_tile(step) || step->insn->accumulate != 0,
            .is_last = is_last_step(step, matmul->machine),
        };
        mac_array_push(array, rows, now);
    }
    matmul->back_row += cycles;
    if (matmul->back_row < step->rows) return;
    matmul->back_row = 0;
    matmul->is_full[matmul->back_buffer] = false;
    matmul->back_buffer ^= 1;
    matmul->back_busy = next_step(&matmul->back, matmul->machine);
}
