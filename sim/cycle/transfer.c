/* transfer.c - everything follows from the row and the address of the next beat; nothing is counted twice. */
#include "sim/cycle/transfer.h"

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static void enter_row(struct transfer *transfer) {
    const struct qm_insn *insn = transfer->insn;
    uint64_t plane = transfer->plane, row = transfer->row;
    transfer->first = (uint64_t)insn->dram_addr + plane * (uint64_t)insn->dram_plane_stride + row * (uint64_t)insn->dram_row_stride;
    transfer->end = transfer->first + (uint64_t)insn->row_bytes;
    transfer->spad = (uint64_t)insn->spad_addr + plane * (uint64_t)insn->spad_plane_stride + row * (uint64_t)insn->spad_row_stride;
    transfer->at = transfer->first & ~(uint64_t)(transfer->beat_bytes - 1);
}

void transfer_begin(struct transfer *transfer, const struct qm_insn *insn, uint32_t beat_bytes) {
    *transfer = (struct transfer){.insn = insn, .beat_bytes = beat_bytes};
    enter_row(transfer);
}

uint32_t transfer_beats_left(const struct transfer *transfer) {
    uint64_t limit = smaller((transfer->at / QM_BURST_BYTES + 1) * QM_BURST_BYTES, transfer->end);
    return (uint32_t)((limit - transfer->at + transfer->beat_bytes - 1) / transfer->beat_bytes);
}

struct transfer_span transfer_span(const struct transfer *transfer, uint64_t beats) {
    uint64_t from = transfer->at > transfer->first ? transfer->at : transfer->first;
    uint64_t to = smaller(transfer->at + beats * transfer->beat_bytes, transfer->end);
    return (struct transfer_span){
        .spad = transfer->spad + (from - transfer->first),
        .skip = (uint32_t)(from - transfer->at),
        .length = (uint32_t)(to - from),
    };
}

void transfer_advance(struct transfer *transfer, uint64_t beats) {
    transfer->at += beats * transfer->beat_bytes;
    if (transfer->at < transfer->end) return;
    if (++transfer->row == (uint64_t)transfer->insn->row_count) {
        transfer->row = 0;
        if (++transfer->plane == (uint64_t)transfer->insn->plane_count) {
            transfer->is_done = true;
            return;
        }
    }
    enter_row(transfer);
}

bool transfer_is_last_beat(const struct transfer *transfer) {
    return transfer->at + transfer->beat_bytes >= transfer->end && transfer->row + 1 == (uint64_t)transfer->insn->row_count &&
           transfer->plane + 1 == (uint64_t)transfer->insn->plane_count;
}
