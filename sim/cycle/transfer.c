/* transfer.c - everything follows from the row and the address of the next beat; nothing is counted twice. */
#include "sim/cycle/transfer.h"

static void enter_row(struct transfer *transfer) {
    transfer->bytes = qm_transfer_row(transfer->insn, transfer->plane, transfer->row);
    transfer->at = transfer->bytes.first & ~(uint64_t)(transfer->beat_bytes - 1);
}

void transfer_begin(struct transfer *transfer, const struct qm_insn *insn, uint32_t beat_bytes) {
    *transfer = (struct transfer){.insn = insn, .beat_bytes = beat_bytes};
    enter_row(transfer);
}

uint32_t transfer_beats_left(const struct transfer *transfer) {
    uint64_t end = qm_transfer_burst_end(&transfer->bytes, transfer->at);
    return (uint32_t)((end - transfer->at + transfer->beat_bytes - 1) / transfer->beat_bytes);
}

struct transfer_span transfer_span(const struct transfer *transfer, uint64_t beats) {
    const struct qm_transfer_row *row = &transfer->bytes;
    uint64_t from = transfer->at > row->first ? transfer->at : row->first, to = transfer->at + beats * transfer->beat_bytes;
    if (to > row->end) to = row->end;
    return (struct transfer_span){
        .spad = row->spad + (from - row->first),
        .skip = (uint32_t)(from - transfer->at),
        .length = (uint32_t)(to - from),
    };
}

void transfer_advance(struct transfer *transfer, uint64_t beats) {
    transfer->at += beats * transfer->beat_bytes;
    if (transfer->at < transfer->bytes.end) return;
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
    return transfer->at + transfer->beat_bytes >= transfer->bytes.end && transfer->row + 1 == (uint64_t)transfer->insn->row_count &&
           transfer->plane + 1 == (uint64_t)transfer->insn->plane_count;
}
