/* chains.c - the taps of a depthwise MATMUL as chains of the array: docs/machine.md, Depthwise chains.
 *
 * A window comes with one byte a channel and kernel_w taps x_dilation bytes apart. Where those are no more than the array can chain and
 * outputs lie whole samples apart, a window row is one chain, which does not read the samples beside the map. Else each tap is a chain of
 * its own, which reads what its outputs see.
 */
#include "compiler/passes/passes.h"

/* Samples of so many from byte `first` on, `pitch` apart, that lie left of the map whole. */
static int64_t samples_left_of(const struct qm_insn *insn, int64_t pitch) {
    int64_t gap = -insn->x_start - insn->channels;
    return gap < 0 ? 0 : gap / pitch + 1;
}

/* Of `samples`, those that lie right of the map. */
static int64_t samples_right_of(const struct qm_insn *insn, int64_t pitch, int64_t samples) {
    int64_t room = insn->in_row_bytes - insn->x_start, inside = room <= 0 ? 0 : (room + pitch - 1) / pitch;
    return inside < samples ? samples - inside : 0;
}

static bool is_chain(const struct qm_insn *insn, const struct qm_machine *machine) {
    int64_t pitch = insn->x_dilation;
    bool fits = insn->kernel_w > 1 && insn->kernel_w <= machine->rows && insn->kernel_w <= QM_CHAIN_TAPS;
    return fits && pitch > 0 && insn->x_stride % pitch == 0 && insn->x_stride / pitch <= UINT8_MAX;
}

static void set_taps(struct qm_insn *insn) {
    int64_t pitch = insn->x_dilation, step = insn->out_w > 1 ? insn->x_stride / pitch : 1, spare = insn->kernel_w - 1;
    int64_t left = samples_left_of(insn, pitch), right = samples_right_of(insn, pitch, (insn->out_w - 1) * step + insn->kernel_w);
    insn->skip_left = left < spare ? left : spare;
    insn->skip_right = right < spare - insn->skip_left ? right : spare - insn->skip_left;
    insn->sample_step = step;
    insn->x_start += insn->skip_left * pitch;
    insn->x_stride = pitch;
    insn->run_bytes = insn->kernel_w;
    insn->kernel_w = 1;
    insn->x_dilation = 0;
}

void chain_set(struct qm_insn *insn, const struct qm_machine *machine) {
    insn->run_bytes = insn->sample_step = 1;
    if (is_chain(insn, machine)) set_taps(insn);
}
